package policy

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Severity says what a problem does.
type Severity string

// The severities of a problem.
const (
	// Error keeps a policy from loading.
	Error Severity = "error"
	// Warning is told to the operator.
	Warning Severity = "warning"
)

// Problem is something wrong with a policy, and where.
type Problem struct {
	Severity Severity `json:"severity"`
	// File is as the configuration reaches it; "" for the policy as a whole.
	File string `json:"file,omitempty"`
	// Line counts from 1; 0 is the file as a whole.
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// String returns "file:line: message", with "warning: " before the message of
// a warning.
func (p Problem) String() string {
	message := p.Message
	if p.Severity == Warning {
		message = "warning: " + message
	}
	switch {
	case p.File == "":
		return message
	case p.Line == 0:
		return p.File + ": " + message
	}
	return fmt.Sprintf("%s:%d: %s", p.File, p.Line, message)
}

// Rejected is the error of a policy that can't be used.
type Rejected struct {
	// Digest is that of the files; "" when they could not be read.
	Digest string
	// Problems are all that was found, warnings too; at least one error.
	Problems []Problem
}

// Error tells the first error, and how many more there are.
func (r *Rejected) Error() string {
	faults := only(r.Problems, Error)
	if len(faults) == 0 {
		return "the policy can't be used"
	}
	if more := len(faults) - 1; more > 0 {
		return fmt.Sprintf("%s (and %d more; `chaperone policy check` lists them)", faults[0], more)
	}
	return faults[0].String()
}

// reject wraps an error of reading, which has no file and line of its own.
func reject(err error) *Rejected {
	if rejected, ok := errors.AsType[*Rejected](err); ok {
		return rejected
	}
	return &Rejected{Problems: []Problem{{Severity: Error, Message: err.Error()}}}
}

// tidy sorts problems by place, errors before warnings, and drops repetitions.
func tidy(problems []Problem) []Problem {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(problems)
}

func only(problems []Problem, severity Severity) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Severity != severity })
}
