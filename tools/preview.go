package tools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Rehearsed is a plan whose impact can be found out before it runs, and which
// can then be held to that.
type Rehearsed interface {
	Plan
	// Preview finds out what running the plan would touch, and leaves the
	// target as it was. With measure it may rehearse the plan and take that
	// back; without, it only estimates. Its errors are those of Run.
	Preview(ctx context.Context, measure bool) (*Preview, error)
	// HoldTo returns the plan that takes effect only if what it touches is
	// what the preview says, within a tolerance; if not, it runs into a
	// *Refusal that says what moved, and leaves the target as it was.
	HoldTo(p *Preview, tolerance float64) Plan
}

// Preview is what a call would touch, in the target's own terms.
type Preview struct {
	Impact
	// Samples are some of what changes, as it is and as it would be.
	Samples []Sample `json:"samples,omitempty"`
	// Diff is a change of text, unified; "" where there is none.
	Diff string `json:"diff,omitempty"`
	// Locks are those that the call takes on its targets, as far as a rehearsal
	// took them. They are held until it ends.
	Locks []Lock `json:"locks,omitempty"`
	// Warnings are for the person who is asked.
	Warnings []string `json:"warnings,omitempty"`
	// State is a digest of what the call touches as it was found, "" where
	// only the counts are known.
	State string `json:"state,omitempty"`
}

// Lock is one that a call takes.
type Lock struct {
	Target
	// Mode is the target's own word: "RowExclusiveLock".
	Mode string `json:"mode"`
}

// Impact is the part of a preview that policy judges by.
type Impact struct {
	// Measured says that the counts were measured by a rehearsal. Otherwise
	// they are the target's own estimate.
	Measured bool `json:"measured" jsonschema:"the counts were measured by a rehearsal that was rolled back, not estimated"`
	// Rows, Objects, Bytes and Commits are what is changed in all.
	Rows    int64 `json:"rows" jsonschema:"rows inserted, updated and deleted in all tables, by triggers and cascades too"`
	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	Commits int64 `json:"commits"`
	// Changes are the same by what they are about, in a fixed order.
	Changes []Change `json:"changes"`
	// Dependents are objects that depend on what is altered or dropped.
	Dependents []Target `json:"dependents"`
}

// Change is how many things of one kind are changed in one way.
type Change struct {
	Target
	// Verb is what happens to them: "insert", "update", "delete", or "redefine"
	// for what is emptied, altered or dropped as a whole.
	Verb  string `json:"verb"`
	Count int64  `json:"count"`
}

// Sample is some rows of one target before and after the call. Where both are
// there, row i is the same row.
type Sample struct {
	Target
	Columns []string   `json:"columns"`
	Before  [][]string `json:"before,omitempty"`
	After   [][]string `json:"after,omitempty"`
	// Origins are those of the columns, for masks.
	Origins []Origin `json:"-"`
}

// Mask hides what policy says in the samples, and whatever is a secret by its
// form anywhere.
func (p *Preview) Mask(m Masker, scrub Scrub) {
	p.Diff = scrub(p.Diff)
	for i := range p.Warnings {
		p.Warnings[i] = scrub(p.Warnings[i])
	}
	for _, s := range p.Samples {
		for i, origin := range s.Origins {
			mask := m.Mask(Origins{Known: []Origin{origin}})
			for _, row := range append(s.Before[:len(s.Before):len(s.Before)], s.After...) {
				row[i] = masked(mask, scrub(row[i]))
			}
		}
	}
}

func masked(mask Mask, value string) string {
	if mask == nil {
		return value
	}
	out, ok := mask.Apply(value)
	if !ok {
		return "null"
	}
	return out
}

// Digest identifies a preview, as it was shown. A nil one has "".
func (p *Preview) Digest() string {
	if p == nil {
		return ""
	}
	// A struct of texts and numbers always marshals.
	text, _ := json.Marshal(p)
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
