package sql

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/chaperone-dev/chaperone/tools"
)

// explained is the part of EXPLAIN's JSON that is of use.
type explained struct {
	Plan planNode `json:"Plan"`
}

type planNode struct {
	Type  string     `json:"Node Type"`
	Rows  float64    `json:"Plan Rows"`
	Cost  float64    `json:"Total Cost"`
	Plans []planNode `json:"Plans"`
}

// plannable are the statements that EXPLAIN takes.
var plannable = map[string]bool{"select": true, "insert": true, "update": true, "delete": true, "merge": true}

// estimate asks the planner what the statement will cost. A statement that
// can't be planned has no estimate; the rest of the call will say why. Nor has
// one whose planning may run functions that do more than compute.
func (p *plan) estimate(ctx context.Context) error {
	if !plannable[p.action.Verb] || !p.described.analysis.Harmless {
		return nil
	}
	var text []byte
	ask := p.statement(&collector{})
	ask.text, ask.rows = "EXPLAIN (FORMAT JSON) "+ask.text, 0
	ask.fields = nil
	ask.row = func(v [][]byte) bool { text = append(text, v[0]...); return true }
	conn, _, err := p.send(ctx, beginRead, p.connection.limits.Timeout, ask, step{prepared: rollback})
	if conn.Conn == nil {
		return err
	}
	p.release(ctx, conn, err)
	var at *stepError
	switch {
	case p.moved(err):
		return tools.ErrMoved
	case errors.As(err, &at):
		return nil
	case err != nil:
		return unreachable(p.connection.name, err)
	}
	var plans []explained
	if json.Unmarshal(text, &plans) != nil || len(plans) == 0 {
		return nil
	}
	rows, cost := plans[0].Plan.estimate()
	facts := *p.described.analysis.Facts
	facts.EstimatedRows, facts.EstimatedCost = &rows, &cost
	p.action.Facts = &facts
	return nil
}

// estimate is the number of rows that come out of the plan, or of what a
// modification is fed by.
func (n planNode) estimate() (rows, cost float64) {
	rows = n.Rows
	if n.Type == "ModifyTable" && len(n.Plans) > 0 {
		rows = n.Plans[0].Rows
	}
	return rows, n.Cost
}
