package sql_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// server is shared by the package's tests; each makes a database of its own.
var server *pgserver.Server

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "chaperone-sql")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// The server's own user must be able to enter.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	// Vacuuming runs functions of types and indexes, which the corpus would take
	// for the work of a statement.
	server, err = pgserver.Start(ctx, pgserver.Options{Dir: dir, Settings: []string{"fsync=off", "max_connections=200", "autovacuum=off"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop(ctx)
	return m.Run()
}

// database makes an empty database, fills it, and returns its name.
func database(t testing.TB, setUp string) string {
	t.Helper()
	name := "t_" + fmt.Sprintf("%x", []byte(t.Name()))
	if len(name) > 60 {
		name = name[:40] + name[len(name)-20:]
	}
	exec(t, "postgres", "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	exec(t, "postgres", "CREATE DATABASE "+name)
	exec(t, name, setUp)
	return name
}

// exec runs SQL as the superuser, outside of what is tested.
func exec(t testing.TB, database, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.Superuser(database))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// open opens a connection of the family as the configuration would.
func open(t testing.TB, config sql.Config) tools.Connection {
	t.Helper()
	conn, err := (sql.Family{}).Open(tools.ConnectionConfig{
		Name: "shop", Labels: map[string]string{"env": "test"},
		Decode: func(into any) error { *into.(*sql.Config) = config; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// describe describes a statement by tool.
func describe(t testing.TB, conn tools.Connection, tool, statement string, params ...any) (tools.Plan, error) {
	t.Helper()
	args := map[string]any{"sql": statement}
	if len(params) > 0 {
		args["params"] = params
	}
	data, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return conn.Describe(t.Context(), tools.Request{Tool: tool, Args: data})
}
