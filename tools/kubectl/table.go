package kubectl

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/chaperone-dev/chaperone/tools"
)

// maskTable masks the objects beside a table's rows. The cells of a resource
// that the server does not know by itself may print any field: with a mask on
// anything, only its name and its age are left.
func maskTable(resource string, m tools.Masker, table map[string]any, rows []any) {
	columns, _ := table["columnDefinitions"].([]any)
	policy := reaches(m, resource)
	hide := hiddenColumns(resource, m, columns, policy && !builtIn(rows))
	beside := walker{resource: resource, masker: m}
	beside.others(table, "rows")
	for i, row := range rows {
		r, ok := row.(map[string]any)
		if !ok {
			rows[i] = beside.value(row, nil)
			continue
		}
		beside.others(r, "object")
		cells, _ := r["cells"].([]any)
		if o, ok := r["object"].(map[string]any); ok {
			hideQuotes(resource, m, o, cells)
			maskObject(resource, m, o)
		} else if r["object"] != nil {
			r["object"] = beside.value(r["object"], nil)
		}
		for i := range cells {
			if policy && (i >= len(hide) || hide[i]) {
				cells[i] = redacted
			}
		}
	}
}

// hideQuotes hides the cells of a row that quote what is masked in its object. Only
// somebody's own kind has columns that do.
func hideQuotes(resource string, m tools.Masker, object map[string]any, cells []any) {
	if !custom(field(object, "apiVersion")) {
		return
	}
	_, hidden, err := masked(resource, m, object)
	for i := range cells {
		if err != nil || holds(fmt.Sprint(cells[i]), hidden) {
			cells[i] = redacted
		}
	}
}

// holds reports whether a text holds one that is hidden, or is one.
func holds(text string, hidden map[string]bool) bool {
	for secret := range hidden {
		if text == secret || len(secret) >= shortest && strings.Contains(text, secret) {
			return true
		}
	}
	return false
}

// hideCells is what maskTable does where the rows don't say of what kind they are,
// or not what is in them: then nobody knows what their cells quote.
func (s *sent) hideCells(table map[string]any) {
	if !s.foreign() {
		return
	}
	policy := reaches(s.masker, s.Resource)
	columns, _ := table["columnDefinitions"].([]any)
	rows, _ := table["rows"].([]any)
	for _, row := range rows {
		r, _ := row.(map[string]any)
		object, _ := r["object"].(map[string]any)
		cells, _ := r["cells"].([]any)
		for i := range cells {
			if (policy || !custom(field(object, "apiVersion"))) && !plainColumn(columns, i) {
				cells[i] = redacted
			}
		}
	}
}

// foreign reports whether a request is about somebody's own kind.
func (s *sent) foreign() bool { return custom(s.Group + "/" + s.Version) }

// hiddenColumns says of each column whether it may print what is masked.
func hiddenColumns(resource string, m tools.Masker, columns []any, unknown bool) []bool {
	hide := make([]bool, len(columns))
	for i := range columns {
		column, _ := columns[i].(map[string]any)
		hide[i] = !plainColumn(columns, i) && (unknown || printsMasked(resource, m, field(column, "name")))
	}
	return hide
}

func plainColumn(columns []any, i int) bool {
	if i >= len(columns) {
		return false
	}
	column, _ := columns[i].(map[string]any)
	return column["format"] == "name" || column["name"] == "Age"
}

// builtIn reports whether the rows are of a group that the API server itself has.
func builtIn(rows []any) bool {
	for _, row := range rows {
		r, _ := row.(map[string]any)
		object, _ := r["object"].(map[string]any)
		if version, _ := object["apiVersion"].(string); custom(version) {
			return false
		}
	}
	return true
}

// custom reports whether an API is none of the API server's own. Others may be
// called like them: gateway.networking.k8s.io is somebody's extension. What is in
// meta.k8s.io says nothing of what it is the metadata of.
func custom(apiVersion string) bool {
	group, _, grouped := strings.Cut(apiVersion, "/")
	return grouped && group != metav1.GroupName && !scheme.Scheme.IsGroupRegistered(group)
}
