package tools_test

import (
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

func TestLimitsIntersect(t *testing.T) {
	for name, c := range map[string]struct{ a, b, want tools.Limits }{
		"neither states any":      {tools.Limits{}, tools.Limits{}, tools.Limits{}},
		"one states all":          {tools.Limits{Rows: 1, Bytes: 2, Timeout: 3}, tools.Limits{}, tools.Limits{Rows: 1, Bytes: 2, Timeout: 3}},
		"each its own":            {tools.Limits{Rows: 5}, tools.Limits{Bytes: 6}, tools.Limits{Rows: 5, Bytes: 6}},
		"the stricter of each":    {tools.Limits{Rows: 5, Bytes: 10, Timeout: time.Minute}, tools.Limits{Rows: 9, Bytes: 6, Timeout: time.Second}, tools.Limits{Rows: 5, Bytes: 6, Timeout: time.Second}},
		"the same":                {tools.Limits{Rows: 5}, tools.Limits{Rows: 5}, tools.Limits{Rows: 5}},
		"one that makes no sense": {tools.Limits{Rows: -1}, tools.Limits{Rows: 5}, tools.Limits{Rows: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.a.Intersect(c.b); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
			if got := c.b.Intersect(c.a); got != c.want {
				t.Errorf("the other way round %+v, want %+v", got, c.want)
			}
		})
	}
}
