package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaperone-dev/chaperone/tools/sql/sqltest"
)

// corpusData is the folder of the corpus and of the world it is run in.
const corpusData = "../../tools/sql/testdata"

const corpusConfig = `data_dir: ./state
policy: {paths: [./policy]}
connections:
  - name: db
    family: sql
    labels: {env: test}
    sql: {dsn: %q, search_path: %q, trusted_functions: [%s], rows: 5000, bytes: 10485760}
`

// corpusBatch is how many statements are sent between two looks at the whole
// database. What a function of the world's did shows after each of them.
const corpusBatch = 25

// TestCorpus sends every statement of the corpus to sql_read of the built
// program, under a policy that allows everything, as three roles. No statement
// changes anything, whatever the answer; what may change something is refused
// with a reason; what is an honest read gets the rows that the server itself
// gives.
func TestCorpus(t *testing.T) {
	cases, err := sqltest.Load(corpusData)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 300 {
		t.Fatalf("the corpus has %d cases", len(cases))
	}
	// All worlds are made before the first statement is sent: they share the
	// server's own catalogs.
	runs := map[string]*corpusRun{}
	for _, role := range []string{"postgres", sqltest.Owner, sqltest.Reader} {
		runs[role] = newCorpusRun(t, role)
	}
	for role, run := range runs {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			for batch := range slices.Chunk(run.choose(cases), corpusBatch) {
				run.batch(t, batch)
			}
			t.Logf("%d cases: %v", run.sent, run.ended)
		})
	}
}

// corpusRun is the corpus as one role.
type corpusRun struct {
	role  string
	world *sqltest.World
	peer  *peer
	watch *sqltest.Observer
	// bare is a connection to the same database without the program between.
	bare *pgconn.PgConn
	sent int
	// ended counts the answers by status.
	ended map[string]int
}

func newCorpusRun(t *testing.T, role string) *corpusRun {
	t.Helper()
	world, err := sqltest.Build(t.Context(), sharedPostgres(t), corpusData, "corpus_as_"+role, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &corpusRun{role: role, world: world, ended: map[string]int{}}
	if r.watch, err = world.Observe(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.watch.Close(context.Background()) })
	bare, err := pgconn.ParseConfig(world.DSN(role))
	if err != nil {
		t.Fatal(err)
	}
	bare.RuntimeParams["search_path"] = sqltest.SearchPath
	if r.bare, err = pgconn.ConnectConfig(t.Context(), bare); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.bare.Close(context.Background()) })
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{
		"policy/all.rego": crashPolicy,
		"chaperone.yaml":  fmt.Sprintf(corpusConfig, world.DSN(role), sqltest.SearchPath, strings.Join(sqltest.TrustedFunctions, ", ")),
	})
	r.peer = startPeer(t, filepath.Join(dir, "chaperone.yaml"))
	return r
}

// choose picks the cases of the role: all, or a sample where the program is slow.
// CASE narrows it to those whose name holds that.
func (r *corpusRun) choose(all []sqltest.Case) []sqltest.Case {
	var out []sqltest.Case
	for i, c := range all {
		if c.For(r.role) && strings.Contains(c.ID(), os.Getenv("CASE")) && (i%10 == 0 || !underRace && !testing.Short()) {
			out = append(out, c)
		}
	}
	return out
}

func (r *corpusRun) batch(t *testing.T, cases []sqltest.Case) {
	t.Helper()
	before, err := r.watch.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		r.one(t, c)
	}
	after, err := r.watch.Digest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if changed := before.Changed(after); len(changed) > 0 {
		t.Errorf("one of the statements from %s to %s changed: %s", cases[0].ID(), cases[len(cases)-1].ID(), strings.Join(changed, ", "))
	}
}

// corpusReply is what the client sees of a call.
type corpusReply struct {
	IsError    bool `json:"isError"`
	Structured struct {
		Status  string              `json:"status"`
		Message string              `json:"message"`
		Rule    string              `json:"rule"`
		Code    string              `json:"code"`
		Rows    [][]json.RawMessage `json:"rows"`
	} `json:"structuredContent"`
}

// corpusStatus is what becomes of a case, in the words of a reply.
var corpusStatus = map[string]string{sqltest.Read: "ok", sqltest.Refused: "refused", sqltest.Fails: "failed"}

