// Package policy asks Rego whether an action may run. It is the only importer
// of OPA.
//
// A policy is a set of .rego files in package chaperone, each adding to the
// partial sets allow, deny, approve, confirm, mask, limit and label, and of
// data.json and data.yaml files. [Load] compiles and checks them, [Policy.Decide]
// judges an [Input], and [Live] follows the files while they change.
//
// A rule about a field that does not exist is never true, so that a misspelt
// deny would silently not deny. Policies are therefore held to the JSON schema
// of their input when they load, and every input is held to the same schema
// when it is judged. OPA's type checker does not look into `every`, functions
// and keys that are variables; our own checks do (expand.go, place.go).
//
// Everything fails closed: a policy that errors, takes too long, yields nothing
// or yields a word that is not in the contract denies.
package policy
