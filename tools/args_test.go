package tools_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/chaperone-dev/chaperone/tools"
)

type sample struct {
	SQL     string         `json:"sql"`
	Count   int            `json:"count,omitempty"`
	Dry     bool           `json:"dry_run,omitempty"`
	List    []string       `json:"list,omitempty"`
	Nested  []nested       `json:"nested,omitempty"`
	Mapping map[string]any `json:"mapping,omitempty"`
}

type nested struct {
	Name string `json:"name"`
}

func TestDecodeArgs(t *testing.T) {
	for name, c := range map[string]struct {
		args string
		want sample
	}{
		"nothing":       {`{}`, sample{}},
		"null":          {`null`, sample{}},
		"all":           {` {"sql":"x","count":-3,"dry_run":true,"list":["a",""],"nested":[{"name":"n"}]} `, sample{SQL: "x", Count: -3, Dry: true, List: []string{"a", ""}, Nested: []nested{{"n"}}}},
		"an empty list": {`{"list":[]}`, sample{List: []string{}}},
		"escapes":       {`{"sql":"\u00e4\n\ud83d\ude00\u0000"}`, sample{SQL: "ä\n\U0001F600\x00"}},
		"nulls":         {`{"sql":null,"list":null}`, sample{}},
	} {
		t.Run(name, func(t *testing.T) {
			var got sample
			if err := tools.DecodeArgs(json.RawMessage(c.args), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestDecodeArgsRefuses(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"an unknown name", `{"sq":"hunter2"}`, `the argument "sq" is not known`},
		{"a name in other letters", `{"SQL":"hunter2"}`, `the argument "SQL" is not known`},
		{"an unknown name within", `{"nested":[{"name":"a"},{"nam":"hunter2"}]}`, `the argument "nested/1/nam" is not known`},
		{"a name with a slash", `{"a/b~c":"hunter2"}`, `the argument "a/b~c" is not known`},
		{"a name given twice", `{"sql":"hunter2","sql":"hunter2"}`, "an argument is given twice"},
		{"a name given twice within", `{"nested":[{"name":"hunter2","name":"b"}]}`, "an argument is given twice"},
		{"a name given twice in a map", `{"mapping":{"a":1,"a":"hunter2"}}`, "an argument is given twice"},
		{"a number for text", `{"sql":12345678}`, `the argument "sql" must be a string`},
		{"text for a number", `{"count":"hunter2"}`, `the argument "count" must be a whole number`},
		{"a fraction", `{"count":1.5}`, `the argument "count" must be a whole number`},
		{"a number too large", `{"count":123456789012345678901234567890}`, `the argument "count" must be a whole number`},
		{"a word for a truth", `{"dry_run":"hunter2"}`, `the argument "dry_run" must be true or false`},
		{"text for a list", `{"list":"hunter2"}`, `the argument "list" must be a list`},
		{"an object for a list", `{"list":{"a":"hunter2"}}`, `the argument "list" must be a list`},
		{"a number in a list", `{"list":["a",12345678]}`, `the argument "list/1" must be a string`},
		{"a list", `["hunter2"]`, "the arguments are not a JSON object"},
		{"text", `"hunter2"`, "the arguments are not a JSON object"},
		{"a number", `12345678`, "the arguments are not a JSON object"},
		{"nothing", ``, "the arguments are not a JSON object"},
		{"half", `{"sql":"hunter2"`, "the arguments are not a JSON object"},
		{"two", `{} {"sql":"hunter2"}`, "the arguments are not a JSON object"},
		{"bytes that are no text", "{\"sql\":\"hunter2\xff\"}", "the arguments are not a JSON object"},
		{"half a character", `{"sql":"hunter2\ud800"}`, "the arguments are not a JSON object"},
		{"single quotes", `{'sql':'hunter2'}`, "the arguments are not a JSON object"},
		{"too deep", `{"mapping":` + strings.Repeat(`{"a":`, 20_000) + `1` + strings.Repeat(`}`, 20_001), "the arguments are not a JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := tools.DecodeArgs(json.RawMessage(c.args), new(sample))
			if err == nil || err.Error() != c.want {
				t.Fatalf("%v, want %s", err, c.want)
			}
		})
	}
}

// FuzzDecodeArgs: whatever comes, there is no panic, an error is one line that
// quotes no value, and what is taken says the same when it is read back.
func FuzzDecodeArgs(f *testing.F) {
	for _, s := range []string{`{}`, `null`, `{"sql":"x","count":1,"list":["a"],"nested":[{"name":"n"}],"mapping":{"a":[1]}}`, `{"a":1,"a":2}`, "{\"sql\":\"\xff\"}", `[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second sample
		if err := tools.DecodeArgs(data, &first); err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") || !strings.Contains(err.Error(), "argument") {
				t.Errorf("%q is answered by %q", data, err)
			}
			return
		}
		again, err := json.Marshal(first)
		if err != nil {
			t.Fatal(err)
		}
		if err := tools.DecodeArgs(again, &second); err != nil {
			t.Fatalf("%s, which was taken as %s: %v", data, again, err)
		}
		third, err := json.Marshal(second)
		if err != nil || string(third) != string(again) {
			t.Errorf("%s is %s, and %s when it is read back", data, again, third)
		}
	})
}
