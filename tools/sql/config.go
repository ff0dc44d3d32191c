package sql

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chaperone-dev/chaperone/tools"
	"github.com/chaperone-dev/chaperone/tools/sql/statement"
)

// Config is the sql section of a connection.
type Config struct {
	// DSN says where the database is and who we are there, as a URL or as
	// keywords (PostgreSQL manual, 34.1.1).
	DSN string `yaml:"dsn"`
	// Connections bounds the pool; 0 stands for 8. Two are the least, since a
	// preview needs as many.
	Connections int32 `yaml:"connections"`
	// SearchPath replaces the role's own; empty leaves that.
	SearchPath string `yaml:"search_path"`
	// TrustedFunctions, as "schema.name", are vouched for to change nothing,
	// so that reads may call them.
	TrustedFunctions []string `yaml:"trusted_functions"`
	// Rows, Bytes and Timeout bound every call; 0 stands for 500 rows, 1 MB
	// and 30 s. Policy can only tighten them.
	Rows    int           `yaml:"rows"`
	Bytes   int           `yaml:"bytes"`
	Timeout time.Duration `yaml:"timeout"`
}

// The bounds that no configuration exceeds.
const (
	maxRows        = 100_000
	maxBytes       = 10 << 20
	maxTimeout     = 10 * time.Minute
	maxMessage     = 16 << 20
	maxConnections = 100
)

func (c *Config) limits() tools.Limits {
	return tools.Limits{Rows: orDefault(c.Rows, 500), Bytes: orDefault(c.Bytes, 1<<20), Timeout: orDefault(c.Timeout, 30*time.Second)}
}

func orDefault[T int | int32 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// check refuses what can't work. It quotes nothing of the DSN.
func (c *Config) check() error {
	switch {
	case c.DSN == "":
		return errors.New("sql.dsn is missing")
	case c.Connections < 0 || c.Connections > maxConnections:
		return fmt.Errorf("sql.connections is %d; it must be from 1 to %d", c.Connections, maxConnections)
	case c.Rows < 0 || c.Rows > maxRows:
		return fmt.Errorf("sql.rows is %d; it must be from 1 to %d", c.Rows, maxRows)
	case c.Bytes < 0 || c.Bytes > maxBytes:
		return fmt.Errorf("sql.bytes is %d; it must be from 1 to %d", c.Bytes, maxBytes)
	case c.Timeout < 0 || c.Timeout > maxTimeout:
		return fmt.Errorf("sql.timeout is %s; it must be at most %s", c.Timeout, maxTimeout)
	}
	return nil
}

func (c *Config) trust() statement.Trust { return statement.Trust{Functions: c.TrustedFunctions} }

// session are the settings under which every call runs. They make the server
// read SQL as our parser does, and print values without loss.
var session = map[string]string{
	"application_name":                    "chaperone",
	"client_encoding":                     "UTF8",
	"standard_conforming_strings":         "on",
	"backslash_quote":                     "safe_encoding",
	"DateStyle":                           "ISO",
	"IntervalStyle":                       "postgres",
	"bytea_output":                        "hex",
	"extra_float_digits":                  "1",
	"default_transaction_read_only":       "on",
	"lock_timeout":                        "5s",
	"idle_in_transaction_session_timeout": "60s",
}

// pool turns the configuration into that of a pool. Its error does not quote
// the DSN, which the parser's would.
func (c *Config) pool() (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(c.DSN)
	if err != nil {
		return nil, errors.New("sql.dsn is not a PostgreSQL connection string, such as postgres://user:password@host:port/database")
	}
	config.MaxConns = orDefault(c.Connections, 8)
	config.MinIdleConns = min(spare, config.MaxConns)
	config.MaxConnIdleTime = 10 * time.Minute
	config.MaxConnLifetime = time.Hour
	config.MaxConnLifetimeJitter = 5 * time.Minute
	config.HealthCheckPeriod = 5 * time.Second
	conn := &config.ConnConfig.Config
	conn.ConnectTimeout = 5 * time.Second
	conn.MaxProtocolMessageBodyLen = maxMessage
	conn.OnNotice = func(*pgconn.PgConn, *pgconn.Notice) {}
	for name, value := range session {
		conn.RuntimeParams[name] = value
	}
	if c.SearchPath != "" {
		conn.RuntimeParams["search_path"] = c.SearchPath
	}
	return config, nil
}
