package console

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

// requestPage is one request in full.
type requestPage struct {
	R approval.Request
	// Seen is the digest of the preview on the page.
	Seen    string
	Labels  []fact
	Facts   []fact
	Rules   []rule
	Samples []sample
	Similar []approval.Request
	// Over says that the time is up, also where that is not on record yet.
	Over                bool
	MayApprove, MayDeny bool
	// WhyNot says why the person can't answer.
	WhyNot string
}

// fact is a name and a value.
type fact struct{ Name, Value string }

// rule is one that holds the call, and how far it is satisfied.
type rule struct {
	obligation.Approve
	// More is how many people have yet to agree.
	More int
}

func (c *Console) request(v *visit) error {
	ctx := v.r.Context()
	r, err := c.options.Desk.Get(ctx, v.r.PathValue("id"))
	if err != nil {
		return err
	}
	if !c.shows(&r, v.who()) {
		return errNoRequest()
	}
	past, err := c.seen(ctx, v.who())
	if err != nil {
		return err
	}
	r.Sealed = nil
	page := requestPage{
		R: r, Seen: r.Preview.Digest(), Labels: labels(r.Connection), Facts: facts(r.Action.Facts), Rules: held(&r),
		Samples: samples(r.Preview), Similar: similar(&r, past), Over: !c.now().Before(r.Expires),
	}
	page.judge(v.who())
	title := "Request by " + nameOf(r.Principal)
	c.render(v.w, http.StatusOK, "request", c.view(v.session, title, "request", page))
	return nil
}

// judge says what the person may do.
func (p *requestPage) judge(who policy.Principal) {
	r := &p.R
	switch {
	case !r.Phase.Open() || p.Over:
	case approval.SamePerson(who, r.Principal):
		p.WhyNot = sentence(approval.ErrSelf)
	case !r.Eligible(who):
		p.WhyNot = sentence(approval.ErrNotEligible)
	default:
		p.MayDeny = true
		p.MayApprove = r.Phase == approval.Requested && !answered(r, who)
	}
}

func labels(c policy.Connection) []fact {
	var out []fact
	for name, value := range c.Labels {
		out = append(out, fact{name, value})
	}
	slices.SortFunc(out, func(a, b fact) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// facts are the family's own, those that are empty left out.
func facts(raw []byte) []fact {
	var all map[string]json.RawMessage
	if json.Unmarshal(raw, &all) != nil {
		return nil
	}
	var out []fact
	for name, value := range all {
		if text := plain(value); text != "" {
			out = append(out, fact{strings.ReplaceAll(name, "_", " "), text})
		}
	}
	slices.SortFunc(out, func(a, b fact) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// plain is a JSON value for a person: text without quotes, lists of one text or
// number in a line.
func plain(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	var list []any
	if json.Unmarshal(value, &list) == nil {
		var out []string
		for _, e := range list {
			data, _ := json.Marshal(e)
			if s, ok := e.(string); ok {
				data = []byte(s)
			}
			out = append(out, string(data))
		}
		return strings.Join(out, "\n")
	}
	switch s := string(value); s {
	case "null", "{}":
		return ""
	case "true":
		return "yes"
	case "false":
		return "no"
	default:
		return s
	}
}

// held are the rules of the request, with what is missing. Missing keeps their order.
func held(r *approval.Request) []rule {
	missing := r.Missing()
	var out []rule
	for _, one := range r.Rules {
		item := rule{Approve: one}
		item.Count = max(one.Count, 1)
		if len(missing) > 0 && same(missing[0], one) {
			item.More, missing = missing[0].Count, missing[1:]
		}
		out = append(out, item)
	}
	return out
}

func same(a, b obligation.Approve) bool {
	groups := slices.Equal(a.Groups, b.Groups)
	return groups && a.Rule == b.Rule && a.Message == b.Message && a.Expires == b.Expires
}

// sample is a table of rows before and after.
type sample struct {
	tools.Target
	Columns []string
	Rows    []line
}

// line is one row of a sample, as it is or as it would be.
type line struct {
	// After says which of both; First that a new row of the target begins.
	After, First bool
	Cells        []cell
}

type cell struct {
	Text string
	// Moved says that the value differs from that before.
	Moved bool
}

func samples(p *tools.Preview) []sample {
	if p == nil {
		return nil
	}
	var out []sample
	for _, s := range p.Samples {
		table := sample{Target: s.Target, Columns: s.Columns}
		for i := range max(len(s.Before), len(s.After)) {
			table.add(at(s.Before, i), at(s.After, i))
		}
		out = append(out, table)
	}
	return out
}

func (t *sample) add(before, after []string) {
	if before != nil {
		row := line{First: true}
		for _, value := range before {
			row.Cells = append(row.Cells, cell{Text: value})
		}
		t.Rows = append(t.Rows, row)
	}
	if after != nil {
		row := line{After: true, First: before == nil}
		for i, value := range after {
			moved := before != nil && (i >= len(before) || before[i] != value)
			row.Cells = append(row.Cells, cell{value, moved})
		}
		t.Rows = append(t.Rows, row)
	}
}

func at(rows [][]string, i int) []string {
	if i < len(rows) {
		return rows[i]
	}
	return nil
}

// maxSimilar is how many similar requests are shown.
const maxSimilar = 5

// similar are other requests of the same kind: the same statement but for its
// constants, or the same words, on the same connection.
func similar(r *approval.Request, past []approval.Request) []approval.Request {
	want := kindOf(r)
	var out []approval.Request
	for _, other := range past {
		if other.ID != r.ID && kindOf(&other) == want && len(out) < maxSimilar {
			out = append(out, other)
		}
	}
	return out
}

type kind struct{ connection, tool, what string }

func kindOf(r *approval.Request) kind {
	var facts struct {
		Fingerprint string `json:"fingerprint"`
	}
	_ = json.Unmarshal(r.Action.Facts, &facts)
	if facts.Fingerprint != "" {
		return kind{r.Connection.Name, r.Tool, "fingerprint " + facts.Fingerprint}
	}
	return kind{r.Connection.Name, r.Tool, "words " + r.Action.Display}
}
