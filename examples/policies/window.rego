# Production changes while people are there to look after it. The window
# stands in data.json, in its own time zone.
package chaperone

deny contains {
	"rule": "outside-the-change-window",
	"message": sprintf(
		"production changes from %d to %d o'clock (%s), on working days that are not frozen",
		[data.window.from, data.window.to, data.window.zone],
	),
	"hint": "repeat the call within the window",
} if {
	input.connection.labels.env == "prod"
	input.action.effect in {"write", "destroy"}
	not in_window
}

in_window if {
	now := [time.parse_rfc3339_ns(input.call.time), data.window.zone]
	[hour, _, _] := time.clock(now)
	hour >= data.window.from
	hour < data.window.to
	time.weekday(now) in data.window.days
	not time.format([now[0], now[1], "2006-01-02"]) in data.window.frozen
}
