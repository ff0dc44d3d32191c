# What would change more than was meant is refused everywhere.
package chaperone

deny contains {
	"rule": "change-without-where",
	"message": sprintf("this %s has no WHERE and would touch every row", [input.sql.statement]),
	"hint": "name the rows in a WHERE clause; to touch all of them, write that in a migration",
} if {
	input.sql.statement in {"update", "delete"}
	not input.sql.has_where
}

deny contains {
	"rule": "change-with-constant-where",
	"message": sprintf("the WHERE of this %s is the same for every row", [input.sql.statement]),
	"hint": "compare a column in the WHERE clause, such as the primary key",
} if {
	input.sql.statement in {"update", "delete"}
	input.sql.where_is_constant
}

deny contains {
	"rule": "no-drop",
	"message": sprintf("%s removes objects or all their rows, which agents don't do", [input.action.verb]),
	"hint": "delete the rows that you mean, or put the change into a migration",
} if {
	drops
}

drops if input.sql.statement == "truncate"

drops if startswith(input.sql.statement, "drop_")

drops if {
	some table in input.sql.tables
	table.access == "drop"
}
