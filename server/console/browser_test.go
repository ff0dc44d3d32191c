package console

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

// browser is a headless Chromium. Each window of it is a person of their own.
type browser struct{ context.Context }

func newBrowser(t *testing.T) browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no Chromium: run .ci/install")
		}
		t.Skip("there is no Chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.WSURLReadTimeout(time.Minute))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return browser{ctx}
}

// window is one person's.
type window struct {
	t    *testing.T
	s    *site
	ctx  context.Context
	name string
}

// window opens one with cookies of its own, and signs in by the form.
func (b browser) window(t *testing.T, s *site, token string) *window {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.Context, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	w := &window{t, s, ctx, token}
	if err := chromedp.Do(ctx); err != nil { // opens it, for as long as ctx is there
		t.Fatal(err)
	}
	w.run(chromedp.Navigate(s.url+"/console/"), chromedp.WaitVisible(chromedp.CSS("#token")), chromedp.SendKeys(chromedp.CSS("#token"), token+kb.Enter), chromedp.WaitVisible(chromedp.CSS("#inbox")))
	return w
}

func (w *window) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatalf("%s: %v; the page says:\n%s", w.name, err, w.text())
	}
}

// text is what the page says, once its script has run.
func (w *window) text() string {
	return evaluate[string](w, `document.readyState === "complete" ? document.body.innerText : ""`)
}

// evaluate is the value of an expression on the page, or the zero value while
// it is being left.
func evaluate[T any](w *window, expression string) T {
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	value, _ := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	return value
}

// sees waits until the page says a text.
func (w *window) sees(text string) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); !strings.Contains(w.text(), text); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s does not come to see %q; the page says:\n%s", w.name, text, w.text())
		}
	}
}

func (w *window) open(r approval.Request) {
	w.t.Helper()
	w.run(chromedp.Navigate(w.s.url+"/console/approvals/"+r.ID), chromedp.WaitVisible(chromedp.CSS("#standing")))
}

func (w *window) press(keys string) {
	w.t.Helper()
	w.run(chromedp.KeyEvent(keys))
}

// TestBrowser is one browser, which takes its time to start, for all stories.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes its time")
	}
	b := newBrowser(t)
	for name, story := range map[string]func(*testing.T, browser){
		"a waiting call gets its rows": waitingCall, "two approvers": twoApprovers, "deny": deny, "expiry shows": expiry,
		"a stored script never runs": storedScript, "keyboard only": keyboardOnly, "stop": stopLive, "pictures": pictures,
	} {
		t.Run(name, func(t *testing.T) { story(t, b) })
	}
}

func waitingCall(t *testing.T, b browser) {
	s := newSite(t)
	s.target.preview = &tools.Preview{Impact: tools.Impact{Measured: true, Rows: 3}}
	w := b.window(t, s, "bo-token")
	w.sees("Nothing waits for you")
	got := s.agent().call("update orders", "ticket 7")
	w.sees("1 request waits for you") // by itself
	w.run(chromedp.Click(chromedp.CSS("a.item")), chromedp.WaitVisible(chromedp.CSS("#approve")), chromedp.SendKeys(chromedp.CSS("#comment"), "go on"), chromedp.Click(chromedp.CSS("#approve")))
	select {
	case text := <-got:
		if !strings.Contains(text, "rows of update orders") {
			t.Errorf("the call gets %s", text)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the call still waits")
	}
	w.sees("It was let run")
	w.sees("go on")
	if s.target.ran != 1 {
		t.Errorf("it ran %d times", s.target.ran)
	}
}

func twoApprovers(t *testing.T, b browser) {
	s := newSite(t)
	s.rules.hold(obligation.Approve{Rule: "two-dbas", Groups: []string{"dba"}, Count: 2})
	got := s.agent().call("drop it", "ticket 8")
	r := s.open()
	bo, cy := b.window(t, s, "bo-token"), b.window(t, s, "cy-token")
	bo.open(r)
	cy.open(r)
	cy.sees("2 missing")
	cy.run(chromedp.SendKeys(chromedp.CSS("#comment"), "half a sentence"))
	bo.run(chromedp.Click(chromedp.CSS("#approve")))
	bo.sees("You have approved")
	cy.sees("1 missing") // by itself, and what was typed is still there
	typed := evaluate[string](cy, `document.getElementById("comment").value`)
	cy.run(chromedp.Click(chromedp.CSS("#approve")))
	if typed != "half a sentence" {
		t.Errorf("what was typed became %q", typed)
	}
	if text := <-got; !strings.Contains(text, "rows of drop it") {
		t.Errorf("the call gets %s", text)
	}
	bo.sees("It was let run")
}

func deny(t *testing.T, b browser) {
	s := newSite(t)
	got := s.agent().call("delete all", "ticket 9")
	w := b.window(t, s, "bo-token")
	w.open(s.open())
	w.run(chromedp.SendKeys(chromedp.CSS("#comment"), "not on a Friday"), chromedp.Click(chromedp.CSS("#deny")))
	w.sees("It was denied")
	if text := <-got; !strings.Contains(text, "not on a Friday") || s.target.ran != 0 {
		t.Errorf("the call gets %s", text)
	}
}

func expiry(t *testing.T, b browser) {
	s := newSite(t)
	s.rules.hold(obligation.Approve{Rule: "soon", Groups: []string{"dba"}, Count: 1, Expires: "4s"})
	w := b.window(t, s, "bo-token")
	w.open(s.ask())
	w.sees("Your answer")
	w.sees("It has expired") // by itself
	w.sees("nobody answered in time")
	w.run(chromedp.WaitNotPresent(chromedp.CSS("#approve")))
}

func storedScript(t *testing.T, b browser) {
	s := newSite(t)
	r, _ := s.ask(attacked), s.ask(attacked)
	w := b.window(t, s, "bo-token")
	must("", chromedp.Listen(w.ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("a page throws %+v", e.ExceptionDetails)
		}
	}))(t)
	for _, path := range []string{"/console/approvals/" + r.ID, "/console/", "/console/history"} {
		w.run(chromedp.Navigate(s.url+path), chromedp.WaitReady(chromedp.CSS("footer")), chromedp.Sleep(700*time.Millisecond))
		title := evaluate[string](w, "document.title")
		scripts, images := evaluate[int](w, "document.scripts.length"), evaluate[int](w, `document.querySelectorAll("img[src=x]").length`)
		if title == "owned" || scripts != 1 || images != 0 {
			t.Errorf("%s: title %q, %d scripts, %d images", path, title, scripts, images)
		}
		w.sees("<script>document.title")
	}
}

