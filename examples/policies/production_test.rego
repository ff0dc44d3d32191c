package chaperone_test

import data.chaperone

on_production := {
	"principal": {"groups": ["on-call"]},
	"connection": {"name": "shop", "family": "sql", "labels": {"env": "prod"}},
	"call": {"tool": "sql_read", "reason": "customer 7 asks where order 12 is"},
	"action": {"verb": "select", "effect": "read"},
}

test_keepers_read_production if {
	every group in ["on-call", "dba"] {
		"on-call and dba read production" in chaperone.allow with input as on_production
			with input.principal.groups as [group]
	}
	{"rows": 500, "bytes": 1000000, "timeout": "10s"} in chaperone.limit with input as on_production
	count(chaperone.deny) == 0 with input as on_production
}

test_developers_do_not if {
	count(chaperone.allow) == 0 with input as on_production with input.principal.groups as ["developers"]
}

test_reads_rule_covers_reads_only if {
	count(chaperone.allow) == 0 with input as on_production with input.action.effect as "write"
}

test_reason_is_demanded if {
	every reason in ["", "   ", "because"] {
		"production-needs-a-reason" in {d.rule | some d in chaperone.deny} with input as on_production
			with input.call.reason as reason
	}
}
