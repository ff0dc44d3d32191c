package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"
)

// TestReport is the result of a policy's own tests.
type TestReport struct {
	// Tests are sorted by file and line.
	Tests []TestResult `json:"tests"`
	// Files are those of the policy, not of the tests.
	Files []Coverage `json:"files"`
	// Percent is how many of the policy's lines some test evaluated.
	Percent float64 `json:"percent"`
}

// Passed reports whether no test failed.
func (r *TestReport) Passed() bool {
	return !slices.ContainsFunc(r.Tests, func(t TestResult) bool { return t.Outcome != "pass" && t.Outcome != "skip" })
}

// TestResult is the result of one test.
type TestResult struct {
	Package string `json:"package"`
	Name    string `json:"name"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	// Outcome is "pass", "fail", "error" or "skip", which is what a name
	// that begins with todo_test_ asks for.
	Outcome string        `json:"outcome"`
	Time    time.Duration `json:"time_ns"`
	// Stopped is the expression that failed, and Message the error.
	Stopped *Stop  `json:"stopped,omitempty"`
	Message string `json:"message,omitempty"`
	// Output is what the test printed.
	Output string `json:"output,omitempty"`
}

// Coverage says what tests evaluated of one file.
type Coverage struct {
	File    string  `json:"file"`
	Percent float64 `json:"percent"`
	// Missed are the lines that no test evaluated.
	Missed []Lines `json:"missed,omitempty"`
}

// Lines are those from the first to the last, counted from 1.
type Lines struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// RunTests runs the rules of *_test.rego files whose names begin with test_,
// or those of them whose full name the pattern matches ("" for all). A policy
// or a test that is faulty is a *Rejected.
func RunTests(ctx context.Context, o Options, pattern string) (*TestReport, error) {
	if _, err := regexp.Compile(pattern); err != nil {
		return nil, fmt.Errorf("pattern of tests: %w", err)
	}
	sources, _, err := readSources(o.Paths)
	if err != nil {
		return nil, reject(err)
	}
	d, err := newDraft(o, sources)
	if err != nil {
		return nil, reject(err)
	}
	d.check()
	tests := d.parseTests()
	if d.failed() {
		return nil, &Rejected{Digest: digest(sources), Problems: tidy(d.problems)}
	}
	return d.runTests(ctx, tests, pattern)
}

// parseTests reads and checks the tests' files.
func (d *draft) parseTests() map[string]*ast.Module {
	tests := map[string]*ast.Module{}
	for _, s := range d.sources {
		if s.test() {
			module, errs := d.parseModule(s)
			d.report(errs)
			if module != nil {
				tests[s.path] = module
				d.checkStray(module)
				d.checkSamples(module)
			}
		}
	}
	return tests
}

// checkStray finds rules that would decide if their file were not one of tests.
func (d *draft) checkStray(module *ast.Module) {
	if !module.Package.Path.Equal(packageRef()) {
		return
	}
	for _, rule := range module.Rules {
		if name := ruleName(rule); slices.Contains(setNames(), name) {
			d.errorAt(rule.Location, "%s in a file of tests decides nothing; move it to a file that does not end with _test.rego", name)
		}
	}
}

// compileTests finds what is wrong with tests without running them.
func (d *draft) compileTests(tests map[string]*ast.Module) {
	if d.failed() {
		return
	}
	maps.Copy(tests, d.modules)
	c := d.newCompiler()
	c.Compile(tests)
	d.report(c.Errors)
}

func (d *draft) runTests(ctx context.Context, tests map[string]*ast.Module, pattern string) (*TestReport, error) {
	covered := cover.New()
	runner := d.runner(tests).SetCoverageQueryTracer(covered).SetCoverageRuns(nil).Filter(pattern)
	results, err := d.runSuite(ctx, runner)
	if err != nil {
		return nil, err
	}
	report := &TestReport{}
	for _, result := range results {
		one := testResult(result)
		if one.Outcome == "fail" {
			one.Stopped, err = d.stopped(ctx, tests, one)
			if err != nil {
				return nil, err
			}
		}
		report.Tests = append(report.Tests, one)
	}
	slices.SortFunc(report.Tests, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	report.cover(covered.Report(d.modules), d.modules)
	return report, nil
}

func (d *draft) runner(tests map[string]*ast.Module) *tester.Runner {
	all := maps.Clone(d.modules)
	maps.Copy(all, tests)
	return tester.NewRunner().SetCompiler(d.newCompiler().WithEnablePrintStatements(true)).SetModules(all).
		CapturePrintOutput(true).RaiseBuiltinErrors(true).SetTimeout(time.Minute)
}

func (d *draft) runSuite(ctx context.Context, r *tester.Runner) ([]*tester.Result, error) {
	store := d.store()
	txn, err := store.NewTransaction(ctx, storage.TransactionParams{})
	if err != nil {
		return nil, err
	}
	defer store.Abort(ctx, txn)
	results, err := r.SetStore(store).RunTests(ctx, txn)
	if errs, ok := errors.AsType[ast.Errors](err); ok {
		d.report(errs)
		return nil, &Rejected{Digest: digest(d.sources), Problems: tidy(d.problems)}
	}
	if err != nil {
		return nil, err
	}
	var all []*tester.Result
	for result := range results {
		all = append(all, result)
	}
	return all, ctx.Err()
}

func testResult(r *tester.Result) TestResult {
	t := TestResult{
		Package: strings.TrimPrefix(r.Package, "data."), Name: r.Name,
		File: r.Location.File, Line: r.Location.Row,
		Outcome: "pass", Time: r.Duration, Output: string(r.Output),
	}
	switch {
	case r.Skip:
		t.Outcome = "skip"
	case r.Error != nil:
		t.Outcome, t.Message = "error", r.Error.Error()
	case r.Fail:
		t.Outcome = "fail"
	}
	return t
}

// stopped runs a test that failed again, traced, to find where.
func (d *draft) stopped(ctx context.Context, tests map[string]*ast.Module, t TestResult) (*Stop, error) {
	name := "^data\\." + regexp.QuoteMeta(t.Package+"."+t.Name) + "$"
	results, err := d.runSuite(ctx, d.runner(tests).EnableTracing(true).Filter(name))
	if err != nil || len(results) == 0 {
		return nil, err
	}
	tracer := newRuleTracer()
	for _, event := range results[0].Trace {
		tracer.TraceEvent(*event)
	}
	for rule, expr := range tracer.stopped {
		if rule.Location.File == t.File && rule.Location.Row == t.Line {
			return stopAt(expr), nil
		}
	}
	return nil, nil
}

func (r *TestReport) cover(report cover.Report, modules map[string]*ast.Module) {
	lines, covered := 0, 0
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		file := report.Files[path]
		if file == nil {
			continue
		}
		c := Coverage{File: path, Percent: file.Coverage}
		for _, missed := range file.NotCovered {
			c.Missed = append(c.Missed, Lines{missed.Start.Row, missed.End.Row})
		}
		r.Files = append(r.Files, c)
		lines += file.CoveredLines + file.NotCoveredLines
		covered += file.CoveredLines
	}
	if lines > 0 {
		r.Percent = 100 * float64(covered) / float64(lines)
	}
}
