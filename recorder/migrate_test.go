package recorder

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fixture makes a data folder of a database that was checked in as SQL text.
func fixture(t testing.TB, name string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open(driver, "file:"+filepath.Join(dir, databaseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), string(text)); err != nil {
		t.Fatal(err)
	}
	writeFixedKeys(t, dir)
	return dir
}

// writeFixedKeys puts the keys of fixedKey into a data folder.
func writeFixedKeys(t testing.TB, dir string) {
	t.Helper()
	private, err := formatSigningKey(fixedSeed())
	if err != nil {
		t.Fatal(err)
	}
	k := fixedKey(t)
	for name, data := range map[string][]byte{signingKeyFile: private, verifierKeyFile: []byte(k.public), secretFile: k.secret} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestVersion1 is what the first release wrote. It stays readable, verifiable
// and writable, and what it exported stays valid.
func TestVersion1(t *testing.T) {
	dir := fixture(t, "v1.sql")
	closeIt(t, open(t, dir)) // brings it up to date
	report := mustVerify(t, dir)
	if report.Logs != 4 || report.Contents != 2 {
		t.Errorf("%+v", report)
	}
	reader := read(t, dir)
	want := "session.opened call.received call.started call.output call.output call.ambiguous session.closed"
	if got := kinds(events(t, reader, "s3")); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	golden, err := os.ReadFile(filepath.Join("testdata", "v1-s3.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if report, err := VerifyExport(bytes.NewReader(golden), fixedKey(t).public); err != nil || report.Events != 7 || !report.Closed {
		t.Errorf("%+v %v", report, err)
	}
	if now, _ := exported(t, dir, "s3"); !bytes.Equal(now, golden) {
		t.Errorf("the same session is exported otherwise:\n%s", now)
	}
}

func TestMigration(t *testing.T) {
	dir := fixture(t, "v1.sql")
	db := raw(t, dir)
	next := append(migrations[:len(migrations):len(migrations)], "ALTER TABLE logs ADD COLUMN more TEXT; CREATE TABLE approvals (id TEXT) STRICT;", "CREATE INDEX x ON approvals (id);")
	for range 2 { // the second time finds nothing to do
		if err := migrate(t.Context(), db, next); err != nil {
			t.Fatal(err)
		}
	}
	version, err := fileVersion(t.Context(), db)
	if err != nil || version != len(migrations)+2 {
		t.Error(version, err)
	}
	var events int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM events WHERE EXISTS (SELECT more FROM logs)").Scan(&events); err != nil || events != 31 {
		t.Error(events, err)
	}
	for name, err := range map[string]error{"read": readError(t, dir), "written": openError(t, dir)} {
		if err == nil || !strings.Contains(err.Error(), "use a newer program") {
			t.Errorf("a newer record is %s: %v", name, err)
		}
	}
}

// TestMigrationFails halfway: nothing of it stays.
func TestMigrationFails(t *testing.T) {
	dir := fixture(t, "v1.sql")
	before := dump(dir)
	db := raw(t, dir)
	broken := append(migrations[:len(migrations):len(migrations)], "CREATE TABLE approvals (id TEXT) STRICT; DROP TABLE contents;", "ALTER TABLE missing ADD COLUMN x;")
	if err := migrate(t.Context(), db, broken); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("from version 1 to %d", len(broken))) {
		t.Error(err)
	}
	if version, err := fileVersion(t.Context(), db); err != nil || version != 1 || dump(dir) != before {
		t.Error("the file changed:", version, err)
	}
}

func TestForeignDatabasesAreRefused(t *testing.T) {
	for name, prepare := range map[string]string{
		"another program's": "CREATE TABLE t (a)",
		"numbered":          "PRAGMA user_version = 1",
		"marked by another": fmt.Sprintf("PRAGMA application_id = %d", applicationID+1),
	} {
		dir := t.TempDir()
		execute(t, raw(t, dir), prepare)
		if err := openError(t, dir); err == nil {
			t.Errorf("%s database was opened", name)
		}
	}
	dir := t.TempDir()
	record(t, dir)
	execute(t, raw(t, dir), "CREATE TRIGGER t AFTER INSERT ON events BEGIN UPDATE events SET call = 'x'; END")
	if err := openError(t, dir); err == nil || !strings.Contains(err.Error(), "changed by hand") {
		t.Error("a record with a trigger:", err)
	}
}

func openError(t *testing.T, dir string) error {
	t.Helper()
	r, err := Open(t.Context(), Options{Dir: dir})
	if err == nil {
		closeIt(t, r)
	}
	return err
}

func readError(t *testing.T, dir string) error {
	t.Helper()
	r, err := OpenReader(t.Context(), dir)
	if err == nil {
		return errors.Join(r.Close())
	}
	return err
}

// TestWriteVersion1 makes the fixture anew. That is for the time before the
// first release only: afterwards it has to stay what that release wrote.
func TestWriteVersion1(t *testing.T) {
	if os.Getenv("RECORDER_WRITE_V1") == "" {
		t.Skip("RECORDER_WRITE_V1 is not set")
	}
	dir := t.TempDir()
	writeFixedKeys(t, dir)
	record(t, dir)
	text, err := command("sqlite3", filepath.Join(dir, databaseFile), ".dump").Output()
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("-- A record of version 1, signed with the key of fixedKey: sqlite3 recorder.db .dump\n"+
		"PRAGMA application_id=%d;\nPRAGMA user_version=1;\n", applicationID)
	session, _ := exported(t, dir, "s3")
	for name, data := range map[string][]byte{"v1.sql": append([]byte(head), text...), "v1-s3.jsonl": session} {
		if err := os.WriteFile(filepath.Join("testdata", name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
