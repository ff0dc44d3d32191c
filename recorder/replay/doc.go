// Package replay shows the record to people.
//
// What is on record was written by agents, databases and strangers: nothing of
// it reaches the terminal but printable characters.
package replay
