// Package approval keeps requests for approval: what a call that policy holds
// waits for, who answered, and whether it may run.
//
// A [Request] is bound to the caller, the exact call, the policy that held it
// and the preview that its approvers see. It goes through phases, each change
// of which is an event of the record and, in the same transaction, a claim that
// only one can win, in whatever process:
//
//	requested -> approved -> spent
//	    |            |
//	    +------------+----> denied, expired, cancelled
//
// A [Desk] is where calls wait and approvers answer. No goroutine holds the
// truth: a gateway that stops while calls wait loses nothing.
package approval
