package policy

import (
	"context"
	"slices"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"

	"github.com/chaperone-dev/chaperone/tools"
)

// packageName is the Rego package whose sets decide.
const packageName = "chaperone"

// defaultDeadline is far above what a decision takes and still short of what a
// caller notices: it ends a policy that runs away, not one on a busy machine.
const defaultDeadline = time.Second

// Options say what a policy is made of.
type Options struct {
	// Paths are .rego files, data.json and data.yaml files, and folders of
	// them.
	Paths []string
	// Families are all that the program has, whether configured or not: policies
	// may name their facts and tools, and no others.
	Families []tools.Family
	// Deadline bounds one decision; 0 stands for one second.
	Deadline time.Duration
}

// Policy is a compiled policy. It does not change, and is safe for concurrent
// use.
type Policy struct {
	digest   string
	warnings []Problem
	deadline time.Duration
	input    *converter
	compiler *ast.Compiler
	store    storage.Store
	// query yields each set that some rule adds to, under its own name.
	query ast.Body
	reads []ast.Ref
}

// Digest is the SHA-256 of the policy's files, as "sha256:" and hex digits.
func (p *Policy) Digest() string { return p.digest }

// Warnings are what was found when the policy was loaded and did not keep it
// from being used.
func (p *Policy) Warnings() []Problem { return slices.Clone(p.warnings) }

// Load reads, compiles and checks a policy. The error is a *Rejected that
// names file, line and what to do.
func Load(ctx context.Context, o Options) (*Policy, error) {
	sources, _, err := readSources(o.Paths)
	if err != nil {
		return nil, reject(err)
	}
	return load(ctx, o, sources)
}

// Check returns everything that is wrong with a policy and its tests, errors
// first.
func Check(_ context.Context, o Options) []Problem {
	sources, _, err := readSources(o.Paths)
	if err != nil {
		return reject(err).Problems
	}
	d, err := newDraft(o, sources)
	if err != nil {
		return reject(err).Problems
	}
	d.check()
	d.compileTests(d.parseTests())
	return tidy(d.problems)
}

func load(ctx context.Context, o Options, sources []source) (*Policy, error) {
	d, err := newDraft(o, sources)
	if err != nil {
		return nil, reject(err)
	}
	d.check()
	d.problems = tidy(d.problems)
	if len(only(d.problems, Error)) > 0 {
		return nil, &Rejected{Digest: digest(sources), Problems: d.problems}
	}
	query, err := d.prepare()
	if err != nil {
		return nil, reject(err)
	}
	input, err := newConverter(d.input)
	if err != nil {
		return nil, reject(err)
	}
	p := &Policy{
		digest:   digest(sources),
		warnings: d.problems,
		deadline: o.Deadline,
		input:    input,
		compiler: d.compiler,
		store:    d.store(),
		query:    query,
		reads:    inputRefs(d.compiler),
	}
	if p.deadline == 0 {
		p.deadline = defaultDeadline
	}
	return p, ctx.Err()
}
