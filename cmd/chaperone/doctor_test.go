package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestDoctorKnowsAClockThatIsBehind compares the clock with what is on record.
func TestDoctorKnowsAClockThatIsBehind(t *testing.T) {
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"chaperone.yaml": "data_dir: ./state\npolicy: {paths: [./policy]}\n",
		"policy/p.rego":  "package chaperone\n\nallow contains \"all\" if input.principal.subject != \"\"\n",
	})
	if _, stderr, code := chaperone(t, "--config", filepath.Join(dir, "chaperone.yaml"), "call", "access"); code != exitOK {
		t.Fatal(stderr)
	}
	state := filepath.Join(dir, "state")
	for behind, want := range map[time.Duration]tools.Level{0: tools.OK, time.Second: tools.OK, time.Hour: tools.Warn} {
		found := clockFindings(t.Context(), state, time.Now().Add(-behind))
		if len(found) != 1 || found[0].Level != want || (found[0].Fix == "") != (want == tools.OK) {
			t.Errorf("%s behind: %+v", behind, found)
		}
	}
}
