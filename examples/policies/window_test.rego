package chaperone_test

import data.chaperone

changing(at) := {
	"principal": {"groups": ["on-call"]},
	"connection": {"name": "shop", "family": "sql", "labels": {"env": "prod"}},
	"call": {"tool": "sql_write", "reason": "order 12 was shipped, ticket 4711", "time": at},
	"action": {"verb": "insert", "effect": "write"},
	"sql": {"statement": "insert"},
}

berlin := {"zone": "Europe/Berlin", "from": 9, "to": 17, "days": ["Monday", "Wednesday"], "frozen": ["2026-12-23"]}

late(at) if {
	"outside-the-change-window" in {d.rule | some d in chaperone.deny} with input as changing(at) with data.window as berlin
}

test_within if {
	not late("2026-03-04T10:00:00Z") # Wednesday
	not late("2026-03-04T08:00:00Z") # 9:00 in Berlin
	not late("2026-07-01T07:00:00Z") # 9:00 in Berlin, summer time
}

test_outside if {
	late("2026-03-04T07:59:59Z") # 8:59 in Berlin
	late("2026-03-04T16:00:00Z") # 17:00 in Berlin
	late("2026-07-01T15:00:00Z") # 17:00 in Berlin, summer time
	late("2026-03-05T10:00:00Z") # Thursday
	late("2026-12-23T10:00:00Z") # frozen
}

test_reads_have_no_window if {
	count(chaperone.deny) == 0 with input as changing("2026-03-08T03:00:00Z")
		with data.window as berlin
		with input.action.effect as "read"
}
