package kubectl

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// meanwhile is a gate whose masks do something whenever an answer has come.
type meanwhile struct {
	*gate
	do func()
}

func (m *meanwhile) Masker() tools.Masker { return m }

func (m *meanwhile) Judge(ctx context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	verdicts, err := m.gate.Judge(ctx, actions)
	for i := range verdicts {
		verdicts[i].Masker = m
	}
	return verdicts, err
}

// Mask implements tools.Masker.
func (m *meanwhile) Mask(tools.Origins) tools.Mask {
	m.do()
	return nil
}

// TestTroubleIsTheCallersOwn: what keeps one call from the server is not told to
// another that failed for something else.
func TestTroubleIsTheCallersOwn(t *testing.T) {
	s := newStage(t)
	s.between(func(w http.ResponseWriter, r *http.Request) bool {
		out := strings.HasSuffix(r.URL.Path, "/services")
		if out {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return out
	})
	kept := func(err error) bool {
		var r *tools.Refusal
		return errors.As(err, &r) && r.Rule == "credentials"
	}
	met := false
	other := func() {
		met = true
		if _, err := s.call("get services", ""); !kept(err) {
			t.Errorf("the other call: %v", err)
		}
	}
	plan, err := s.conn.Describe(t.Context(), s.request("get cm nosuch", ""))
	if err != nil {
		t.Fatal(err)
	}
	_, err = plan.Run(t.Context(), &meanwhile{s.gate, other}, tools.Limits{})
	if !met || err == nil || !strings.Contains(err.Error(), `configmaps "nosuch" not found`) {
		t.Errorf("a call that found nothing, while another was kept out: %v", err)
	}
}
