package kubeserver_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools/kubectl/kubeserver"
)

// script is a program of these lines.
func script(t *testing.T, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+lines+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestItDoesNotStart has one error for each obstacle, with what to do about it, or
// what the program said.
func TestItDoesNotStart(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the cluster runs on Linux only")
	}
	for want, o := range map[string]kubeserver.Options{
		"no such file":               {Program: "/no/such/file", Dir: t.TempDir()},
		"it said: the port is taken": {Program: script(t, "echo the port is taken >&2; exit 1"), Dir: t.TempDir()},
		"too long":                   {Program: script(t, ""), Dir: filepath.Join(t.TempDir(), strings.Repeat("x", 100))},
		"not a directory":            {Program: script(t, ""), Dir: filepath.Join(script(t, ""), "d")},
	} {
		if _, err := kubeserver.Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestItsStartIsBrokenOff: a program that is never ready ends with the context.
func TestItsStartIsBrokenOff(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the cluster runs on Linux only")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := kubeserver.Start(ctx, kubeserver.Options{Program: script(t, "cat"), Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
