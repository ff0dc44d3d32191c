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
}

test_nobody_changes_staging if {
	some effect in ["write", "destroy"]
	some d in chaperone.deny with input as on_staging with input.action.effect as effect
	d.rule == "staging-is-read-only"
}
