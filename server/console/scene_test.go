package console

import (
	"context"
	"encoding/json"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/freeze"
	"github.com/chaperone-dev/chaperone/tools"
)

const statement = `UPDATE shop.orders o
   SET status = 'shipped', shipped_at = now()
  FROM shop.customers c
 WHERE c.id = o.customer_id
   AND c.country = 'NO' AND o.status = 'packed'`

// scene is what the pictures show; it returns the request that is shown in full.
func scene(s *site) approval.Request {
	facts, _ := json.Marshal(map[string]any{
		"fingerprint": "8f31c07a22b1d94e", "statement": "update", "has_where": true, "where_is_constant": false,
		"tables": []string{"shop.orders", "shop.customers"}, "estimated_rows": 14,
	})
	fill := func(display, reason string) func(*approval.Request) {
		return func(r *approval.Request) {
			r.Tool, r.Reason = "sql_write", reason
			r.Connection = policy.Connection{Name: "shop", Family: "sql", Labels: map[string]string{"env": "prod", "team": "shop"}}
			r.Session, r.Call, r.Policy = "01M8674Q0A7Y3K5W9X2DT6RBEF", "01M8674QW3Z9N1C7V5PJ4HSGKM", "sha256:5d1c…e0b7"
			r.Action = recorder.Action{Verb: "update", Effect: tools.Write, Display: display, Family: "sql"}
		}
	}
	past := s.ask(fill(statement, "ticket 1102"), func(r *approval.Request) { r.Action.Facts = facts })
	_, _ = s.desk.Answer(s.t.Context(), past.ID, approval.Answer{By: everybody["cy-token"], Verdict: approval.Deny, Comment: "Wait for the carrier's list.", Via: "console"})
	one := obligation.Approve{Rule: "prod-writes", Message: "changes of production are agreed by two DBAs", Groups: []string{"dba"}, Count: 2}
	r := s.ask(fill(statement, "Ticket 1187: the carrier has collected Norway's parcels, mark them as shipped."), func(r *approval.Request) {
		r.Action.Facts, r.Preview, r.Rules = facts, impact(), obligation.Approvals{one}
	})
	_, _ = s.desk.Answer(s.t.Context(), r.ID, approval.Answer{By: everybody["cy-token"], Verdict: approval.Approve, Comment: "Matches the carrier's list.", Via: "console", Seen: r.Preview.Digest()})
	s.ask(fill("DELETE FROM shop.carts WHERE updated_at < '2026-01-01'", "clean up carts that nobody will buy"), func(r *approval.Request) {
		r.Preview = &tools.Preview{Impact: tools.Impact{Rows: 12840}}
		r.Rules = obligation.Approvals{{Rule: "large-deletes", Groups: []string{"dba"}, Count: 1, Expires: "90s"}}
	})
	s.ask(fill("DROP INDEX shop.orders_\u202estatus", ""), func(r *approval.Request) { r.Principal.Name = "Night builds" })
	_ = s.freezes.Set(s.t.Context(), freeze.Freeze{Scope: freeze.Connection, Name: "billing", Why: "month's end", By: everybody["op-token"], At: time.Now().Add(-25 * time.Minute)})
	s.rules.hold()
	s.target.run = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	s.agent().call("UPDATE shop.products SET price = price * 1.03", "x")
	eventually(s.t, "it runs", func() bool { return len(s.gateway.Running()) == 1 })
	return r
}

func impact() *tools.Preview {
	orders := tools.Target{Kind: "table", Name: "shop.orders"}
	return &tools.Preview{
		Impact: tools.Impact{Measured: true, Rows: 28, Changes: []tools.Change{
			{Target: orders, Verb: "update", Count: 14}, {Target: tools.Target{Kind: "table", Name: "shop.order_log"}, Verb: "insert", Count: 14},
		}},
		Warnings: []string{"the trigger log (log_order) of shop.orders may have run; what it does outside of the database can't be taken back"},
		Samples: []tools.Sample{{
			Target: orders, Columns: []string{"id", "customer", "status", "shipped_at"},
			Before: [][]string{{"40", "m***@example.com", "packed", "null"}, {"57", "k***@example.com", "packed", "null"}},
			After:  [][]string{{"40", "m***@example.com", "shipped", "2026-11-24 07:12"}, {"57", "k***@example.com", "shipped", "2026-11-24 07:12"}},
		}},
	}
}
