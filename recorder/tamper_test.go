package recorder

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// columns are all columns of all tables; the bits of each value are flipped.
var columns = map[string][]string{
	"logs":      {"id", "name", "state", "checkpoint"},
	"events":    {"pos", "time", "session", "call", "kind", "hashes", "data"},
	"contents":  {"hash", "data"},
	"standings": {"kind", "id", "phase", "due", "version", "changed", "data"},
}

// everyBit makes the sweeps below take all bits. It takes many minutes.
const everyBit = "RECORDER_TEST_EVERY_BIT"

// TestEveryColumnOfEveryRow flips bits of every value in the database, one at a
// time: the first, the last, and one of each byte between.
func TestEveryColumnOfEveryRow(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	db := raw(t, dir)
	checkColumns(t, db)
	execute(t, db, "PRAGMA synchronous = OFF", "PRAGMA ignore_check_constraints = ON")
	flips := 0
	for table, names := range columns {
		for _, name := range names {
			for _, id := range rowsOf(t, db, table) {
				flips += flipValue(t, dir, db, table, name, id)
			}
		}
	}
	mustVerify(t, dir)
	t.Logf("%d changes were found", flips)
}

// checkColumns keeps the list above complete.
func checkColumns(t *testing.T, db *sql.Conn) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	found, err := collect(rows, func(s *string) []any { return []any{s} })
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for table, names := range columns {
		for _, name := range names {
			listed = append(listed, table+"."+name)
		}
	}
	slices.Sort(found)
	slices.Sort(listed)
	if !slices.Equal(found, listed) {
		t.Fatalf("the tables have %v, the test knows %v", found, listed)
	}
}

