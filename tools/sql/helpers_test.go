package sql_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// answer is a result as its JSON says it.
type answer struct {
	Columns []struct{ Name, Type, Masked string }
	Rows    [][]json.RawMessage
	Count   int    `json:"row_count"`
	Changed *int64 `json:"rows_changed"`
	Cut     []struct {
		Row, Bytes int
		Column     string
	}
	Truncated bool
	// next is where a further call goes on, size that of the JSON.
	next string
	size int
}

// call describes and runs a statement.
func call(t testing.TB, conn tools.Connection, r tools.Request, limits tools.Limits) (answer, error) {
	t.Helper()
	plan, err := conn.Describe(t.Context(), r)
	if err != nil {
		return answer{}, err
	}
	return run1(t.Context(), t, plan, limits)
}

// run1 runs a plan once.
func run1(ctx context.Context, t testing.TB, plan tools.Plan, limits tools.Limits) (answer, error) {
	t.Helper()
	result, err := plan.Run(ctx, nil, limits)
	if err != nil {
		return answer{}, err
	}
	data, err := result.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatalf("%v: %.300s", err, data)
	}
	a.next, a.size = result.Next(), len(data)
	return a, nil
}

// request makes a request of a statement.
func request(t testing.TB, tool, statement string, params ...any) tools.Request {
	t.Helper()
	args := map[string]any{"sql": statement}
	if len(params) > 0 {
		args["params"] = params
	}
	data, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	return tools.Request{Tool: tool, Args: data}
}

// write runs a statement that must succeed.
func write(t testing.TB, conn tools.Connection, statement string, params ...any) answer {
	t.Helper()
	a, err := call(t, conn, request(t, "sql_write", statement, params...), tools.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return a
}

// one reads a single value, as JSON.
func one(t testing.TB, conn tools.Connection, statement string, params ...any) string {
	t.Helper()
	a, err := call(t, conn, request(t, "sql_read", statement, params...), tools.Limits{})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if len(a.Rows) != 1 || len(a.Rows[0]) != 1 {
		t.Fatalf("%s: %d rows, want one value", statement, len(a.Rows))
	}
	return string(a.Rows[0][0])
}

// refused returns the refusal of a call that must not be described.
func refused(t testing.TB, conn tools.Connection, r tools.Request) *tools.Refusal {
	t.Helper()
	_, err := conn.Describe(t.Context(), r)
	var refusal *tools.Refusal
	if !errors.As(err, &refusal) {
		t.Fatalf("%s: %v, want a refusal", r.Args, err)
	}
	return refusal
}

// failed returns the failure of a call that must be described and fail.
func failed(t testing.TB, conn tools.Connection, r tools.Request) *tools.Failure {
	t.Helper()
	_, err := call(t, conn, r, tools.Limits{})
	var failure *tools.Failure
	if !errors.As(err, &failure) {
		t.Fatalf("%s: %v, want a failure", r.Args, err)
	}
	return failure
}

// outside is a connection of the superuser's, outside of what is tested.
func outside(t testing.TB, database string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), server.Superuser(database))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// ask reads one value from outside.
func ask[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) (v T) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// patience bounds what a test waits for. It is never what makes it pass.
const patience = 30 * time.Second

// until asks a question from outside until its answer is yes.
func until(t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	for began := time.Now(); !ask[bool](t, conn, sql, args...); {
		if time.Since(began) > patience {
			t.Fatalf("never true: %s", sql)
		}
	}
}

// role makes a role of its own for the test, which may connect and nothing else.
func role(t testing.TB, database, options string) (name, dsn string) {
	t.Helper()
	name = "r_" + database
	if len(name) > 60 {
		name = name[:60]
	}
	exec(t, "postgres", "CREATE ROLE "+name+" LOGIN "+options)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), server.Superuser(database))
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), "DROP OWNED BY "+name+" CASCADE; DROP ROLE "+name); err != nil {
			t.Error(err)
		}
	})
	return name, server.DSN(name, "", database)
}

// openWith opens a connection with labels.
func openWith(t testing.TB, config sql.Config, labels map[string]string) tools.Connection {
	t.Helper()
	conn, err := (sql.Family{}).Open(tools.ConnectionConfig{
		Name: "shop", Labels: labels, Decode: func(into any) error { *into.(*sql.Config) = config; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// discreet fails the test if a text names what only the operator may see.
func discreet(t testing.TB, text string, secrets ...string) {
	t.Helper()
	for _, secret := range append(secrets, "127.0.0.1", "localhost", "postgres://", "user=", "host=", "password") {
		if strings.Contains(text, secret) {
			t.Errorf("%q holds %q", text, secret)
		}
	}
}
