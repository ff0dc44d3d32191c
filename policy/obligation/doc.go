// Package obligation holds the duties that a policy lays on a call, one to a
// file: how each is written in Rego, how it is checked, how several of a kind
// add up, and what carrying it out means.
package obligation
