package sql

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chaperone-dev/chaperone/tools"
)

// failure is a server's error in the words of package tools. before is what
// stood in front of the statement and was not sent.
func failure(err *pgconn.PgError, before string) *tools.Failure {
	f := &tools.Failure{
		Code: err.Code, Message: err.Message, Hint: err.Hint, Position: int(err.Position), Plain: plain(err),
	}
	if f.Position > 0 {
		f.Position += utf8.RuneCountInString(before)
	}
	if err.Code == "22021" && f.Hint == "" {
		f.Hint = "text that is not UTF-8 can be read as bytes, by convert_to(column, 'SQL_ASCII')"
	}
	if err.Detail != "" {
		f.Message += " (" + strings.TrimSuffix(err.Detail, ".") + ")"
	}
	return f
}

// plain is the error without any value that the server may have quoted. Errors
// of parsing and planning carry a position and quote the statement only; all
// others may quote rows.
func plain(err *pgconn.PgError) string {
	if strings.HasPrefix(err.Code, "42") && err.Position > 0 {
		return err.Message
	}
	text := conditions[err.Code]
	if text == "" && len(err.Code) == 5 {
		text = conditions[err.Code[:2]]
	}
	if text == "" {
		text = "the statement failed"
	}
	if !raised[err.File] {
		return text
	}
	if err.ConstraintName != "" {
		text += fmt.Sprintf(" %q", err.ConstraintName)
	}
	if err.TableName != "" {
		text += fmt.Sprintf(" of table %q", err.TableName)
	}
	return text
}

// raised are the files of the server's source in which it raises violations of
// constraints itself. A function may raise one with any text for a name.
var raised = map[string]bool{
	"nbtinsert.c": true, "execIndexing.c": true, "execMain.c": true, "execExprInterp.c": true, "ri_triggers.c": true, "domains.c": true,
	"tablecmds.c": true, "tuplesort.c": true, "tuplesortvariants.c": true, "typecmds.c": true,
}

// conditions say what an SQLSTATE, or its class, means (manual, appendix A).
var conditions = map[string]string{
	"22":    "a value does not fit its type or its use",
	"22001": "a string is too long for its type",
	"22003": "a number is out of range",
	"22007": "a date or time can't be read",
	"22008": "a date or time is out of range",
	"22012": "division by zero",
	"22P02": "a value can't be read as its type",
	"21":    "a query yields more rows than it may",
	"23":    "a constraint is violated",
	"23502": "a column must not be null",
	"23503": "a row that is referred to is missing, or a row is still referred to: foreign key",
	"23505": "the value exists already: unique constraint",
	"23514": "a check constraint is violated:",
	"25006": "the statement changes something, in a transaction that only reads",
	"40":    "the transaction was rolled back by the server; it may be tried again",
	"42":    "the statement can't be run as it is",
	"42501": "the role of this connection lacks the privilege",
	"53":    "the server is out of a resource",
	"54":    "the statement is too complex for the server",
	"55":    "an object is not in the state that this needs",
	"55P03": "a lock could not be had in time",
	"57":    "the server broke the statement off",
	"57014": "the statement was cancelled",
	"P0":    "a function raised an error",
}

// ended says how a statement that was stopped ended.
func ended(ctx context.Context, timeout time.Duration) *tools.Failure {
	f := &tools.Failure{Code: "57014", Message: "the call was cancelled, and the statement with it"}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		f.Message = fmt.Sprintf("the statement was stopped after %s", timeout.Round(time.Millisecond))
		f.Hint = "narrow it, or look at its plan with EXPLAIN"
	}
	f.Plain = f.Message
	return f
}

// lost says that the connection broke while a statement ran.
func lost() *tools.Failure {
	const text = "the connection to the database was lost while the statement ran; nothing was changed"
	return &tools.Failure{Code: "08006", Message: text, Plain: text, Hint: "try again in a while"}
}

// tooLarge says that one row is more than is ever read.
func tooLarge() *tools.Failure {
	text := fmt.Sprintf("a row is larger than %d MB", maxMessage>>20)
	return &tools.Failure{Code: "54000", Message: text, Plain: text, Hint: "select fewer columns, or parts of long values with substring()"}
}

// uncertain says that the connection broke at the worst moment.
func uncertain() *tools.Failure {
	const text = "the connection was lost while the change was committed: it may have been made, or not"
	return &tools.Failure{Code: "08007", Message: text, Plain: text, Unsure: true, Hint: "read the rows to find out before anything else"}
}
