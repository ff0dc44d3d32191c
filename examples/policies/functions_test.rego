package chaperone_test

import data.chaperone

calling(f) := {
	"principal": {"groups": ["on-call"]},
	"connection": {"name": "shop", "family": "sql", "labels": {"env": "prod"}},
	"call": {"tool": "sql_write", "reason": "order 12 was shipped, ticket 4711"},
	"action": {"verb": "update", "effect": "write"},
	"sql": {"statement": "update", "has_where": true, "where_is_constant": false, "tables": [], "functions": [f]},
}

held(f) if {
	"functions-in-changes" in {a.rule | some a in chaperone.approve} with input as calling(f)
}

test_hiding_functions_are_held if {
	held({"schema": "app", "name": "ship", "volatility": "volatile", "security_definer": false, "builtin": false, "trusted": false})
	held({"schema": "app", "name": "ship", "volatility": "stable", "security_definer": true, "builtin": false, "trusted": false})
}

test_others_are_not if {
	not held({"schema": "app", "name": "tax", "volatility": "immutable", "security_definer": false, "builtin": false, "trusted": false})
	not held({"schema": "pg_catalog", "name": "now", "volatility": "stable", "security_definer": false, "builtin": true, "trusted": true})
	not held({"schema": "app", "name": "log", "volatility": "volatile", "security_definer": true, "builtin": false, "trusted": true})
}

test_the_message_names_them if {
	f := {"schema": "app", "name": "ship", "volatility": "volatile", "security_definer": false, "builtin": false, "trusted": false}
	some a in chaperone.approve with input as calling(f)
	a.message == "the change calls app.ship"
}
