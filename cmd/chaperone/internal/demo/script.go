package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/chaperone-dev/chaperone/recorder/replay"
)

// act is one call of the script and how it must end.
type act struct {
	says   string
	tool   string
	args   map[string]any
	status string
	rule   string
	// comment is what the approver says to a call that a rule holds.
	comment string
	// moves says that somebody changes what it is about while it waits.
	moves bool
}

// shopActs are the session that the script plays.
var shopActs = []act{
	{"What can I reach here?", "access", nil, "ok", "", "", false},
	{"What does the shop store about orders?", "sql_schema", map[string]any{"pattern": "shop.orders"}, "ok", "", "", false},
	{"Which customers spent most?", "sql_read",
		map[string]any{"sql": "select name, email, orders, spent from customer_totals order by spent desc, id limit 5"}, "ok", "", "", false},
	{"Their phone and card, please.", "sql_read",
		map[string]any{"sql": "select name, phone, card_tail from customers where id <= 3 order by id"}, "ok", "", "", false},
	{"Maybe in another shape?", "sql_read",
		map[string]any{"sql": "select to_jsonb(c) ->> 'email' as x, c from customers c where id <= 2 order by id"}, "ok", "", "", false},
	{"I will clean up old orders.", "sql_write",
		map[string]any{"sql": "delete from order_items", "reason": "clean up"}, "refused", "no-where", "", false},
	{"Then drop the table.", "sql_write",
		map[string]any{"sql": "drop table payments", "reason": "clean up"}, "refused", "no-schema-changes", "", false},
	{"Or slip it in behind a read.", "sql_read",
		map[string]any{"sql": "select 1; drop table payments"}, "refused", "syntax", "", false},
	{"What would it take to close order 40?", "sql_write",
		map[string]any{"sql": "update orders set status = 'shipped' where id = $1 returning id, status", "params": []any{40}, "reason": "ticket 1187: parcel was handed over", "dry_run": true},
		"described", "", "", false},
	{"Do that.", "sql_write",
		map[string]any{"sql": "update orders set status = 'shipped' where id = $1 returning id, status", "params": []any{40}, "reason": "ticket 1187: parcel was handed over"},
		"ok", "", "", false},
	{"Take the broken item off payment 7.", "sql_write",
		map[string]any{"sql": "update payments set amount = amount - 5 where id = 7 returning id, amount", "reason": "ticket 1190: one item came back broken"},
		"ok", "", "checked with finance", false},
}

// Stage is what the script is played on.
type Stage struct {
	Out io.Writer
	// MCP is where the agent calls, and Site where people find the console.
	MCP, Site string
	// Agent and Approver are the tokens of the two.
	Agent, Approver string
	// Cluster is the demo's, or nil.
	Cluster *Cluster
	// Show writes what an approver sees of a request.
	Show func(ctx context.Context, w io.Writer, id string) error
}

// Play plays the script against a gateway and shows each decision. It fails if
// one is not as it should be.
func (st Stage) Play(ctx context.Context) error {
	client, err := Connect(ctx, st.MCP, st.Agent)
	if err != nil {
		return err
	}
	style := replay.StyleFor(st.Out)
	acts := shopActs
	if st.Cluster != nil {
		acts = append(acts[:len(acts):len(acts)], clusterActs()...)
	}
	var failed []error
	for i, a := range acts {
		a.announce(st.Out, i+1, style)
		reply, err := st.call(ctx, client, a, style)
		if err != nil {
			return fmt.Errorf("act %d: %w", i+1, err)
		}
		if err := a.show(st.Out, reply, style); err != nil {
			failed = append(failed, fmt.Errorf("act %d: %w", i+1, err))
		}
	}
	return errors.Join(append(failed, client.Close(ctx))...)
}

// call makes an act's call, and has it approved if it is one that waits.
func (st Stage) call(ctx context.Context, client *Client, a act, style replay.Style) (Reply, error) {
	if a.comment == "" {
		return client.Call(ctx, a.tool, a.args)
	}
	return st.hold(ctx, client, a, style)
}

// announce prints what is asked for.
func (a act) announce(out io.Writer, n int, s replay.Style) {
	_, _ = fmt.Fprintf(out, "\n%s\n", s.Bold(fmt.Sprintf("%d. %s", n, a.says)))
	what, _ := a.args["sql"].(string)
	if words, is := a.args["args"].([]string); is {
		what = "kubectl " + strings.Join(words, " ")
	}
	_, _ = fmt.Fprintf(out, "   %s\n", s.Dim(strings.TrimSuffix(a.tool+": "+what, ": ")))
}

// show prints how a call ended, and says if it is not as it must.
func (a act) show(out io.Writer, reply Reply, s replay.Style) error {
	var head head
	if err := json.Unmarshal(reply.Structured, &head); err != nil {
		return err
	}
	word, paint := "allowed", s.Good
	switch {
	case reply.IsError:
		word, paint = head.Status, s.Bad
	case head.Status == "described":
		word, paint = "described", s.Warn
	}
	summary, instead, _ := strings.Cut(head.summary(), " Instead: ")
	_, _ = fmt.Fprintln(out, strings.TrimRight("   "+paint(word)+" "+replay.Printable(summary), " "))
	if instead != "" {
		_, _ = fmt.Fprintln(out, "   instead: "+replay.Printable(instead))
	}
	if len(head.Rows) > 0 || head.Output != "" {
		var table strings.Builder
		if err := replay.Content(&table, reply.Structured, 10, s); err != nil {
			return err
		}
		for line := range strings.Lines(table.String()) {
			_, _ = fmt.Fprint(out, "   ", line)
		}
	}
	if head.Status != a.status || head.Rule != a.rule {
		return fmt.Errorf("it ended as %s by rule %q, and should as %s by %q", head.Status, head.Rule, a.status, a.rule)
	}
	return nil
}

// head is what the script shows of any tool's reply.
type head struct {
	Status, Message, Rule string
	Connections           []struct{ Name, Family string }
	Tables                []struct {
		Schema, Name string
		Columns      []struct{ Name, Masked string }
	}
	Rows   []json.RawMessage
	Output string
}

// summary is one line on what came back.
func (h head) summary() string {
	var found []string
	for _, c := range h.Connections {
		found = append(found, c.Name+" ("+c.Family+")")
	}
	for _, t := range h.Tables {
		found = append(found, fmt.Sprintf("%s.%s, %d columns", t.Schema, t.Name, len(t.Columns)))
	}
	// The last sentence is for agents, which tend to try again.
	message, _, _ := strings.Cut(h.Message, " Do not repeat the same call")
	message = strings.Replace(message, fmt.Sprintf("Refused by rule %q:", h.Rule), "by "+h.Rule+":", 1)
	return strings.TrimSpace(message + " " + strings.Join(found, "; "))
}