func (r *corpusRun) one(t *testing.T, c sqltest.Case) {
	t.Helper()
	args := c.Args()
	args["sql"] = r.world.Statement(c)
	args["max_rows"] = 5000
	result, err := r.peer.request("tools/call", map[string]any{"name": "sql_read", "arguments": args})
	if err != nil {
		t.Fatalf("%s: %v\n%s", c.ID(), err, r.peer.log)
	}
	var reply corpusReply
	if err := json.Unmarshal(result, &reply); err != nil {
		t.Fatalf("%s: %v: %s", c.ID(), err, result)
	}
	struck, err := r.watch.Struck(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := reply.Structured
	r.sent++
	r.ended[got.Status]++
	if struck != "" {
		t.Errorf("%s: it ran %s (%s)\n\t%.200s", c.ID(), struck, got.Status, c.Statement)
	}
	switch {
	case c.Expect == sqltest.Read && got.Code == forbidden && r.forbids(t, c):
		// The role lacks the right, and the server says so without us too.
	case got.Status != corpusStatus[c.Expect]:
		t.Errorf("%s: %s, want %s: %s %.200s\n\t%.200s", c.ID(), got.Status, c.Expect, got.Code, got.Message, c.Statement)
	case reply.IsError != (c.Expect != sqltest.Read):
		t.Errorf("%s: isError is %v of %s", c.ID(), reply.IsError, got.Status)
	case c.Expect == sqltest.Refused && (got.Message == "" || got.Rule == "" || c.Rule != "" && c.Rule != got.Rule):
		t.Errorf("%s: refused by %q, want %q: %q", c.ID(), got.Rule, c.Rule, got.Message)
	case c.Expect == sqltest.Fails && c.Code != "" && c.Code != got.Code:
		t.Errorf("%s: failed with %s, want %s: %s", c.ID(), got.Code, c.Code, got.Message)
	case c.Expect == sqltest.Read:
		r.compare(t, c, got.Rows)
	}
}

// forbidden is the SQLSTATE of a lack of privilege.
const forbidden = "42501"

// forbids reports whether the server itself refuses a case to the role.
func (r *corpusRun) forbids(t *testing.T, c sqltest.Case) bool {
	t.Helper()
	_, err := r.directly(t, c)
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == forbidden
}

// compare holds the rows against those that the case says, or else against those
// that the server gives to a client of its own.
func (r *corpusRun) compare(t *testing.T, c sqltest.Case, rows [][]json.RawMessage) {
	t.Helper()
	switch c.Rows {
	case sqltest.AnyRows:
	case "":
		want, err := r.directly(t, c)
		if errors.Is(err, errNotText) {
			return
		}
		if err != nil {
			t.Errorf("%s: it passes through the program, and the server says: %v", c.ID(), err)
			return
		}
		got := make([]string, len(rows))
		for i, row := range rows {
			got[i] = asText(row)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n\t%.300q, want\n\t%.300q", c.ID(), got, want)
		}
	default:
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(c.Rows)); err != nil {
			t.Fatalf("%s: %v", c.ID(), err)
		}
		if got, _ := json.Marshal(rows); string(got) != want.String() {
			t.Errorf("%s: %.300s, want %s", c.ID(), got, want.String())
		}
	}
}

// directly runs a case without the program: BEGIN READ ONLY, the statement,
// ROLLBACK. Each row is the text of its values.
func (r *corpusRun) directly(t *testing.T, c sqltest.Case) ([]string, error) {
	ctx := t.Context()
	if _, err := r.bare.Exec(ctx, "BEGIN READ ONLY").ReadAll(); err != nil {
		return nil, err
	}
	defer func() { _, _ = r.bare.Exec(ctx, "ROLLBACK").ReadAll() }()
	params, err := textParams(c.Params)
	if err != nil {
		return nil, err
	}
	result := r.bare.ExecParams(ctx, r.world.Statement(c), params, nil, nil, nil).Read()
	rows := make([]string, len(result.Rows))
	for i, row := range result.Rows {
		values := make([]string, len(row))
		for j, v := range row {
			values[j] = string(v)
			if v == nil {
				values[j] = "NULL"
			}
		}
		rows[i] = strings.Join(values, "|")
	}
	return rows, result.Err
}

// errNotText says that a parameter has no text that we know.
var errNotText = errors.New("a parameter that is an array, an object or of a given type")

// textParams are a case's parameters as the server reads them.
func textParams(params string) ([][]byte, error) {
	if params == "" {
		return nil, nil
	}
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(params), &list); err != nil {
		return nil, err
	}
	out := make([][]byte, len(list))
	for i, p := range list {
		if p[0] == '[' || p[0] == '{' {
			return nil, errNotText
		}
		if text := asText([]json.RawMessage{p}); text != "NULL" {
			out[i] = []byte(text)
		}
	}
	return out, nil
}

// asText is a row of a reply in the words of the server.
func asText(row []json.RawMessage) string {
	values := make([]string, len(row))
	for i, v := range row {
		var s string
		switch {
		case string(v) == "null":
			values[i] = "NULL"
		case string(v) == "true":
			values[i] = "t"
		case string(v) == "false":
			values[i] = "f"
		case json.Unmarshal(v, &s) == nil:
			values[i] = s
		default:
			values[i] = string(v)
		}
	}
	return strings.Join(values, "|")
}
