package statement

import "github.com/chaperone-dev/chaperone/tools"

// kind is what is known of a statement from its first words alone.
type kind struct {
	verb   string
	effect tools.Effect
	// why says why nothing runs a kind of unknown effect.
	why string
}

// kinds lists every statement that may run, by the grammar's name for it. What
// is not here is unknown.
var kinds = map[string]kind{
	"SelectStmt":       {verb: "select", effect: tools.Read},
	"VariableShowStmt": {verb: "show", effect: tools.Read},

	"InsertStmt":         {verb: "insert", effect: tools.Write},
	"UpdateStmt":         {verb: "update", effect: tools.Write},
	"MergeStmt":          {verb: "merge", effect: tools.Write},
	"DeleteStmt":         {verb: "delete", effect: tools.Destroy},
	"TruncateStmt":       {verb: "truncate", effect: tools.Destroy},
	"RefreshMatViewStmt": {verb: "refresh_materialized_view", effect: tools.Write},

	"CreateStmt":         {verb: "create_table", effect: tools.Write},
	"CreateTableAsStmt":  {verb: "create_table_as", effect: tools.Write},
	"ViewStmt":           {verb: "create_view", effect: tools.Write},
	"IndexStmt":          {verb: "create_index", effect: tools.Write},
	"CreateSeqStmt":      {verb: "create_sequence", effect: tools.Write},
	"CreateSchemaStmt":   {verb: "create_schema", effect: tools.Write},
	"CompositeTypeStmt":  {verb: "create_type", effect: tools.Write},
	"CreateEnumStmt":     {verb: "create_type", effect: tools.Write},
	"CreateRangeStmt":    {verb: "create_type", effect: tools.Write},
	"CreateDomainStmt":   {verb: "create_domain", effect: tools.Write},
	"CreateFunctionStmt": {verb: "create_function", effect: tools.Write},
	"CreateTrigStmt":     {verb: "create_trigger", effect: tools.Write},
	"CreatePolicyStmt":   {verb: "create_policy", effect: tools.Write},
	"CreateStatsStmt":    {verb: "create_statistics", effect: tools.Write},
	"CreateRoleStmt":     {verb: "create_role", effect: tools.Write},

	"AlterTableStmt":             {verb: "alter_table", effect: tools.Write},
	"AlterDomainStmt":            {verb: "alter_domain", effect: tools.Write},
	"AlterEnumStmt":              {verb: "alter_type", effect: tools.Write},
	"AlterTypeStmt":              {verb: "alter_type", effect: tools.Write},
	"AlterSeqStmt":               {verb: "alter_sequence", effect: tools.Write},
	"AlterFunctionStmt":          {verb: "alter_function", effect: tools.Write},
	"AlterPolicyStmt":            {verb: "alter_policy", effect: tools.Write},
	"AlterStatsStmt":             {verb: "alter_statistics", effect: tools.Write},
	"AlterObjectSchemaStmt":      {verb: "set_schema", effect: tools.Write},
	"AlterOwnerStmt":             {verb: "set_owner", effect: tools.Write},
	"AlterDefaultPrivilegesStmt": {verb: "alter_default_privileges", effect: tools.Write},
	"AlterRoleStmt":              {verb: "alter_role", effect: tools.Write},
	"RenameStmt":                 {verb: "rename", effect: tools.Write},
	"CommentStmt":                {verb: "comment", effect: tools.Write},
	"GrantStmt":                  {verb: "grant", effect: tools.Write},
	"GrantRoleStmt":              {verb: "grant_role", effect: tools.Write},
	"ReindexStmt":                {verb: "reindex", effect: tools.Write},

	"DropStmt":      {verb: "drop", effect: tools.Destroy},
	"DropRoleStmt":  {verb: "drop_role", effect: tools.Destroy},
	"DropOwnedStmt": {verb: "drop_owned", effect: tools.Destroy},
}

// refused says of common statements why they are not in kinds.
var refused = map[string]string{
	"VariableSetStmt":        "SET changes the session, and no setting outlives a call",
	"TransactionStmt":        "every call is a transaction of its own",
	"PrepareStmt":            "statements are not kept between calls; pass values as params",
	"ExecuteStmt":            "statements are not kept between calls; pass values as params",
	"DeallocateStmt":         "statements are not kept between calls",
	"DeclareCursorStmt":      "cursors are not kept between calls; a long result comes with next_cursor",
	"FetchStmt":              "cursors are not kept between calls; a long result comes with next_cursor",
	"ClosePortalStmt":        "cursors are not kept between calls",
	"DoStmt":                 "what a DO block does can't be known before it runs",
	"CallStmt":               "what a procedure does can't be known before it runs",
	"CopyStmt":               "COPY moves data around the checks; use SELECT or INSERT",
	"LockStmt":               "a lock would end with the call",
	"ListenStmt":             "notifications would end with the call",
	"UnlistenStmt":           "notifications would end with the call",
	"NotifyStmt":             "NOTIFY reaches other sessions",
	"VacuumStmt":             "VACUUM can't run inside a transaction",
	"ClusterStmt":            "CLUSTER is a maintenance command",
	"CheckPointStmt":         "CHECKPOINT is a maintenance command of the whole server",
	"LoadStmt":               "LOAD runs a library in the server",
	"DiscardStmt":            "no session state outlives a call",
	"AlterSystemStmt":        "ALTER SYSTEM changes the whole server",
	"CreatedbStmt":           "CREATE DATABASE can't run inside a transaction",
	"DropdbStmt":             "DROP DATABASE can't run inside a transaction",
	"CreateExtensionStmt":    "an extension runs code of its own in the server",
	"AlterExtensionStmt":     "an extension runs code of its own in the server",
	"CreateForeignTableStmt": "a foreign table reaches outside the database",
	"CreateUserMappingStmt":  "a user mapping holds a credential",
	"CreateSubscriptionStmt": "a subscription connects to another server",
}

// kindOf looks a statement up by the grammar's name for it.
func kindOf(name string) kind {
	if k, ok := kinds[name]; ok {
		return k
	}
	why := refused[name]
	if why == "" {
		why = "this kind of statement is not on the list of those that are understood"
	}
	return kind{verb: "unknown", effect: tools.Unknown, why: why}
}
