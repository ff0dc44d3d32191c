package kubectl

import (
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
	policy := m.Mask(tools.Origins{Any: true}) != nil
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
		if o, ok := r["object"].(map[string]any); ok {
			maskObject(resource, m, o)
		} else if r["object"] != nil {
			r["object"] = beside.value(r["object"], nil)
		}
		cells, _ := r["cells"].([]any)
		for i := range cells {
			if policy && (i >= len(hide) || hide[i]) {
				cells[i] = redacted
			}
		}
	}
}

// hideCells is what maskTable does where the rows don't say of what kind they are:
// the server puts only the metadata of their objects beside them.
func (s *sent) hideCells(table map[string]any) {
	if !custom(s.Group+"/"+s.Version) || s.masker.Mask(tools.Origins{Any: true}) == nil {
		return
	}
	columns, _ := table["columnDefinitions"].([]any)
	rows, _ := table["rows"].([]any)
	for _, row := range rows {
		r, _ := row.(map[string]any)
		cells, _ := r["cells"].([]any)
		for i := range cells {
			if !plainColumn(columns, i) {
				cells[i] = redacted
			}
		}
	}
}

// hiddenColumns says of each column whether it may print what is masked.
func hiddenColumns(resource string, m tools.Masker, columns []any, unknown bool) []bool {
	hide := make([]bool, len(columns))
	for i := range columns {
		column, _ := columns[i].(map[string]any)
		hide[i] = unknown && !plainColumn(columns, i) || printsMasked(resource, m, field(column, "name"))
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
