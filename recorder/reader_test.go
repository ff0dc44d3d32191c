package recorder

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
)

// TestSessionOpenedTwice is what a gateway does whose first commit was in doubt.
func TestSessionOpenedTwice(t *testing.T) {
	dir := t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "c", SessionOpened{Principal: ann}, Received{}, Finished{})...)
	appendAll(t, r, on("s", "d", SessionOpened{Principal: ann}, Received{}, Finished{})...)
	sessions, err := read(t, dir).Sessions(t.Context(), SessionFilter{})
	if err != nil || len(sessions) != 1 || sessions[0].Calls.Finished != 2 {
		t.Error(sessions, err)
	}
}

func TestSessions(t *testing.T) {
	dir := t.TempDir()
	clock := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	r, err := Open(t.Context(), Options{Dir: dir, Now: func() time.Time { clock = clock.Add(time.Minute); return clock }})
	if err != nil {
		t.Fatal(err)
	}
	for i, subject := range []string{"ann", "bob", "ann"} {
		session := fmt.Sprint("s", i)
		appendAll(t, r, on(session, "", SessionOpened{
			Principal: policy.Principal{Subject: subject, Issuer: "local", Method: policy.Local},
			Client:    policy.Client{Name: "Cursor", Version: fmt.Sprint(i)}, Transport: "http",
		})...)
		for call, outcome := range []Body{Finished{}, Finished{}, Refused{}, Failed{}, Ambiguous{}, nil} {
			appendAll(t, r, on(session, fmt.Sprint(session, call), Received{})...)
			if outcome != nil {
				appendAll(t, r, on(session, fmt.Sprint(session, call), outcome)...)
			}
		}
	}
	appendAll(t, r, on("s1", "", SessionClosed{Reason: "the client left"})...)
	reader := read(t, dir)
	list := func(f SessionFilter) string {
		sessions, err := reader.Sessions(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, s := range sessions {
			names = append(names, s.ID)
		}
		return strings.Join(names, " ")
	}
	all, err := reader.Sessions(t.Context(), SessionFilter{})
	if err != nil || len(all) != 3 {
		t.Fatal(all, err)
	}
	if got := list(SessionFilter{}); got != "s2 s1 s0" {
		t.Error("newest first:", got)
	}
	s1 := all[1]
	want := Calls{Received: 6, Finished: 2, Refused: 1, Failed: 1, Ambiguous: 1}
	if s1.Calls != want || s1.Calls.Unended() != 1 || s1.Principal.Subject != "bob" || s1.Client.Version != "1" || s1.Transport != "http" {
		t.Errorf("%+v", s1)
	}
	if !s1.Closed || s1.Reason != "the client left" || !s1.Last.Equal(clock) || s1.Opened.After(all[0].Opened) || all[0].Closed {
		t.Errorf("times and end: %+v", s1)
	}
	for name, c := range map[string]struct {
		filter SessionFilter
		want   string
	}{
		"subject":       {SessionFilter{Subject: "ann"}, "s2 s0"},
		"limit":         {SessionFilter{Limit: 2}, "s2 s1"},
		"subject, one":  {SessionFilter{Subject: "ann", Limit: 1}, "s2"},
		"since":         {SessionFilter{Since: s1.Opened}, "s2 s1"},
		"until":         {SessionFilter{Until: s1.Opened}, "s0"},
		"between":       {SessionFilter{Since: s1.Opened, Until: all[0].Opened}, "s1"},
		"nobody":        {SessionFilter{Subject: "eve"}, ""},
		"quoting":       {SessionFilter{Subject: "a' OR 1=1 --"}, ""},
		"nothing since": {SessionFilter{Since: clock.Add(time.Hour)}, ""},
	} {
		if got := list(c.filter); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// TestEventsAcrossLogs merges two logs by time, and keeps the order of each
// even where its clock was set back.
func TestEventsAcrossLogs(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir), open(t, dir)
	at := func(second int, name string) Event {
		return Event{Session: "s", Call: name, Time: time.Unix(int64(second), 0), Body: Started{}}
	}
	appendAll(t, b, at(2, "b2"), at(5, "b5"))
	appendAll(t, a, at(1, "a1"), at(4, "a4"), at(3, "a4 again"), at(6, "a6"))
	appendAll(t, b, at(7, "b7"))
	var got []string
	for _, e := range events(t, read(t, dir), "s") {
		got = append(got, e.Call)
	}
	if want := "a1,b2,a4,a4 again,b5,a6,b7"; strings.Join(got, ",") != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestReadAfterACrash finds the newest events in the write-ahead log alone, as
// after a power cut.
func TestReadAfterACrash(t *testing.T) {
	dir, crashed := t.TempDir(), t.TempDir()
	r := open(t, dir)
	appendAll(t, r, on("s", "c", Started{})...)
	copyInUse(t, dir, crashed)
	key := r.VerifierKey()
	reader := read(t, crashed)
	if got := kinds(events(t, reader, "s")); got != "call.started" {
		t.Error(got)
	}
	if report, err := reader.Verify(t.Context(), VerifyOptions{Key: key}); err != nil || !report.OK() {
		t.Error(report.Problems, err)
	}
}

func TestEventsStop(t *testing.T) {
	dir := t.TempDir()
	record(t, dir)
	reader := read(t, dir)
	n := 0
	for range reader.Events(t.Context(), "s1") {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Error("read on after the break:", n)
	}
	for _, err := range reader.Events(t.Context(), "nobody") {
		if !errors.Is(err, ErrNotFound) {
			t.Error("an unknown session:", err)
		}
	}
	execute(t, raw(t, dir), "UPDATE events SET data = zeroblob(20) WHERE kind = 'call.decided'")
	n = 0
	var last error
	for _, err := range reader.Events(t.Context(), "s1") {
		n++
		last = err
	}
	if n != 4 || last == nil || !strings.Contains(last.Error(), "damaged") {
		t.Errorf("a damaged event: %d, %v", n, last)
	}
}

// TestPathsWithOddNames have what a URI would take for something else.
func TestPathsWithOddNames(t *testing.T) {
	for _, name := range []string{"with space", "100%", "a?mode=memory", "a#b", "ünï", "%41", "a&b=c;d", "-dash", "file:x"} {
		dir := t.TempDir() + "/" + name
		r, err := Open(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		appendAll(t, r, on("s", "c", Started{})...)
		closeIt(t, r)
		mustVerify(t, dir)
	}
	t.Chdir(t.TempDir())
	closeIt(t, open(t, "relative"))
	mustVerify(t, "relative")
}
