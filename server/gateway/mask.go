package gateway

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/scrub"
)

// yield is what a run yielded. The bytes are the ones that are recorded and the
// ones that are sent; what they were made of is not held any longer.
type yield struct {
	content []byte
	stats   tools.Stats
	next    string
}

// mask hides what policy says, and whatever is a secret by its form.
func (g *Gateway) mask(c *call, result tools.Result) (yield, error) {
	result.Mask(c.masker, scrubbed)
	content, err := result.MarshalJSON()
	if err == nil && (!json.Valid(content) || bytes.IndexByte(content, '\n') >= 0) {
		err = errNotJSON
	}
	return yield{content, result.Stats(), result.Next()}, err
}

// errNotJSON is a family's mistake: its result would break the message that it
// is put into.
var errNotJSON = errors.New("the result is not JSON of one line")

// scrubbed is text without secrets that can be known by their form.
func scrubbed(text string) string { return scrub.Text(text) }

// dryRun is the result of a dry run.
type dryRun struct {
	Description describedAction `json:"description"`
	Preview     *tools.Preview  `json:"preview,omitempty"`
}

type describedAction struct {
	Verb    string          `json:"verb"`
	Effect  tools.Effect    `json:"effect"`
	Why     string          `json:"why,omitempty"`
	Targets []tools.Target  `json:"targets"`
	Facts   json.RawMessage `json:"facts,omitempty"`
}

func description(c *call) ([]byte, error) {
	d := describedAction{Verb: c.action.Verb, Effect: c.action.Effect, Why: c.action.Why, Targets: c.action.Targets}
	if c.action.Facts != nil {
		facts, err := json.Marshal(c.action.Facts)
		if err != nil {
			return nil, err
		}
		d.Facts = facts
	}
	shown := dryRun{d, c.preview}
	if c.preview != nil {
		// By a digest the caller could find out which rows are alike behind a mask.
		counted := *c.preview
		counted.State = ""
		shown.Preview = &counted
	}
	return json.Marshal(shown)
}
