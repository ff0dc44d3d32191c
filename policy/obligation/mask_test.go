package obligation

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chaperone-dev/chaperone/tools"
)

func TestMaskerFindsTheStrictest(t *testing.T) {
	masks := Masks{
		{Columns: []string{"public.users.email"}, With: "hash"},
		{Columns: []string{"public.users.*"}, With: "partial"},
		{Columns: []string{"*.cards.number"}, With: "redact"},
		{Columns: []string{"hr.pay.amount", "hr.*.iban"}, With: "null"},
	}
	tests := []struct {
		origins []tools.Origin
		any     bool
		want    string
	}{
		{nil, false, ""},
		{nil, true, "null"},
		{[]tools.Origin{"public.orders.id"}, true, "null"},
		{[]tools.Origin{"public.orders.id"}, false, ""},
		{[]tools.Origin{"public.users.email"}, false, "hash"},
		{[]tools.Origin{"public.users.name"}, false, "partial"},
		{[]tools.Origin{"public.Users.email"}, false, ""},
		{[]tools.Origin{"x.cards.number"}, false, "redact"},
		{[]tools.Origin{"public.users.name", "x.cards.number"}, false, "redact"},
		{[]tools.Origin{"x.cards.number", "hr.staff.iban", "public.users.name"}, false, "null"},
		{[]tools.Origin{"hr.pay.iban"}, false, "null"},
		{[]tools.Origin{"hr.pay.iban2"}, false, ""},
		// A name with dots is masked when it might be the one that is meant.
		{[]tools.Origin{"hr.a.b.iban"}, false, "null"},
		{[]tools.Origin{"public.users.a.b"}, false, "partial"},
		{[]tools.Origin{""}, false, ""},
	}
	masker := masks.Masker([32]byte{})
	for _, test := range tests {
		got := ""
		if mask := masker.Mask(tools.Origins{Known: test.origins, Any: test.any}); mask != nil {
			got = mask.Name()
		}
		if got != test.want {
			t.Errorf("%v any=%v: got %q, want %q", test.origins, test.any, got, test.want)
		}
	}
}

// TestMaskerLeavesNothingOfWhatIsComputed: the end of a piece of a value, and
// equal pieces, would tell all of it.
func TestMaskerLeavesNothingOfWhatIsComputed(t *testing.T) {
	masker := Masks{
		{Columns: []string{"public.users.email"}, With: "hash"},
		{Columns: []string{"public.users.phone"}, With: "partial"},
	}.Masker([32]byte{})
	for _, test := range []struct {
		origins tools.Origins
		want    string
	}{
		{tools.Origins{Known: []tools.Origin{"public.users.email"}}, "hash"},
		{tools.Origins{Known: []tools.Origin{"public.users.email"}, Made: []tools.Origin{"public.users.email"}}, "redact"},
		{tools.Origins{Known: []tools.Origin{"public.users.phone"}, Made: []tools.Origin{"public.users.phone"}}, "redact"},
		{tools.Origins{Known: []tools.Origin{"public.users.phone", "public.users.id"}, Made: []tools.Origin{"public.users.id"}}, "partial"},
		{tools.Origins{Known: []tools.Origin{"public.users.id"}, Made: []tools.Origin{"public.users.id"}}, ""},
		{tools.Origins{Any: true}, "redact"},
	} {
		got := ""
		if mask := masker.Mask(test.origins); mask != nil {
			got = mask.Name()
		}
		if got != test.want {
			t.Errorf("%+v: got %q, want %q", test.origins, got, test.want)
		}
	}
}

// TestMaskerBelow: of a place it is asked whether anything at it or below it is
// masked.
func TestMaskerBelow(t *testing.T) {
	masker := Masks{
		{Columns: []string{"pods.status.podIP", "cron.spec.selector.app"}, With: "hash"},
		{Columns: []string{"nodes.status.*"}, With: "partial"},
		{Columns: []string{"*.cards.number"}, With: "redact"},
	}.Masker([32]byte{})
	for place, want := range map[tools.Origin]string{
		"pods": "redact", "pods.status": "redact", "pods.status.podIP": "redact", "cron.spec.selector": "redact",
		"nodes": "redact", "nodes.status.a": "redact", "other": "redact",
	} {
		if got := masker.Mask(tools.Origins{Within: []tools.Origin{place}}); got == nil || got.Name() != want {
			t.Errorf("%s: %v", place, got)
		}
	}
	narrow := Masks{
		{Columns: []string{"pods.status.podIP", "cron.spec.selector.app"}, With: "hash"},
		{Columns: []string{"nodes.status.*"}, With: "partial"}, {Columns: []string{"pods.spec.*.image"}, With: "redact"},
	}.Masker([32]byte{})
	for place, want := range map[tools.Origin]string{
		"pods": "redact", "pods.status": "hash", "pods.status.podIP": "hash", "pods.status.podIPs": "", "pods.status.podIP.x": "", "pod": "",
		"cron.spec": "hash", "cron.spec.selector": "hash", "cron.spec.other": "", "nodes": "partial", "nodes.status": "partial", "nodes.status.a.b": "partial", "nodes.spec": "",
		"pods.spec.containers": "redact", "pods.spec": "redact", "": "",
	} {
		got := ""
		if mask := narrow.Mask(tools.Origins{Within: []tools.Origin{place}}); mask != nil {
			got = mask.Name()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", place, got, want)
		}
	}
	if MaskAll("fault").Masker([32]byte{}).Mask(tools.Origins{Within: []tools.Origin{"pods"}}) == nil {
		t.Error("what masks all masks nothing of pods")
	}
}

