package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func BenchmarkInput(b *testing.B) {
	p, in := loaded(b, `allow contains "a" if true`), aRead()
	for name, known := range map[string]bool{"new": false, "known": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !known {
					p.input.facts.Purge()
				}
				if _, err := p.input.term(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func decide(b *testing.B, p *Policy) {
	b.Helper()
	in := aRead()
	in.Principal.Groups = []string{"on-call"}
	b.ReportAllocs()
	var each []time.Duration
	for b.Loop() {
		start := time.Now()
		if d := p.Decide(context.Background(), in); d.Outcome != Allow {
			b.Fatal(d)
		}
		each = append(each, time.Since(start))
	}
	slices.Sort(each)
	b.ReportMetric(float64(each[len(each)/2].Nanoseconds()), "ns/p50")
}

func BenchmarkDecideStarterPolicy(b *testing.B) {
	p, err := Load(b.Context(), exampleOptions(b))
	if err != nil {
		b.Fatal(err)
	}
	decide(b, p)
}

func BenchmarkExplainStarterPolicy(b *testing.B) {
	p, err := Load(b.Context(), exampleOptions(b))
	if err != nil {
		b.Fatal(err)
	}
	in := aRead()
	b.ReportAllocs()
	for b.Loop() {
		p.Explain(context.Background(), in)
	}
}

// many writes a policy of n rules; indexed ones compare a field with a
// constant, which OPA looks up, the others loop over the facts.
func many(n int, indexed bool) string {
	var rules strings.Builder
	rules.WriteString("allow contains \"reads\" if input.action.effect == \"read\"\n")
	for i := range n {
		if indexed {
			fmt.Fprintf(&rules, "deny contains {\"rule\": \"r%d\", \"message\": \"m\"} if input.connection.name == \"c%d\"\n", i, i)
		} else {
			fmt.Fprintf(&rules, "deny contains {\"rule\": \"r%d\", \"message\": \"m\"} if { some t in input.sql.tables; t.name == \"t%d\" }\n", i, i)
		}
	}
	return rules.String()
}

func BenchmarkDecide1000Rules(b *testing.B) {
	for name, indexed := range map[string]bool{"indexed": true, "loops": false} {
		b.Run(name, func(b *testing.B) { decide(b, loaded(b, many(1000, indexed))) })
	}
}

func BenchmarkLoad(b *testing.B) {
	for name, o := range map[string]Options{
		"starter":   exampleOptions(b),
		"1000rules": options(write(b, map[string]string{"p.rego": "package chaperone\n" + many(1000, false)})),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Load(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
