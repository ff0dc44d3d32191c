package recorder

import (
	"maps"
	"slices"
)

// live is what goes on in a log: the sessions that are open, and the calls that
// started and have no outcome.
type live struct {
	sessions map[string]bool
	// calls leads from a call to its session.
	calls map[string]string
}

func newLive() live { return live{sessions: map[string]bool{}, calls: map[string]string{}} }

// see follows one event, in the order of the log.
func (l live) see(kind Kind, session, call string) {
	switch kind {
	case KindSessionOpened:
		l.sessions[session] = true
	case KindSessionClosed:
		delete(l.sessions, session)
	case KindStarted:
		l.calls[call] = session
	case KindFinished, KindRefused, KindFailed, KindAmbiguous:
		delete(l.calls, call)
	}
}

// endings are the events that end whatever still goes on.
func (l live) endings() []Event {
	var events []Event
	for _, call := range slices.Sorted(maps.Keys(l.calls)) {
		events = append(events, Event{Session: l.calls[call], Call: call, Body: Ambiguous{
			Why: "the gateway stopped while the call ran: look at the target to see whether it took effect",
		}})
	}
	for _, session := range slices.Sorted(maps.Keys(l.sessions)) {
		events = append(events, Event{Session: session, Body: SessionClosed{Reason: "the gateway stopped"}})
	}
	return events
}
