package chaperone_test

import data.chaperone

on_development := {
	"principal": {"groups": ["developers"]},
	"connection": {"name": "shop-dev", "family": "sql", "labels": {"env": "dev"}},
	"call": {"tool": "sql_read"},
	"action": {"verb": "select", "effect": "read"},
}

test_developers_read_development if {
	"developers read development" in chaperone.allow with input as on_development
	{"rows": 1000, "timeout": "30s"} in chaperone.limit with input as on_development
}

test_others_do_not_develop if {
	count(chaperone.allow) == 0 with input as on_development with input.principal.groups as ["sales"]
	count(chaperone.confirm) == 0 with input as on_development
		with input.principal.groups as ["sales"]
		with input.action.effect as "write"
}

test_developers_confirm_what_their_agents_change if {
	{"rule": "development-changes", "message": "update on shop-dev?"} in chaperone.confirm with input as on_development
		with input.action as {"verb": "update", "effect": "write"}
	count(chaperone.confirm) == 0 with input as on_development
	count(chaperone.confirm) == 0 with input as on_development
		with input.action as {"verb": "update", "effect": "write"}
		with input.connection.labels as {"env": "prod"}
}

test_nothing_is_removed_from_development if {
	"development-keeps-its-rows" in {d.rule | some d in chaperone.deny} with input as on_development
		with input.action.effect as "destroy"
	count(chaperone.confirm) == 0 with input as on_development with input.action.effect as "destroy"
}
