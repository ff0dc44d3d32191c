# Production can be read by those who look after it, with a reason and within
# limits.
package chaperone

keeper if {
	some group in {"on-call", "dba"}
	group in input.principal.groups
}

allow contains "on-call and dba read production" if {
	input.connection.labels.env == "prod"
	input.action.effect == "read"
	keeper
}

deny contains {
	"rule": "production-needs-a-reason",
	"message": "calls on production must say why they are made",
	"hint": "repeat the call with `reason`: the ticket, or what you are looking for, in a sentence",
} if {
	input.connection.labels.env == "prod"
	count(trim_space(input.call.reason)) < 10
}

limit contains {"rows": 500, "bytes": 1000000, "timeout": "10s"} if input.connection.labels.env == "prod"
