// Package sqltest holds what tests of the SQL family share: a database full of
// traps, statements against it with what should become of them, and a digest of
// everything in the database by which a change shows.
//
// It is imported by tests only. Its data is in tools/sql/testdata.
package sqltest
