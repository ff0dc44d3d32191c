package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder/replay"
)

func newPolicy(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "policy", Short: "Check, test and try out policies", Args: cobra.NoArgs,
		Long: `Work on policies: "check" finds what is wrong, "test" runs their own tests, "eval"
judges one call and says why, "facts" shows what a rule would see of a call, and
"schema" everything that a rule may look at. None of them needs a gateway, and
none runs or records anything.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPolicyCheck(o), newPolicyTest(o), newPolicyEval(o), newPolicyFacts(o), newPolicySchema(o))
	return cmd
}

// policyOptions are the paths given, or those of the configuration.
func (o *options) policyOptions(paths []string) (policy.Options, error) {
	if len(paths) > 0 {
		return policy.Options{Paths: paths, Families: app.Families()}, nil
	}
	c, err := o.load()
	if errors.Is(err, config.ErrNone) {
		return policy.Options{}, fmt.Errorf("%w, or name the policy's folders", err)
	}
	if err != nil {
		return policy.Options{}, err
	}
	return app.PolicyOptions(c), nil
}

func newPolicyCheck(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use: "check [PATH...]", Short: "Find what is wrong with a policy", Example: "  chaperone policy check\n  chaperone policy check ./policy --json",
		Long: `Compile the policy against the schema of its input, and report every misspelt
field, rule or key with file and line. Without paths it is the configuration's.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			options, err := o.policyOptions(paths)
			if err != nil {
				return err
			}
			return o.showProblems(policy.Check(cmd.Context(), options))
		},
	})
}

func (o *options) showProblems(problems []policy.Problem) error {
	failed := false
	for _, p := range problems {
		failed = failed || p.Severity == policy.Error
	}
	if o.json {
		if problems == nil {
			problems = []policy.Problem{}
		}
		if err := json.NewEncoder(o.plain()).Encode(problems); err != nil {
			return err
		}
	} else {
		for _, p := range problems {
			_, _ = fmt.Fprintln(o.out, p)
		}
		if !failed {
			_, _ = fmt.Fprintln(o.out, replay.StyleFor(o.out).Good("the policy is sound"))
		}
	}
	if failed {
		return errSilent
	}
	return nil
}

func newPolicyTest(o *options) *cobra.Command {
	var run string
	var least float64
	cmd := &cobra.Command{
		Use: "test [PATH...]", Short: "Run a policy's own tests, and say what they cover", Example: "  chaperone policy test ./policy --coverage 90",
		Long: `Run the rules named test_... of *_test.rego files (OPA's own test rules), and say
which lines of the policy no test evaluates.`,
		RunE: func(cmd *cobra.Command, paths []string) error {
			if least < 0 || least > 100 {
				return usageError{errors.New("--coverage must be between 0 and 100")}
			}
			options, err := o.policyOptions(paths)
			if err != nil {
				return err
			}
			report, err := policy.RunTests(cmd.Context(), options, run)
			if err != nil {
				return err
			}
			return o.showTests(report, least)
		},
	}
	cmd.Flags().StringVar(&run, "run", "", "only tests whose name matches the `expression`")
	cmd.Flags().Float64Var(&least, "coverage", 0, "fail if tests cover less than so many `percent`")
	return o.jsonFlag(cmd)
}

func (o *options) showTests(report *policy.TestReport, least float64) error {
	failed := !report.Passed() || report.Percent < least
	if o.json {
		if err := json.NewEncoder(o.plain()).Encode(report); err != nil {
			return err
		}
	} else {
		o.printTests(report)
	}
	if failed {
		return errSilent
	}
	return nil
}

