//go:build !race

package main

// underRace says that the test binary, and so the program, is some ten times
// slower than it will be.
const underRace = false
