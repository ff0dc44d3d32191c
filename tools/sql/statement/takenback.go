package statement

import "github.com/chaperone-dev/chaperone/tools"

// undone are functions of pg_catalog that are not to be called by a statement and
// that triggers may call in a rehearsal: a rollback, or the end of the
// connection, takes back what they do.
var undone = wordsOf(`pg_notify suppress_redundant_updates_trigger tsvector_update_trigger tsvector_update_trigger_column
	pg_advisory_lock pg_advisory_lock_shared pg_try_advisory_lock pg_try_advisory_lock_shared
	pg_advisory_unlock pg_advisory_unlock_shared pg_advisory_unlock_all set_config`)

// TakenBack reports whether a rollback takes back what the function does by
// itself, but for numbers that it draws from sequences.
func (t Trust) TakenBack(f *Function) bool {
	effect, _ := t.judge(f)
	return effect == tools.Read || f.builtin() && (writingBuiltins[f.Name.Name] || undone[f.Name.Name])
}
