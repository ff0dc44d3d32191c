// Package recorder keeps the record of everything that the gateway does: typed
// events, appended durably, that someone who does not trust us can check later.
//
// A data folder holds one SQLite file, recorder.db, and the keys of this
// installation. Every process that writes is the origin of a log of its own: a
// Merkle tree (RFC 6962 hashing) whose leaves are the exact bytes of its events
// in canonical JSON (RFC 8785). With every commit goes a signed checkpoint
// (C2SP tlog-checkpoint) over the log as it then is. The first event of a log
// names the heads of the logs before it, so that a log can neither go missing
// nor be cut short without another one telling.
//
// [Open] writes, and [OpenReader] reads, also while others write. What a call
// did is on disk when [Recorder.Append] returns; [Recorder.Note] leaves events
// to ride along with the next commit. When the disk refuses, so do they, with
// [ErrUnavailable], until it works again.
//
// What the record proves, and to whom, is said at [Reader.Verify].
package recorder
