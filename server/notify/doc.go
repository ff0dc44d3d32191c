// Package notify tells people of requests for approval: by a webhook of their
// own, or by Slack.
//
// A notice is put into the record's outbox in the same transaction as the
// request that it is about, so that none is lost. It goes out at least once,
// with an id by which a receiver knows it again. It says who asks for what, and
// neither shows the statement nor lets anyone in: answering needs a sign-in.
package notify
