package sql

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// The types whose text form JSON has a form of its own for (pg_type.dat).
const (
	oidBool   = 16
	oidInt8   = 20
	oidInt2   = 21
	oidInt4   = 23
	oidFloat4 = 700
	oidFloat8 = 701
)

// appendValue writes a value in PostgreSQL's text form as JSON, without loss:
// booleans, and numbers that every JSON reader holds exactly, as such; all else
// as a string with PostgreSQL's own text.
func appendValue(dst []byte, typing uint32, text string) []byte {
	switch typing {
	case oidBool:
		return strconv.AppendBool(dst, text == "t")
	case oidInt2, oidInt4, oidInt8, oidFloat4, oidFloat8:
		// 15 digits always fit the 53 bits of a double. NaN and Infinity are
		// not numbers to JSON.
		switch {
		case text == "-0":
			// As a whole number it would lose its sign.
			return append(dst, "-0.0"...)
		case (typing != oidInt8 || len(text) <= 15) && number(text):
			return append(dst, text...)
		}
	}
	return appendString(dst, text)
}

// number reports whether text is a JSON number.
func number(text string) bool {
	return len(text) > 0 && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') && jsontext.Value(text).IsValid()
}

// appendString writes text as a JSON string. The server sends no bytes that are
// not UTF-8; they would become U+FFFD.
func appendString[T []byte | string](dst []byte, text T) []byte {
	dst, _ = jsontext.AppendQuote(dst, text)
	return dst
}

// typeNames are the common types by OID, in the manual's short spelling.
var typeNames = map[uint32]string{
	16: "bool", 17: "bytea", 18: `"char"`, 19: "name", 20: "int8", 21: "int2", 23: "int4", 25: "text", 26: "oid",
	114: "json", 142: "xml", 600: "point", 650: "cidr", 700: "float4", 701: "float8", 790: "money",
	829: "macaddr", 869: "inet", 1000: "bool[]", 1005: "int2[]", 1007: "int4[]", 1009: "text[]", 1015: "varchar[]",
	1016: "int8[]", 1021: "float4[]", 1022: "float8[]", 1042: "char", 1043: "varchar", 1082: "date", 1083: "time",
	1114: "timestamp", 1115: "timestamp[]", 1182: "date[]", 1184: "timestamptz", 1185: "timestamptz[]", 1186: "interval",
	1231: "numeric[]", 1266: "timetz", 1560: "bit", 1562: "varbit", 1700: "numeric", 2205: "regclass", 2249: "record",
	2278: "void", 2950: "uuid", 2951: "uuid[]", 3614: "tsvector", 3615: "tsquery", 3802: "jsonb", 3807: "jsonb[]",
	3904: "int4range", 3906: "numrange", 3908: "tsrange", 3910: "tstzrange", 3912: "daterange", 3926: "int8range",
}
