package statement

import (
	"strings"
	"testing"
)

// BenchmarkParse reads a short statement, a usual one and a long one.
func BenchmarkParse(b *testing.B) {
	for name, sql := range map[string]string{
		"1": "SELECT 1",
		"usual": `SELECT c.id, c.name, sum(o.total) FROM customers c JOIN orders o ON o.customer_id = c.id
			WHERE o.placed > now() - interval '30 days' AND c.country = $1 GROUP BY c.id ORDER BY 3 DESC LIMIT 20`,
		"64KB": "SELECT " + strings.Repeat("'a long constant that is of no use', ", 1700) + "1",
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(sql)))
			for b.Loop() {
				if _, err := Parse(sql); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
