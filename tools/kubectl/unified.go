package kubectl

import (
	"fmt"
	"strings"

	"github.com/pmezard/go-difflib/difflib"
)

// maxCompared bounds lines before times lines after: what it takes to compare
// them grows faster than that, and nothing ends it.
const maxCompared = 16 << 20

// unified is what differs between two texts, as diff -u shows it; "" where
// nothing does.
func unified(before, after, from, to string) (string, error) {
	a, b := lines(before), lines(after)
	if len(a)*len(b) > maxCompared {
		return "", fmt.Errorf("too long to compare: %d lines before, %d after", len(a), len(b))
	}
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: a, B: b, FromFile: from, ToFile: to, Context: 3})
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return difflib.SplitLines(strings.TrimSuffix(text, "\n"))
}
