package sqltest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// The roles of a world besides the superuser.
const (
	Owner  = "corpus_owner"
	Reader = "corpus_reader"
)

// SearchPath is the one that connections to a world have.
const SearchPath = `shop, public, "we.ird ""one"`

// TrustedFunctions are those of a world that its operator vouches for.
var TrustedFunctions = []string{"shop.total_of"}

// World is a database that holds a shop and every kind of trap around it.
type World struct {
	Server *pgserver.Server
	// Database is its name; the roles are Owner, Reader and the superuser.
	Database string
	// Scratch is a folder in which programs that the server runs leave traces.
	Scratch string
}

// DSN is the connection string of a role.
func (w *World) DSN(role string) string {
	if role == "postgres" {
		return w.Server.Superuser(w.Database)
	}
	return w.Server.DSN(role, "", w.Database)
}

// Statement is the one of a case, with the world's own name where the corpus
// says "world" for the database.
func (w *World) Statement(c Case) string {
	return strings.ReplaceAll(c.Statement, "world.lie.", w.Database+".lie.")
}

// noVacuum keeps the server from analyzing tables by itself, which runs some of
// the traps.
const noVacuum = `DO $$ DECLARE r record; BEGIN
    FOR r IN SELECT oid::regclass AS name, relkind FROM pg_class WHERE relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)
        AND relkind IN ('r', 'm') AND relpersistence = 'p' LOOP
        EXECUTE format('ALTER %s %s SET (autovacuum_enabled = false)', CASE r.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, r.name);
    END LOOP;
END $$`

// Build makes a world anew. testdata is the folder tools/sql/testdata. The
// server's own user is let into scratch.
func Build(ctx context.Context, server *pgserver.Server, testdata, database, scratch string) (*World, error) {
	w := &World{Server: server, Database: database, Scratch: scratch}
	if err := admit(scratch); err != nil {
		return nil, err
	}
	err := w.run(ctx, server.Superuser("postgres"),
		"DO $$ BEGIN CREATE ROLE "+Owner+" LOGIN; CREATE ROLE "+Reader+" LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
		"DROP DATABASE IF EXISTS "+database+" WITH (FORCE)",
		"CREATE DATABASE "+database+" OWNER "+Owner,
	)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(testdata, "world", "*.sql"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no files of the world in %s: %w", testdata, err)
	}
	sql := []string{"SET side.quiet = on", "SET side.scratch = '" + scratch + "'"}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		sql = append(sql, string(text))
	}
	sql = append(sql, noVacuum)
	return w, w.run(ctx, server.Superuser(database), sql...)
}

// admit lets every user into a folder below the one for temporary files.
func admit(folder string) error {
	for dir := filepath.Dir(folder); strings.HasPrefix(dir, filepath.Clean(os.TempDir())+string(filepath.Separator)); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			return err
		}
	}
	return os.Chmod(folder, 0o777)
}

// run runs scripts one after the other on one connection.
func (w *World) run(ctx context.Context, dsn string, scripts ...string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range scripts {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%.60s: %w", sql, err)
		}
	}
	return nil
}
