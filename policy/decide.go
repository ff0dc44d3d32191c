package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// prepare compiles the query for the sets that some rule adds to. An absent
// set would make the whole query undefined.
func (d *draft) prepare() (ast.Body, error) {
	var parts []string
	for _, name := range setNames() {
		if d.adds(name) {
			parts = append(parts, fmt.Sprintf("%s = data.%s.%s", name, packageName, name))
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	query, err := ast.ParseBody(strings.Join(parts, "; "))
	if err != nil {
		return nil, fmt.Errorf("query of the decision: %w", err)
	}
	return d.compiler.QueryCompiler().Compile(query)
}

// Decide judges an action. It always answers: whatever goes wrong is a
// decision that denies, with the reason in Fault.
func (p *Policy) Decide(ctx context.Context, in *Input) Decision {
	return p.judge(ctx, in, nil)
}

// judge decides, and shows each step to the tracer if there is one.
func (p *Policy) judge(ctx context.Context, in *Input, tracer topdown.QueryTracer) (d Decision) {
	defer func() {
		if fault := recover(); fault != nil {
			d = p.fault(fmt.Errorf("panic: %v", fault))
		}
		d.Policy = p.digest
	}()
	if in == nil {
		return p.fault(errors.New("there is no input"))
	}
	if !in.Principal.Valid() {
		return noIdentity()
	}
	sets, err := p.evaluate(ctx, in, tracer)
	if err != nil {
		return p.fault(err)
	}
	a, err := readAnswer(sets)
	if err != nil {
		return p.fault(err)
	}
	return a.decide(in)
}

// evaluate returns the sets by name, as far as rules add to them.
func (p *Policy) evaluate(ctx context.Context, in *Input, tracer topdown.QueryTracer) (topdown.QueryResult, error) {
	input, err := p.input.term(in)
	if err != nil || p.query == nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, p.deadline)
	defer done()
	cancel := topdown.NewCancel()
	defer context.AfterFunc(ctx, cancel.Cancel)()
	txn, err := p.store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return nil, err
	}
	defer p.store.Abort(ctx, txn)
	query := topdown.NewQuery(p.query).WithCompiler(p.compiler).WithStore(p.store).WithTransaction(txn).
		WithInput(input).WithCancel(cancel).WithStrictBuiltinErrors(true)
	if tracer != nil {
		query = query.WithQueryTracer(tracer).WithIndexing(false)
	}
	results, err := query.Run(ctx)
	switch {
	case topdown.IsCancel(err):
		return nil, fmt.Errorf("the policy did not decide within %v: %w", p.deadline, context.Cause(ctx))
	case err != nil:
		return nil, err
	case len(results) != 1:
		return nil, fmt.Errorf("the policy gave %d answers where there must be one", len(results))
	}
	return results[0], nil
}
