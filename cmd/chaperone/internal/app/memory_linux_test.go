package app

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestOnlyUnchangedPagesOfTheProgramAreLetGo(t *testing.T) {
	smaps := `00400000-02b4d000 r-xp 00000000 fe:00 1575 /opt/a b/chaperone
Size:              40244 kB
Rss:               23040 kB
Anonymous:             0 kB
VmFlags: rd ex mr mw me
02b4d000-05c57000 r--p 0274d000 fe:00 1575 /opt/a b/chaperone
Anonymous:             4 kB
05c57000-05e6f000 rw-p 05857000 fe:00 1575 /opt/a b/chaperone
Anonymous:             0 kB
05e70000-05e71000 r--p 05857000 fe:00 1575 /opt/a b/chaperone
Anonymous:             0 kB
7f0000000000-7f0000001000 r-xp 00000000 fe:00 1576 /lib/other/opt/a b/chaperone
Anonymous:             0 kB
7f0000001000-7f0000002000 r--p 00000000 fe:00 1576 /lib/libc.so.6
Anonymous:             0 kB
7f0000002000-7f0000003000 r--p 00000000 00:00 0
Anonymous:             0 kB
zz-7f0000004000 r--p 00000000 fe:00 1575 /opt/a b/chaperone
Anonymous:             0 kB
`
	want := []span{{0x400000, 0x2b4d000}, {0x5e70000, 0x5e71000}}
	if got := unchanged(strings.NewReader(smaps), "/opt/a b/chaperone"); !slices.Equal(got, want) {
		t.Errorf("%x", got)
	}
}

// TestPagesOfTheProgramAreLetGo: of this program, too, which goes on.
func TestPagesOfTheProgramAreLetGo(t *testing.T) {
	before := mapped(t)
	unmapProgram()
	after := mapped(t)
	if after >= before {
		t.Errorf("%d kB before, %d kB after", before, after)
	}
}

// mapped is how much of files is mapped, in kB.
func mapped(t *testing.T) (kB int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"RssFile:", "RssShmem:"} {
		_, rest, _ := strings.Cut(string(status), kind)
		n, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		kB += n
	}
	return kB
}
