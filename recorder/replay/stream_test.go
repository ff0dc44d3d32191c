package replay_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
)

// TestPlainOfStreams: what two calls wrote while they ran, in the order and at
// the times it came, and not once more at their ends.
func TestPlainOfStreams(t *testing.T) {
	dir, start := t.TempDir(), time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r, err := recorder.Open(context.Background(), recorder.Options{Dir: dir, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	at := func(ms int, call string, body recorder.Body, content string) recorder.Event {
		return recorder.Event{Time: start.Add(time.Duration(ms) * time.Millisecond), Session: "S", Call: call, Body: body, Content: recorder.NewContent([]byte(content))}
	}
	err = r.Append(context.Background(),
		at(0, "", recorder.SessionOpened{Principal: ann, Transport: "stdio"}, ""),
		at(1, "A", recorder.Received{Tool: "kubectl_read"}, ""), at(20, "A", recorder.Output{Stream: "stdout", Offset: 19}, "one\ntwo\n"),
		at(30, "B", recorder.Received{Tool: "kubectl_write"}, ""), at(31, "B", recorder.Output{Stream: "stderr", Offset: 1}, "from B\x1b[2J\n"),
		at(40, "A", recorder.Output{Stream: "stdout", Offset: 39}, "three"),
		at(45, "A", recorder.Finished{Duration: 44 * time.Millisecond}, `{"output":"one\ntwo\nthree","exit_code":0,"truncated":true}`),
		at(50, "B", recorder.Finished{Duration: 20 * time.Millisecond}, `{"output":"","errors":"from B\n","exit_code":1,"truncated":false}`))
	if err != nil {
		t.Fatal(err)
	}
	reader, err := recorder.OpenReader(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	var out bytes.Buffer
	if err := replay.Plain(context.Background(), reader, "S", &out, replay.Options{Rows: 3, Speed: 1000}); err != nil {
		t.Fatal(err)
	}
	const want = `
   +0.001 kubectl_read  A
   +0.020 │ one
          │ two

   +0.030 kubectl_write  B
   +0.031 ╎ from B\x1b[2J

   +0.040 goes on: A
   +0.040 │ three
          done in 44ms
          │ (cut here, there is more)

   +0.050 goes on: B
          done in 20ms
          │ (exit code 1)
`
	if _, got, _ := strings.Cut(out.String(), "UTC\n"); got != want {
		t.Errorf("the replay is\n%s", got)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := replay.Plain(gone, reader, "S", &out, replay.Options{Speed: 1}); err == nil {
		t.Error("a replay that takes time can't be ended")
	}
}

// TestContentOfCommands shows what a command wrote as it wrote it.
func TestContentOfCommands(t *testing.T) {
	for data, want := range map[string]string{
		`{"output":"NAME  READY\nweb   1/1\n","exit_code":0,"truncated":false}`:                 "NAME  READY\nweb   1/1\n",
		`{"output":"","exit_code":0}`:                                                           "",
		`{"output":"1\n2\n3\n4\n5\n6\n7\n8","errors":"Warning: old\n","exit_code":3}`:           "1\n2\n3\n4\n5\n6\n(2 lines not shown)\n(standard error)\nWarning: old\n(exit code 3)\n",
		`{"output":"x","exit_code":0,"truncated":true}`:                                         "x\n(cut here, there is more)\n",
		`{"output":"no command's"}`:                                                             "{\n  \"output\": \"no command's\"\n}\n",
		`{"output":"\u001b[2J\u202e(exit code 0)","exit_code":1,"errors":"","truncated":false}`: "\\x1b[2J\\u202e(exit code 0)\n(exit code 1)\n",
	} {
		var out bytes.Buffer
		if err := replay.Content(&out, []byte(data), 3, replay.Style{}); err != nil || out.String() != want {
			t.Errorf("%s is shown as %q, %v", data, out.String(), err)
		}
	}
}

// TestContentOfDryRuns shows what a call would do, and the change as it would be.
func TestContentOfDryRuns(t *testing.T) {
	const data = `{"description":{"verb":"apply","effect":"write","why":"it would patch it","targets":[{"kind":"deployments.apps","name":"shop/web"}],"facts":{"a":1}},` +
		`"preview":{"measured":true,"changes":[{"kind":"deployments","name":"shop/deployments","verb":"update","count":1}],"diff":"--- web\n+++ web\n@@ -1 +1 @@\n-replicas: 2\n+replicas: 4\n"}}`
	const want = `apply, effect write: it would patch it
on deployments.apps shop/web
update 1 in shop/deployments (measured)
--- web
+++ web
@@ -1 +1 @@
-replicas: 2
+replicas: 4
`
	var out bytes.Buffer
	if err := replay.Content(&out, []byte(data), 3, replay.Style{}); err != nil || out.String() != want {
		t.Errorf("it is shown as %q, %v", out.String(), err)
	}
	out.Reset()
	if err := replay.Content(&out, []byte(data), 3, replay.Style{Color: true}); err != nil || !strings.Contains(out.String(), "\x1b[32m+replicas: 4\x1b[0m") {
		t.Errorf("in colour it is %q, %v", out.String(), err)
	}
}
