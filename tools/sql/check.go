package sql

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaperone-dev/chaperone/tools"
)

// checkSQL finds out what the role is and may do beyond what calls need.
const checkSQL = `
SELECT current_setting('server_version'), current_setting('server_encoding'), r.rolsuper, r.rolcreaterole, r.rolbypassrls,
    EXISTS (SELECT FROM pg_roles d WHERE d.rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files')
        AND pg_has_role(current_user, d.oid, 'MEMBER')),
    has_database_privilege(current_database(), 'TEMP'), pg_is_in_recovery(), now()
FROM pg_roles r WHERE r.rolname = current_user`

type serverFacts struct {
	version, encoding                                 string
	super, createRole, bypass, outside, temp, standby bool
	now                                               time.Time
}

// Check implements tools.Connection.
func (c *connection) Check(ctx context.Context) []tools.Finding {
	ctx, cancel := c.whileOpen(ctx, 10*time.Second)
	defer cancel()
	start := time.Now()
	var f serverFacts
	err := c.pool.again(ctx, func() error {
		row := c.pool.QueryRow(ctx, checkSQL, pgx.QueryExecModeExec)
		return row.Scan(&f.version, &f.encoding, &f.super, &f.createRole, &f.bypass, &f.outside, &f.temp, &f.standby, &f.now)
	})
	if err != nil {
		fix := "check sql.dsn, the server and the role's password, and try psql with the same"
		if errors.Is(err, errPrivileges) {
			fix = ownRole
		}
		return append(c.transport(), tools.Finding{Level: tools.Fail, What: c.whyUnreachable(err), Fix: fix})
	}
	found := []tools.Finding{{Level: tools.OK, What: fmt.Sprintf("PostgreSQL %s answers in %s", f.version, time.Since(start).Round(100*time.Microsecond))}}
	return append(append(found, c.transport()...), f.findings()...)
}

// ownRole is what to do about a role that may do too much.
const ownRole = "connect as a role of its own that holds only the privileges that calls need"

// findings are what is wrong with the role or the server.
func (f *serverFacts) findings() []tools.Finding {
	var found []tools.Finding
	warn := func(bad bool, what, fix string) {
		if bad {
			found = append(found, tools.Finding{Level: tools.Warn, What: what, Fix: fix})
		}
	}
	warn(f.super, "the role is a superuser: it can leave the database, and no policy on tables binds it", ownRole)
	warn(!f.super && f.outside, "the role may read or write files of the server, or run programs there", ownRole)
	warn(!f.super && f.createRole, "the role may create roles", ownRole)
	warn(!f.super && f.bypass, "the role is not bound by row level security", ownRole)
	warn(f.encoding == "SQL_ASCII", "the database has no encoding: text in it that is not UTF-8 can't be read", "move it to a database in UTF8")
	warn(!f.temp && !f.standby, "the role may not create temporary objects: some reads over functions of the database can't be proven to be reads", "GRANT TEMP ON DATABASE to the role, or list functions in sql.trusted_functions")
	skew := time.Since(f.now).Abs()
	warn(skew > time.Minute, fmt.Sprintf("the server's clock is %s off ours", skew.Round(time.Second)), "set both clocks by NTP")
	return found
}

// transport warns of a connection that others on the network could read.
func (c *connection) transport() []tools.Finding {
	config := c.pool.Config().ConnConfig
	host := config.Host
	local := strings.HasPrefix(host, "/") || host == "localhost" || net.ParseIP(host).IsLoopback()
	if local || config.TLSConfig != nil && !config.TLSConfig.InsecureSkipVerify && len(config.Fallbacks) == 0 {
		return nil
	}
	return []tools.Finding{{
		Level: tools.Warn, What: "the connection is not encrypted, or does not verify the server",
		Fix: "add sslmode=verify-full to sql.dsn",
	}}
}

// whyUnreachable is the reason for the operator, who may see hosts and roles, in
// one line.
func (c *connection) whyUnreachable(err error) string {
	reason := unreachable(c.name, err).Reason
	if errors.Is(err, errPrivileges) || errors.Is(err, errSettings) || strings.Contains(err.Error(), "password=") {
		return reason
	}
	return reason + ": " + strings.Join(causes(err), "; ")
}

// causes are what an error names, each once. pgx tries an address with TLS and
// without, and a name by each of its addresses, and tells of all in lines.
func causes(err error) []string {
	var failed *pgconn.ConnectError
	if errors.As(err, &failed) {
		err = failed.Unwrap() // role and database are in the configuration
	}
	var all []string
	for line := range strings.Lines(err.Error()) {
		line = strings.Join(strings.Fields(line), " ")
		told := slices.ContainsFunc(all, func(earlier string) bool { return strings.HasSuffix(earlier, line) })
		if !told {
			all = append(all, line)
		}
	}
	return all
}
