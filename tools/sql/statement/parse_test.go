package statement

import (
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

// TestParseKinds shows what is known of a statement before the catalog is asked.
func TestParseKinds(t *testing.T) {
	for _, c := range []struct {
		sql, verb string
		effect    tools.Effect
	}{
		{"SELECT 1", "select", tools.Read},
		{"TABLE t", "select", tools.Read},
		{"VALUES (1)", "select", tools.Read},
		{"SHOW work_mem", "show", tools.Read},
		{"WITH q AS (SELECT 1) SELECT * FROM q", "select", tools.Read},
		{"SELECT * FROM t FOR UPDATE", "select", tools.Write},
		{"SELECT * FROM (SELECT * FROM t FOR SHARE) q", "select", tools.Write},
		{"SELECT 1 INTO t", "create_table_as", tools.Write},
		{"WITH q AS (DELETE FROM t RETURNING *) SELECT * FROM q", "select", tools.Destroy},
		{"SELECT (WITH q AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM q)", "select", tools.Write},
		{"INSERT INTO t VALUES (1)", "insert", tools.Write},
		{"UPDATE t SET a = 1", "update", tools.Write},
		{"DELETE FROM t", "delete", tools.Destroy},
		{"TRUNCATE t", "truncate", tools.Destroy},
		{"MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "merge", tools.Destroy},
		{"DROP TABLE t", "drop_table", tools.Destroy},
		{"DROP VIEW v", "drop_view", tools.Destroy},
		{"ALTER TABLE t ADD COLUMN a int", "alter_table", tools.Write},
		{"ALTER TABLE t DROP COLUMN a", "alter_table", tools.Destroy},
		{"CREATE TABLE t (a int)", "create_table", tools.Write},
		{"CREATE INDEX ON t (a)", "create_index", tools.Write},
		{"CREATE INDEX CONCURRENTLY ON t (a)", "unknown", tools.Unknown},
		{"REFRESH MATERIALIZED VIEW m", "refresh_materialized_view", tools.Write},
		{"EXPLAIN SELECT 1", "explain", tools.Read},
		{"EXPLAIN DELETE FROM t", "explain", tools.Read},
		{"EXPLAIN ANALYZE DELETE FROM t", "explain", tools.Destroy},
		{"EXPLAIN (ANALYZE false) DELETE FROM t", "explain", tools.Read},
		{"EXPLAIN (ANALYZE false, ANALYZE) DELETE FROM t", "explain", tools.Destroy},
		{"EXPLAIN EXECUTE q", "explain", tools.Unknown},
		{"GRANT SELECT ON t TO r", "grant", tools.Write},
		{"SET ROLE r", "unknown", tools.Unknown},
		{"BEGIN", "unknown", tools.Unknown},
		{"COMMIT", "unknown", tools.Unknown},
		{"PREPARE q AS SELECT 1", "unknown", tools.Unknown},
		{"EXECUTE q", "unknown", tools.Unknown},
		{"DECLARE c CURSOR FOR SELECT 1", "unknown", tools.Unknown},
		{"DO 'BEGIN END'", "unknown", tools.Unknown},
		{"CALL p()", "unknown", tools.Unknown},
		{"COPY t TO STDOUT", "unknown", tools.Unknown},
		{"COPY t TO PROGRAM 'id'", "unknown", tools.Unknown},
		{"LOCK t", "unknown", tools.Unknown},
		{"LISTEN c", "unknown", tools.Unknown},
		{"NOTIFY c", "unknown", tools.Unknown},
		{"VACUUM t", "unknown", tools.Unknown},
		{"CLUSTER t", "unknown", tools.Unknown},
		{"CHECKPOINT", "unknown", tools.Unknown},
		{"LOAD 'x'", "unknown", tools.Unknown},
		{"DISCARD ALL", "unknown", tools.Unknown},
		{"ALTER SYSTEM SET a = 1", "unknown", tools.Unknown},
		{"CREATE EXTENSION e", "unknown", tools.Unknown},
		{"SECURITY LABEL ON TABLE t IS 'x'", "unknown", tools.Unknown},
	} {
		s, err := Parse(c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if s.Verb != c.verb || s.effect != c.effect {
			t.Errorf("%s: %s %s, want %s %s", c.sql, s.Verb, s.effect, c.verb, c.effect)
		}
		if s.effect != tools.Read && s.why == "" {
			t.Errorf("%s: no reason for %s", c.sql, s.effect)
		}
	}
}

// TestParseRefuses shows what is not even parsed, and that no error quotes a
// constant.
func TestParseRefuses(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"", "empty"},
		{" ; ", "empty"},
		{"-- nothing", "empty"},
		{"SELECT 1; SELECT 2", "2 statements"},
		{"SELECT 1;;; DROP TABLE t", "2 statements"},
		{"SELECT 'secret", "syntax error"},
		{"SELECT 'secret' FROM WHERE", "not valid"},
		{"SELECT 1\x00", "NUL"},
		{"SELECT '\xff'", "UTF-8"},
		{"SELECT " + strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300), "nests"},
		{"SELECT " + strings.Repeat("1,", 40_000) + "1", "long"},
		{"SELECT '" + strings.Repeat("x", 70_000) + "'", "long"},
		{strings.Repeat("NOT ", 20_000) + "true", "long"},
		{"SELECT " + strings.Repeat("NOT ", 9_000) + "true", "nested"},
	} {
		_, err := Parse(c.sql)
		switch {
		case err == nil:
			t.Errorf("%.40q is parsed", c.sql)
		case !strings.Contains(err.Error(), c.want):
			t.Errorf("%.40q: %q does not say %q", c.sql, err, c.want)
		case strings.Contains(err.Error(), "secret"):
			t.Errorf("%.40q: %q quotes a constant", c.sql, err)
		}
	}
}

