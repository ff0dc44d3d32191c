package statement_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/sqltest"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// seeds adds the statements of the corpus.
func seeds(f *testing.F) {
	f.Helper()
	cases, err := sqltest.Load("../testdata")
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add(c.Statement)
	}
}

// nowhere is a database in which no name stands for anything.
type nowhere struct{}

func (nowhere) Lookup(context.Context, statement.Want) (*statement.Found, error) {
	return &statement.Found{UTF8: true}, nil
}

func (nowhere) Uses(context.Context, string, []uint32) (map[statement.Object]bool, bool) {
	return nil, false
}

// patience is by far more than any text should take.
const patience = 10 * time.Second

// FuzzParse parses any text and analyzes what it holds. It never panics, takes
// no long time, and gives every statement an effect and the reason for it.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, sql string) {
		began := time.Now()
		s, err := statement.Parse(sql)
		if err != nil {
			if s != nil || err.Error() == "" {
				t.Errorf("%v, %v", s, err)
			}
			return
		}
		if !strings.Contains(sql, s.Query) || !strings.Contains(s.Query, s.Body) || s.Body == "" {
			t.Errorf("of %q the statement is %q, and its body %q", sql, s.Query, s.Body)
		}
		if s.Verb == "" {
			t.Errorf("no kind of statement: %q", sql)
		}
		a, err := statement.Analyze(t.Context(), s, nil, nowhere{}, statement.Trust{})
		if err == nil && a.Action.Effect != tools.Read && a.Action.Why == "" {
			t.Errorf("%s without a reason: %q", a.Action.Effect, sql)
		}
		if took := time.Since(began); took > patience {
			t.Errorf("it took %s", took)
		}
	})
}

// FuzzBlank blanks any text: it never panics, and what it leaves is blank.
func FuzzBlank(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, sql string) {
		once := statement.Blank(sql)
		if len(once) > len(sql)+len("(999999 bytes that are not SQL, not shown)") {
			t.Errorf("%q became %q", sql, once)
		}
	})
}

