package app

import (
	"context"
	"runtime/debug"
)

// giveBack gives the system the memory that only the start needed: garbage, and
// the pages of the program that set its thousand packages up. What is needed of
// these again is mapped again, from the system's cache.
func giveBack(context.Context) {
	debug.FreeOSMemory()
	unmapProgram()
}
