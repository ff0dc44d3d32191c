package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/approver"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/server/identity"
)

// passphrase opens the keys of all approvers in tests.
const passphrase = "four words of a test"

// makeKey makes an approver's key that opens fast, and returns its public part.
func makeKey(t testing.TB, path string) string {
	t.Helper()
	key, err := approver.New()
	if err == nil {
		err = key.Save(path, passphrase, 4)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key.Public()
}

// approversConfig is the section of the configuration for people, each written
// as subject:group or subject:group:address. "me" is the user of these tests.
func approversConfig(t testing.TB, dir, hold string, people []string) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "approvals:\n  hold: %s\n  approvers:\n", hold)
	for _, p := range people {
		parts := append(strings.Split(p, ":"), "")
		path := filepath.Join(dir, parts[0]+".age")
		_ = os.Remove(path) // of an earlier turn
		public := makeKey(t, path)
		subject := parts[0]
		if subject == "me" {
			me, err := identity.Local()
			if err != nil {
				t.Fatal(err)
			}
			subject = me.Subject
		}
		fmt.Fprintf(&out, "    - {key: %q, subject: %q, groups: [%q], email: %q}\n", public, subject, parts[1], parts[2])
	}
	return out.String()
}

// scriptApprovers writes the script's configuration anew, with approvers:
// approvers HOLD PERSON...; their keys are in the script's folder.
func scriptApprovers(t testing.TB) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		text := scriptConfig + approversConfig(t, ts.MkAbs("."), args[0], args[1:])
		ts.Check(os.WriteFile(filepath.Join(ts.Getenv("SHOP_CONFIG"), "chaperone.yaml"), []byte(text), 0o600))
		ts.Check(os.WriteFile(ts.MkAbs("approve"), []byte(passphrase+"\napprove\n"), 0o600))
		ts.Check(os.WriteFile(ts.MkAbs("deny"), []byte(passphrase+"\ndeny\n"), 0o600))
	}
}

// scriptAnswer answers the open request as somebody of the group dba, as soon
// as there is one: answer approve|deny PERSON [COMMENT].
func scriptAnswer(ts *testscript.TestScript, neg bool, args []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a, err := deskOf(ctx, filepath.Join(ts.Getenv("SHOP_CONFIG"), "state"))
	ts.Check(err)
	defer func() { _ = a.Close() }()
	r, err := openRequest(ctx, a)
	ts.Check(err)
	comment := strings.Join(args[2:], " ")
	_, err = a.Desk.Answer(ctx, r.ID, approval.Answer{By: dba(args[1]), Verdict: approval.Verdict(args[0]), Comment: comment, Via: "test", Seen: r.Preview.Digest()})
	if neg != (err != nil) {
		ts.Fatalf("answer: %v", err)
	}
}

// deskOf opens the desk of a data folder, as another process does.
func deskOf(ctx context.Context, dir string) (*app.App, error) {
	return app.OpenDesk(ctx, &config.Config{DataDir: dir}, "test", slog.New(slog.DiscardHandler))
}

func dba(subject string) policy.Principal {
	return policy.Principal{Subject: subject, Groups: []string{"dba"}, Issuer: "config", Method: policy.Token, Claims: map[string]string{}}
}

// openRequest waits for the one request that wants an answer.
func openRequest(ctx context.Context, a *app.App) (approval.Request, error) {
	for {
		list, err := a.Desk.List(ctx)
		if err != nil {
			return approval.Request{}, err
		}
		for _, r := range list {
			if r.Phase == approval.Requested {
				return r, nil
			}
		}
		select {
		case <-ctx.Done():
			return approval.Request{}, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// scriptID sets the variable ID to the id of the latest request.
func scriptID(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := context.Background()
	a, err := deskOf(ctx, filepath.Join(ts.Getenv("SHOP_CONFIG"), "state"))
	ts.Check(err)
	defer func() { _ = a.Close() }()
	list, err := a.Desk.Recent(ctx, 1)
	ts.Check(err)
	if len(list) != 1 {
		ts.Fatalf("there is no request")
	}
	ts.Setenv("ID", list[0].ID)
}

// scriptWaiting waits until a call waits for people, and sets the variable ID to
// its request.
func scriptWaiting(ts *testscript.TestScript, _ bool, _ []string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	a, err := deskOf(ctx, filepath.Join(ts.Getenv("SHOP_CONFIG"), "state"))
	ts.Check(err)
	defer func() { _ = a.Close() }()
	r, err := openRequest(ctx, a)
	ts.Check(err)
	ts.Setenv("ID", r.ID)
}
