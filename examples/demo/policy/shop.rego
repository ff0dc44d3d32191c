# The policy of the demo. Change it while the demo runs: the next call is judged
# by the new rules.
package chaperone

# Everyone may ask what they can reach, and look at the tables.
allow contains "everyone may look around" if input.call.tool in {"access", "sql_schema"}

allow contains "agents read the shop" if {
	input.connection.name == "shop"
	input.action.effect == "read"
}

# A change is allowed if it names the rows and says why.
allow contains "agents fix single orders" if {
	input.connection.name == "shop"
	input.action.verb in {"insert", "update"}
	input.call.reason != ""
}

# Money is looked at by a second pair of eyes. The people of the group dba see
# the rows as they are and as they would be.
approve contains {
	"rule": "payments-need-a-dba",
	"message": "payments are changed with a dba's consent",
	"groups": ["dba"],
	"expires": "30m",
} if {
	input.connection.name == "shop"
	input.action.effect != "read"
	some table in input.sql.tables
	table.name == "payments"
	table.access in {"write", "delete"}
}

deny contains {
	"rule": "no-where",
	"message": "this changes every row of the table",
	"hint": "add a WHERE that names the rows you mean",
} if {
	input.connection.family == "sql"
	input.action.verb in {"update", "delete"}
	not narrowed
}

narrowed if {
	input.sql.has_where
	not input.sql.where_is_constant
}

deny contains {
	"rule": "no-schema-changes",
	"message": "the schema of the shop is changed by migrations only",
	"hint": "write a migration and have it reviewed",
} if {
	input.connection.family == "sql"
	some prefix in ["create_", "alter_", "drop_"]
	startswith(input.action.verb, prefix)
}

deny contains {
	"rule": "say-why",
	"message": "a change must say why it is made",
	"hint": "set the argument reason",
} if {
	input.action.effect != "read"
	input.call.reason == ""
}

# Who the customers are stays here. The agent can join and count, not read.
mask contains {"rule": "pii", "columns": ["shop.customers.email"], "with": "partial"}

mask contains {"rule": "pii", "columns": ["shop.customers.phone"], "with": "redact"}

mask contains {"rule": "card", "columns": ["shop.customers.card_tail"], "with": "hash"}

limit contains {"rows": 200, "timeout": "10s"}
