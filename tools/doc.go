// Package tools is the vocabulary that every part of Chaperone shares: what a
// tool family is, how it describes a call as typed facts, and what a result is
// made of. It imports nothing of ours, so that policy, recorder and gateway can
// all speak of the same things.
//
// A call reaches a family in two steps. [Connection.Describe] turns arguments
// into a [Plan]: an [Action] of typed facts, and the means to do exactly that.
// Describing never changes the target. Only when policy has judged the action,
// and the record holds the intent, does the gateway call [Plan.Run].
//
// Zero values refuse: the zero [Effect] is [Unknown], which no tool may run,
// and a zero [Verdict] is not allowed.
package tools
