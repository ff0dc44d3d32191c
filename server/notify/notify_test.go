package notify_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/notify"
	"github.com/chaperone-dev/chaperone/tools"
)

const secret = "a secret of the receiver"

// receiver is an HTTP server that answers by turns, the last answer for ever.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	turns   []http.HandlerFunc
	got     []string
	headers []http.Header
}

func newReceiver(t *testing.T, turns ...http.HandlerFunc) *receiver {
	r := &receiver{turns: turns}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		r.mu.Lock()
		r.got, r.headers = append(r.got, string(body)), append(r.headers, q.Header)
		turn := r.turns[0]
		if len(r.turns) > 1 {
			r.turns = r.turns[1:]
		}
		r.mu.Unlock()
		turn(w, q)
	}))
	t.Cleanup(func() { r.CloseClientConnections(); r.Close() })
	return r
}

// wait returns what came, once there is that much.
func (r *receiver) wait(t *testing.T, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		got := append([]string{}, r.got...)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d came", len(got), n)
		}
	}
}

func ok(http.ResponseWriter, *http.Request)        {}
func fail(w http.ResponseWriter, _ *http.Request)  { w.WriteHeader(http.StatusInternalServerError) }
func stall(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }
func huge(w http.ResponseWriter, _ *http.Request) {
	for chunk := make([]byte, 1<<20); ; {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

var fast = notify.Times{Poll: 5 * time.Millisecond, Timeout: 200 * time.Millisecond, First: 10 * time.Millisecond, Most: 20 * time.Millisecond}

// record is a record with an outbox on it.
type record struct {
	*recorder.Recorder
	reader *recorder.Reader
}

func open(t *testing.T, dir string) record {
	t.Helper()
	rec, err := recorder.Open(context.Background(), recorder.Options{Dir: dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := recorder.OpenReader(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = reader.Close(); _ = rec.Close() })
	return record{rec, reader}
}

func (r record) outbox(times notify.Times, targets ...notify.Target) *notify.Outbox {
	return notify.New(notify.Options{Record: r, Reader: r.reader, Targets: targets, Console: "https://c.example/console", Times: times})
}

// ask makes a request by the desk, with the notices of the outbox.
func (r record) ask(t *testing.T, o *notify.Outbox) approval.Request {
	t.Helper()
	desk, err := approval.NewDesk(context.Background(), approval.Options{Record: r, Reader: r.reader, Notices: o.Notices})
	if err != nil {
		t.Fatal(err)
	}
	ann := policy.Principal{Subject: "ann", Groups: []string{}, Issuer: "config", Method: policy.Token, Claims: map[string]string{}}
	at := tools.Target{Kind: "table", Name: "shop.payments"}
	q, _, err := desk.Ask(context.Background(), approval.Request{
		Principal: ann, Session: "S", Call: "C", Connection: policy.Connection{Name: "shop"}, Tool: "sql_write", Reason: "ticket 1 <!channel> `https://\u202Eevil.example`",
		Action: recorder.Action{Verb: "update", Effect: tools.Write, Targets: []tools.Target{at}, Display: "update payments set amount = 4711"},
		Params: []string{"4711"}, Rules: obligation.Approvals{{Rule: "payments", Groups: []string{"dba"}, Count: 1}}, Policy: "P", Key: "K",
		Preview: &tools.Preview{
			Impact:  tools.Impact{Measured: true, Rows: 1, Changes: []tools.Change{{Target: at, Verb: "update", Count: 1}}},
			Samples: []tools.Sample{{Target: at, Columns: []string{"amount"}, Before: [][]string{{"4711"}}}},
		},
	}, []byte("the call 4711"))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// run runs an outbox until the test ends, or stop is called.
func run(t *testing.T, o *notify.Outbox) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); o.Run(ctx) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

// phase waits until the one notice is in a phase.
func (r record) phase(t *testing.T, phase string) recorder.Standing {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		list, err := r.reader.Standings(context.Background(), notify.Kind, phase)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			return list[0]
		}
		if time.Now().After(deadline) {
			t.Fatalf("the notice is not %s", phase)
		}
	}
}

func TestWebhook(t *testing.T) {
	rec, to := open(t, t.TempDir()), newReceiver(t, ok)
	o := rec.outbox(fast, notify.Target{Name: "hook", Webhook: to.URL, Secret: secret})
	q := rec.ask(t, o)
	run(t, o)
	body := to.wait(t, 1)[0]
	rec.phase(t, "sent")
	var n notify.Notice
	if err := json.Unmarshal([]byte(body), &n); err != nil {
		t.Fatal(err)
	}
	if n.Kind != notify.Requested || n.Approval != q.ID || n.Principal.Subject != "ann" || n.Preview.Rows != 1 || n.URL != "https://c.example/console/approvals/"+q.ID {
		t.Errorf("the notice is %s", body)
	}
	if strings.Contains(body, "4711") || strings.Contains(body, secret) {
		t.Errorf("the notice tells too much: %s", body)
	}
	h := to.headers[0]
	stamp, _, _ := strings.Cut(strings.TrimPrefix(h.Get(notify.HeaderSignature), "t="), ",")
	seconds, err := time.ParseDuration(stamp + "s")
	if err != nil {
		t.Fatal(err)
	}
	if want := notify.Sign(secret, time.Unix(int64(seconds.Seconds()), 0), []byte(body)); h.Get(notify.HeaderSignature) != want || h.Get(notify.HeaderID) != n.ID {
		t.Errorf("signed by %s as %s, want %s", h.Get(notify.HeaderSignature), h.Get(notify.HeaderID), want)
	}
}

func TestSlack(t *testing.T) {
	rec, to := open(t, t.TempDir()), newReceiver(t, ok)
	o := rec.outbox(fast, notify.Target{Name: "slack", Slack: to.URL})
	rec.ask(t, o)
	run(t, o)
	body := to.wait(t, 1)[0]
	var m struct{ Text string }
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"*ann* asks for approval", "Why: `ticket 1 &lt;!channel&gt; 'https://[U+202E]evil.example'`\n", "update 1 in shop.payments", "|Sign in and answer>"} {
		if !strings.Contains(m.Text, want) {
			t.Errorf("%q is not in %s", want, m.Text)
		}
	}
	if strings.Contains(body, "4711") {
		t.Error("it shows the statement")
	}
}