// TestQueryAndBody shows how the statement is cut out of its text.
func TestQueryAndBody(t *testing.T) {
	for _, c := range []struct{ sql, query, body string }{
		{"SELECT 1", "SELECT 1", "SELECT 1"},
		{"  SELECT 1 ; ", "SELECT 1 ", "SELECT 1 "},
		{"EXPLAIN SELECT 1", "EXPLAIN SELECT 1", "SELECT 1"},
		{"EXPLAIN VERBOSE SELECT 1", "EXPLAIN VERBOSE SELECT 1", "SELECT 1"},
		{"EXPLAIN ANALYZE VERBOSE SELECT 1;", "EXPLAIN ANALYZE VERBOSE SELECT 1", "SELECT 1"},
		{"explain /* x */ (costs off, format json) (SELECT 1)", "explain /* x */ (costs off, format json) (SELECT 1)", "(SELECT 1)"},
		{"EXPLAIN (SELECT 1)", "EXPLAIN (SELECT 1)", "(SELECT 1)"},
		{"EXPLAIN ((SELECT 1))", "EXPLAIN ((SELECT 1))", "((SELECT 1))"},
	} {
		s, err := Parse(c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if strings.TrimSpace(s.Query) != strings.TrimSpace(c.query) || strings.TrimSpace(s.Body) != strings.TrimSpace(c.body) {
			t.Errorf("%s:\n%q\n%q", c.sql, s.Query, s.Body)
		}
	}
}

// TestConstant shows which conditions hold for all rows or none.
func TestConstant(t *testing.T) {
	for condition, want := range map[string]bool{
		"true": true, "1 = 1": true, "'a' <> 'b'": true, "id = id": true, "t.id = t.id": true, "id = 1 OR true": true,
		"now() > '2020-01-01'": true, "$1": true, "NOT false": true, "1 = 1 AND 2 = 2": true, "(SELECT true)": true,
		"id = 1": false, "id = 1 AND true": false, "id = other": false, "a OR b": false, "lower(name) = 'x'": false,
		"t.id = s.id": false, "EXISTS (SELECT FROM s WHERE s.id = t.id)": false,
	} {
		s, err := Parse("DELETE FROM t WHERE " + condition)
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		var f Facts
		f.clauses(s.root)
		if !f.HasWhere || f.WhereIsConstant != want {
			t.Errorf("%s: constant is %v", condition, f.WhereIsConstant)
		}
	}
}

// TestBlank shows that no constant stays in what the record may keep.
func TestBlank(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT 'secret', 42, 1.5e3, B'01', X'FF', $$secret$$, E'\\x', U&'x' FROM t -- secret": "",
		"CREATE ROLE r PASSWORD 'secret'":             "",
		"SELECT /* secret */ 1":                       "",
		"SELECT 'secret":                              "",
		"garbage 'secret' $x$ secret":                 "",
		"SELECT \"column\" FROM t WHERE a = 'secret'": "\"column\"",
	} {
		got := Blank(sql)
		if strings.Contains(got, "secret") || strings.Contains(got, "42") || !strings.Contains(got, want) {
			t.Errorf("Blank(%s) = %s", sql, got)
		}
	}
}
