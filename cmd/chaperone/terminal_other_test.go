//go:build !unix

package main

import "github.com/rogpeppe/go-internal/testscript"

// scriptTerminal needs a pseudo-terminal; scripts that use it say so.
func scriptTerminal(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("there is no terminal to play")
}
