package recorder

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

// eventually waits for something that another goroutine or process does.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("did not come about: %s", what)
		}
	}
}

func open(t testing.TB, dir string) *Recorder {
	t.Helper()
	r, err := Open(context.Background(), Options{Dir: dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func closeIt(t testing.TB, r *Recorder) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// abandon leaves a recorder as a killed process does: nothing is closed, and
// the system frees its lock.
func abandon(t testing.TB, r *Recorder) {
	t.Helper()
	r.writer.turn <- struct{}{} // for good: its timers find nothing to do
	r.queue.close()
	r.writer.disconnect()
	if err := r.lock.Unlock(); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, dir string) *Reader {
	t.Helper()
	r, err := OpenReader(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func appendAll(t testing.TB, r *Recorder, events ...Event) {
	t.Helper()
	if err := r.Append(context.Background(), events...); err != nil {
		t.Fatal(err)
	}
}

func verify(t testing.TB, dir string) Report {
	t.Helper()
	r, err := OpenReader(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	report, err := r.Verify(context.Background(), VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func mustVerify(t testing.TB, dir string) Report {
	t.Helper()
	report := verify(t, dir)
	for _, p := range report.Problems {
		t.Error(p)
	}
	return report
}

// events are a session's, as kinds; errors fail the test.
func events(t testing.TB, r *Reader, session string) []Event {
	t.Helper()
	var all []Event
	for e, err := range r.Events(context.Background(), session) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func kinds(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s ", e.Body.Kind())
	}
	return strings.TrimSpace(b.String())
}

func on(session, call string, bodies ...Body) []Event {
	var all []Event
	for _, b := range bodies {
		all = append(all, Event{Session: session, Call: call, Body: b})
	}
	return all
}

var ann = policy.Principal{
	Subject: "ann", Email: "ann@example.com", Name: "Ann", Groups: []string{"dev", "oncall"}, Issuer: "local",
	Method: policy.Local, Claims: map[string]string{"team": "shop"},
}

// samples has one body of every kind, with every field set.
func samples() []Body {
	action := Action{
		Verb: "select", Effect: tools.Read, Targets: []tools.Target{{Kind: "table", Name: "public.orders"}},
		Display: "select 'é', \"x\" <> '\u2028' from orders", Family: "sql", Facts: []byte(`{"kind":"select","rows":12.5}`),
	}
	decision := policy.Decision{
		Outcome: policy.Allow, Rules: []policy.Rule{{Name: "r", Message: "m", Hint: "h"}},
		Limits: tools.Limits{Rows: 5, Timeout: time.Second}, Labels: []string{"pii"}, Policy: "digest",
	}
	return []Body{
		SessionOpened{Principal: ann, Client: policy.Client{Name: "Cursor", Version: "3"}, Transport: "stdio"},
		Received{Tool: "sql_read", Connection: "shop", Reason: "why not", DryRun: true, Args: "ab12", Size: 42},
		Described{Action: action, Params: []string{"1", "two"}},
		Decided{
			Decision: decision, Principal: ann, Session: policy.Session{ID: "s", Transport: "stdio", AgeSeconds: 3, Totals: policy.Totals{Calls: 9}},
			Connection: policy.Connection{Name: "shop", Family: "sql", Labels: map[string]string{"env": "prod"}},
			Call:       policy.Call{Tool: "sql_read", Reason: "why not", Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		},
		Started{},
		Judged{Actions: []Judgement{{Action: action, Decision: decision}}},
		Output{Stream: "stdout", Offset: 17},
		Finished{Stats: tools.Stats{RowsRead: 3, RowsChanged: 2, ObjectsDeleted: 1}, Duration: time.Minute, Truncated: true},
		Refused{Stage: "decide", Rule: "no-where", Reason: "no", Hint: "add one", Blank: "delete from t"},
		Failed{Code: "42P01", Message: "no such table", Hint: "look", Position: 7, Fault: "f1", Duration: time.Second},
		Ambiguous{Why: "lost"},
		PolicyLoaded{Digest: "d", Paths: []string{"p.rego"}},
		PolicyRejected{Digest: "d", Paths: []string{"p.rego"}, Error: "line 3"},
		ConfigLoaded{Digest: "c"},
		SessionClosed{Reason: "bye"},
	}
}

// approvalSamples are of the kinds that have to do with people's answers.
func approvalSamples() []Body {
	impact := tools.Impact{Measured: true, Rows: 2, Changes: []tools.Change{{Target: tools.Target{Kind: "table", Name: "public.orders"}, Verb: "update", Count: 2}}, Dependents: []tools.Target{}}
	rules := obligation.Approvals{{Rule: "prod", Groups: []string{"dba"}, Count: 2, Expires: "30m", Reason: true, Preview: "estimate", Tolerance: "10%"}}
	return []Body{
		Previewed{Preview: tools.Preview{
			Impact: impact, Samples: []tools.Sample{{Target: tools.Target{Kind: "table", Name: "public.orders"}, Columns: []string{"id"}, Before: [][]string{{"1"}}, After: [][]string{{"2"}}}},
			Diff: "-1\n+2", Warnings: []string{"sequences move"}, State: "ab12",
		}},
		Confirmed{Answer: "accept"},
		Pending{Approval: "a1", Until: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)},
		Stopped{By: ann, Why: "too slow"},
		ApprovalRequested{Approval: "a1", Rules: rules, Expires: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Policy: "digest", Preview: "ab", Key: "cd"},
		ApprovalAnswered{Approval: "a1", By: ann, Verdict: "approve", Comment: "fine", Via: "console", Preview: "ab", Phase: "approved"},
		ApprovalEnded{Approval: "a1", Phase: "expired", Why: "nobody answered in time"},
		ApprovalSpent{Approval: "a1"},
		Frozen{Scope: "session", Name: "s1", By: ann, Why: "look at this"},
		Thawed{Scope: "session", Name: "s1", By: ann},
		SignedIn{Principal: ann},
	}
}

// record fills a data folder as a gateway does that is started three times:
// closed, killed, and closed again. It has text and binary content, long and
// short events, two sessions and a call in flight.
func record(t testing.TB, dir string) {
	t.Helper()
	first := open(t, dir)
	appendAll(t, first, on("s1", "c1", samples()...)...)
	appendAll(t, first, Event{Session: "s2", Call: "c2", Body: Finished{}, Content: NewContent(bytes.Repeat([]byte("long text "), 3000))})
	closeIt(t, first)
	second := open(t, dir)
	appendAll(t, second, on("s3", "c3", SessionOpened{Principal: ann}, Received{Tool: "sql_write"}, Started{})...)
	appendAll(t, second, Event{Session: "s3", Call: "c3", Body: Output{}, Content: NewContent([]byte{0xff, 0, 1})})
	appendAll(t, second, Event{Session: "s3", Call: "c3", Body: Output{}, Content: NewContent([]byte(strings.Repeat("medium ", 300)))})
	abandon(t, second)
	third := open(t, dir)
	appendAll(t, third, on("s4", "c4", SessionOpened{Principal: ann}, Received{Tool: "sql_read"})...)
	for version := range int64(2) {
		changeAll(t, third, Standing{Kind: "approval", ID: "a1", Phase: "requested", Due: time.Unix(1_800_000_000, 0), Version: version, Data: []byte("{}")})
	}
	closeIt(t, third)
}

// changeAll sets standings.
func changeAll(t testing.TB, r *Recorder, set ...Standing) {
	t.Helper()
	if err := r.Change(t.Context(), set); err != nil {
		t.Fatal(err)
	}
}

// copyFolder copies the files of a data folder.
func copyFolder(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Type().IsRegular() {
			copyFile(t, filepath.Join(from, e.Name()), filepath.Join(to, e.Name()))
		}
	}
	return to
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// copyInUse copies a database that this process has open, with its write-ahead
// log: in another process, because closing the file in this one would free
// SQLite's locks on it.
func copyInUse(t testing.TB, from, to string) {
	t.Helper()
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		if out, err := command("cp", filepath.Join(from, name), to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

func fixedSeed() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
}

// fixedKey is a signing key that is the same in every run.
func fixedKey(t testing.TB) keys {
	t.Helper()
	private, err := formatSigningKey(fixedSeed())
	if err != nil {
		t.Fatal(err)
	}
	signer, public, err := parseSigningKey(string(private))
	if err != nil {
		t.Fatal(err)
	}
	return keys{signer: signer, public: public, secret: bytes.Repeat([]byte{9}, secretSize)}
}

func folderOf(r *Recorder) string { return filepath.Dir(r.writer.path) }

// randomBytes do not compress. They are the same in every run.
func randomBytes(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, n)
	_, _ = random.Read(data)
	return data
}

func command(name string, args ...string) *exec.Cmd { return exec.Command(name, args...) }
