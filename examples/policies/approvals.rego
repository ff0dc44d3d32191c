# Who agrees to changes of production. Each request says why it is made, and runs
# only if it touches what the approvers saw.
package chaperone

# A small change needs nobody, once a rehearsal has counted it and as long as a
# session does not get along by many of them. How small stands in data.json.
allow contains "small changes by on-call and dba" if {
	changes_production
	input.action.effect == "write"
	small
}

approve contains {
	"rule": "production-changes",
	"message": sprintf("%s on production", [input.action.verb]),
	"groups": ["dba"],
	"expires": "30m",
	"reason": true,
} if {
	changes_production
	input.action.effect == "write"
	not small
}

# What is deleted is gone: two people look at it, whatever its size.
approve contains {
	"rule": "two-for-destruction",
	"message": sprintf("%s on production removes what is there", [input.action.verb]),
	"groups": ["dba", "security"],
	"count": 2,
	"expires": "15m",
	"reason": true,
} if {
	changes_production
	input.action.effect == "destroy"
}

changes_production if {
	input.connection.labels.env == "prod"
	input.action.effect in {"write", "destroy"}
	keeper
}

# An estimate does not count, and before the rehearsal there is nothing to go by.
small if {
	input.connection.family == "sql"
	input.preview.measured
	input.preview.rows <= data.small.rows
	input.session.totals.rows_changed + input.preview.rows <= data.small.rows_in_session
}
