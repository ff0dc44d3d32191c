// Package sql is the family of tools that work on PostgreSQL, Cloud SQL
// included.
//
// Package statement says what a statement is; this one finds the statement's
// objects in the database, runs it within limits, and hands the rows back with
// where each column came from.
//
// A read runs as one pipeline: BEGIN READ ONLY, a query of ours that fails if
// the catalog is no longer what the statement was judged by, the statement, and
// always ROLLBACK. A write runs in one transaction, and its connection is never
// used again.
package sql
