package recorder

import "time"

// Event is one entry of the record.
type Event struct {
	// ID is a ULID. Append and Note give one where it is "".
	ID string
	// Time is when it happened, in UTC and whole microseconds. Append and Note
	// set it where it is zero.
	Time time.Time
	// Session and Call say what the event belongs to; "" is neither.
	Session, Call string
	// Body is what happened.
	Body Body
	// Content is the bulk that came with it: a result, a piece of a stream.
	Content Content
	// Place is where the event stands in the record. It is set when reading
	// and ignored when writing.
	Place Place
}

// Kind names a stage in the life of a call, a session, a log or a setting.
type Kind string

// Body is the typed part of an event. Every kind has one type.
type Body interface {
	Kind() Kind
}

// Place is where an event stands.
type Place struct {
	// Log is the name of the log, a ULID that a process took when it started.
	Log string
	// Seq is the index of the leaf in the log, from 0.
	Seq int64
	// Number counts the events of one session within the log, from 1, without
	// gaps. It shows that none was left out of an export.
	Number int64
}
