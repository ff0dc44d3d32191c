// Package policy asks Rego whether an action may run. It is the only importer
// of OPA.
//
// A policy is a set of .rego files in package chaperone, each adding to the
// partial sets allow, deny, approve, confirm, mask, limit and label, and of
// data.json and data.yaml files. It is compiled against the JSON schema of
// [Input], so that a misspelt field is an error when the policy loads.
//
// Everything fails closed: a policy that errors, takes too long, yields nothing
// or yields a word that is not in the contract denies.
package policy
