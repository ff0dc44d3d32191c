package sql_test

import (
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql"
)

// What can't work is refused when the configuration is read, by the name of the
// key and without what stands in it.
func TestConfig(t *testing.T) {
	const dsn = "postgres://me:hunter2@db.internal/shop"
	for _, c := range []struct {
		config sql.Config
		want   string
	}{
		{sql.Config{}, "sql.dsn is missing"},
		{sql.Config{DSN: "postgres://me:hunter2@db.internal:port/shop"}, "sql.dsn is not"},
		{sql.Config{DSN: "host=db.internal password='hunter2"}, "sql.dsn is not"},
		{sql.Config{DSN: dsn + "?sslmode=maybe"}, "sql.dsn is not"},
		{sql.Config{DSN: dsn + "?pool_max_conns=many"}, "sql.dsn is not"},
		{sql.Config{DSN: dsn, Connections: -1}, "sql.connections"},
		{sql.Config{DSN: dsn, Connections: 101}, "sql.connections"},
		{sql.Config{DSN: dsn, Rows: -1}, "sql.rows"},
		{sql.Config{DSN: dsn, Rows: 100_001}, "sql.rows"},
		{sql.Config{DSN: dsn, Bytes: -1}, "sql.bytes"},
		{sql.Config{DSN: dsn, Bytes: 1 << 30}, "sql.bytes"},
		{sql.Config{DSN: dsn, Timeout: -time.Second}, "sql.timeout"},
		{sql.Config{DSN: dsn, Timeout: time.Hour}, "sql.timeout"},
	} {
		_, err := (sql.Family{}).Open(tools.ConnectionConfig{Name: "shop", Decode: func(into any) error { *into.(*sql.Config) = c.config; return nil }})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %s", c.config, err, c.want)
			continue
		}
		for _, secret := range []string{"hunter2", "db.internal"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%v tells %s", err, secret)
			}
		}
	}
}

// A role that could leave the database is refused in production, and warned of
// elsewhere.
func TestRoles(t *testing.T) {
	db := database(t, "")
	name, dsn := role(t, db, "")
	superuser := server.Superuser(db)
	for _, c := range []struct {
		name, dsn, options, env string
		refused                 bool
		warning                 string
	}{
		{"a superuser in production", superuser, "", "prod", true, ""},
		{"a superuser in production by its other name", superuser, "", "production", true, ""},
		{"a superuser elsewhere", superuser, "", "staging", false, "is a superuser"},
		{"a superuser without a label", superuser, "", "", false, "is a superuser"},
		{"an ordinary role in production", dsn, "", "prod", false, ""},
		{"one that runs programs", dsn, "GRANT pg_execute_server_program TO " + name, "prod", true, ""},
		{"one that runs programs elsewhere", dsn, "", "test", false, "run programs"},
		{"one that makes roles", dsn, "REVOKE pg_execute_server_program FROM " + name + "; ALTER ROLE " + name + " CREATEROLE", "prod", false, "create roles"},
		{"one beyond row security", dsn, "ALTER ROLE " + name + " NOCREATEROLE BYPASSRLS", "prod", false, "row level security"},
		{"one without temporary objects", dsn, "ALTER ROLE " + name + " NOBYPASSRLS; REVOKE TEMP ON DATABASE " + db + " FROM PUBLIC", "prod", false, "temporary objects"},
	} {
		t.Run(c.name, func(t *testing.T) {
			exec(t, db, c.options)
			conn := openWith(t, sql.Config{DSN: c.dsn}, map[string]string{"env": c.env})
			_, err := call(t, conn, request(t, "sql_read", "SELECT count(*) FROM pg_class"), tools.Limits{})
			if (err != nil) != c.refused {
				t.Errorf("%v, refused should be %v", err, c.refused)
			}
			if c.refused {
				r := refused(t, conn, request(t, "sql_read", "SELECT count(*) FROM pg_class"))
				if r.Rule != "superuser" || r.Later || r.Hint == "" {
					t.Errorf("%+v", r)
				}
				discreet(t, r.Reason+r.Hint, "postgres", db)
			}
			found := conn.Check(t.Context())
			warned, fails := "", ""
			for _, f := range found {
				switch f.Level {
				case tools.Warn:
					warned += f.What + "; "
				case tools.Fail:
					fails += f.What + " " + f.Fix
				case tools.OK:
				}
			}
			if !strings.Contains(warned, c.warning) || (c.warning == "") != (warned == "") || (fails != "") != c.refused {
				t.Errorf("warned %q, failed %q; want %q", warned, fails, c.warning)
			}
			if c.refused && !strings.Contains(fails, "a role of its own") {
				t.Errorf("the check does not say what to do: %s", fails)
			}
		})
	}
}
