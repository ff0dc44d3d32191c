package tools_test

import (
	"encoding/json"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

var effects = []tools.Effect{tools.Unknown, tools.Destroy, tools.Write, tools.Read}

// The zero effect is the worst, and nothing runs it, whatever the ceiling.
func TestZeroEffectRefuses(t *testing.T) {
	var zero tools.Effect
	if zero != tools.Unknown || zero.String() != "unknown" || (tools.Action{}).Effect != tools.Unknown || (tools.Tool{}).Ceiling != tools.Unknown {
		t.Error("the zero effect is not the unknown one")
	}
	for _, e := range effects {
		if zero.Within(e) {
			t.Errorf("an unknown effect is within %s", e)
		}
		if e.Within(zero) {
			t.Errorf("%s is within a ceiling that nobody set", e)
		}
		if tools.Worst(e, zero) != zero || tools.Worst(zero, e) != zero {
			t.Errorf("%s is worse than an unknown effect", e)
		}
	}
}

func TestEffectWithin(t *testing.T) {
	for _, c := range []struct {
		effect, ceiling tools.Effect
		want            bool
	}{
		{tools.Read, tools.Read, true}, {tools.Write, tools.Read, false}, {tools.Destroy, tools.Read, false},
		{tools.Read, tools.Write, true}, {tools.Write, tools.Write, true}, {tools.Destroy, tools.Write, false},
		{tools.Read, tools.Destroy, true}, {tools.Write, tools.Destroy, true}, {tools.Destroy, tools.Destroy, true},
		{tools.Read + 1, tools.Destroy, false}, {255, tools.Destroy, false}, {255, tools.Read, false}, {tools.Read, 255, false},
	} {
		if got := c.effect.Within(c.ceiling); got != c.want {
			t.Errorf("%d within %d is %v, want %v", c.effect, c.ceiling, got, c.want)
		}
	}
	if tools.Worst(tools.Read, tools.Write) != tools.Write || tools.Worst(tools.Destroy, tools.Write) != tools.Destroy {
		t.Error("the worst of two is not the worse")
	}
}

func TestEffectWords(t *testing.T) {
	for _, e := range effects {
		data, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back tools.Effect
		if err := json.Unmarshal(data, &back); err != nil || back != e {
			t.Errorf("%s comes back as %s, %v", e, back, err)
		}
	}
	if s := tools.Effect(200).String(); s != "unknown" {
		t.Errorf("an effect that there is not is called %s", s)
	}
	for _, word := range []string{`""`, `"Read"`, `"reads"`, `" read"`, `"allow"`, `3`, `{}`} {
		e := tools.Read
		if err := json.Unmarshal([]byte(word), &e); err == nil {
			t.Errorf("%s is taken for %s", word, e)
		}
	}
}
