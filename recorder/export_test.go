package recorder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exported is a session as a file, and the key to check it with.
func exported(t testing.TB, dir, session string) (file []byte, key string) {
	t.Helper()
	r, err := OpenReader(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var out bytes.Buffer
	if err := r.Export(t.Context(), session, &out); err != nil {
		t.Fatal(err)
	}
	key, err = r.VerifierKey()
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), key
}

func TestExport(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	for session, want := range map[string]ExportReport{
		"s1": {Events: 15, Closed: true}, "s2": {Events: 1}, "s3": {Events: 7, Closed: true}, "s4": {Events: 3, Closed: true}, "": {Events: 7},
	} {
		file, key := exported(t, dir, session)
		got, err := VerifyExport(bytes.NewReader(file), key)
		if err != nil || got.Session != session || got.Events != want.Events || got.Closed != want.Closed {
			t.Errorf("session %q: %+v %v", session, got, err)
		}
		for _, head := range got.Heads {
			report, err := read(t, dir).Verify(t.Context(), VerifyOptions{Key: key, Checkpoints: []string{head}})
			if err != nil || !report.OK() {
				t.Errorf("session %q: its checkpoint against the record: %v %v", session, report.Problems, err)
			}
		}
		if _, err := VerifyExport(bytes.NewReader(file), fixedKey(t).public); err == nil {
			t.Errorf("session %q passed under another key", session)
		}
	}
	if err := read(t, dir).Export(t.Context(), "nobody", &bytes.Buffer{}); !errors.Is(err, ErrNotFound) {
		t.Error("an unknown session:", err)
	}
}

// TestExportOfManyPieces has contents of several lines each, and one twice.
func TestExportOfManyPieces(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "", SessionOpened{})...)
	for _, size := range []int{exportPiece - 1, exportPiece, exportPiece + 1, 3 * exportPiece, exportPiece} {
		appendAll(t, r, Event{Session: "s", Body: Output{}, Content: NewContent(randomBytes(size))})
	}
	closeIt(t, r)
	file, key := exported(t, dir, "s")
	if report, err := VerifyExport(bytes.NewReader(file), key); err != nil || report.Events != 7 || !report.Closed {
		t.Error(report, err)
	}
	lines := bytes.SplitAfter(file, []byte("\n"))
	for i := range lines[:len(lines)-2] {
		cut := bytes.Join(append(append([][]byte{}, lines[:i]...), lines[i+1:]...), nil)
		if report, err := VerifyExport(bytes.NewReader(reseal(cut)), key); err == nil && report.Closed {
			t.Errorf("line %d is not missed", i)
		}
	}
}

// smallExport has a content that stands apart, a packed event and two logs.
func smallExport(t testing.TB) (file []byte, key string) {
	t.Helper()
	dir := t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "c", SessionOpened{Principal: ann}, Received{Tool: "sql_read"}, Started{})...)
	appendAll(t, r, Event{Session: "s", Call: "c", Body: Output{}, Content: NewContent([]byte{0xff, 1})})
	appendAll(t, r, Event{Session: "s", Call: "c", Body: Output{}, Content: NewContent([]byte("text ü"))})
	abandon(t, r)
	closeIt(t, open(t, dir))
	return exported(t, dir, "s")
}

// stride leaves bits out where the race detector makes all of them too slow.
func stride() int {
	if underRace {
		return 7
	}
	return 1
}

// TestEveryBitOfAnExport flips every single one.
func TestEveryBitOfAnExport(t *testing.T) {
	file, key := smallExport(t)
	if _, err := VerifyExport(bytes.NewReader(file), key); err != nil {
		t.Fatal(err)
	}
	for bit := 0; bit < len(file)*8; bit += stride() {
		file[bit/8] ^= 1 << (bit % 8)
		if _, err := VerifyExport(bytes.NewReader(file), key); err == nil {
			t.Errorf("bit %d of byte %d: passed", bit%8, bit/8)
		}
		file[bit/8] ^= 1 << (bit % 8)
	}
}

// TestEveryBitOfAnExportResealed does the same as somebody who then makes the
// last line right: what finds the change is the proof, not the sum.
func TestEveryBitOfAnExportResealed(t *testing.T) {
	file, key := smallExport(t)
	end := bytes.LastIndexByte(file[:len(file)-1], '\n') + 1
	for bit := 0; bit < end*8; bit += stride() {
		bad := bytes.Clone(file)
		bad[bit/8] ^= 1 << (bit % 8)
		if _, err := VerifyExport(bytes.NewReader(reseal(bad)), key); err == nil {
			t.Errorf("bit %d of byte %d: passed", bit%8, bit/8)
		}
	}
	if _, err := VerifyExport(bytes.NewReader(reseal(file)), key); err != nil {
		t.Error("resealing does harm:", err)
	}
}

// reseal puts the right last line on a changed export.
func reseal(file []byte) []byte {
	body := bytes.TrimSuffix(file, []byte("\n"))
	if i := bytes.LastIndexByte(body, '\n'); bytes.HasPrefix(body[i+1:], []byte(`{"end"`)) {
		body = body[:i+1]
	} else {
		body = file
	}
	sum := sha256.Sum256(body)
	return fmt.Appendf(bytes.Clone(body), `{"end":{"lines":%d,"sha256":"%s"}}`+"\n", bytes.Count(body, []byte("\n")), hex.EncodeToString(sum[:]))
}