func rowsOf(t *testing.T, db *sql.Conn, table string) []int64 {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT rowid FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := collect(rows, func(id *int64) []any { return []any{id} })
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// flipValue flips bits of one value and puts it back each time.
func flipValue(t *testing.T, dir string, db *sql.Conn, table, column string, id int64) (flips int) {
	t.Helper()
	var kind string
	var value []byte
	var number sql.NullInt64
	err := db.QueryRowContext(t.Context(), fmt.Sprintf("SELECT typeof(%[1]s), CAST(%[1]s AS BLOB), CASE typeof(%[1]s) WHEN 'integer' THEN %[1]s END FROM %[2]s WHERE rowid = ?", column, table), id).
		Scan(&kind, &value, &number)
	if err != nil {
		t.Fatal(err)
	}
	size := len(value) * 8
	if kind == "integer" {
		size = 63
	}
	for _, bit := range bitsOf(size) {
		changed, original := "", ""
		switch kind {
		case "integer":
			changed, original = fmt.Sprint(number.Int64^(1<<bit)), fmt.Sprint(number.Int64)
		default:
			flipped := slices.Clone(value)
			flipped[bit/8] ^= 1 << (bit % 8)
			changed, original = literal(kind, flipped), literal(kind, value)
		}
		update := func(to string, rowid int64) error {
			_, err := db.ExecContext(t.Context(), fmt.Sprintf("UPDATE %s SET %s = %s WHERE rowid = %d", table, column, to, rowid))
			return err
		}
		if update(changed, id) != nil {
			continue // such as a number that another row has
		}
		flips++
		if report := verify(t, dir); report.OK() {
			t.Errorf("%s.%s of row %d, bit %d: verify found nothing", table, column, id, bit)
		}
		if table != "standings" && (column == "id" || column == "pos") { // these are the rowid
			err = update(original, number.Int64^(1<<bit))
		} else {
			err = update(original, id)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return flips
}

func literal(kind string, value []byte) string {
	if kind == "text" {
		return fmt.Sprintf("CAST(x'%x' AS TEXT)", value)
	}
	return fmt.Sprintf("x'%x'", value)
}

// bitsOf chooses among n bits: the ends, and one of each byte.
func bitsOf(n int) []int {
	switch {
	case n == 0:
		return nil
	case os.Getenv(everyBit) != "":
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	case underRace || testing.Short():
		return []int{rand.IntN(n)}
	}
	bits := []int{0, n - 1}
	for first := 0; first < n; first += 8 {
		bits = append(bits, min(first+rand.IntN(8), n-1))
	}
	slices.Sort(bits)
	return slices.Compact(bits)
}

// TestEveryEvent drops each event of the record, repeats it, and lets it change
// places with the next, by somebody who only moves rows and by one who computes
// everything anew but the signature.
func TestEveryEvent(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	at := rowsOf(t, raw(t, dir), "events")
	slices.Sort(at)
	const away = "UPDATE events SET pos = -pos - 1 WHERE pos > %[1]d AND pos >> 40 = %[1]d >> 40; UPDATE events SET pos = -(pos + 1) %[2]s WHERE pos < 0"
	for _, pos := range at {
		for name, change := range map[string]string{
			"dropped":            fmt.Sprintf("DELETE FROM events WHERE pos = %d", pos),
			"dropped, closed up": fmt.Sprintf("DELETE FROM events WHERE pos = %d; "+away, pos, "- 1"),
			"repeated": fmt.Sprintf(away+"; INSERT INTO events SELECT pos + 1, time, session, call, kind, hashes, data FROM events WHERE pos = %[1]d",
				pos, "+ 1"),
			"added at the end": fmt.Sprintf("INSERT INTO events SELECT (SELECT max(pos) + 1 FROM events WHERE pos >> 40 = %[1]d >> 40), time, session, call, kind, hashes, data FROM events WHERE pos = %[1]d", pos),
			"moved to the next place": fmt.Sprintf("UPDATE events SET pos = -1 WHERE pos = %d; UPDATE events SET pos = %[1]d WHERE pos = %[1]d + 1; UPDATE events SET pos = %[1]d + 1 WHERE pos = -1",
				pos),
		} {
			if report := found(t, dir, func(_ string, db *sql.Conn) { execute(t, db, change) }); report.OK() {
				t.Errorf("event at %d of log %d %s: verify found nothing", seqOf(pos), pos>>seqBits, name)
			}
		}
		log, seq := pos>>seqBits, seqOf(pos)
		for name, forge := range map[string]func([]draft) []draft{
			"dropped":  func(d []draft) []draft { return slices.Delete(d, int(seq), int(seq)+1) },
			"repeated": func(d []draft) []draft { return slices.Insert(d, int(seq), d[seq]) },
			"moved": func(d []draft) []draft {
				next := (int(seq) + 1) % len(d)
				d[seq], d[next] = d[next], d[seq]
				return d
			},
		} {
			if report := found(t, dir, func(_ string, db *sql.Conn) { rewrite(t, db, log, forge) }); report.OK() {
				t.Errorf("event at %d of log %d %s, and all hashes made to match: verify found nothing", seq, log, name)
			}
		}
	}
	t.Logf("%d events", len(at))
}

// TestBitsOfTheFile flips bits of the raw file. Each is found, or what the
// tables say is the same as before: SQLite's files have bytes without meaning.
func TestBitsOfTheFile(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	path := filepath.Join(dir, databaseFile)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := dump(dir)
	bits := rand.Perm(len(good) * 8)
	switch {
	case os.Getenv(everyBit) != "":
	case underRace || testing.Short():
		bits = bits[:150]
	default:
		bits = bits[:1500]
	}
	quiet := 0
	for _, bit := range bits {
		bad := slices.Clone(good)
		bad[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if !findsProblem(t, dir) {
			quiet++
			if dump(dir) != want {
				t.Errorf("bit %d of byte %d: the tables changed and verify found nothing", bit%8, bit/8)
			}
		}
		_ = os.Remove(path + "-wal")
		_ = os.Remove(path + "-shm")
	}
	t.Logf("%d of %d flipped bits of %d had no meaning", quiet, len(bits), len(good)*8)
	if quiet == len(bits) {
		t.Error("no flipped bit was found: the test is blind")
	}
}

func findsProblem(t *testing.T, dir string) bool {
	t.Helper()
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		return true
	}
	defer r.Close()
	report, err := r.Verify(t.Context(), VerifyOptions{})
	return err != nil || !report.OK()
}

// dump is everything that can be read from the tables, and the schema.
func dump(dir string) string {
	db, err := sql.Open(driver, "file:"+filepath.Join(dir, databaseFile)+"?mode=ro")
	if err != nil {
		return err.Error()
	}
	defer db.Close()
	var b strings.Builder
	dumpQuery(&b, db, "SELECT quote(type) || quote(name) || quote(tbl_name) || quote(sql) FROM sqlite_schema")
	for _, table := range []string{"contents", "events", "logs"} {
		var values []string
		for _, column := range columns[table] {
			values = append(values, "quote("+column+")")
		}
		dumpQuery(&b, db, "SELECT "+strings.Join(values, " || ',' || ")+" FROM "+table+" NOT INDEXED")
	}
	return b.String()
}

func dumpQuery(b *strings.Builder, db *sql.DB, query string) {
	rows, err := db.Query(query)
	if err == nil {
		var lines []string
		lines, err = collect(rows, func(s *string) []any { return []any{s} })
		b.WriteString(strings.Join(lines, "\n"))
	}
	if err != nil {
		fmt.Fprintln(b, "error:", err)
	}
}
