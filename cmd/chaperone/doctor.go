package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/identity"
	"github.com/chaperone-dev/chaperone/tools"
)

const doctorLong = `Look at the configuration, the policy, the record with its disk and the clock, the
server, and every connection with the privileges of its role, and say what is
wrong and how to mend it: ✓ is right, ! works but should be mended, and ✗ keeps
the gateway from working.

It exits with 1 if there is a ✗. Nothing is changed, but that calls which a
killed process left behind are closed as ambiguous, as at every start.`

func newDoctor(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use: "doctor", Short: "Find what is wrong with the setup, and the fix", Long: doctorLong, Args: cobra.NoArgs,
		Example: "  chaperone doctor\n  chaperone doctor --json | jq '.[] | select(.level != \"ok\")'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.showFindings(o.examine(cmd.Context()))
		},
	})
}

// finding is a finding and what it is about.
type finding struct {
	About string `json:"about"`
	tools.Finding
}

// examine looks at everything that can be looked at.
func (o *options) examine(ctx context.Context) []finding {
	c, err := o.load()
	if err != nil {
		fix := "mend the file"
		if errors.Is(err, config.ErrNone) {
			fix = "start with the one that `chaperone demo` writes"
		}
		return []finding{{"configuration", tools.Finding{Level: tools.Fail, What: oneLine(err), Fix: fix}}}
	}
	all := about("configuration", fileFindings(c.Path))
	all = append(all, about("policy", policyFindings(ctx, c))...)
	all = append(all, about("record", recordFindings(ctx, c))...)
	all = append(all, about("server", serverFindings(c))...)
	return append(all, connectionFindings(ctx, c)...)
}

func about(what string, found []tools.Finding) []finding {
	out := make([]finding, len(found))
	for i, f := range found {
		out[i] = finding{what, f}
	}
	return out
}

func found(level tools.Level, fix, format string, args ...any) tools.Finding {
	return tools.Finding{Level: level, What: fmt.Sprintf(format, args...), Fix: fix}
}

func fileFindings(path string) []tools.Finding {
	out := []tools.Finding{found(tools.OK, "", "%s is sound", path)}
	if info, err := os.Stat(path); err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o022 != 0 {
		out = append(out, found(tools.Warn, "chmod go-w "+path, "others may change the configuration"))
	}
	return out
}

func policyFindings(ctx context.Context, c *config.Config) []tools.Finding {
	problems := policy.Check(ctx, app.PolicyOptions(c))
	var out []tools.Finding
	for _, p := range problems {
		level := tools.Warn
		if p.Severity == policy.Error {
			level = tools.Fail
		}
		out = append(out, found(level, "mend the policy; a gateway that runs keeps the last good one", "%s", p))
	}
	if !slices.ContainsFunc(problems, func(p policy.Problem) bool { return p.Severity == policy.Error }) {
		out = append([]tools.Finding{found(tools.OK, "", "the policy compiles")}, out...)
	}
	return out
}

// recordFindings opens the record for writing, as the gateway would.
func recordFindings(ctx context.Context, c *config.Config) []tools.Finding {
	r, err := recorder.Open(ctx, recorder.Options{Dir: c.DataDir, Version: version()})
	if err != nil {
		return []tools.Finding{found(tools.Fail, "without a record nothing runs; mend it, or move data_dir", "%s", oneLine(err))}
	}
	defer func() { _ = r.Close() }()
	out := []tools.Finding{
		found(tools.OK, "", "the record in %s can be written", c.DataDir),
		found(tools.OK, "", "its public key, to be kept elsewhere, is %s", r.VerifierKey()),
	}
	if n := r.Recovered(); n > 0 {
		out = append(out, found(tools.Warn, "look at them with chaperone replay", "%s of a process that died without an outcome, now ambiguous", counted(n, "call")))
	}
	return append(append(out, diskFindings(c.DataDir)...), clockFindings(ctx, c.DataDir, time.Now())...)
}

// littleSpace is how much of a disk lasts for a day or so of busy agents.
const littleSpace = 1 << 30

func diskFindings(dir string) []tools.Finding {
	free, ok := freeSpace(dir)
	switch {
	case !ok:
		return nil
	case free < littleSpace:
		return []tools.Finding{found(tools.Warn, "free some, or move data_dir: when it is full, no call runs", "the disk of the record has %d MB left", free>>20)}
	}
	return []tools.Finding{found(tools.OK, "", "the disk of the record has %d GB left", free>>30)}
}

