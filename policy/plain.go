package policy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// report adds OPA's errors, in words for people who write policies.
func (d *draft) report(errs ast.Errors) {
	for _, err := range errs {
		d.errorAt(err.Location, "%s", d.plain(err))
	}
}

func (d *draft) errorAt(at *ast.Location, format string, args ...any) {
	d.problems = append(d.problems, problemAt(Error, at, format, args...))
}

func (d *draft) warnAt(at *ast.Location, format string, args ...any) {
	d.problems = append(d.problems, problemAt(Warning, at, format, args...))
}

func problemAt(severity Severity, at *ast.Location, format string, args ...any) Problem {
	p := Problem{Severity: severity, Message: fmt.Sprintf(format, args...)}
	if at != nil {
		p.File, p.Line = at.File, at.Row
	}
	return p
}

// plain says what an error of OPA's means.
func (d *draft) plain(err *ast.Error) string {
	if name, ok := strings.CutPrefix(err.Message, "undefined function "); ok {
		return undefinedFunction(name)
	}
	switch detail := err.Details.(type) {
	case *ast.RefErrInvalidDetail:
		return d.unknownField(detail)
	case *ast.RefErrUnsupportedDetail:
		return d.unname(fmt.Sprintf("%v: nothing can be looked up in %v", detail.Ref, detail.Have))
	case *ast.UnificationErrDetail:
		return d.unname(fmt.Sprintf("this can never be true: one side is %v, the other %v", detail.Left, detail.Right))
	}
	message := strings.ReplaceAll(err.Message, "\n", "; ")
	if detail, ok := err.Details.(*ast.ArgErrDetail); ok {
		message += "; " + strings.Join(detail.Lines(), ", ")
	}
	return d.unname(message)
}

func undefinedFunction(name string) string {
	if why, refused := refusedBuiltins()[name]; refused {
		return fmt.Sprintf("%s is not for policies: %s", name, why)
	}
	return fmt.Sprintf("there is no function %s here", name)
}

func (d *draft) unknownField(detail *ast.RefErrInvalidDetail) string {
	ref := d.unname(detail.Ref.String())
	key, ok := detail.Ref[detail.Pos].Value.(ast.String)
	if !ok || len(detail.OneOf) == 0 {
		return fmt.Sprintf("%s: %s is no key there", ref, d.unname(detail.Ref[detail.Pos].String()))
	}
	var names []string
	for _, value := range detail.OneOf {
		names = append(names, strings.Trim(value.String(), `"`))
	}
	return fmt.Sprintf("%s: there is no field %q here%s (fields: %s)",
		ref, string(key), suggest(string(key), names), strings.Join(names, ", "))
}

// unname puts the policy's own names in the place of those that the compiler
// and [expander] give to variables.
func (d *draft) unname(text string) string {
	return regexp.MustCompile(`__local\d+__`).ReplaceAllStringFunc(text, func(name string) string {
		v := ast.Var(name)
		if original, ok := d.renamed[v]; ok {
			v = original
		}
		if d.compiler != nil && v.IsGenerated() {
			v = d.compiler.RewrittenVars[v]
		}
		if v == "" || v.IsGenerated() || v.IsWildcard() {
			return "_"
		}
		return string(v)
	})
}

// suggest returns `; did you mean "x"?` for the nearest name, if one is near.
func suggest(word string, names []string) string {
	best, least := "", 3
	for _, name := range names {
		if d := distance(word, name); d < least && d < len(name) {
			best, least = name, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance counts the single-letter changes that lead from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
