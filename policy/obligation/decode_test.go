package obligation

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

func TestExamplesAreWellFormed(t *testing.T) {
	for _, kind := range Kinds() {
		if err := kind.Check([]byte(kind.Example)); err != nil {
			t.Errorf("%s: %v", kind.Name, err)
		}
	}
}

func TestDecode(t *testing.T) {
	tests := []struct {
		kind, element string
		want          any
	}{
		{"deny", `{"rule":"r","message":"m"}`, Deny{Rule: "r", Message: "m"}},
		{"deny", `{"rule":"r","message":"m","hint":"h"}`, Deny{"r", "m", "h"}},
		{"approve", `{"rule":"r","groups":["dba"]}`, Approve{Rule: "r", Groups: []string{"dba"}, Count: 1}},
		{"approve", `{"rule":"r","message":"m","groups":["a","b"],"count":2,"expires":"30m"}`,
			Approve{Rule: "r", Message: "m", Groups: []string{"a", "b"}, Count: 2, Expires: "30m"}},
		{"approve", `{"rule":"r","groups":["a"],"reason":true,"preview":"estimate","tolerance":"12.5%"}`,
			Approve{Rule: "r", Groups: []string{"a"}, Count: 1, Reason: true, Preview: "estimate", Tolerance: "12.5%"}},
		{"confirm", `{"rule":"r","message":"m"}`, Confirm{"r", "m"}},
		{"mask", `{"columns":["public.users.email","*"],"with":"hash"}`,
			Mask{Columns: []string{"public.users.email", "*"}, With: "hash"}},
		{"mask", `{"rule":"r","columns":["*.*.email","a.b.c.d"],"with":"null"}`,
			Mask{"r", []string{"*.*.email", "a.b.c.d"}, "null"}},
		{"limit", `{"rows":5}`, Limit{Rows: 5}},
		{"limit", `{"rows":5,"bytes":6,"timeout":"1m30s"}`, Limit{5, 6, "1m30s"}},
	}
	for _, test := range tests {
		if got := decoded(t, test.kind, test.element); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s %s: got %+v, want %+v", test.kind, test.element, got, test.want)
		}
	}
}

func decoded(t *testing.T, kind, element string) any {
	t.Helper()
	value, err := decodeAs(kind, element)
	if err != nil {
		t.Errorf("%s %s: %v", kind, element, err)
	}
	return value
}

