package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/demo"
)

// TestIndependentClientsWait lets clients that are not ours make a call that is
// held, and go on with it: each sees that it waits, and gets the one result.
func TestIndependentClientsWait(t *testing.T) {
	f := newForeign(t)
	inspector, mcporter := f.inspector(f.url, "--transport", "http", "--header", "Authorization: Bearer "+f.token), f.mcporter("over-http")
	refund := map[string]any{"sql": "update payments set amount = amount + 1000 where id = 7 returning id", "reason": "ticket 9"}
	before := f.query("SELECT (amount + 1000)::text FROM shop.payments WHERE id = 7")
	out, exit := inspector.call("sql_write", refund)
	found := regexp.MustCompile(`approval_id\\?":\s*\\?"([0-9A-Z]{26})`).FindStringSubmatch(out)
	if exit != 0 || found == nil || !strings.Contains(out, "Nothing ran yet") {
		t.Fatalf("it does not wait (exit %d): %s", exit, out)
	}
	if again, exit := mcporter.call("sql_write", refund); exit != 0 || !strings.Contains(again, found[1]) {
		t.Errorf("the same call does not wait as %s (exit %d): %s", found[1], exit, again)
	}
	ben, err := demo.SignIn(t.Context(), strings.TrimSuffix(f.url, "/mcp"), f.approver)
	if err == nil {
		err = ben.Answer(t.Context(), found[1], "approve", "")
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]shop{"inspector": inspector, "mcporter": mcporter} {
		out, exit := s.call("approval_wait", map[string]any{"approval_id": found[1]})
		if exit != 0 || !strings.Contains(out, "rows_changed") {
			t.Errorf("%s does not get the result (exit %d): %s", name, exit, out)
		}
	}
	// Over stdio they are somebody else.
	if out, exit := f.mcporter("over-stdio").call("approval_wait", map[string]any{"approval_id": found[1]}); exit != mcporter.refused || !strings.Contains(out, "unknown-approval") {
		t.Errorf("somebody else (exit %d): %s", exit, out)
	}
	if after := f.query("SELECT amount::text FROM shop.payments WHERE id = 7"); after[0] != before[0] {
		t.Errorf("the payment is of %s, want %s", after, before)
	}
	f.chaperone("sessions", "verify", "--config", f.config)
}