// TestTrouble has receivers that fail, stall, redirect and break off: the same
// notice comes again, and a redirect leads nowhere.
func TestTrouble(t *testing.T) {
	elsewhere := newReceiver(t, ok)
	redirect := func(w http.ResponseWriter, q *http.Request) {
		http.Redirect(w, q, elsewhere.URL, http.StatusTemporaryRedirect)
	}
	rec, to := open(t, t.TempDir()), newReceiver(t, fail, stall, redirect, ok)
	o := rec.outbox(fast, notify.Target{Name: "hook", Webhook: to.URL, Secret: secret})
	rec.ask(t, o)
	run(t, o)
	got := to.wait(t, 4)
	rec.phase(t, "sent")
	for _, body := range got {
		if body != got[0] {
			t.Errorf("another notice: %s", body)
		}
	}
	if len(elsewhere.got) > 0 {
		t.Error("a redirect was followed")
	}
}

func TestHugeAnswer(t *testing.T) {
	rec, to := open(t, t.TempDir()), newReceiver(t, huge)
	o := rec.outbox(fast, notify.Target{Name: "hook", Webhook: to.URL, Secret: secret})
	rec.ask(t, o)
	run(t, o)
	rec.phase(t, "sent")
}

// TestOneDoesNotKeepOthers sends to one while another stalls.
func TestOneDoesNotKeepOthers(t *testing.T) {
	rec, stalls, to := open(t, t.TempDir()), newReceiver(t, stall), newReceiver(t, ok)
	o := rec.outbox(fast, notify.Target{Name: "a", Webhook: stalls.URL, Secret: secret}, notify.Target{Name: "b", Webhook: to.URL, Secret: secret})
	rec.ask(t, o)
	run(t, o)
	to.wait(t, 1)
	rec.phase(t, "sent")
}

func TestGivesUp(t *testing.T) {
	rec, to := open(t, t.TempDir()), newReceiver(t, fail)
	times := fast
	times.GiveUp = 100 * time.Millisecond
	o := rec.outbox(times, notify.Target{Name: "hook", Webhook: to.URL, Secret: secret})
	rec.ask(t, o)
	run(t, o)
	rec.phase(t, "given_up")
}

// TestRestart stops while the receiver stalls, and goes on with a new process.
func TestRestart(t *testing.T) {
	dir, to := t.TempDir(), newReceiver(t, stall, ok)
	target := notify.Target{Name: "hook", Webhook: to.URL, Secret: secret}
	rec := open(t, dir)
	o := rec.outbox(fast, target)
	rec.ask(t, o)
	stop := run(t, o)
	to.wait(t, 1)
	stop()
	if err := rec.Close(); err != nil && !errors.Is(err, recorder.ErrClosed) {
		t.Fatal(err)
	}
	again := open(t, dir)
	run(t, again.outbox(fast, target))
	got := to.wait(t, 2)
	again.phase(t, "sent")
	if got[0] != got[1] {
		t.Errorf("another notice: %s", got[1])
	}
}

// watched is a reader that counts how often the outbox was looked through.
type watched struct {
	*recorder.Reader
	looks *atomic.Int64
}

func (w watched) Standings(ctx context.Context, kind, phase string) ([]recorder.Standing, error) {
	w.looks.Add(1)
	return w.Reader.Standings(ctx, kind, phase)
}

// TestOneClaim has two processes on one record: what the first has claimed the
// second leaves alone, while it is sent and afterwards.
func TestOneClaim(t *testing.T) {
	dir, hold, looks := t.TempDir(), make(chan struct{}), &atomic.Int64{}
	to := newReceiver(t, func(http.ResponseWriter, *http.Request) { <-hold })
	release := sync.OnceFunc(func() { close(hold) })
	t.Cleanup(release)
	times := fast
	times.Timeout = time.Minute
	target := notify.Target{Name: "hook", Webhook: to.URL, Secret: secret}
	var first record
	for i := range 2 {
		rec := open(t, dir)
		o := notify.New(notify.Options{Record: rec, Reader: watched{rec.reader, looks}, Targets: []notify.Target{target}, Times: times})
		if run(t, o); i == 0 {
			first = rec
			rec.ask(t, o)
		}
	}
	// Who sends does not look meanwhile. When the other has begun to look once
	// more, it has passed the notice over.
	further := func() {
		t.Helper()
		from := looks.Load()
		for deadline := time.Now().Add(10 * time.Second); looks.Load() < from+4; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the other process does not look")
			}
		}
		if got := to.wait(t, 1); len(got) != 1 {
			t.Errorf("it was sent %d times", len(got))
		}
	}
	to.wait(t, 1)
	further()
	release()
	first.phase(t, "sent")
	further()
}
