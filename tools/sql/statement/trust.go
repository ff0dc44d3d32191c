package statement

import (
	_ "embed"
	"strings"

	"github.com/chaperone-dev/chaperone/tools"
)

// Trust is what an operator vouches for on one connection.
type Trust struct {
	// Functions only read, as "schema.name".
	Functions []string
}

//go:embed functions.txt
var readFunctions string

//go:embed functions_write.txt
var writeFunctions string

// pureBuiltins and writingBuiltins are the allow-lists of pg_catalog functions.
var (
	pureBuiltins    = wordsOf(readFunctions)
	writingBuiltins = wordsOf(writeFunctions)
)

func wordsOf(list string) map[string]bool {
	words := map[string]bool{}
	for line := range strings.Lines(list) {
		if !strings.HasPrefix(line, "#") {
			for _, word := range strings.Fields(line) {
				words[word] = true
			}
		}
	}
	return words
}

// extensions are those whose immutable and stable functions only compute. Not
// among them are those that run SQL given as text (tablefunc, xml2) or reach
// outside (dblink, adminpack, the foreign data wrappers).
var extensions = map[string]bool{
	"btree_gin": true, "btree_gist": true, "citext": true, "cube": true, "dict_int": true,
	"dict_xsyn": true, "earthdistance": true, "fuzzystrmatch": true, "hstore": true, "intarray": true,
	"isn": true, "ltree": true, "pg_stat_statements": true, "pg_trgm": true, "pgcrypto": true,
	"postgis": true, "seg": true, "tsm_system_rows": true, "tsm_system_time": true, "unaccent": true,
	"uuid-ossp": true, "vector": true,
}

// volatileReads are volatile functions of those extensions that change nothing.
var volatileReads = map[string]bool{
	"gen_random_bytes": true, "gen_random_uuid": true, "gen_salt": true,
	"pg_stat_statements": true, "pg_stat_statements_info": true,
	"system_rows": true, "system_time": true,
	"uuid_generate_v1": true, "uuid_generate_v1mc": true, "uuid_generate_v4": true,
}

// lyingMembers are functions of those extensions that change the session,
// though they are declared immutable.
var lyingMembers = map[string]bool{"isn_weak": true}

// judge says what calling a function can do, and why when that is not reading.
func (t Trust) judge(f *Function) (tools.Effect, string) {
	name := f.Schema + "." + f.Name.Name
	switch {
	case contains(t.Functions, name):
		return tools.Read, ""
	case f.builtin() && f.Schema == informationSchema:
		return tools.Read, ""
	case f.builtin():
		return judgeBuiltin(f.Name.Name)
	case f.Constructor && f.Language == "internal":
		return tools.Read, ""
	case f.ofExtension() && (f.Volatility != "volatile" || volatileReads[f.Name.Name]) && !lyingMembers[f.Name.Name]:
		return tools.Read, ""
	case f.Aggregate || f.TrustedLanguage:
		return tools.Write, "it calls " + name + ", and what that does can't be known beforehand"
	}
	return tools.Unknown, "it calls " + name + ", which runs outside the database's own languages"
}

func judgeBuiltin(name string) (tools.Effect, string) {
	switch {
	case pureBuiltins[name]:
		return tools.Read, ""
	case writingBuiltins[name]:
		return tools.Write, "it calls " + name + ", which changes something"
	}
	return tools.Unknown, "it calls " + name + ", which is not on the list of functions known to be safe"
}

// builtin reports whether the function came with the server and still is what
// it was.
func (f *Function) builtin() bool {
	return f.OID < firstUserOID && (f.Language == "internal" || f.Language == "sql") &&
		(f.Schema == "pg_catalog" || f.Schema == informationSchema)
}

// ofExtension reports whether the function came with one of the extensions. The
// owner of an extension may add a function of his own to it, but no one who is
// not a superuser can write one in C, or as a superuser.
func (f *Function) ofExtension() bool {
	return extensions[f.Extension] && (f.Language == "c" || f.BySuperuser)
}

func contains(list []string, word string) bool {
	for _, w := range list {
		if w == word {
			return true
		}
	}
	return false
}
