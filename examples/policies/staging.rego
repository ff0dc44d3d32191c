# Staging can be read by developers. What an agent changes there, the developer
# whose agent it is agrees to; nothing is deleted.
package chaperone

allow contains "developers read staging" if {
	input.connection.labels.env == "staging"
	input.action.effect == "read"
	"developers" in input.principal.groups
}

confirm contains {
	"rule": "staging-changes",
	"message": sprintf("%s on %s?", [input.action.verb, input.connection.name]),
} if {
	input.connection.labels.env == "staging"
	input.action.effect == "write"
	"developers" in input.principal.groups
}

deny contains {
	"rule": "staging-keeps-its-rows",
	"message": "staging is filled from a script, and agents remove nothing from it",
	"hint": "change the script in the repository",
} if {
	input.connection.labels.env == "staging"
	input.action.effect == "destroy"
}

limit contains {"rows": 1000, "timeout": "30s"} if input.connection.labels.env == "staging"
