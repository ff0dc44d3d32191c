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
}

// acts are the session that the script plays.
var acts = []act{
	{"What can I reach here?", "access", nil, "ok", ""},
	{"What does the shop store about orders?", "sql_schema", map[string]any{"pattern": "shop.orders"}, "ok", ""},
	{"Which customers spent most?", "sql_read",
		map[string]any{"sql": "select name, email, orders, spent from customer_totals order by spent desc, id limit 5"}, "ok", ""},
	{"Their phone and card, please.", "sql_read",
		map[string]any{"sql": "select name, phone, card_tail from customers where id <= 3 order by id"}, "ok", ""},
	{"Maybe in another shape?", "sql_read",
		map[string]any{"sql": "select to_jsonb(c) ->> 'email' as x, c from customers c where id <= 2 order by id"}, "ok", ""},
	{"I will clean up old orders.", "sql_write",
		map[string]any{"sql": "delete from order_items", "reason": "clean up"}, "refused", "no-where"},
	{"Then drop the table.", "sql_write",
		map[string]any{"sql": "drop table payments", "reason": "clean up"}, "refused", "no-schema-changes"},
	{"Or slip it in behind a read.", "sql_read",
		map[string]any{"sql": "select 1; drop table payments"}, "refused", "syntax"},
	{"What would it take to close order 42?", "sql_write",
		map[string]any{"sql": "update orders set status = 'shipped' where id = $1 returning id, status", "params": []any{42}, "reason": "ticket 1187: parcel was handed over", "dry_run": true},
		"described", ""},
	{"Do that.", "sql_write",
		map[string]any{"sql": "update orders set status = 'shipped' where id = $1 returning id, status", "params": []any{42}, "reason": "ticket 1187: parcel was handed over"},
		"ok", ""},
}

// Play plays the script against a gateway and shows each decision. It fails if
// one is not as it should be.
func Play(ctx context.Context, out io.Writer, url, token string) error {
	client, err := Connect(ctx, url, token)
	if err != nil {
		return err
	}
	style := replay.StyleFor(out)
	var failed []error
	for i, a := range acts {
		reply, err := client.Call(ctx, a.tool, a.args)
		if err != nil {
			return fmt.Errorf("act %d: %w", i+1, err)
		}
		if err := a.show(out, i+1, reply, style); err != nil {
			failed = append(failed, fmt.Errorf("act %d: %w", i+1, err))
		}
	}
	return errors.Join(append(failed, client.Close(ctx))...)
}

// show prints one call, and says if it did not end as it must.
func (a act) show(out io.Writer, n int, reply Reply, s replay.Style) error {
	_, _ = fmt.Fprintf(out, "\n%s\n", s.Bold(fmt.Sprintf("%d. agent: %s", n, a.says)))
	if sql, ok := a.args["sql"].(string); ok {
		_, _ = fmt.Fprintf(out, "   %s: %s\n", a.tool, sql)
	} else {
		_, _ = fmt.Fprintf(out, "   %s\n", a.tool)
	}
	var head struct{ Status, Message, Rule string }
	if err := json.Unmarshal(reply.Structured, &head); err != nil {
		return err
	}
	mark := s.Good(head.Status)
	if reply.IsError {
		mark = s.Bad(head.Status)
	}
	_, _ = fmt.Fprintf(out, "   %s %s\n", mark, replay.Printable(head.Message))
	if head.Status == "ok" && a.tool == "sql_read" || a.tool == "sql_write" && head.Status == "ok" {
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
