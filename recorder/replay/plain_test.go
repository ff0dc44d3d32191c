package replay_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/tools"
)

var ann = policy.Principal{Subject: "ann", Groups: []string{}, Issuer: "local", Method: policy.Local, Claims: map[string]string{}}

// told records the bodies as one call of a session, and returns its replay.
func told(t *testing.T, content string, bodies ...recorder.Body) string {
	t.Helper()
	dir, start := t.TempDir(), time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r, err := recorder.Open(context.Background(), recorder.Options{Dir: dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	events := []recorder.Event{{Time: start, Session: "S", Body: recorder.SessionOpened{Principal: ann, Transport: "stdio"}}}
	for i, b := range bodies {
		e := recorder.Event{Time: start.Add(time.Duration(i) * time.Millisecond), Session: "S", Call: "C", Body: b}
		switch b.(type) {
		case recorder.Finished, recorder.Output:
			e.Content = recorder.NewContent([]byte(content))
		}
		events = append(events, e)
	}
	if err := r.Append(context.Background(), events...); err != nil {
		t.Fatal(err)
	}
	reader, err := recorder.OpenReader(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var out bytes.Buffer
	if err := replay.Plain(context.Background(), reader, "S", &out, replay.Options{Rows: 3}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func described(display string) recorder.Described {
	return recorder.Described{Action: recorder.Action{Verb: "select", Effect: tools.Read, Targets: []tools.Target{}, Display: display}}
}

var allowed = recorder.Decided{
	Decision:  policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "agents read"}}},
	Principal: ann, Connection: policy.Connection{Name: "shop", Family: "sql", Labels: map[string]string{}},
}

func TestPlain(t *testing.T) {
	got := told(t, `{"columns":[{"name":"id","type":"int4"},{"name":"mail","type":"text","masked":"partial"}],`+
		`"rows":[[1,"****.org"],[2,null],[3,"x"],[4,"y"]],"row_count":4,"truncated":true}`,
		recorder.Received{Tool: "sql_read", Connection: "shop", Reason: "ticket 1"}, described("select id,\n  mail from t"),
		allowed, recorder.Started{}, recorder.Finished{Duration: 1500 * time.Microsecond})
	const want = `Session S of ann (local, local) with an unnamed client over stdio, 2026-03-04 05:06:07 UTC

   +0.000 sql_read on shop — ticket 1  C
          │ select id,
          │   mail from t
          effect: read
          allow by agents read
          done in 1.5ms
          │  id | mail [partial]
          │ ----+----------------
          │  1  | ****.org
          │  2  | NULL
          │  3  | x
          │ (4 rows, 1 not shown, more exist)
`
	if got != want {
		t.Errorf("the replay is\n%s", got)
	}
}

func TestPlainOfDryRun(t *testing.T) {
	got := told(t, `{"description":{"verb":"delete"}}`,
		recorder.Received{Tool: "sql_write", DryRun: true}, described("delete from t"), allowed, recorder.Finished{})
	for _, want := range []string{"sql_write, dry run", "described; nothing ran\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "done in") || strings.Count(got, "delete") != 1 {
		t.Errorf("a dry run passes for a run:\n%s", got)
	}
}

func TestPlainOfTrouble(t *testing.T) {
	for want, body := range map[string]recorder.Body{
		"refused by no-where: every row\n          instead: add a WHERE": recorder.Refused{Stage: "decide", Rule: "no-where", Reason: "every row", Hint: "add a WHERE"},
		"failed 42P01 no such table":                                     recorder.Failed{Code: "42P01", Message: "no such table"},
		"ambiguous the connection broke":                                 recorder.Ambiguous{Why: "the connection broke"},
		"1 more judged on the way, 0 allowed":                            recorder.Judged{Actions: []recorder.Judgement{{Action: described("x").Action}}},
		"1 more judged on the way, 0 allowed, 1 for people to agree to": recorder.Judged{Actions: []recorder.Judgement{
			{Action: described("x").Action, Decision: policy.Decision{Outcome: policy.Approve}}}},
		"policy.rejected {\"digest\":\"d\",\"paths\":[\"p\"],\"error\":\"": recorder.PolicyRejected{Digest: "d", Paths: []string{"p"}, Error: "e"},
	} {
		if got := told(t, "", recorder.Received{Tool: "x"}, body); !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

// hostile would move the cursor, colour, retitle, ring, turn writing around,
// and write lines that pass for ours.
const hostile = "a\x1b[2J\x1b]0;owned\x07\x9b31m\u202eevil\u200b\u2066\r\n          allow by everyone\n\x00\x7f\u2028\ufeff\U000e0041"

var stranger = policy.Principal{Subject: hostile, Name: hostile, Groups: []string{}, Issuer: hostile, Method: policy.Local, Claims: map[string]string{}}

func hostilePreview() tools.Preview {
	at := tools.Target{Kind: hostile, Name: hostile}
	return tools.Preview{
		Impact:  tools.Impact{Changes: []tools.Change{{Target: at, Verb: hostile}}, Dependents: []tools.Target{at}},
		Samples: []tools.Sample{{Target: at, Columns: []string{hostile}, Before: [][]string{{hostile}}, After: [][]string{{hostile, hostile}, {}}}},
		Diff:    hostile, Warnings: []string{hostile},
	}
}

// TestPlainOfApproval tells of a call that people were asked about.
func TestPlainOfApproval(t *testing.T) {
	ben := policy.Principal{Subject: "ben", Name: "Ben", Groups: []string{"dba"}, Issuer: "config", Method: policy.Token, Claims: map[string]string{}}
	until := time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC)
	at := tools.Target{Kind: "table", Name: "shop.payments"}
	got := told(t, "", recorder.Received{Tool: "sql_write"},
		recorder.Previewed{Preview: tools.Preview{
			Impact:   tools.Impact{Measured: true, Rows: 1, Changes: []tools.Change{{Target: at, Verb: "update", Count: 1}}},
			Samples:  []tools.Sample{{Target: at, Columns: []string{"id", "amount"}, Before: [][]string{{"7", "1.00"}}, After: [][]string{{"7", "2.00"}}}},
			Warnings: []string{"a sequence moves"},
		}},
		recorder.ApprovalRequested{Approval: "A", Rules: obligation.Approvals{{Rule: "payments", Groups: []string{"dba"}, Count: 2}}, Expires: until},
		recorder.Pending{Approval: "A", Until: until}, recorder.ApprovalAnswered{Approval: "A", By: ben, Verdict: "approve", Comment: "fine", Via: "cli"},
		recorder.ApprovalSpent{Approval: "A"}, recorder.Stopped{By: ben}, recorder.Frozen{Scope: "connection", Name: "shop", By: ben, Why: "fire"})
	const want = `
   +0.000 sql_write  C
          it would:
          │ update 1 in shop.payments (measured)
          │ ! a sequence moves
          │ rows of shop.payments, before (-) and after (+):
          │   id | amount
          │ - 7  | 1.00
          │ + 7  | 2.00
          asks for approval by 2 people of dba (payments), until 2026-03-04 06:00:00, as A
          waits for approval until 2026-03-04 06:00:00, as A
             +0.004 approved by Ben (ben), by cli: fine
          runs by the approval A
          stopped by Ben (ben)
   +0.007 connection shop frozen by Ben (ben): fire
`
	if _, got, _ = strings.Cut(got, "stdio, 2026-03-04 05:06:07 UTC\n"); got != want {
		t.Errorf("the replay is\n%s", got)
	}
}

// TestPlainOfHostileText puts it wherever a stranger's text can be.
func TestPlainOfHostileText(t *testing.T) {
	quoted := strings.ReplaceAll(fmt.Sprintf("%+q", hostile), `\a`, `\u0007`)
	quoted = strings.NewReplacer(`\x1b`, `\u001b`, `\x00`, `\u0000`, `\x7f`, `\u007f`, `\x9b`, ``, `\U000e0041`, `\udb40\udc41`).Replace(quoted)
	contents := []string{
		`{"columns":[{"name":` + quoted + `,"masked":` + quoted + `}],"rows":[[` + quoted + `]],"row_count":1}`,
		`{"x":` + quoted + `}`, hostile, `{"output":` + quoted + `,"errors":` + quoted + `,"exit_code":1}`,
		`{"description":{"verb":` + quoted + `,"effect":` + quoted + `,"why":` + quoted + `,"targets":[{"kind":` + quoted + `,"name":` + quoted + `}]},"preview":{"diff":` + quoted + `}}`,
	}
	evil := recorder.Decided{Decision: policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: hostile}}, Fault: hostile}}
	for _, content := range contents {
		got := told(t, content,
			recorder.Received{Tool: hostile, Connection: hostile, Reason: hostile},
			recorder.Described{Action: described(hostile).Action, Params: []string{hostile}}, evil,
			recorder.Finished{}, recorder.Refused{Rule: hostile, Reason: hostile, Hint: hostile, Blank: hostile},
			recorder.Failed{Code: hostile, Message: hostile}, recorder.Ambiguous{Why: hostile},
			recorder.PolicyRejected{Error: hostile}, recorder.SessionClosed{Reason: hostile}, recorder.Previewed{Preview: hostilePreview()},
			recorder.Confirmed{Answer: hostile}, recorder.Pending{Approval: hostile}, recorder.Stopped{By: stranger, Why: hostile},
			recorder.ApprovalRequested{Approval: hostile, Rules: obligation.Approvals{{Rule: hostile, Groups: []string{hostile}}}},
			recorder.ApprovalAnswered{Approval: hostile, By: stranger, Verdict: hostile, Comment: hostile, Via: hostile},
			recorder.ApprovalEnded{Approval: hostile, Phase: hostile, Why: hostile}, recorder.ApprovalSpent{Approval: hostile},
			recorder.Frozen{Scope: hostile, Name: hostile, By: stranger, Why: hostile}, recorder.Thawed{Scope: hostile, By: stranger},
			recorder.SignedIn{Principal: stranger}, recorder.Output{Stream: hostile})
		for _, r := range got {
			if r != '\n' && r != '\t' && r != ' ' && !unicode.IsPrint(r) {
				t.Errorf("%U reaches the terminal", r)
			}
		}
		for line := range strings.Lines(got) {
			if strings.HasPrefix(strings.TrimLeft(line, " "), "allow by everyone") {
				t.Errorf("a stranger's line passes for ours: %q", line)
			}
		}
	}
}

func FuzzContent(f *testing.F) {
	f.Add([]byte(`{"columns":[{"name":"a"}],"rows":[["x"],[]],"row_count":2}`))
	f.Add([]byte(`{"columns":[{}],"rows":[[1,2,3]],"row_count":-5}`))
	f.Add([]byte(`{"output":"a\nb","errors":"c","exit_code":7,"truncated":true}`))
	f.Add([]byte(`{"description":{"verb":"v","effect":"read","targets":[{"kind":"k","name":"n"}]},"preview":{"diff":"-a\n+b\n","warnings":["w"]}}`))
	f.Add([]byte(hostile))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		if err := replay.Content(&out, data, 5, replay.Style{}); err != nil {
			t.Fatal(err)
		}
		for _, r := range out.String() {
			if r != '\n' && r != '\t' && r != ' ' && !unicode.IsPrint(r) {
				t.Fatalf("%U reaches the terminal", r)
			}
		}
		if lines := strings.Count(out.String(), "\n"); lines > 25 && !bytes.Contains(data, []byte("preview")) {
			t.Fatalf("%d lines", lines)
		}
	})
}
