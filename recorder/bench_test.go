package recorder

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/tools"
)

// BenchmarkAppend is one event per call, as a write's intent is recorded.
func BenchmarkAppend(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			benchmark(b, callers, func(r *Recorder, call string) error {
				return r.Append(b.Context(), finished(call))
			})
		})
	}
}

// BenchmarkCall is a governed read: four stages are noted, and the outcome is
// appended.
func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			benchmark(b, callers, func(r *Recorder, call string) error {
				if err := r.Note(stages(call)...); err != nil {
					return err
				}
				return r.Append(b.Context(), finished(call))
			})
		})
	}
}

func benchmark(b *testing.B, callers int, run func(r *Recorder, call string) error) {
	r, err := Open(context.Background(), Options{Dir: b.TempDir(), Version: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	var calls atomic.Int64
	before := r.writer.commits.Load()
	b.SetParallelism(max(1, callers/2))
	if callers == 1 {
		b.ResetTimer()
		for b.Loop() {
			if err := run(r, fmt.Sprint("call", calls.Add(1))); err != nil {
				b.Fatal(err)
			}
		}
	} else {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := run(r, fmt.Sprint("call", calls.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.ReportMetric(float64(r.writer.commits.Load()-before)/float64(calls.Load()), "commits/call")
	b.ReportMetric(float64(calls.Load())/b.Elapsed().Seconds(), "calls/s")
}

var benchPrincipal = policy.Principal{Subject: "ann", Email: "ann@example.com", Groups: []string{"dev"}, Issuer: "local", Method: policy.Local}

func stages(call string) []Event {
	events := []Event{
		{Body: Received{Tool: "sql_read", Connection: "shop", Reason: "count the orders of last week", Args: strings.Repeat("ab", 32), Size: 120}},
		{Body: Described{Action: Action{Verb: "select", Effect: tools.Read, Targets: []tools.Target{{Kind: "table", Name: "public.orders"}},
			Display: "select count(*) from orders where placed > now() - interval '7 days'", Family: "sql",
			Facts: []byte(`{"statement":"select","tables":[{"name":"public.orders","access":"read"}],"functions":["count","now"],"has_where":true}`)}}},
		{Body: Decided{Decision: policy.Decision{Outcome: policy.Allow, Rules: []policy.Rule{{Name: "developers read staging"}}, Policy: strings.Repeat("cd", 16)},
			Principal: benchPrincipal, Session: policy.Session{ID: "s", Transport: "stdio"}, Connection: policy.Connection{Name: "shop", Family: "sql", Labels: map[string]string{"env": "staging"}},
			Call: policy.Call{Tool: "sql_read", Time: time.Unix(1700000000, 0).UTC()}}},
		{Body: Started{}},
	}
	for i := range events {
		events[i].Session, events[i].Call = "01JSESSION0000000000000000", call
	}
	return events
}

func finished(call string) Event {
	return Event{Session: "01JSESSION0000000000000000", Call: call, Content: NewContent([]byte(`{"columns":["count"],"rows":[["` + strings.Repeat("1", 200) + `"]]}`)),
		Body: Finished{Stats: tools.Stats{RowsRead: 1}, Duration: 1234567}}
}