func decodeAs(kind, element string) (any, error) {
	switch kind {
	case "deny":
		return DecodeDeny([]byte(element))
	case "approve":
		return DecodeApprove([]byte(element))
	case "confirm":
		return DecodeConfirm([]byte(element))
	case "mask":
		return DecodeMask([]byte(element))
	}
	return DecodeLimit([]byte(element))
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ kind, element, want string }{
		{"approve", `{"rule":"r","groups":["a"],"preview":"none"}`, `"preview": "none" is not one of measure, estimate`},
		{"approve", `{"rule":"r","groups":["a"],"tolerance":"10"}`, `"tolerance": "10" is not a share`},
		{"approve", `{"rule":"r","groups":["a"],"tolerance":"NaN%"}`, `is not a share`},
		{"approve", `{"rule":"r","groups":["a"],"tolerance":"101%"}`, `is not a share`},
		{"approve", `{"rule":"r","groups":["a"],"reason":"yes"}`, `"reason" must be a boolean, not a string`},
		{"deny", `{}`, `"rule" is missing or empty`},
		{"deny", `{"rule":" ","message":"m"}`, `"rule" is missing or empty`},
		{"deny", `{"rule":"r"}`, `"message" is missing or empty`},
		{"deny", `{"rule":"r","message":"m","mesage":"x"}`, `unknown key "mesage"; the keys are rule, message, hint`},
		{"deny", `{"Rule":"r","message":"m"}`, `unknown key "Rule"`},
		{"deny", `{"rule":1,"message":"m"}`, `"rule" must be a string, not a number`},
		{"deny", `{"rule":"r","message":null}`, `"message" is null`},
		{"deny", `"drop"`, `must be an object with the keys rule, message, hint`},
		{"deny", `[]`, `must be an object`},
		{"deny", `null`, `is missing`},
		{"approve", `{"rule":"r"}`, `"groups" is missing or empty`},
		{"approve", `{"rule":"r","groups":[]}`, `"groups" is missing or empty`},
		{"approve", `{"rule":"r","groups":[""]}`, `"groups" is missing or empty`},
		{"approve", `{"rule":"r","groups":"dba"}`, `"groups" must be a list of strings, not a string`},
		{"approve", `{"rule":"r","groups":["a",1]}`, `"groups" at position 1 must be a string, not a number`},
		{"approve", `{"rule":"r","groups":["a"],"count":0}`, `"count": 0 people can't approve`},
		{"approve", `{"rule":"r","groups":["a"],"count":-1}`, `"count": -1`},
		{"approve", `{"rule":"r","groups":["a"],"count":1.5}`, `"count": 1.5 can't be used`},
		{"approve", `{"rule":"r","groups":["a"],"count":99999999999999999999}`, `"count"`},
		{"approve", `{"rule":"r","groups":["a"],"expires":""}`, `"expires": "" is not a duration`},
		{"approve", `{"rule":"r","groups":["a"],"expires":"-5m"}`, `must be more than zero`},
		{"approve", `{"rule":"r","groups":["a"],"expires":30}`, `"expires" must be a string, not a number`},
		{"confirm", `{"rule":"r"}`, `"message" is missing`},
		{"mask", `{"columns":["a.b.c"]}`, `"with": "" is no way to mask`},
		{"mask", `{"columns":["a.b.c"],"with":"Redact"}`, `use one of partial, hash, redact, null`},
		{"mask", `{"with":"null"}`, `"columns" is missing or empty`},
		{"mask", `{"columns":["users.email"],"with":"null"}`, `"users.email" is not of the form schema.table.column`},
		{"mask", `{"columns":["a..c"],"with":"null"}`, `is not of the form`},
		{"mask", `{"columns":["a.b.c*"],"with":"null"}`, `is not of the form`},
		{"mask", `{"columns":["**"],"with":"null"}`, `is not of the form`},
		{"limit", `{}`, `bounds nothing`},
		{"limit", `{"rows":0}`, `"rows": 0 must be more than zero`},
		{"limit", `{"rows":-5}`, `"rows": -5`},
		{"limit", `{"rows":null}`, `"rows" is null`},
		{"limit", `{"rows":"5"}`, `"rows" must be a number, not a string`},
		{"limit", `{"bytes":true}`, `"bytes" must be a number, not a boolean`},
		{"limit", `{"timeout":"10"}`, `"timeout": "10" is not a duration`},
		{"limit", `{"timeout":"0s"}`, `must be more than zero`},
		{"limit", `{"rows":5,"timeout":"soon"}`, `is not a duration`},
	}
	for _, test := range tests {
		_, err := decodeAs(test.kind, test.element)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s %s: got %v, want %q", test.kind, test.element, err, test.want)
		}
	}
}

func TestLimitsIntersect(t *testing.T) {
	limits := Limits{{Rows: 500, Timeout: "10s"}, {Rows: 100, Bytes: 1000}, {Timeout: "1m"}}
	want := tools.Limits{Rows: 100, Bytes: 1000, Timeout: 10 * time.Second}
	if got := limits.Intersect(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := (Limits{}).Intersect(); got != (tools.Limits{}) {
		t.Errorf("no limits: got %+v", got)
	}
	if got := (Limits{{Timeout: "soon"}}).Intersect(); got.Timeout != 1 {
		t.Errorf("a time that can't be read must not be an open one, got %v", got.Timeout)
	}
}

func TestApproveWaits(t *testing.T) {
	if got := (Approve{Expires: "5m"}).Wait(time.Hour); got != 5*time.Minute {
		t.Errorf("got %v", got)
	}
	if got := (Approve{}).Wait(time.Hour); got != time.Hour {
		t.Errorf("got %v", got)
	}
}

func TestCheckLabel(t *testing.T) {
	for label, ok := range map[string]bool{
		"pii": true, "seen card data": true, "": false, "a\nb": false, "\x1b[31m": false,
		strings.Repeat("é", 64): true, strings.Repeat("é", 65): false,
	} {
		if err := CheckLabel(label); (err == nil) != ok {
			t.Errorf("%q: %v", label, err)
		}
	}
}
