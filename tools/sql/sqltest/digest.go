package sqltest

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed digest.sql
var digestSQL string

// Alarm is the channel on which an Observer listens.
const Alarm = "alarm"

// Observer tells whether anything in a world changed. It looks from outside,
// as the superuser, on connections of its own.
type Observer struct {
	world *World
	conn  *pgx.Conn
	// victim is a session that an attack may end or break off.
	victim *pgx.Conn
	asleep chan error
	// alarms counts notifications.
	alarms int
}

// Observe begins to watch a world.
func (w *World) Observe(ctx context.Context) (*Observer, error) {
	o := &Observer{world: w, asleep: make(chan error, 1)}
	config, err := pgx.ParseConfig(w.DSN("postgres"))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["search_path"] = "pg_catalog" // the traps are for others
	config.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) { o.alarms++ }
	if o.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	if o.victim, err = pgx.Connect(ctx, w.DSN("postgres")); err != nil {
		return nil, err
	}
	if _, err := o.victim.Exec(ctx, "SET application_name = victim"); err != nil {
		return nil, err
	}
	go func() {
		_, err := o.victim.Exec(ctx, "SELECT pg_sleep(3600)")
		o.asleep <- err
	}()
	_, err = o.conn.Exec(ctx, digestSQL+"; SET side.quiet = on; LISTEN "+Alarm)
	return o, err
}

// Close ends the watch.
func (o *Observer) Close(ctx context.Context) {
	_, _ = o.conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim' AND datname = current_database()")
	_ = o.conn.Close(ctx)
	// Whoever sleeps on the victim's connection is done with it first.
	select {
	case ended := <-o.asleep:
		_ = errors.Join(ended, o.victim.Close(ctx)) // it was meant to end
	case <-time.After(10 * time.Second):
	}
}

// Digest is the state of everything that is watched, by what it is.
type Digest map[string]string

// open is what a digest calls transactions that a client did not end.
const open = "transactions left open"

// settling is how long a transaction may stay open that was given up: its end
// may reach the server after the reply reached the client.
const settling = 3 * time.Second

// Digest takes the state of the whole world.
func (o *Observer) Digest(ctx context.Context) (Digest, error) {
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		d, err := o.digest(ctx)
		if err != nil || d[open] == "0" || time.Since(began) > settling {
			return d, err
		}
	}
}

func (o *Observer) digest(ctx context.Context) (Digest, error) {
	rows, err := o.conn.Query(ctx, "SELECT what, coalesce(digest, '') FROM pg_temp.digest()")
	if err != nil {
		return nil, err
	}
	d := Digest{"notifications": fmt.Sprint(o.alarms), "files": o.files()}
	for rows.Next() {
		var what, digest string
		if err := rows.Scan(&what, &digest); err != nil {
			return nil, err
		}
		d[what] = digest
	}
	select {
	case err := <-o.asleep:
		d["victim"] = fmt.Sprint("broken off: ", err)
		o.asleep <- err
	default:
		d["victim"] = "asleep"
	}
	return d, rows.Err()
}

// Struck returns what functions have run that must not, since it was last
// asked. It is much cheaper than a digest.
func (o *Observer) Struck(ctx context.Context) (string, error) {
	var what string
	err := o.conn.QueryRow(ctx, "WITH gone AS (DELETE FROM side.log RETURNING what) SELECT coalesce(string_agg(what, ', '), '') FROM gone").Scan(&what)
	return what, err
}

// files is what is in the scratch folder.
func (o *Observer) files() string {
	names, err := filepath.Glob(filepath.Join(o.world.Scratch, "*"))
	if err != nil {
		return err.Error()
	}
	sum := sha256.New()
	for _, name := range names {
		text, _ := os.ReadFile(name)
		_, _ = fmt.Fprintf(sum, "%s %d %s\n", name, len(text), text)
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// Changed lists what differs between two states, in order.
func (d Digest) Changed(later Digest) []string {
	var out []string
	for what, digest := range d {
		if later[what] != digest {
			out = append(out, what)
		}
	}
	for what := range later {
		if _, ok := d[what]; !ok {
			out = append(out, what)
		}
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
