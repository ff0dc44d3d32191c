package chaperone_test

import data.chaperone

selecting(column, use) := {
	"principal": {"groups": ["on-call"]},
	"connection": {"name": "shop", "family": "sql", "labels": {"env": "prod"}},
	"call": {"tool": "sql_read", "reason": "customer 7 asks where order 12 is"},
	"action": {"verb": "select", "effect": "read"},
	"sql": {
		"statement": "select",
		"columns": [{"schema": "public", "table": "customers", "column": column, "use": use}],
	},
}

test_personal_data_are_masked if {
	masks := chaperone.mask with input as selecting("email", "output")
	{"rule": "personal-data", "columns": data.pii.masked.hash, "with": "hash"} in masks
	"public.customers.email" in data.pii.masked.hash
}

test_the_cleared_see_them if {
	count(chaperone.mask) == 0 with input as selecting("email", "output") with input.principal.groups as ["pii"]
	"pii" in chaperone.label with input as selecting("email", "output") with input.principal.groups as ["pii"]
}

test_no_guessing_by_filter if {
	"filter-on-personal-data" in {d.rule | some d in chaperone.deny} with input as selecting("phone", "filter")
	count(chaperone.deny) == 0 with input as selecting("phone", "filter") with input.principal.groups as ["on-call", "pii"]
}

test_no_guessing_by_statistics if {
	guess := {"schema": "pg_catalog", "table": "pg_stats", "column": "most_common_vals", "use": "filter"}
	"filter-on-personal-data" in {d.rule | some d in chaperone.deny} with input as selecting("id", "output")
		with input.sql.columns as [guess]
	count(chaperone.deny) == 0 with input as selecting("id", "output")
		with input.sql.columns as [object.union(guess, {"column": "attname"})]
}

test_some_filters_are_allowed if {
	count(chaperone.deny) == 0 with input as selecting("email", "filter")
	count(chaperone.deny) == 0 with input as selecting("id", "filter")
}