// FuzzBlankSecret hides a secret in every place of a statement where a constant
// or a comment may stand. None of it is left.
func FuzzBlankSecret(f *testing.F) {
	for _, secret := range []string{"hunter2", "it's", `back\slash`, "$$", "a\nb", "--", "*/", "ü€", `"`, "x' OR 'x", "$tag$"} {
		f.Add(secret)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		const mark = "5ecre7"
		if strings.ContainsRune(secret, 0) || len(secret) > 1000 {
			return
		}
		secret = mark + secret + mark
		quoted := strings.ReplaceAll(secret, "'", "''")
		constants := []string{
			"'" + quoted + "'",
			"E'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(secret) + "'",
			"N'" + quoted + "'",
			"'x'\n'" + quoted + "'",
			"'x' -- c\n '" + quoted + "'",
		}
		if !strings.Contains(secret, "$t_g$") {
			constants = append(constants, "$t_g$"+secret+"$t_g$")
		}
		if !strings.Contains(secret, "$$") && !strings.HasSuffix(secret, "$") {
			constants = append(constants, "$$"+secret+"$$")
		}
		if !strings.Contains(secret, `\`) {
			constants = append(constants, "U&'"+quoted+"'")
		}
		if !strings.Contains(secret, "/*") && !strings.Contains(secret, "*/") {
			constants = append(constants, "1 /* "+secret+" */", "1 /* /* "+secret+" */ */")
		}
		if !strings.ContainsAny(secret, "\r\n") {
			constants = append(constants, "1 --"+secret+"\n")
		}
		for _, constant := range constants {
			for _, frame := range []string{
				"SELECT %s", "CREATE ROLE r PASSWORD %s", "SELECT a FROM t WHERE b = %s AND c", "INSERT INTO t VALUES (1, %s), (2, 3)",
				"SELECT %s; SELECT 1", "not SQL but words %s and more",
			} {
				sql := fmt.Sprintf(frame, constant)
				if out := statement.Blank(sql); strings.Contains(out, mark) {
					t.Errorf("%q became %q", sql, out)
				}
			}
		}
	})
}

// TestHostileText takes the texts that are known to end parsers, or to keep
// them busy for hours.
func TestHostileText(t *testing.T) {
	for name, sql := range map[string]string{
		"8 MB of NOT":              "SELECT " + strings.Repeat("NOT ", 2<<20) + "true",
		"64 KB of NOT":             "SELECT " + strings.Repeat("NOT ", 16_000) + "true",
		"64 KB of brackets":        "SELECT " + strings.Repeat("(", 32_000) + "1" + strings.Repeat(")", 32_000),
		"200 brackets":             "SELECT " + strings.Repeat("(", 200) + "1" + strings.Repeat(")", 200),
		"open brackets":            "SELECT " + strings.Repeat("(", 60_000),
		"64 KB of minus":           "SELECT " + strings.Repeat("- ", 32_000) + "1",
		"64 KB of plus":            "SELECT 1" + strings.Repeat(" + 1", 16_000),
		"64 KB of OR":              "SELECT true" + strings.Repeat(" OR true", 7_900),
		"64 KB of concatenation":   "SELECT ''" + strings.Repeat("||''", 15_900),
		"64 KB of casts":           "SELECT 1" + strings.Repeat("::int", 12_000),
		"64 KB of subscripts":      "SELECT a" + strings.Repeat("[1]", 21_000),
		"64 KB of fields":          "SELECT a" + strings.Repeat(".b", 32_000),
		"64 KB of UNION":           "SELECT 1" + strings.Repeat(" UNION SELECT 1", 4_300),
		"64 KB of JOIN":            "SELECT 1 FROM t" + strings.Repeat(" JOIN t ON 1=1", 4_600),
		"subqueries":               strings.Repeat("SELECT (", 190) + "1" + strings.Repeat(")", 190),
		"subqueries in FROM":       strings.Repeat("SELECT * FROM (", 190) + "SELECT 1" + strings.Repeat(") x", 190),
		"WITH in WITH":             strings.Repeat("WITH x AS (", 190) + "SELECT 1" + strings.Repeat(") SELECT 1", 190),
		"CASE in CASE":             "SELECT " + strings.Repeat("CASE WHEN true THEN ", 2_500) + "1" + strings.Repeat(" END", 2_500),
		"64 KB of semicolons":      strings.Repeat(";", 64_000),
		"64 KB of comments":        "SELECT 1 " + strings.Repeat("/*", 32_000),
		"64 KB of quotes":          strings.Repeat("'", 63_999),
		"64 KB of dollars":         strings.Repeat("$", 64_000),
		"an identifier of 64 KB":   "SELECT " + strings.Repeat("a", 64_000),
		"a string of 64 KB":        "SELECT '" + strings.Repeat("a", 65_000) + "'",
		"64 KB of constants":       "SELECT 1" + strings.Repeat(",1", 32_000),
		"parameters out of range":  "SELECT $99999999999999999999, $2147483647",
		"EXPLAIN of EXPLAIN":       strings.Repeat("EXPLAIN ", 8_000) + "SELECT 1",
		"COLLATE":                  "SELECT 'a'" + strings.Repeat(` COLLATE "C"`, 5_000),
		"AT TIME ZONE":             "SELECT now()" + strings.Repeat(" AT TIME ZONE 'UTC'", 3_300),
		"IS NULL":                  "SELECT 1" + strings.Repeat(" IS NULL", 8_000),
		"array brackets of a type": "SELECT 1::int" + strings.Repeat("[]", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			if s, err := statement.Parse(sql); err == nil {
				_, err = statement.Analyze(t.Context(), s, nil, nowhere{}, statement.Trust{})
				t.Logf("it is taken: %v", err)
			} else {
				t.Logf("%.120s", err)
			}
			if out := statement.Blank(sql); len(out) > 2*len(sql)+100 {
				t.Errorf("blank, it is %d bytes long", len(out))
			}
			took := time.Since(began)
			t.Logf("%s", took)
			if took > patience {
				t.Errorf("it took %s", took)
			}
		})
	}
}
