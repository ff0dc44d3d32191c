package recorder

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

const (
	driver       = "sqlite"
	databaseFile = "recorder.db"
)

// dsn names a database file to the driver, with pragmas that every connection
// of ours has: a file that someone prepared must not run code of its own.
func dsn(path string, params url.Values, pragmas ...string) string {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	params.Set("_defensive", "1")
	params.Set("_dqs", "0")
	params.Set("_error_rc", "1")
	params["_pragma"] = append(pragmas, "trusted_schema(0)", "cell_size_check(1)")
	return (&url.URL{Scheme: "file", Path: slashed, RawQuery: params.Encode()}).String()
}

// writerDSN opens for durable writing: every commit is on disk when it returns,
// on a Mac too, where a plain fsync leaves it in the disk's cache.
func writerDSN(path string, busy time.Duration, create bool) string {
	mode := "rw"
	if create {
		mode = "rwc"
	}
	return dsn(path, url.Values{"mode": {mode}}, fmt.Sprintf("busy_timeout(%d)", busy.Milliseconds()),
		"journal_mode(WAL)", "synchronous(FULL)", "fullfsync(1)", "journal_size_limit(67108864)")
}

// connect opens one connection, the only one of its pool.
func connect(ctx context.Context, dsn string) (*sql.DB, *sql.Conn, error) {
	db, err := sql.Open(driver, dsn)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		_ = db.Close()
		return nil, nil, err
	}
	return db, conn, nil
}
