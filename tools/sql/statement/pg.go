package statement

import (
	"errors"
	"fmt"
	"regexp"

	pg "github.com/sqlc-dev/oliphant"
	"github.com/sqlc-dev/oliphant/parser"
	"google.golang.org/protobuf/proto"
)

// This file is the only importer of the parser, which is young: everything
// else here speaks of its tree by the names below.

type (
	node               = pg.Node
	rawStmt            = pg.RawStmt
	selectStmt         = pg.SelectStmt
	insertStmt         = pg.InsertStmt
	updateStmt         = pg.UpdateStmt
	deleteStmt         = pg.DeleteStmt
	mergeStmt          = pg.MergeStmt
	explainStmt        = pg.ExplainStmt
	variableShowStmt   = pg.VariableShowStmt
	createTableAsStmt  = pg.CreateTableAsStmt
	createFunctionStmt = pg.CreateFunctionStmt
	viewStmt           = pg.ViewStmt
	dropStmt           = pg.DropStmt
	alterTableStmt     = pg.AlterTableStmt
	createSchemaStmt   = pg.CreateSchemaStmt
	indexStmt          = pg.IndexStmt
	reindexStmt        = pg.ReindexStmt
	vacuumStmt         = pg.VacuumStmt
	defElem            = pg.DefElem

	rangeVar         = pg.RangeVar
	rangeSubselect   = pg.RangeSubselect
	rangeFunction    = pg.RangeFunction
	rangeTableFunc   = pg.RangeTableFunc
	rangeTableSample = pg.RangeTableSample
	jsonTable        = pg.JsonTable
	joinExpr         = pg.JoinExpr
	withClause       = pg.WithClause
	commonTableExpr  = pg.CommonTableExpr
	aliasClause      = pg.Alias
	resTarget        = pg.ResTarget
	returningClause  = pg.ReturningClause
	mergeWhenClause  = pg.MergeWhenClause
	lockingClause    = pg.LockingClause
	intoClause       = pg.IntoClause

	columnRef     = pg.ColumnRef
	aIndirection  = pg.A_Indirection
	aExpr         = pg.A_Expr
	aConst        = pg.A_Const
	funcCall      = pg.FuncCall
	subLink       = pg.SubLink
	caseExpr      = pg.CaseExpr
	minMaxExpr    = pg.MinMaxExpr
	sortBy        = pg.SortBy
	windowDef     = pg.WindowDef
	groupingSet   = pg.GroupingSet
	rowExpr       = pg.RowExpr
	typeName      = pg.TypeName
	typeCast      = pg.TypeCast
	collateClause = pg.CollateClause
	paramRef      = pg.ParamRef
	jsonFuncExpr  = pg.JsonFuncExpr
)

const (
	setOpNone          = pg.SetOperation_SETOP_NONE
	setOpUnion         = pg.SetOperation_SETOP_UNION
	existsSublink      = pg.SubLinkType_EXISTS_SUBLINK
	arraySublink       = pg.SubLinkType_ARRAY_SUBLINK
	exprSublink        = pg.SubLinkType_EXPR_SUBLINK
	nullifExpr         = pg.A_Expr_Kind_AEXPR_NULLIF
	orExpr             = pg.BoolExprType_OR_EXPR
	objectMatView      = pg.ObjectType_OBJECT_MATVIEW
	mergeDelete        = pg.CmdType_CMD_DELETE
	operatorExpr       = pg.A_Expr_Kind_AEXPR_OP
	dropColumnCmd      = pg.AlterTableType_AT_DropColumn
	alterColumnTypeCmd = pg.AlterTableType_AT_AlterColumnType
	dropConstraintCmd  = pg.AlterTableType_AT_DropConstraint
	detachPartitionCmd = pg.AlterTableType_AT_DetachPartition
)

// token is a piece of the statement's text, by byte offsets.
type token struct {
	start, end int
	kind       tokenKind
}

type tokenKind int

const (
	otherToken tokenKind = iota
	constantToken
	commentToken
	openToken  // ( or [
	closeToken // ) or ]
)

// parse returns the statements in text.
func parse(text string) ([]*rawStmt, error) {
	tree, err := pg.Parse(text)
	if err != nil {
		return nil, grammarError(err)
	}
	return tree.GetStmts(), nil
}

// plainWord matches what an error may quote: never a string constant.
var plainWord = regexp.MustCompile(`^[^'"$]* at or near "[A-Za-z0-9_.,;:()=*<>+-]{1,63}"$|^[^'"$]*$`)

// grammarError is the parser's error without any constant of the statement.
func grammarError(err error) error {
	var at *parser.Error
	switch {
	case !errors.As(err, &at):
		return errors.New("it could not be parsed")
	case !plainWord.MatchString(at.Message):
		return fmt.Errorf("syntax error at character %d", at.Cursorpos)
	case at.Cursorpos > 0:
		return fmt.Errorf("%s, at character %d", at.Message, at.Cursorpos)
	}
	return errors.New(at.Message)
}

// scan splits text into tokens without parsing it.
func scan(text string) ([]token, error) {
	result, err := pg.Scan(text)
	if err != nil {
		return nil, grammarError(err)
	}
	tokens := make([]token, len(result.GetTokens()))
	for i, t := range result.GetTokens() {
		tokens[i] = token{start: int(t.GetStart()), end: int(t.GetEnd()), kind: kindOfToken(t.GetToken())}
	}
	return tokens, nil
}

func kindOfToken(t pg.Token) tokenKind {
	switch t {
	case pg.Token_ICONST, pg.Token_FCONST, pg.Token_SCONST, pg.Token_USCONST, pg.Token_BCONST, pg.Token_XCONST:
		return constantToken
	case pg.Token_SQL_COMMENT, pg.Token_C_COMMENT:
		return commentToken
	case pg.Token_ASCII_40, pg.Token_ASCII_91:
		return openToken
	case pg.Token_ASCII_41, pg.Token_ASCII_93:
		return closeToken
	}
	return otherToken
}

// normalize returns the statement with its constants as parameters.
func normalize(text string) (string, error) { return pg.Normalize(text) }

// fingerprint identifies statements that differ in their constants only.
func fingerprint(text string) (string, error) { return pg.Fingerprint(text) }

// unwrap returns the message that a Node holds, or m itself.
func unwrap(m proto.Message) proto.Message {
	n, ok := m.(*node)
	if !ok || n == nil {
		return m
	}
	var inner proto.Message
	n.ProtoReflect().Range(func(_ field, v value) bool {
		inner = v.Message().Interface()
		return false
	})
	return inner
}

// text returns the string of a String node, or "".
func text(n *node) string { return n.GetString_().GetSval() }

// texts returns the strings of String nodes.
func texts(nodes []*node) []string {
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = text(n)
	}
	return out
}
