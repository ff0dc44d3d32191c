package recorder

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// store is the connection that writes. It is used by one goroutine at a time.
type store struct {
	path string
	file os.FileInfo
	db   *sql.DB
	conn *sql.Conn

	// patience is the time to wait for locks once a commit has gone well; 0
	// leaves it as it is.
	patience time.Duration

	begin, commit, rollback, event, content, head, count *sql.Stmt
}

// openStore opens the file for writing. Only with create it makes a file that is
// missing, and brings one to the present schema: a file that went away under a
// running recorder must not come back empty.
func openStore(ctx context.Context, path string, busy time.Duration, create bool) (*store, error) {
	db, conn, err := connect(ctx, writerDSN(path, busy, create))
	if err != nil {
		return nil, err
	}
	s := &store{path: path, db: db, conn: conn}
	if err := s.prepare(ctx, create); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *store) prepare(ctx context.Context, create bool) (err error) {
	if create {
		if err := migrate(ctx, s.conn, migrations); err != nil {
			return err
		}
		if err := checkSchema(ctx, s.conn); err != nil {
			return err
		}
	}
	if s.file, err = os.Stat(s.path); err != nil {
		return err
	}
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.begin, `BEGIN IMMEDIATE`},
		{&s.commit, `COMMIT`},
		{&s.rollback, `ROLLBACK`},
		{&s.event, `INSERT INTO events (pos, time, session, call, kind, hashes, data) VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&s.content, `INSERT OR IGNORE INTO contents (hash, data) VALUES (?, ?)`},
		{&s.head, `UPDATE logs SET checkpoint = ? WHERE id = ? AND checkpoint = ? AND state = 'open'`},
		{&s.count, `SELECT count(*) FROM events WHERE session = ? AND pos BETWEEN ? AND ?`},
	} {
		if *p.to, err = s.conn.PrepareContext(ctx, p.sql); err != nil { //nolint:sqlclosecheck // closed with the connection
			return err
		}
	}
	return nil
}

// close gives the connection up. SQLite tidies the write-ahead log away when
// the last connection goes, but only once no statement is left.
func (s *store) close() {
	for _, stmt := range []*sql.Stmt{s.begin, s.commit, s.rollback, s.event, s.content, s.head, s.count} {
		if stmt != nil {
			_ = stmt.Close()
		}
	}
	_ = s.conn.Close()
	_ = s.db.Close()
}

// errMoved is the fault of a file that is no longer the one that was opened.
// SQLite would go on writing to the old one, which nobody can find any more.
var errMoved = errors.New("the file was removed or replaced while it was in use: put it back, or restart")

// transact runs write in a transaction that is durable when it returns nil.
// After an error the transaction has been rolled back, except that a commit
// that failed may have happened all the same.
func (s *store) transact(ctx context.Context, write func() error) error {
	if now, err := os.Stat(s.path); err != nil || !os.SameFile(now, s.file) {
		return errMoved
	}
	if _, err := s.begin.ExecContext(ctx); err != nil {
		return err
	}
	err := write()
	if err == nil {
		_, err = s.commit.ExecContext(ctx)
	}
	if err != nil {
		_, _ = s.rollback.ExecContext(ctx)
		return err
	}
	if s.patience > 0 {
		_, _ = s.conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout(%d)", s.patience.Milliseconds()))
		s.patience = 0
	}
	return nil
}

var errUnsettled = errors.New("it is not certain yet whether the last commit is on disk: try again")

// insertLog makes the row of a new log and returns the log's number.
func (s *store) insertLog(ctx context.Context, name string) (int64, error) {
	done, err := s.conn.ExecContext(ctx, `INSERT INTO logs (name, state, checkpoint) VALUES (?, 'open', '')`, name)
	if err != nil {
		return 0, err
	}
	return done.LastInsertId()
}

// errTaken is the fault of a log that is not as this process left it.
var errTaken = errors.New("the file does not hold what this process wrote last: " +
	"it was replaced, or another process took over: restart")

// write puts a proposal into the current transaction.
func (s *store) write(ctx context.Context, l *ownLog, p *proposal) error {
	for _, r := range p.rows {
		if r.apart != nil {
			hash, err := hex.DecodeString(r.apart.hash)
			if err != nil {
				return err
			}
			if _, err := s.content.ExecContext(ctx, hash, r.apart.data); err != nil {
				return err
			}
		}
		if _, err := s.event.ExecContext(ctx, r.pos, r.time, r.session, r.call, r.kind, r.hashes, r.data); err != nil {
			return err
		}
	}
	done, err := s.head.ExecContext(ctx, p.checkpoint, l.id, l.checkpoint)
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		return errTaken
	}
	if p.closes {
		return s.setState(ctx, l.id, stateClosed)
	}
	return nil
}

func (s *store) setState(ctx context.Context, log int64, state string) error {
	_, err := s.conn.ExecContext(ctx, `UPDATE logs SET state = ? WHERE id = ?`, state, log)
	return err
}

// countOf returns how many events of a session the log has on disk.
func (s *store) countOf(ctx context.Context, log int64, session string) (n int64, err error) {
	err = s.count.QueryRowContext(ctx, session, log<<seqBits, (log+1)<<seqBits-1).Scan(&n)
	return n, err
}

// headOf returns the signed head of a log, as it is on disk.
func (s *store) headOf(ctx context.Context, log int64) (checkpoint string, err error) {
	err = s.conn.QueryRowContext(ctx, `SELECT checkpoint FROM logs WHERE id = ?`, log).Scan(&checkpoint)
	if errors.Is(err, sql.ErrNoRows) {
		err = errTaken
	}
	return checkpoint, err
}

// settle makes what the file holds durable, after a commit that failed on its
// way to the disk. The system may have dropped the pages that it could not
// write, so they are written once more, into the main file.
func (s *store) settle(ctx context.Context) error {
	var busy, logged, moved int
	err := s.conn.QueryRowContext(ctx, `PRAGMA wal_checkpoint(FULL)`).Scan(&busy, &logged, &moved)
	if err == nil && (busy != 0 || logged != moved) {
		err = errUnsettled
	}
	return err
}
