package chaperone_test

import data.chaperone

a_change := {
	"principal": {"groups": ["on-call"]},
	"connection": {"name": "shop", "family": "sql", "labels": {"env": "prod"}},
	"call": {"tool": "sql_write", "reason": "order 12 was shipped, ticket 4711", "time": "2026-03-04T10:00:00Z"},
	"action": {"verb": "update", "effect": "write"},
	"sql": {
		"statement": "update",
		"has_where": true,
		"where_is_constant": false,
		"tables": [{"schema": "public", "name": "orders", "kind": "table", "access": "write"}],
		"columns": [{"schema": "public", "table": "orders", "column": "id", "use": "filter"}],
		"functions": [],
	},
}

test_where_is_demanded if {
	every statement in ["update", "delete"] {
		"change-without-where" in {d.rule | some d in chaperone.deny} with input as a_change
			with input.sql.statement as statement
			with input.sql.has_where as false
	}
}

test_where_must_tell_rows_apart if {
	"change-with-constant-where" in {d.rule | some d in chaperone.deny} with input as a_change
		with input.sql.where_is_constant as true
}

test_insert_needs_no_where if {
	count(chaperone.deny) == 0 with input as a_change
		with input.sql.statement as "insert"
		with input.sql.has_where as false
}

test_nothing_is_dropped if {
	every statement in ["truncate", "drop_table", "drop_schema"] {
		"no-drop" in {d.rule | some d in chaperone.deny} with input as a_change with input.sql.statement as statement
	}
	"no-drop" in {d.rule | some d in chaperone.deny} with input as a_change
		with input.sql.tables as [{"schema": "public", "name": "orders", "kind": "table", "access": "drop"}]
}
