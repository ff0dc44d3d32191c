# A function that runs with its owner's rights, or that may do anything each
# time it is called, hides what a change does.
package chaperone

approve contains {
	"rule": "functions-in-changes",
	"message": sprintf("the change calls %s", [concat(", ", sort(hiding))]),
	"groups": ["security"],
	"expires": "30m",
} if {
	input.connection.labels.env == "prod"
	input.action.effect in {"write", "destroy"}
	keeper
	count(hiding) > 0
}

hiding contains name if {
	some f in input.sql.functions
	not f.builtin
	not f.trusted
	hides(f)
	name := concat(".", [f.schema, f.name])
}

hides(f) if f.security_definer

hides(f) if f.volatility == "volatile"
