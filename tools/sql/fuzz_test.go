package sql_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/sql/sqltest"
)

// fuzzLooks is after how many statements the whole database is looked at. What
// a function of the world's did shows after each of them.
const fuzzLooks = 100

// FuzzReads sends statements to sql_read that are put together from pieces of
// the corpus, as the superuser. None may end the process, none may run anything
// while it is described, and what passes as a read changes nothing.
func FuzzReads(f *testing.F) {
	cases, err := sqltest.Load("testdata")
	if err != nil {
		f.Fatal(err)
	}
	pieces := make([]string, 0, len(cases))
	for i, c := range cases {
		if len(c.Statement) > 1000 {
			continue
		}
		// What no read is made of is refused soon enough.
		if c.File != "commands" && c.File != "disguises" || i%10 == 0 {
			pieces = append(pieces, c.Statement)
		}
		if i%3 == 0 {
			f.Add(c.Statement, uint64(i))
		}
	}
	w, err := sqltest.Build(f.Context(), server, "testdata", "fuzz", f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	o, err := w.Observe(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { o.Close(f.Context()) })
	conn := open(f, sql.Config{DSN: w.DSN("postgres"), SearchPath: sqltest.SearchPath, TrustedFunctions: sqltest.TrustedFunctions})
	before, err := o.Digest(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	var sent []string
	f.Fuzz(func(t *testing.T, statement string, seed uint64) {
		if seed != 0 {
			statement = mutate(rand.New(rand.NewPCG(seed, 0)), statement, pieces)
		}
		said := tryRead(t, conn, statement)
		if struck, err := o.Struck(t.Context()); err != nil || struck != "" {
			t.Errorf("it ran %s (%v), and is %s:\n%s", struck, err, said, statement)
		}
		if sent = append(sent, said+": "+statement); len(sent) < fuzzLooks {
			return
		}
		after, err := o.Digest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if changed := before.Changed(after); len(changed) > 0 {
			t.Errorf("one of these changed %q:\n%s", changed, strings.Join(sent, "\n"))
		}
		before, sent = after, nil
	})
}

// tryRead describes a statement, and runs it if it passes as a read. It returns
// what became of it.
func tryRead(t *testing.T, conn tools.Connection, statement string) string {
	t.Helper()
	args, err := json.Marshal(map[string]any{"sql": statement})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := conn.Describe(t.Context(), tools.Request{Tool: "sql_read", Args: args})
	switch {
	case err != nil:
		understood(t, statement, err)
		return "refused"
	case plan.Action().Effect != tools.Read:
		return plan.Action().Effect.String()
	}
	if _, err := plan.Run(t.Context(), nil, tools.Limits{Rows: 20, Bytes: 1 << 16, Timeout: time.Second}); err != nil {
		understood(t, statement, err)
		return "failed"
	}
	return "a read"
}

// understood finds errors that would reach the caller as a fault of ours.
func understood(t *testing.T, statement string, err error) {
	t.Helper()
	if !errors.As(err, new(*tools.Refusal)) && !errors.As(err, new(*tools.Failure)) && !errors.Is(err, tools.ErrMoved) {
		t.Errorf("%v\n%s", err, statement)
	}
}

// word is a token of SQL, roughly.
var word = regexp.MustCompile(`(?s)\s+|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$\w*\$|[\pL_][\pL\pN_$]*|\d[\d.]*|::|[-+*/<>=~!@#%^&|?]+|.`)

// frames put statements, or a statement where an expression was, into others.
var frames = []string{
	"SELECT * FROM (%a) x", "WITH x AS (%a) SELECT 1", "WITH x AS (%a) SELECT * FROM x", "WITH x AS MATERIALIZED (%a) %b",
	"EXPLAIN %a", "EXPLAIN (VERBOSE, COSTS off) %a", "EXPLAIN ANALYZE %a", "(%a) UNION ALL (%b)", "%a INTERSECT %b", "SELECT (%a)",
	"SELECT ARRAY(%a)", "SELECT 1 WHERE EXISTS (%a)", "SELECT 1 WHERE 1 IN (%a)", "VALUES ((%a), (%b))", "SELECT * FROM (%a) x, LATERAL (%b) y",
	"SELECT row_to_json(x) FROM (%a) x", "SELECT x::text FROM (%a) x", "SELECT count(DISTINCT x) FROM (%a) x", "SELECT (x).* FROM (%a) x",
	"TABLE (%a)", "%a; %b", "%a /* %b */", "COPY (%a) TO STDOUT", "SELECT CASE WHEN true THEN (%a) END", "SELECT max((%a)) OVER (ORDER BY (%b))",
	"SELECT x FROM (%a) x GROUP BY x ORDER BY x", "SELECT * FROM (%a) x NATURAL JOIN (%b) y", "SELECT * FROM (%a) x JOIN (%b) y ON x = y",
	"SELECT json_agg(x), max(x::text) FROM (%a) x", "SELECT * FROM (%a) x WHERE x IS NOT DISTINCT FROM (%b)", "SELECT * FROM ROWS FROM (%a)",
}

// mutate changes a statement a few times over.
func mutate(r *rand.Rand, statement string, pieces []string) string {
	for range 1 + r.IntN(3) {
		other := pieces[r.IntN(len(pieces))]
		if r.IntN(3) == 0 {
			frame := frames[r.IntN(len(frames))]
			statement = strings.NewReplacer("%a", statement, "%b", other).Replace(frame)
			continue
		}
		words, others := word.FindAllString(statement, -1), word.FindAllString(other, -1)
		at, from := pick(r, words), pick(r, others)
		if at < 0 || from < 0 {
			continue
		}
		words[at] = exchange(r, words[at], other, others, from)
		statement = strings.Join(words, "")
	}
	return statement
}

// pick picks a word that is not a space, or -1.
func pick(r *rand.Rand, words []string) int {
	for range 20 {
		if len(words) == 0 {
			break
		}
		if at := r.IntN(len(words)); strings.TrimSpace(words[at]) != "" {
			return at
		}
	}
	return -1
}

// exchange is what becomes of a word, by another statement and a place in it.
func exchange(r *rand.Rand, w, other string, others []string, from int) string {
	to := min(from+1+r.IntN(4), len(others))
	switch r.IntN(10) {
	case 0: // it goes
		return ""
	case 1: // another word
		return others[from]
	case 2: // some of the other statement
		return strings.Join(others[from:to], "")
	case 3: // the same, behind it
		return w + " " + strings.Join(others[from:to], "")
	case 4, 5, 6: // where an expression is, the other statement's
		expression, ok := strings.CutPrefix(other, "SELECT ")
		if k := kind(w); ok && (k == '0' || k == '\'' || k == 'a') {
			if strings.Contains(expression, " FROM ") {
				expression = other
			}
			return "(" + expression + ")"
		}
	}
	return alike(r, w, others)
}

// alike picks one of the words that begins as the given one does: a name for a
// name, a string for a string.
func alike(r *rand.Rand, w string, others []string) string {
	var same []string
	for _, o := range others {
		if kind(o) == kind(w) {
			same = append(same, o)
		}
	}
	if len(same) == 0 {
		return w
	}
	return same[r.IntN(len(same))]
}

func kind(w string) rune {
	c := rune(w[0])
	switch {
	case c >= '0' && c <= '9':
		return '0'
	case c == '_' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80:
		return 'a'
	case strings.ContainsRune("+-*/<>=~!@#%^&|?", c):
		return '+'
	}
	return c
}