func TestMaskerRefusesWhatItDoesNotKnow(t *testing.T) {
	masker := Masks{{Columns: []string{"a.b.c"}, With: "blur"}}.Masker([32]byte{})
	if mask := masker.Mask(tools.Origins{Known: []tools.Origin{"a.b.c"}}); mask == nil || mask.Name() != "null" {
		t.Errorf("an unknown word must hide like the strictest, got %v", mask)
	}
	all := MaskAll("fault").Masker([32]byte{})
	for _, origins := range []tools.Origins{{Any: true}, {Known: []tools.Origin{"a.b.c"}}, {Known: []tools.Origin{"x"}}} {
		if mask := all.Mask(origins); mask == nil || mask.Name() != "redact" {
			t.Errorf("%v: got %v", origins, mask)
		}
	}
	if mask := (Masks{}).Masker([32]byte{}).Mask(tools.Origins{Any: true}); mask != nil {
		t.Errorf("no masks: got %v", mask)
	}
}

func TestApply(t *testing.T) {
	tests := []struct {
		with, value, want string
		ok                bool
	}{
		{"redact", "ann@example.com", "[redacted]", true},
		{"redact", "", "[redacted]", true},
		{"null", "ann@example.com", "", false},
		{"partial", "", "****", true},
		{"partial", "1234567", "****", true},
		{"partial", "12345678", "****78", true},
		{"partial", "4111111111111111", "****1111", true},
		{"partial", strings.Repeat("é", 9), "****ééé", true},
		{"hash", "ann@example.com", "hash:f99f4cef8a361cf6", true},
	}
	for _, test := range tests {
		got, ok := maskOf(test.with, [32]byte{1}).Apply(test.value)
		if got != test.want || ok != test.ok {
			t.Errorf("%s %q: got %q %v", test.with, test.value, got, ok)
		}
	}
}

func maskOf(with string, key [32]byte) tools.Mask {
	return Masks{{Columns: []string{"*"}, With: with}}.Masker(key).Mask(tools.Origins{Known: []tools.Origin{"a"}})
}

func FuzzApply(f *testing.F) {
	for _, seed := range []string{"", "a", "ann@example.com", "4111 1111 1111 1111", "ñandú-ñandú", "\xff\xfe", "****", "[redacted]"} {
		f.Add(seed, byte(1))
	}
	f.Fuzz(func(t *testing.T, value string, seed byte) {
		key, other := [32]byte{seed}, [32]byte{seed + 1}
		for _, with := range words() {
			got, ok := maskOf(with, key).Apply(value)
			if ok == (with == "null") {
				t.Fatalf("%s: ok is %v", with, ok)
			}
			if got == value && ok && value != fill && value != "[redacted]" {
				t.Fatalf("%s returns its input %q", with, value)
			}
			if again, _ := maskOf(with, key).Apply(value); again != got {
				t.Fatalf("%s: %q is masked as %q and as %q", with, value, got, again)
			}
		}
		checkPartial(t, value)
		one, _ := maskOf("hash", key).Apply(value)
		two, _ := maskOf("hash", other).Apply(value)
		if one == two {
			t.Fatalf("two keys hash %q alike", value)
		}
	})
}

func checkPartial(t *testing.T, value string) {
	got, _ := maskOf("partial", [32]byte{}).Apply(value)
	kept, n := utf8.RuneCountInString(strings.TrimPrefix(got, fill)), utf8.RuneCountInString(value)
	if kept > 4 || 3*kept > n {
		t.Fatalf("partial keeps %d of %d characters of %q", kept, n, value)
	}
	if n < tooShort && kept > 0 {
		t.Fatalf("partial keeps %d characters of the short %q", kept, value)
	}
}

func FuzzMasker(f *testing.F) {
	f.Add("public.users.*", "public.users.email")
	f.Add("*.*.*", "a.b.c.d")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, origin string) {
		masker := Masks{{Columns: []string{pattern}, With: "hash"}}.Masker([32]byte{})
		mask := masker.Mask(tools.Origins{Known: []tools.Origin{tools.Origin(origin)}})
		if pattern == origin && mask == nil {
			t.Fatalf("%q is not masked by its own name", origin)
		}
		if masker.Mask(tools.Origins{Known: []tools.Origin{tools.Origin(origin)}, Any: true}) == nil {
			t.Fatal("a value that may come from anywhere is not masked")
		}
	})
}

func BenchmarkMaskerOfColumn(b *testing.B) {
	masker := Masks{
		{Columns: []string{"public.customers.email", "public.customers.phone"}, With: "hash"},
		{Columns: []string{"*.*.card_number"}, With: "redact"},
	}.Masker([32]byte{})
	origins := tools.Origins{Known: []tools.Origin{"public.customers.email"}}
	b.ReportAllocs()
	for b.Loop() {
		masker.Mask(origins)
	}
}

func BenchmarkHash(b *testing.B) {
	mask := maskOf("hash", [32]byte{1})
	b.ReportAllocs()
	for b.Loop() {
		mask.Apply("ann@example.com")
	}
}
