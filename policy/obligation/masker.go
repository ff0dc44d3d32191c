package obligation

import (
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// Masker returns what carries the masks out. The key makes hashes of this
// installation differ from those of others; equal values hash alike under one
// key, so that masked columns can still be joined. A mask with a word that is
// not in the contract hides like the strictest.
func (ms Masks) Masker(key [32]byte) tools.Masker {
	m := masker{exact: map[tools.Origin]strictness{}, hides: hides(key)}
	for _, mask := range ms {
		s := strictnessOf(mask.With)
		m.any = max(m.any, s)
		for _, column := range mask.Columns {
			m.add(column, s)
		}
	}
	return m
}

type masker struct {
	exact    map[tools.Origin]strictness
	patterns []pattern
	// any is the strictest of all: what becomes of a value that may come from
	// anywhere.
	any   strictness
	hides [strictest + 1]tools.Mask
}

// pattern is an origin split at its dots, with "*" for any part.
type pattern struct {
	parts []string
	s     strictness
}

func (m *masker) add(column string, s strictness) {
	if strings.Contains(column, "*") {
		m.patterns = append(m.patterns, pattern{strings.Split(column, "."), s})
		return
	}
	origin := tools.Origin(column)
	m.exact[origin] = max(m.exact[origin], s)
}

// Mask returns the strictest mask on any of the origins, nil when there is
// none. A mask that leaves a part of a value, or tells equal ones, leaves nothing
// of one that was computed: the end of substr(value, 1, n) is the whole value
// after a few calls.
func (m masker) Mask(origins tools.Origins) tools.Mask {
	var s strictness
	if origins.Any {
		s = whole(m.any)
	}
	for _, origin := range origins.Made {
		s = max(s, whole(m.of(origin)))
	}
	for _, origin := range origins.Known {
		s = max(s, m.of(origin))
	}
	for _, place := range origins.Within {
		s = max(s, m.below(place))
	}
	return m.hides[s]
}

// whole is the laxest mask, no laxer than s, that leaves nothing of a value.
func whole(s strictness) strictness {
	if s == 0 {
		return 0
	}
	return max(s, strictnessOf(wordRedact))
}

func (m masker) of(origin tools.Origin) strictness {
	s := m.exact[origin]
	if len(m.patterns) == 0 {
		return s
	}
	parts := strings.Split(string(origin), ".")
	for _, p := range m.patterns {
		if at, _ := matches(p.parts, parts); at {
			s = max(s, p.s)
		}
	}
	return s
}

// below is the strictest mask on a place and on all that is below it.
func (m masker) below(place tools.Origin) strictness {
	s := m.of(place)
	for origin, strict := range m.exact {
		if strings.HasPrefix(string(origin), string(place)+".") {
			s = max(s, strict)
		}
	}
	parts := strings.Split(string(place), ".")
	for _, p := range m.patterns {
		if _, below := matches(p.parts, parts); below {
			s = max(s, p.s)
		}
	}
	return s
}

// matches lets "*" stand for one part or more. A name may itself hold dots, so
// that where its parts end is not certain; then more is masked, not less. below
// reports whether the pattern matches anything that has more parts behind these.
func matches(pattern, parts []string) (at, below bool) {
	// reached[n] says that the pattern so far matches the first n parts.
	reached := make([]bool, len(parts)+1)
	reached[0] = true
	for _, want := range pattern {
		below = below || reached[len(parts)]
		next := make([]bool, len(reached))
		for n, part := range parts {
			if want == "*" {
				next[n+1] = reached[n] || next[n]
			} else {
				next[n+1] = reached[n] && want == part
			}
		}
		// What stands for a part may stand for more parts than there are.
		below = below || want == "*" && next[len(parts)]
		reached = next
	}
	return reached[len(parts)], below
}
