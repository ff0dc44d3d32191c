package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestDoctorKnowsAClockThatIsBehind compares the clock with what is on record.
func TestDoctorKnowsAClockThatIsBehind(t *testing.T) {
	_, state := plainSite(t)
	for behind, want := range map[time.Duration]tools.Level{0: tools.OK, time.Second: tools.OK, time.Hour: tools.Warn} {
		found := clockFindings(t.Context(), state, time.Now().Add(-behind))
		if len(found) != 1 || found[0].Level != want || (found[0].Fix == "") != (want == tools.OK) {
			t.Errorf("%s behind: %+v", behind, found)
		}
	}
}

// plainSite is a configuration without connections by which a call was made.
func plainSite(t *testing.T) (config, state string) {
	t.Helper()
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"chaperone.yaml": "data_dir: ./state\npolicy: {paths: [./policy]}\n",
		"policy/p.rego":  "package chaperone\n\nallow contains \"all\" if input.principal.subject != \"\"\n",
	})
	config = filepath.Join(dir, "chaperone.yaml")
	if _, stderr, code := chaperone(t, "--config", config, "call", "access"); code != exitOK {
		t.Fatal(stderr)
	}
	return config, filepath.Join(dir, "state")
}

// TestRecordTakenBack puts an older copy of the record in place of it. Nothing
// runs on that, and the doctor says the same as whoever tries.
func TestRecordTakenBack(t *testing.T) {
	config, state := plainSite(t)
	file := filepath.Join(state, "recorder.db")
	older, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := chaperone(t, "--config", config, "call", "access"); code != exitOK {
		t.Fatal(stderr)
	}
	if err := os.WriteFile(file, older, 0o600); err != nil {
		t.Fatal(err)
	}
	const why, fix = "was taken back to an older state", "put the newest recorder.db back"
	if _, stderr, code := chaperone(t, "--config", config, "call", "access"); code == exitOK || !strings.Contains(stderr, why) || !strings.Contains(stderr, fix) {
		t.Errorf("a call: %d %s", code, stderr)
	}
	if stdout, _, code := chaperone(t, "--config", config, "doctor"); code == exitOK || !strings.Contains(stdout, "✗ record") || !strings.Contains(stdout, why) || !strings.Contains(stdout, fix) {
		t.Errorf("the doctor: %d %s", code, stdout)
	}
}
