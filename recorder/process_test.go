package recorder

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// childEnv turns the test binary into a gateway that records calls until it is
// killed, and prints what it was promised.
const childEnv = "RECORDER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := gatewayLoop(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// gatewayLoop records calls from several callers. It ends when its standard
// input does.
func gatewayLoop(dir string) error {
	r, err := Open(context.Background(), Options{Dir: dir, Version: "child"})
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	go func() {
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		close(stop)
	}()
	session := fmt.Sprint("child", os.Getpid())
	if err := r.Append(context.Background(), on(session, "", SessionOpened{Principal: ann})...); err != nil {
		return err
	}
	fmt.Println("ready", session)
	var wg sync.WaitGroup
	failed := make(chan error, 4)
	for caller := range 4 {
		wg.Go(func() { failed <- callLoop(r, session, caller, stop) })
	}
	wg.Wait()
	for range 4 {
		err = errors.Join(err, <-failed)
	}
	return errors.Join(err, r.Close())
}

func callLoop(r *Recorder, session string, caller int, stop <-chan struct{}) error {
	ctx := context.Background()
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		call := fmt.Sprintf("%s.%d.%d", session, caller, n)
		err := r.Note(on(session, call, Received{Tool: "sql_write"})...)
		if err == nil {
			err = r.Append(ctx, on(session, call, Started{})...)
		}
		if err != nil {
			return err
		}
		fmt.Println("started", call)
		big := strings.Repeat(strconv.Itoa(n), rand.IntN(30_000))
		if err := r.Append(ctx, Event{Session: session, Call: call, Body: Finished{}, Content: NewContent([]byte(big))}); err != nil {
			return err
		}
		fmt.Println("finished", call)
	}
}

// child is a gateway in another process.
type child struct {
	cmd   *exec.Cmd
	stdin interface{ Close() error }
	// session is the child's; promised are its calls that it was told are on
	// disk: "started" or "finished".
	session  string
	promised map[string]string
	lines    *bufio.Scanner
}

func startChild(t *testing.T, dir string) *child {
	t.Helper()
	c := launchChild(t, dir)
	c.read(t, 1)
	return c
}

// launchChild does not wait until the child is ready.
func launchChild(t *testing.T, dir string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return &child{cmd: cmd, stdin: stdin, promised: map[string]string{}, lines: bufio.NewScanner(stdout)}
}

// read takes in n lines of what the child was promised, or all with n < 0.
func (c *child) read(t *testing.T, n int) {
	t.Helper()
	for ; n != 0 && c.lines.Scan(); n-- {
		switch word, rest, _ := strings.Cut(c.lines.Text(), " "); word {
		case "ready":
			c.session = rest
		case "started", "finished":
			c.promised[rest] = word
		default:
			t.Fatal("the child says:", c.lines.Text())
		}
	}
}

func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.read(t, -1)
	_ = c.cmd.Wait()
}

// stop lets the child end in order.
func (c *child) stop(t *testing.T) {
	t.Helper()
	_ = c.stdin.Close()
	c.read(t, -1)
	if err := c.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
}

// check compares what the child was promised with what is on record.
func (c *child) check(t *testing.T, r *Reader) {
	t.Helper()
	outcome := map[string]Kind{}
	for _, e := range events(t, r, c.session) {
		if e.Call == "" {
			continue
		}
		switch kind := e.Body.Kind(); kind {
		case KindStarted, KindFinished, KindAmbiguous:
			if had := outcome[e.Call]; (had == "") != (kind == KindStarted) || (had != "" && had != KindStarted) {
				t.Errorf("call %s: %s after %q", e.Call, kind, had)
			}
			outcome[e.Call] = kind
		}
	}
	for call, promise := range c.promised {
		if got := outcome[call]; got == "" || (promise == "finished" && got != KindFinished) {
			t.Errorf("call %s was promised to be %s and is %q", call, promise, got)
		}
	}
	for call, kind := range outcome {
		if kind == KindStarted {
			t.Errorf("call %s has no outcome", call)
		}
	}
}

func TestKilledAnywhere(t *testing.T) {
	dir := t.TempDir()
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	recovered := 0
	for range rounds {
		c := startChild(t, dir)
		c.read(t, rand.IntN(200))
		c.kill(t)
		next := open(t, dir)
		recovered += next.Recovered()
		c.check(t, read(t, dir))
		closeIt(t, next)
		mustVerify(t, dir)
	}
	if recovered == 0 {
		t.Error("no call was ever in flight: the test is too tame")
	}
}

// TestKilledWhileOpening kills a first start as soon as each file is there.
func TestKilledWhileOpening(t *testing.T) {
	for _, file := range []string{
		"run/open.lock", databaseFile, signingKeyFile, verifierKeyFile, secretFile, databaseFile + "-wal", headsFile,
	} {
		dir := filepath.Join(t.TempDir(), "state")
		c := launchChild(t, dir)
		eventually(t, file+" is there", func() bool {
			_, err := os.Stat(filepath.Join(dir, file))
			return err == nil
		})
		c.kill(t)
		next := open(t, dir)
		if c.session != "" {
			c.check(t, read(t, dir))
		}
		closeIt(t, next)
		mustVerify(t, dir)
	}
}

func TestProcessesStartAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	var children []*child
	for range 4 {
		children = append(children, launchChild(t, dir))
	}
	for _, c := range children {
		c.read(t, 10)
	}
	for _, c := range children {
		c.stop(t)
		c.check(t, read(t, dir))
	}
	if report := mustVerify(t, dir); report.Logs != 4 {
		t.Errorf("%d logs", report.Logs)
	}
}

func TestProcessesWriteAtOnce(t *testing.T) {
	dir := t.TempDir()
	reader := read(t, folderOf(open(t, dir)))
	a, b := startChild(t, dir), startChild(t, dir)
	a.read(t, 60)
	b.read(t, 60)
	// A third looks, while they write, and harms nobody.
	if late := open(t, dir); late.Recovered() != 0 {
		t.Error("calls of a living process were taken for lost:", late.Recovered())
	}
	mustVerify(t, dir)
	b.kill(t)
	a.read(t, 40)
	heir := open(t, dir)
	b.check(t, reader)
	a.stop(t)
	a.check(t, reader)
	closeIt(t, heir)
	mustVerify(t, dir)
	for _, e := range events(t, reader, b.session) {
		if e.Body.Kind() == KindAmbiguous && e.Place.Log != heir.writer.log.name {
			t.Error("the lost call was not ended by the heir but in", e.Place.Log)
		}
	}
}
