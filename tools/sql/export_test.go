package sql

import (
	"context"

	"github.com/chaperone-dev/chaperone/tools"
)

// Spoil makes a plan panic when it runs, once it holds a connection.
func Spoil(p tools.Plan) {
	spoilt, _ := p.(*plan)
	spoilt.described.analysis = nil
}

// RunBadly runs a plan's statement and panics at the first row, while the server
// still sends.
func RunBadly(ctx context.Context, p tools.Plan) {
	bad, _ := p.(*plan)
	text := bad.described.statement.Query
	_, _, _ = bad.send(ctx, beginRead, rehearsalTime, step{text: text, row: func([][]byte) bool { panic("spilt") }})
}
