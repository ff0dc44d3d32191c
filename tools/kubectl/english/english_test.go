package english_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/kubectl/pkg/cmd/apiresources"
	"k8s.io/kubectl/pkg/util/i18n"

	"github.com/chaperone-dev/chaperone/tools/kubectl/english"
)

// said is text of kubectl's that it has in other languages, too, and how it came
// out while packages were initialized.
const said = "Display one or many resources"

// TestOnlyEnglish also where the system has another language: nothing was loaded
// before, by a command's package either.
func TestOnlyEnglish(t *testing.T) {
	if os.Getenv("TEST_ENGLISH") != "" {
		_, _ = os.Stdout.WriteString(i18n.T(said))
		if english.Only != nil {
			_, _ = os.Stdout.WriteString(english.Only.Error())
		}
		if os.Getenv("TEST_ENGLISH") == "not" {
			_ = i18n.LoadTranslations("kubectl", nil)
			_, _ = os.Stdout.WriteString(" or " + i18n.T(said))
		}
		os.Exit(0)
	}
	_ = apiresources.NewCmdAPIResources // is among the first to want translations
	run := func(how string) string {
		c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=TestOnlyEnglish")
		c.Env = append(os.Environ(), "TEST_ENGLISH="+how, "LC_ALL=ja_JP.UTF-8")
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got := run("yes"); got != said {
		t.Errorf("kubectl says %q", got)
	}
	if _, other, _ := strings.Cut(run("not"), " or "); other == "" || other == said {
		t.Errorf("it says %q in Japanese as well, so that this shows nothing", other)
	}
}