func (o *options) printTests(report *policy.TestReport) {
	s := replay.StyleFor(o.out)
	passed := 0
	for _, t := range report.Tests {
		if t.Outcome == "pass" {
			passed++
			continue
		}
		_, _ = fmt.Fprintf(o.out, "%s %s (%s:%d)\n", s.Bad(t.Outcome), t.Name, t.File, t.Line)
		if t.Stopped != nil {
			_, _ = fmt.Fprintf(o.out, "     %s:%d: %s\n", t.Stopped.File, t.Stopped.Line, t.Stopped.Text)
		}
		if t.Message != "" {
			_, _ = fmt.Fprintf(o.out, "     %s\n", t.Message)
		}
		if t.Output != "" {
			_, _ = fmt.Fprintf(o.out, "     %s\n", t.Output)
		}
	}
	for _, f := range report.Files {
		for _, lines := range f.Missed {
			_, _ = fmt.Fprintf(o.out, "%s %s:%d-%d\n", s.Dim("not covered"), f.File, lines.From, lines.To)
		}
	}
	_, _ = fmt.Fprintf(o.out, "%d of %d tests passed; they cover %.1f%% of the policy\n", passed, len(report.Tests), report.Percent)
}

// caller are the flags that say who would make a call.
type caller struct {
	subject, email, method string
	groups                 []string
	at                     string
}

func (c *caller) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&c.subject, "as", "someone", "`caller` to judge it for")
	flags.StringVar(&c.email, "email", "", "the caller's e-mail `address`")
	flags.StringSliceVar(&c.groups, "group", nil, "`group` of the caller; may be repeated")
	flags.StringVar(&c.method, "method", string(policy.Local), "how the caller was verified")
	flags.StringVar(&c.at, "at", "", "`time` of the call (RFC 3339) instead of now")
}

func (c *caller) principal() (policy.Principal, error) {
	p := policy.Principal{
		Subject: c.subject, Email: c.email, Groups: append([]string{}, c.groups...), Issuer: "command line",
		Method: policy.Method(c.method), Claims: map[string]string{},
	}
	if !p.Valid() {
		return p, usageError{errors.New("--as must not be empty, and --method one of oidc, saml, workload, token, local")}
	}
	return p, nil
}

// timed replaces the time of a call by the one that is asked for.
func (c *caller) timed(in *policy.Input) error {
	if c.at == "" {
		return nil
	}
	at, err := time.Parse(time.RFC3339, c.at)
	if err != nil {
		return usageError{errors.New("--at must be a time such as 2026-01-31T22:00:00Z")}
	}
	in.Call.Time = at.UTC()
	return nil
}

func newPolicyEval(o *options) *cobra.Command {
	var f callFlags
	var who caller
	var from string
	cmd := &cobra.Command{
		Use: "eval [TOOL [ARGUMENT | -- WORD...]]", Short: "Ask policy about one call, and why it answers so",
		Long: `Describe a call, ask policy about it, and show which rules fired and where the
others stopped. Nothing runs and nothing is recorded; the target is asked for what
the description needs, which for kubectl_write is a rehearsal by dry run, whatever
policy says. --input takes the input from a file instead, such as one that "policy
facts" printed.`,
		Example: "  chaperone policy eval sql_write -c shop --as ann --group developers 'delete from orders'\n  chaperone policy eval --input input.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := o.inputFor(cmd.Context(), f, who, from, args)
			if err != nil {
				return err
			}
			options, err := o.policyOptions(nil)
			if err != nil {
				return err
			}
			p, err := policy.Load(cmd.Context(), options)
			if err != nil {
				return err
			}
			return o.showExplanation(in, p.Explain(cmd.Context(), in))
		},
	}
	f.add(cmd)
	who.add(cmd)
	cmd.Flags().StringVar(&from, "input", "", "`file` with the policy's input as JSON")
	return o.jsonFlag(cmd)
}

func newPolicyFacts(o *options) *cobra.Command {
	var f callFlags
	var who caller
	cmd := &cobra.Command{
		Use: "facts TOOL [ARGUMENT | -- WORD...]", Short: "Show what policy would know of one call", Args: cobra.MinimumNArgs(1),
		Long: `Describe a call and print the policy's input as JSON. Nothing runs, nothing is
decided; the target is asked for what the description needs, which for
kubectl_write is a rehearsal by dry run, whatever policy says.`,
		Example: "  chaperone policy facts sql_read -c shop 'select email from customers'\n  chaperone policy facts kubectl_write -c cluster --as ann -- scale deploy/web --replicas=4",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := o.inputFor(cmd.Context(), f, who, "", args)
			if err != nil {
				return err
			}
			return o.printJSON(in)
		},
	}
	f.add(cmd)
	who.add(cmd)
	return cmd
}