// TestExportsThatAreForged are changes of a whole line and more, resealed.
func TestExportsThatAreForged(t *testing.T) {
	file, key := smallExport(t)
	lines := strings.SplitAfter(strings.TrimSuffix(string(file), "\n"), "\n")
	lines = lines[:len(lines)-1]
	join := func(parts ...[]string) string {
		var all []string
		for _, p := range parts {
			all = append(all, p...)
		}
		return strings.Join(all, "")
	}
	// Lines: header, checkpoint, five events with a piece after the fourth,
	// checkpoint, two events.
	other := t.TempDir()
	record(t, other)
	foreign, _ := exported(t, other, "s1")
	for name, forged := range map[string]string{
		"nothing":                "",
		"header alone":           lines[0],
		"no header":              join(lines[1:]),
		"header twice":           join(lines[:1], lines),
		"first event left out":   join(lines[:2], lines[3:]),
		"event left out":         join(lines[:4], lines[5:]),
		"event twice":            join(lines[:4], lines[3:]),
		"events exchanged":       join(lines[:3], lines[4:5], lines[3:4], lines[5:]),
		"checkpoint left out":    join(lines[:1], lines[2:]),
		"second one left out":    join(lines[:8], lines[9:]),
		"checkpoint alone":       join(lines[:9]),
		"logs exchanged":         join(lines[:1], lines[8:], lines[1:8]),
		"log twice":              join(lines, lines[8:]),
		"content left out":       join(lines[:6], lines[7:]),
		"content twice":          join(lines[:7], lines[6:]),
		"content elsewhere":      join(lines[:6], lines[7:], lines[6:7]),
		"another session's name": strings.Replace(join(lines), `"session":"s"`, `"session":"t"`, 1),
		"foreign event":          join(lines[:3], strings.SplitAfter(string(foreign), "\n")[2:3], lines[3:]),
		"empty line":             join(lines[:3], []string{"\n"}, lines[3:]),
		"carriage return":        strings.Replace(join(lines), "}\n", "}\r\n", 1),
		"space":                  strings.Replace(join(lines), `,"proof"`, `, "proof"`, 1),
		"escape":                 strings.Replace(join(lines), `"call"`, `"\u0063all"`, 1),
		"member added":           strings.Replace(join(lines), `,"seq":1}`, `,"seq":1,"z":0}`, 1),
		"member repeated":        strings.Replace(join(lines), `,"seq":1}`, `,"seq":1,"seq":1}`, 1),
		"proof null":             regexp.MustCompile(`"proof":\[[^]]*\]`).ReplaceAllString(join(lines), `"proof":null`),
		"seq as fraction":        strings.Replace(join(lines), `,"seq":1}`, `,"seq":1.0}`, 1),
		"long line":              join(lines) + strings.Repeat(" ", maxLine+10) + "\n",
	} {
		if report, err := VerifyExport(bytes.NewReader(reseal([]byte(forged))), key); err == nil {
			t.Errorf("%s: passed: %+v", name, report)
		} else if strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: not one line: %v", name, err)
		}
	}
	for cut := range len(file) {
		if _, err := VerifyExport(bytes.NewReader(file[:cut]), key); err == nil {
			t.Errorf("cut to %d bytes: passed", cut)
		}
	}
	if _, err := VerifyExport(bytes.NewReader(append(file, '\n')), key); err == nil {
		t.Error("a longer file passed")
	}
}

// TestOpenEndIsSaid leaves out the last events, which nothing can prove: the
// report then does not call the session closed.
func TestOpenEndIsSaid(t *testing.T) {
	file, key := smallExport(t)
	lines := strings.SplitAfter(string(file), "\n")
	report, err := VerifyExport(bytes.NewReader(reseal([]byte(strings.Join(lines[:8], "")))), key)
	if err != nil || report.Closed || report.Events != 5 {
		t.Errorf("%+v %v", report, err)
	}
}

func TestDamagedRecordIsNotExported(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	execute(t, raw(t, dir), `UPDATE events SET data = CAST(replace(data, 'why not', 'because') AS BLOB) WHERE kind = 'call.received'`)
	if err := read(t, dir).Export(t.Context(), "s1", &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "verify the record") {
		t.Error(err)
	}
}

func FuzzVerifyExport(f *testing.F) {
	file, err := os.ReadFile(filepath.Join("testdata", "v1-s3.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	key := fixedKey(f).public
	f.Add(file)
	f.Add(reseal(file))
	for _, line := range bytes.SplitAfter(file, []byte("\n")) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, changed []byte) {
		if _, err := VerifyExport(bytes.NewReader(changed), key); err == nil && !bytes.Equal(changed, file) && !prefixOf(changed, file) {
			t.Errorf("passed:\n%s", changed)
		}
		if _, err := VerifyExport(bytes.NewReader(reseal(changed)), key); err == nil && !prefixOf(reseal(changed), file) {
			t.Errorf("passed when resealed:\n%s", changed)
		}
	})
}

// prefixOf reports whether an export is the other, cut after a line and resealed.
func prefixOf(changed, file []byte) bool {
	end := bytes.LastIndexByte(bytes.TrimSuffix(changed, []byte("\n")), '\n') + 1
	return bytes.HasPrefix(file, changed[:end])
}
