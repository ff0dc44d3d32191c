package kubectl

import (
	"regexp"
	"strings"
)

// lookedAt are the fields of an object that a format looks at; ok is false where it
// may look at more, or print an object whole, as it does when a place is not there.
func lookedAt(format string) (fields []string, ok bool) {
	if columns, is := strings.CutPrefix(format, "custom-columns="); is {
		for column := range strings.SplitSeq(columns, ",") {
			_, path, _ := strings.Cut(column, ":")
			field, ok := firstField(path, false, false)
			if !ok {
				return nil, false
			}
			fields = append(fields, field)
		}
		return fields, true
	}
	text, is := strings.CutPrefix(format, "jsonpath=")
	if !is || strings.ContainsAny(inBraces.ReplaceAllString(text, ""), "{}") {
		return nil, false
	}
	for _, m := range inBraces.FindAllStringSubmatch(text, -1) {
		path := strings.TrimSpace(m[1])
		if path == "end" || literal.MatchString(path) {
			continue
		}
		path, loop := strings.CutPrefix(path, "range ")
		field, ok := firstField(path, true, loop)
		if !ok {
			return nil, false
		}
		fields = append(fields, field)
	}
	return fields, true
}

var (
	inBraces = regexp.MustCompile(`\{([^{}]*)\}`)
	literal  = regexp.MustCompile(`^("[^"]*"|'[^']*')$`)
	escaped  = regexp.MustCompile(`\\.`)
	// plainPath has names, and all of a list; nothing that may be missing.
	plainPath = regexp.MustCompile(`^\.?[\w/-]+(\[\*\])?(\.[\w/-]+(\[\*\])?)*$`)
)

// firstField is the field that a path begins with, within the items of a list where
// it may begin with them. It may not end where managedFields are printed along.
func firstField(path string, items, loop bool) (field string, ok bool) {
	path = escaped.ReplaceAllString(strings.TrimSpace(path), "")
	if !plainPath.MatchString(path) || strings.Contains(path, "managedFields") {
		return "", false
	}
	names := strings.Split(strings.ReplaceAll(strings.TrimPrefix(path, "."), "[*]", ""), ".")
	if items && names[0] == "items" {
		names = names[1:]
	}
	if len(names) == 0 {
		return "items", loop
	}
	last := names[len(names)-1]
	return names[0], last != "items" && last != "metadata"
}
