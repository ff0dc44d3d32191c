package demo

import (
	"context"
	"crypto/rand"

	"github.com/jackc/pgx/v5"

	"github.com/chaperone-dev/chaperone/examples/demo"
	"github.com/chaperone-dev/chaperone/tools/sql/pgserver"
)

// database is the name of the sample database, and role whom the gateway
// connects as: one that owns nothing.
const (
	database = "shop"
	role     = "agent"
)

// Shop starts PostgreSQL in the folder, with the sample shop in it, and returns
// the server and the DSN for the gateway.
func (f *Folder) Shop(ctx context.Context, port int, progress func(string)) (*pgserver.Server, string, error) {
	password, err := f.secret("postgres-password", rand.Text)
	if err != nil {
		return nil, "", err
	}
	agent, err := f.secret("agent-password", rand.Text)
	if err != nil {
		return nil, "", err
	}
	progress("starting PostgreSQL")
	server, err := pgserver.Start(ctx, pgserver.Options{
		Dir: f.postgres(), Port: port, Password: password, Fetch: true, Progress: progress,
		Settings: []string{"max_connections=50"},
	})
	if err != nil {
		return nil, "", err
	}
	if err := fill(ctx, server, agent, progress); err != nil {
		server.Stop(context.WithoutCancel(ctx))
		return nil, "", err
	}
	return server, server.DSN(role, agent, database), nil
}

// fill makes the role and the database, unless they are there.
func fill(ctx context.Context, server *pgserver.Server, password string, progress func(string)) error {
	conn, err := pgx.Connect(ctx, server.Superuser("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var there bool
	if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, database).Scan(&there); err != nil || there {
		return err
	}
	progress("filling the sample shop")
	quoted, err := conn.PgConn().EscapeString(password)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"DROP ROLE IF EXISTS " + role,
		"CREATE ROLE " + role + " LOGIN PASSWORD '" + quoted + "'",
		"CREATE DATABASE filling",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := load(ctx, server.Superuser("filling")); err != nil {
		return err
	}
	// Only a database that is whole gets the name.
	_, err = conn.Exec(ctx, "ALTER DATABASE filling RENAME TO "+database)
	return err
}

func load(ctx context.Context, dsn string) error {
	conn, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, demo.Shop)
	return err
}
