package sql_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// gate is one that a test writes down.
type gate func(tools.Action) tools.Verdict

func (gate) Masker() tools.Masker { return nil }

func (gate) Stream(string, string) error { return nil }

func (g gate) Judge(_ context.Context, actions []tools.Action) ([]tools.Verdict, error) {
	out := make([]tools.Verdict, len(actions))
	for i, a := range actions {
		out[i] = tools.Verdict{Allowed: true}
		if g != nil {
			out[i] = g(a)
		}
	}
	return out, nil
}

// schema runs sql_schema.
func schema(t testing.TB, conn tools.Connection, pattern string, g gate, limits tools.Limits) (listing, error) {
	t.Helper()
	args, err := json.Marshal(map[string]string{"pattern": pattern})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := conn.Describe(t.Context(), tools.Request{Tool: "sql_schema", Args: args})
	if err != nil {
		return listing{}, err
	}
	result, err := plan.Run(t.Context(), g, limits)
	if err != nil {
		return listing{}, err
	}
	data, err := result.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var l listing
	if err := json.Unmarshal(data, &l); err != nil {
		t.Fatal(err)
	}
	l.next = result.Next()
	return l, nil
}

type listing struct {
	Tables []struct {
		Schema, Name, Kind, Comment string
		Rows, Bytes                 *int64
		RowSecurity                 bool `json:"row_security"`
		Columns                     []struct {
			Name, Type, Comment, Masked string
			Nullable, Default           bool
		}
		Keys []struct {
			Kind, Name, References string
			Columns, Referenced    []string
		}
		Indexes []struct {
			Name    string
			Unique  bool
			Columns []string
		}
	}
	Truncated bool
	next      string
}
