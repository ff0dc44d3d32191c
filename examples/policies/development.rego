# Development databases can be read by developers. What an agent changes there, the developer
# whose agent it is agrees to; nothing is deleted.
package chaperone

allow contains "developers read development" if {
	input.connection.labels.env == "dev"
	input.action.effect == "read"
	"developers" in input.principal.groups
}

confirm contains {
	"rule": "development-changes",
	"message": sprintf("%s on %s?", [input.action.verb, input.connection.name]),
} if {
	input.connection.labels.env == "dev"
	input.action.effect == "write"
	"developers" in input.principal.groups
}

deny contains {
	"rule": "development-keeps-its-rows",
	"message": "agents remove nothing, in development either",
	"hint": "leave it in, or remove it yourself",
} if {
	input.connection.labels.env == "dev"
	input.action.effect == "destroy"
}

limit contains {"rows": 1000, "timeout": "30s"} if input.connection.labels.env == "dev"
