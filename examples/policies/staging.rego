# Staging can be read by developers, and changed by no agent.
package chaperone

allow contains "developers read staging" if {
	input.connection.labels.env == "staging"
	input.action.effect == "read"
	"developers" in input.principal.groups
}

deny contains {
	"rule": "staging-is-read-only",
	"message": "staging is filled from a script, and agents don't change it",
	"hint": "change the script in the repository, or ask for a change in production",
} if {
	input.connection.labels.env == "staging"
	input.action.effect in {"write", "destroy"}
}

limit contains {"rows": 1000, "timeout": "30s"} if input.connection.labels.env == "staging"
