package chaperone_test

import data.chaperone

test_everyone_may_ask if {
	"everyone may ask for access" in chaperone.allow with input as {
		"principal": {"groups": []},
		"connection": {"name": "chaperone", "family": "chaperone", "labels": {}},
		"call": {"tool": "access"},
	}
}

test_only_these_tools if {
	count(chaperone.allow) == 0 with input as {
		"principal": {"groups": ["developers"]},
		"connection": {"name": "shop", "family": "sql", "labels": {}},
		"call": {"tool": "sql_read"},
		"action": {"effect": "read"},
	}
}