// clockFindings compares the clock with what is on record, whose events must
// not lie in the future. Connections compare theirs with ours.
func clockFindings(ctx context.Context, dir string, now time.Time) []tools.Finding {
	r, err := recorder.OpenReader(ctx, dir)
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }()
	newest, err := r.Sessions(ctx, recorder.SessionFilter{Limit: 1})
	if err != nil || len(newest) == 0 {
		return nil
	}
	if behind := newest[0].Last.Sub(now); behind > time.Minute {
		return []tools.Finding{found(tools.Warn, "set it by NTP; until then events bear times that lead astray",
			"the clock is %s behind the newest session on record", behind.Round(time.Second))}
	}
	return []tools.Finding{found(tools.OK, "", "the clock is not behind what is on record")}
}

// counted is a number of things, in words.
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func serverFindings(c *config.Config) []tools.Finding {
	tokens, err := identity.NewTokens(c.Identity.Tokens)
	if err != nil {
		return []tools.Finding{found(tools.Fail, "mend identity.tokens", "%s", oneLine(err))}
	}
	if tokens.Len() == 0 {
		return []tools.Finding{found(tools.OK, "", "nobody may call over HTTP; stdio serves the local user")}
	}
	if err := mayListen(c, tokens); err != nil {
		return []tools.Finding{found(tools.Fail, "mend the section server", "%s", oneLine(err))}
	}
	out := []tools.Finding{found(tools.OK, "", "HTTP takes %s", counted(tokens.Len(), "token"))}
	if c.Server.TLS.Cert != "" {
		out = append(out, certificateFindings(c.Server.TLS)...)
	}
	return out
}

func certificateFindings(t config.TLS) []tools.Finding {
	pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
	if err != nil {
		return []tools.Finding{found(tools.Fail, "mend server.tls", "the certificate can't be used: %s", oneLine(err))}
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return []tools.Finding{found(tools.Fail, "mend server.tls", "the certificate can't be read")}
	}
	left := time.Until(leaf.NotAfter)
	switch {
	case left < 0:
		return []tools.Finding{found(tools.Fail, "renew it", "the certificate expired on %s", leaf.NotAfter.Format(time.DateOnly))}
	case left < 14*24*time.Hour:
		return []tools.Finding{found(tools.Warn, "renew it", "the certificate expires on %s", leaf.NotAfter.Format(time.DateOnly))}
	}
	return []tools.Finding{found(tools.OK, "", "the certificate is good until %s", leaf.NotAfter.Format(time.DateOnly))}
}

// connectionFindings asks all connections at once.
func connectionFindings(ctx context.Context, c *config.Config) []finding {
	open, err := app.Connect(c)
	if err != nil {
		return []finding{{"connections", found(tools.Fail, "mend the connection", "%s", oneLine(err))}}
	}
	defer app.Disconnect(open)
	if len(open) == 0 {
		return []finding{{"connections", found(tools.Warn, "add one", "there are no connections")}}
	}
	results := make([][]finding, len(open))
	var all sync.WaitGroup
	for i, conn := range open {
		all.Go(func() { results[i] = about("connection "+conn.Name, conn.Target.Check(ctx)) })
	}
	all.Wait()
	return slices.Concat(results...)
}

func (o *options) showFindings(all []finding) error {
	failed := slices.ContainsFunc(all, func(f finding) bool { return f.Level != tools.OK && f.Level != tools.Warn })
	if o.json {
		if err := json.NewEncoder(o.plain()).Encode(all); err != nil {
			return err
		}
	} else {
		o.printFindings(all)
	}
	if failed {
		return errSilent
	}
	return nil
}

func (o *options) printFindings(all []finding) {
	s := replay.StyleFor(o.out)
	marks := map[tools.Level]string{tools.OK: s.Good("✓"), tools.Warn: s.Warn("!"), tools.Fail: s.Bad("✗")}
	for _, f := range all {
		mark, known := marks[f.Level]
		if !known {
			mark = marks[tools.Fail]
		}
		_, _ = fmt.Fprintf(o.out, "%s %s: %s\n", mark, f.About, replay.Printable(f.What))
		if f.Fix != "" {
			_, _ = fmt.Fprintf(o.out, "    %s\n", s.Dim(replay.Printable(f.Fix)))
		}
	}
}
