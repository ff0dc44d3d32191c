package chaperone_test

import data.chaperone

on_staging := {
	"principal": {"groups": ["developers"]},
	"connection": {"name": "shop-staging", "family": "sql", "labels": {"env": "staging"}},
	"call": {"tool": "sql_read"},
	"action": {"verb": "select", "effect": "read"},
}

test_developers_read_staging if {
	"developers read staging" in chaperone.allow with input as on_staging
	{"rows": 1000, "timeout": "30s"} in chaperone.limit with input as on_staging
}

test_others_do_not if {
	count(chaperone.allow) == 0 with input as on_staging with input.principal.groups as ["sales"]
	count(chaperone.confirm) == 0 with input as on_staging
		with input.principal.groups as ["sales"]
		with input.action.effect as "write"
}

test_developers_confirm_what_their_agents_change if {
	{"rule": "staging-changes", "message": "update on shop-staging?"} in chaperone.confirm with input as on_staging
		with input.action as {"verb": "update", "effect": "write"}
	count(chaperone.confirm) == 0 with input as on_staging
	count(chaperone.confirm) == 0 with input as on_staging
		with input.action as {"verb": "update", "effect": "write"}
		with input.connection.labels as {"env": "prod"}
}

test_nothing_is_removed_from_staging if {
	"staging-keeps-its-rows" in {d.rule | some d in chaperone.deny} with input as on_staging
		with input.action.effect as "destroy"
	count(chaperone.confirm) == 0 with input as on_staging with input.action.effect as "destroy"
}
