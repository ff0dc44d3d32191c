package kubectl

import (
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestFactsSchemaElsewhere: the tests of policy know the facts by a file, since
// they don't know the families. Run it with -update when the facts changed.
func TestFactsSchemaElsewhere(t *testing.T) {
	const golden = "../../policy/testdata/kubectl.json"
	want := string(Family{}.FactsSchema()) + "\n"
	if *update {
		if err := os.WriteFile(golden, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(golden)
	if err != nil || string(got) != want {
		t.Errorf("%s is not the schema of the facts (%v); run go test ./tools/kubectl -run Elsewhere -update", golden, err)
	}
}
