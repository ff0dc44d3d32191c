// Package statement understands one SQL statement: what kind it is, what it
// reads, calls and changes, whether it is provably a read, and where each of
// its result columns comes from.
//
// It parses with PostgreSQL's own grammar and resolves names against a
// [Catalog]. It never talks to a server itself. What it can't understand it
// calls [tools.Unknown], and what it can't follow it reports as coming from
// anywhere.
package statement
