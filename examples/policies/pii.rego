# Personal data leave the database masked, except for those who are cleared.
# Which columns, and how, stands in data.json.
package chaperone

cleared if "pii" in input.principal.groups

mask contains {"rule": "personal-data", "columns": columns, "with": how} if {
	some how, columns in data.pii.masked
	not cleared
}

# A filter on a masked column tells what is in it, one guess at a time. Those
# in data.pii.filter may be used to find a person whose details are known.
deny contains {
	"rule": "filter-on-personal-data",
	"message": sprintf("%s is masked, and a filter on it would tell what it holds", [column]),
	"hint": "find the rows by another column, such as the id",
} if {
	not cleared
	some c in input.sql.columns
	c.use == "filter"
	column := concat(".", [c.schema, c.table, c.column])
	personal(column)
	not column in data.pii.filter
}

# The planner's statistics hold values of every column, and what other sessions
# run holds constants. Both come masked; a filter on them would tell all the same.
deny contains {
	"rule": "filter-on-personal-data",
	"message": sprintf("%s.%s holds values of other tables, and a filter on it would tell what they are", [c.table, c.column]),
	"hint": "filter by the names of tables and columns",
} if {
	not cleared
	some c in input.sql.columns
	c.use == "filter"
	c.schema == "pg_catalog"
	c.column in statistics
}

statistics := {
	"most_common_vals", "histogram_bounds", "most_common_elems", "query", "statement", "attmissingval", "data",
	"stavalues1", "stavalues2", "stavalues3", "stavalues4", "stavalues5", "stxdmcv", "stxdexpr",
}

label contains "pii" if {
	cleared
	some c in input.sql.columns
	c.use == "output"
	personal(concat(".", [c.schema, c.table, c.column]))
}

personal(column) if {
	some columns in data.pii.masked
	column in columns
}
