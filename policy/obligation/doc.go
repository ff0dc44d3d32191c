// Package obligation holds the duties that a policy lays on a call, one to a
// file: how an element of its set is written in Rego and checked, how several
// add up, and what carrying it out means.
//
// Elements are decoded strictly. An unknown or missing key, a null, a value of
// the wrong type and a word that is not in the contract are errors, and a
// policy that yields one denies.
package obligation