// inputFor is the policy's input for a call of the command line, or of a file.
func (o *options) inputFor(ctx context.Context, f callFlags, who caller, from string, args []string) (*policy.Input, error) {
	if from != "" {
		text, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		return policy.ReadInput(text)
	}
	if len(args) == 0 {
		return nil, usageError{errors.New("name a tool, or an input file by --input")}
	}
	p, err := who.principal()
	if err != nil {
		return nil, err
	}
	in, err := o.describe(ctx, f, p, args)
	if err != nil {
		return nil, err
	}
	return in, who.timed(in)
}

func newPolicySchema(o *options) *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "Print the JSON schema of the policy's input", Args: cobra.NoArgs,
		Long: "Print the JSON schema that policies are compiled against: every field that a rule may look at.",
		RunE: func(*cobra.Command, []string) error {
			schema, err := policy.Schema(app.Families())
			if err != nil {
				return err
			}
			return o.printJSON(schema)
		},
	}
}

func (o *options) printJSON(v any) error {
	enc := json.NewEncoder(o.plain())
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func (o *options) showExplanation(in *policy.Input, e policy.Explanation) error {
	if o.json {
		return o.printJSON(struct {
			Input *policy.Input `json:"input"`
			policy.Explanation
		}{in, e})
	}
	s := replay.StyleFor(o.out)
	outcome := s.Bad(e.Decision.Outcome.String())
	if e.Decision.Outcome == policy.Allow {
		outcome = s.Good(e.Decision.Outcome.String())
	}
	_, _ = fmt.Fprintf(o.out, "%s  %s (%s)\n", outcome, replay.Printable(in.Action.Display), in.Action.Effect)
	for _, r := range e.Decision.Rules {
		_, _ = fmt.Fprintf(o.out, "  by %s%s\n", s.Bold(r.Name), after(": ", r.Message))
		if r.Hint != "" {
			_, _ = fmt.Fprintf(o.out, "     instead: %s\n", r.Hint)
		}
	}
	for _, m := range e.Decision.Masks {
		_, _ = fmt.Fprintf(o.out, "  mask %s with %s\n", strings.Join(m.Columns, ", "), m.With)
	}
	if l := e.Decision.Limits; l.Rows != 0 || l.Bytes != 0 || l.Timeout != 0 {
		_, _ = fmt.Fprintf(o.out, "  limit rows %d, bytes %d, timeout %s (0 is no limit of policy's)\n", l.Rows, l.Bytes, l.Timeout)
	}
	if len(e.Decision.Labels) > 0 {
		_, _ = fmt.Fprintf(o.out, "  label %s\n", strings.Join(e.Decision.Labels, ", "))
	}
	if e.Decision.Fault != "" {
		_, _ = fmt.Fprintf(o.out, "  %s %s\n", s.Bad("fault"), e.Decision.Fault)
	}
	_, _ = fmt.Fprintln(o.out)
	for _, r := range e.Rules {
		o.printRule(r, s)
	}
	return nil
}

func (o *options) printRule(r policy.RuleTrace, s replay.Style) {
	mark := s.Dim("·")
	if r.Fired {
		mark = s.Good("✓")
	}
	_, _ = fmt.Fprintf(o.out, "%s %s:%d  %s\n", mark, relative(r.File), r.Line, r.Text)
	if r.Stopped != nil {
		_, _ = fmt.Fprintf(o.out, "    %s\n", s.Dim(fmt.Sprintf("stopped at line %d: %s", r.Stopped.Line, r.Stopped.Text)))
	}
}

// relative shortens a path to one from here, where that is shorter.
func relative(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	short, err := filepath.Rel(here, path)
	if err != nil || len(short) > len(path) {
		return path
	}
	return short
}

func after(sign, text string) string {
	if text == "" {
		return ""
	}
	return sign + text
}