func keyboardOnly(t *testing.T, b browser) {
	s := newSite(t)
	s.ask(func(r *approval.Request) { r.Action.Display = "the first" })
	r := s.ask(func(r *approval.Request) { r.Action.Display = "the second" })
	w := b.window(t, s, "bo-token")
	w.sees("2 requests wait for you")
	w.press("j")
	w.press("j")
	w.press(kb.Enter)
	w.run(chromedp.WaitVisible(chromedp.CSS("#approve")))
	w.sees("the second")
	w.press("a") // goes to the button, and does not press it
	held := evaluate[string](w, "document.activeElement.id")
	if now := must(s.desk.Get(t.Context(), r.ID))(t); held != "approve" || len(now.Answers) != 0 {
		t.Fatalf("the focus is on %q, and there are %d answers", held, len(now.Answers))
	}
	w.press("c")
	w.press("a and d are letters here")
	w.press(kb.Escape)
	w.press("a")
	w.press(kb.Enter)
	w.sees("It is approved")
	if now := must(s.desk.Get(t.Context(), r.ID))(t); !strings.HasSuffix(now.Answers[0].Comment, "a and d are letters here") {
		// The driver sends the letter c itself apart from its key, unlike a keyboard.
		t.Errorf("the answer is %+v", now.Answers)
	}
	w.press(kb.Escape)
	w.sees("1 request waits for you")
	w.press("k") // from the end
	w.press("k")
	w.press(kb.Enter)
	w.run(chromedp.WaitVisible(chromedp.CSS("#deny")))
	w.press("d")
	w.press(kb.Enter)
	w.sees("It was denied")
}

func stopLive(t *testing.T, b browser) {
	s := newSite(t)
	s.rules.hold()
	s.target.run = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	w := b.window(t, s, "op-token")
	w.run(chromedp.Navigate(s.url + "/console/live"))
	w.sees("No call is under way")
	got := s.agent().call("update for long", "x")
	w.sees("1 call under way") // by itself
	w.run(chromedp.Click(chromedp.CSS(".call button.deny")))
	w.sees("No call is under way")
	<-got
}

// pictures draws the pages on a phone and a desk, dark and light, into the folder
// that PICTURES names.
func pictures(t *testing.T, b browser) {
	dir := os.Getenv("PICTURES")
	if dir == "" {
		t.Skip("PICTURES names no folder")
	}
	s := newSite(t)
	r := scene(s)
	bo, op := b.window(t, s, "bo-token"), b.window(t, s, "op-token")
	for _, scheme := range []string{"light", "dark"} {
		for name, size := range map[string][2]int64{"phone": {390, 844}, "desk": {1180, 960}} {
			look := func(w *window, path, page string) {
				w.run(media(scheme), chromedp.EmulateViewport(size[0], size[1]), chromedp.Navigate(s.url+path),
					chromedp.WaitReady(chromedp.CSS("footer")), chromedp.Sleep(300*time.Millisecond))
				take := chromedp.FullScreenshot(100)
				if page == "view" { // what is in sight, for the README
					take = chromedp.CaptureScreenshot()
				}
				picture := must(chromedp.Run(w.ctx, take))(t)
				if err := os.WriteFile(fmt.Sprintf("%s/%s-%s-%s.png", dir, page, name, scheme), picture, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			look(bo, "/console/", "inbox")
			look(bo, "/console/approvals/"+r.ID, "request")
			look(bo, "/console/approvals/"+r.ID, "view")
			look(bo, "/console/history", "history")
			look(op, "/console/live", "live")
			look(op, "/console/freeze", "freeze")
		}
	}
}

// media makes the browser prefer a color scheme.
func media(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	})
}
