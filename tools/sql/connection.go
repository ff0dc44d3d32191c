package sql

import (
	"context"
	"errors"
	"fmt"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// connection is one open database.
type connection struct {
	name   string
	pool   *pool
	trust  statement.Trust
	limits tools.Limits
	// known are analyses of earlier calls. Each is checked against the catalog
	// in the transaction that relies on it.
	known *lru.Cache[string, described]
	// types are OIDs of types that callers named; names are the reverse.
	types *lru.Cache[string, uint32]
	names *lru.Cache[uint32, string]
	// closing ends when the connection is closed, and with it what runs.
	closing context.Context
	close   context.CancelFunc
}

// described is an analysis and the identity of the catalog that it holds for.
type described struct {
	// key is what it is known by: the statement and its parameters' types.
	key       string
	statement *statement.Statement
	analysis  *statement.Analysis
	identity  string
	// untold says that the server could not be asked what the statement uses.
	// That may be for a lock or a privilege, neither of which shows in the
	// identity, so it is not believed for long.
	untold bool
	// checked is when the catalog was last seen to be the same.
	checked time.Time
}

// manyKnown bounds the analyses kept; a statement is at most 64 KB.
const manyKnown = 512

func newConnection(c tools.ConnectionConfig) (*connection, error) {
	var config Config
	if err := c.Decode(&config); err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	pool, err := open(&config, c.Production())
	if err != nil {
		return nil, err
	}
	// lru.New fails only for a size that is not positive.
	known, _ := lru.New[string, described](manyKnown)
	types, _ := lru.New[string, uint32](manyKnown)
	names, _ := lru.New[uint32, string](manyKnown)
	closing, cancel := context.WithCancel(context.Background())
	return &connection{
		name: c.Name, pool: pool, trust: config.trust(), limits: config.limits(),
		known: known, types: types, names: names, closing: closing, close: cancel,
	}, nil
}

// Close implements tools.Connection.
func (c *connection) Close() error {
	c.close()
	c.pool.Close()
	return nil
}

// whileOpen is a context that ends with the connection, too, or after a while.
func (c *connection) whileOpen(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	stop := context.AfterFunc(c.closing, cancel)
	return ctx, func() { stop(); cancel() }
}

// Describe implements tools.Connection.
func (c *connection) Describe(ctx context.Context, r tools.Request) (tools.Plan, error) {
	ctx, cancel := c.whileOpen(ctx, c.limits.Timeout)
	defer cancel()
	if r.Tool == toolSchema {
		return c.describeSchema(r)
	}
	var a args
	if err := tools.DecodeArgs(r.Args, &a); err != nil {
		return nil, &tools.Refusal{Rule: "arguments", Reason: err.Error(), Hint: "see the tool's input schema"}
	}
	if err := a.check(); err != nil {
		return nil, &tools.Refusal{Rule: "arguments", Reason: err.Error(), Blank: statement.Blank(a.SQL)}
	}
	skip, err := resume(r)
	if err != nil {
		return nil, err
	}
	if r.Tool != toolRead && r.Resume != "" {
		return nil, &tools.Refusal{
			Rule: "arguments", Reason: "a statement that may change something can't be continued by a cursor", Blank: statement.Blank(a.SQL),
			Hint: "read the rows with sql_read",
		}
	}
	types, err := c.paramTypes(ctx, a.Params)
	if refused := (*tools.Refusal)(nil); errors.As(err, &refused) {
		refused.Blank = statement.Blank(a.SQL)
	}
	if err != nil {
		return nil, err
	}
	d, err := c.describe(ctx, a.SQL, types)
	if err != nil {
		return nil, err
	}
	p := &plan{connection: c, described: d, args: a, types: types, pages: r.Tool == toolRead, skip: skip, action: d.analysis.Action, key: r.Key}
	p.action.Params = shown(a.Params)
	if r.Wants("estimated_rows", "estimated_cost") && p.action.Effect != tools.Unknown {
		if err := p.estimate(ctx); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func miscounted(want, got int, blank string) *tools.Refusal {
	return &tools.Refusal{
		Rule: "arguments", Blank: blank,
		Reason: fmt.Sprintf("the statement has %d parameters and %d params are given", want, got),
		Hint:   "write $1, $2 and so on in the statement, and one entry in params for each",
	}
}

// describe parses and analyses a statement with parameters of these types, or
// remembers that it has.
func (c *connection) describe(ctx context.Context, sql string, types []uint32) (described, error) {
	key := fmt.Sprintf("%d %s", types, sql)
	if d, ok := c.known.Get(key); ok && c.holds(ctx, d) {
		return d, nil
	}
	s, err := statement.Parse(sql)
	if err != nil {
		return described{}, &tools.Refusal{Rule: "syntax", Reason: err.Error(), Blank: statement.Blank(sql)}
	}
	if s.Params != len(types) {
		return described{}, miscounted(s.Params, len(types), statement.Blank(sql))
	}
	cat, err := beginCatalog(ctx, c.pool)
	if err != nil {
		return described{}, unreachable(c.name, err)
	}
	defer cat.close(ctx)
	d := described{key: key, statement: s}
	if d.analysis, err = statement.Analyze(ctx, s, types, cat, c.trust); err != nil {
		return described{}, c.unread(err, s)
	}
	if d.identity, err = cat.identity(ctx, d.analysis.Depends); err != nil {
		return described{}, c.unread(err, s)
	}
	d.untold, d.checked = cat.untold, time.Now()
	c.known.Add(key, d)
	return d, nil
}

// fresh is how long an analysis is taken to hold without a look at the
// catalog. Running checks again in any case; this only makes it rare that a
// call must be made anew because of that.
const fresh = time.Second

// holds reports whether a known analysis still is of the catalog as it is.
func (c *connection) holds(ctx context.Context, d described) bool {
	if d.analysis.Depends.Empty() || time.Since(d.checked) < fresh {
		return true
	}
	if d.untold {
		return false
	}
	cat, err := beginCatalog(ctx, c.pool)
	if err != nil {
		return false
	}
	defer cat.close(ctx)
	identity, err := cat.identity(ctx, d.analysis.Depends)
	if err != nil || identity != d.identity {
		return false
	}
	d.checked = time.Now()
	c.known.Add(d.key, d)
	return true
}

// unread says that the catalog could not be read.
func (c *connection) unread(err error, s *statement.Statement) *tools.Refusal {
	r := unreachable(c.name, err)
	if errors.Is(err, statement.ErrTooDeep) {
		r = &tools.Refusal{Rule: "not-understood", Reason: err.Error()}
	}
	r.Blank = statement.Blank(s.Text)
	return r
}
