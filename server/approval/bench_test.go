package approval

import (
	"fmt"
	"testing"
)

// BenchmarkSpend is what letting an approved call run costs: reading the request
// and one durable change, with few and with many other requests open.
func BenchmarkSpend(b *testing.B) {
	for _, others := range []int{0, 10_000} {
		b.Run(fmt.Sprintf("open=%d", others), func(b *testing.B) {
			d := newOffice(b).open()
			for n := range others {
				asks := request(dbas(1))
				asks.Key = fmt.Sprint("other ", n)
				asks.Principal.Subject = fmt.Sprint("caller ", n) // one may not have that many open
				ask(b, d, asks)
			}
			n := 0
			for b.Loop() {
				b.StopTimer()
				n++
				asks := request(dbas(1))
				asks.Key = fmt.Sprint("call ", n)
				r := ask(b, d, asks)
				answer := says(person("ben", "", "dba"), Approve)
				answer.Seen = r.Preview.Digest()
				if _, err := d.Answer(b.Context(), r.ID, answer); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if err := d.Spend(b.Context(), r, "call", "session"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
