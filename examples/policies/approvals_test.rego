package chaperone_test

import data.chaperone

# asked is an update as it is judged first, before it was rehearsed.
asked := {
	"principal": {"groups": ["on-call"]},
	"session": {"totals": {"rows_changed": 0}},
	"connection": {"name": "shop", "family": "sql", "labels": {"env": "prod"}},
	"call": {"tool": "sql_write", "reason": "order 12 was shipped, ticket 4711", "time": "2026-03-04T10:00:00Z"},
	"action": {"verb": "update", "effect": "write"},
	"sql": {"statement": "update", "has_where": true, "where_is_constant": false, "tables": [], "functions": []},
}

# touching is the same, once it is known what it touches.
touching(rows) := object.union(asked, {"preview": {"measured": true, "rows": rows}})

held_by(rule, call) := [a | some a in chaperone.approve with input as call; a.rule == rule][0]

test_a_dba_approves_changes if {
	a := held_by("production-changes", asked)
	a.groups == ["dba"]
	a.reason
	count(chaperone.allow) == 0 with input as asked
	count(chaperone.deny) == 0 with input as asked
}

test_only_keepers_may_ask if {
	every effect in ["write", "destroy"] {
		count(chaperone.approve) == 0 with input as asked
			with input.principal.groups as ["developers"]
			with input.action.effect as effect
	}
}

test_up_to_ten_rows_need_nobody if {
	every rows in [0, 10] {
		count(chaperone.approve) == 0 with input as touching(rows)
		"small changes by on-call and dba" in chaperone.allow with input as touching(rows)
	}
	held_by("production-changes", touching(11))
	count(chaperone.allow) == 0 with input as touching(11)
}

after(rows, call) := object.union(call, {"session": {"totals": {"rows_changed": rows}}})

test_many_small_ones_are_not_small if {
	held_by("production-changes", after(98, touching(3)))
	count(chaperone.approve) == 0 with input as after(97, touching(3))
}

test_an_estimate_is_not_enough if {
	held_by("production-changes", object.union(asked, {"preview": {"measured": false, "rows": 1}}))
}

test_two_people_agree_to_destruction if {
	every call in [asked, touching(1)] {
		a := held_by("two-for-destruction", object.union(call, {"action": {"verb": "delete", "effect": "destroy"}}))
		a.count == 2
		a.reason
	}
	count(chaperone.allow) == 0 with input as touching(1) with input.action as {"verb": "delete", "effect": "destroy"}
}

test_reads_wait_for_nobody if {
	count(chaperone.approve) == 0 with input as asked with input.action as {"verb": "select", "effect": "read"}
}
