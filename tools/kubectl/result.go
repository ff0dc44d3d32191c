package kubectl

import (
	"encoding/json"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// result is what a command wrote.
type result struct {
	Output    string `json:"output" jsonschema:"what kubectl wrote, as it wrote it"`
	Errors    string `json:"errors,omitempty" jsonschema:"what kubectl wrote to standard error"`
	ExitCode  int    `json:"exit_code"`
	Truncated bool   `json:"truncated" jsonschema:"the output was cut; ask for less"`
	deleted   int64
}

type resultFields result

// MarshalJSON implements tools.Result.
func (r *result) MarshalJSON() ([]byte, error) { return json.Marshal((*resultFields)(r)) }

// Mask implements tools.Result. What policy masks was hidden before kubectl saw
// it.
func (r *result) Mask(_ tools.Masker, scrub tools.Scrub) {
	r.Output, r.Errors = scrub(r.Output), scrub(r.Errors)
}

// Stats implements tools.Result.
func (r *result) Stats() tools.Stats {
	return tools.Stats{RowsRead: int64(strings.Count(r.Output, "\n")), ObjectsDeleted: r.deleted}
}

// Next implements tools.Result.
func (r *result) Next() string { return "" }
