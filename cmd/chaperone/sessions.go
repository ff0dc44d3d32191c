package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/recorder/replay"
)

func newSessions(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use: "sessions", Short: "List, show, export and verify what is on record", Args: cobra.NoArgs,
		Long: `Look into the record: "list" finds sessions, "show" prints the events of one,
"export" writes one to a file that proves itself, and "verify" proves that the
record is as it was written. All of it may be done while a gateway writes.`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSessionsList(o), newSessionsShow(o), newSessionsExport(o), newSessionsVerify(o))
	return cmd
}

// reader opens the record of the configuration.
func (o *options) reader(ctx context.Context) (*recorder.Reader, error) {
	c, err := o.load()
	if err != nil {
		return nil, err
	}
	return recorder.OpenReader(ctx, c.DataDir)
}

// whichSessions tells someone who named a session that is not there where the
// others are.
func whichSessions(err error) error {
	if errors.Is(err, recorder.ErrNotFound) {
		return fmt.Errorf("%w; `chaperone sessions list` lists those that are", err)
	}
	return err
}

func newSessionsList(o *options) *cobra.Command {
	filter := recorder.SessionFilter{}
	var since time.Duration
	cmd := &cobra.Command{
		Use: "list", Short: "List sessions, the newest first", Args: cobra.NoArgs,
		Example: "  chaperone sessions list --since 24h --subject ann",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since < 0 || filter.Limit < 1 {
				return usageError{errors.New("--since and --limit must be positive")}
			}
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }()
			if since > 0 {
				filter.Since = time.Now().Add(-since)
			}
			sessions, err := r.Sessions(cmd.Context(), filter)
			if err != nil {
				return err
			}
			return o.listSessions(sessions)
		},
	}
	cmd.Flags().StringVar(&filter.Subject, "subject", "", "only those of one `caller`")
	cmd.Flags().DurationVar(&since, "since", 0, "only those that began in the last `time`, such as 24h")
	cmd.Flags().IntVar(&filter.Limit, "limit", 50, "at most so many")
	return o.jsonFlag(cmd)
}

// listedSession is a session in JSON output.
type listedSession struct {
	ID        string    `json:"id"`
	Subject   string    `json:"subject"`
	Method    string    `json:"method"`
	Client    string    `json:"client"`
	Transport string    `json:"transport"`
	Opened    time.Time `json:"opened"`
	Last      time.Time `json:"last"`
	Closed    bool      `json:"closed"`
	Calls     int64     `json:"calls"`
	Finished  int64     `json:"finished"`
	Refused   int64     `json:"refused"`
	Failed    int64     `json:"failed"`
	Ambiguous int64     `json:"ambiguous"`
}

func (o *options) listSessions(sessions []recorder.Session) error {
	listed := make([]listedSession, len(sessions))
	for i, s := range sessions {
		listed[i] = listedSession{
			s.ID, s.Principal.Subject, string(s.Principal.Method), strings.TrimSpace(s.Client.Name + " " + s.Client.Version), s.Transport,
			s.Opened, s.Last, s.Closed, s.Calls.Received, s.Calls.Finished, s.Calls.Refused, s.Calls.Failed, s.Calls.Ambiguous,
		}
	}
	if o.json {
		return json.NewEncoder(o.plain()).Encode(listed)
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SESSION\tOPENED\tCALLER\tCLIENT\tOVER\tCALLS\tREFUSED\tFAILED\tAMBIGUOUS")
	for _, s := range listed {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", s.ID, s.Opened.Format(time.DateTime), replay.Printable(s.Subject),
			replay.Printable(s.Client), s.Transport, s.Calls, s.Refused, s.Failed, s.Ambiguous)
	}
	return w.Flush()
}

func newSessionsShow(o *options) *cobra.Command {
	return o.jsonFlag(&cobra.Command{
		Use: "show SESSION", Short: "Print every event of a session", Args: cobra.ExactArgs(1),
		Long: "Print every event of a session as it is on record: one JSON object on each line. `chaperone replay` tells the same story for people.",
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }()
			enc := json.NewEncoder(o.plain())
			for e, err := range r.Events(cmd.Context(), args[0]) {
				if err != nil {
					return whichSessions(err)
				}
				if err := enc.Encode(shownEvent{e.ID, e.Time, e.Call, e.Body.Kind(), e.Place.Log, e.Place.Seq, e.Body, content(e)}); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// shownEvent is an event in JSON output.
type shownEvent struct {
	ID      string            `json:"id"`
	Time    time.Time         `json:"time"`
	Call    string            `json:"call,omitempty"`
	Kind    recorder.Kind     `json:"kind"`
	Log     string            `json:"log"`
	Seq     int64             `json:"seq"`
	Body    recorder.Body     `json:"body"`
	Content *recorder.Content `json:"content,omitempty"`
}

func content(e recorder.Event) *recorder.Content {
	if e.Content.Size == 0 {
		return nil
	}
	return &e.Content
}

func newSessionsExport(o *options) *cobra.Command {
	var to string
	cmd := &cobra.Command{
		Use: "export SESSION", Short: "Write a session to one file that proves itself", Args: cobra.ExactArgs(1),
		Long: `Write a session to one file, with the proof that each event is in the signed log.
Whoever has the file and the public key can check it by "chaperone sessions
verify --export FILE --key KEY", without trusting whoever sent it.`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			r, err := o.reader(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }()
			out := o.out
			if to != "" {
				f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, f.Close()) }()
				out = f
			}
			return whichSessions(r.Export(cmd.Context(), args[0], out))
		},
	}
	cmd.Flags().StringVarP(&to, "output", "o", "", "`file` to write, which must not exist; standard output without it")
	return cmd
}

func newSessionsVerify(o *options) *cobra.Command {
	var key, export, dir string
	var checkpoints []string
	cmd := &cobra.Command{
		Use: "verify", Short: "Prove that the record is as it was written", Args: cobra.NoArgs,
		Long: `Recompute every event's hash, every log's Merkle tree and every signature.

Only a public key that was kept elsewhere proves anything against someone who
could change the data folder: pass it as --key. A checkpoint that was kept
elsewhere (--checkpoint) shows besides that nothing older was cut off.`,
		Example: "  chaperone sessions verify\n  chaperone sessions verify --dir /mnt/evidence --key chaperone-1f2e+...\n  chaperone sessions verify --export session.jsonl --key chaperone-1f2e+...",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if export != "" {
				return o.verifyExport(export, key)
			}
			return o.verify(cmd.Context(), dir, recorder.VerifyOptions{Key: key, Checkpoints: checkpoints})
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the installation's public `key`, or a file that holds it")
	cmd.Flags().StringVar(&export, "export", "", "verify an exported `file` instead")
	cmd.Flags().StringVar(&dir, "dir", "", "data `folder`, or a copy of one, instead of the configuration's")
	cmd.Flags().StringArrayVar(&checkpoints, "checkpoint", nil, "`file` with a signed checkpoint that was kept elsewhere; may be repeated")
	return o.jsonFlag(cmd)
}

// fileOr is the text of the file that a flag names, or the flag itself.
func fileOr(flag string) string {
	if text, err := os.ReadFile(flag); err == nil {
		return strings.TrimSpace(string(text))
	}
	return flag
}

func (o *options) verifyExport(path, key string) error {
	if key == "" {
		return usageError{errors.New("--export needs --key, the installation's public key")}
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	report, err := recorder.VerifyExport(f, fileOr(key))
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(o.plain()).Encode(report)
	}
	end := "its end is in it"
	if !report.Closed {
		end = "it was still open: later events may exist"
	}
	_, err = fmt.Fprintf(o.out, "verified: session %s, %d events; %s\n", report.Session, report.Events, end)
	return err
}

func (o *options) verify(ctx context.Context, dir string, v recorder.VerifyOptions) error {
	if dir == "" {
		c, err := o.load()
		if err != nil {
			return err
		}
		dir = c.DataDir
	}
	if v.Key != "" {
		v.Key = fileOr(v.Key)
	}
	for i, path := range v.Checkpoints {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		v.Checkpoints[i] = string(text)
	}
	r, err := recorder.OpenReader(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	v.Progress = progress(o.err, "verifying")
	report, err := r.Verify(ctx, v)
	if err != nil {
		return err
	}
	if err := o.showReport(report); err != nil {
		return err
	}
	if !report.OK() {
		return errSilent
	}
	return nil
}

func (o *options) showReport(report recorder.Report) error {
	if o.json {
		return json.NewEncoder(o.plain()).Encode(report)
	}
	s := replay.StyleFor(o.out)
	for _, p := range report.Problems {
		_, _ = fmt.Fprintf(o.out, "%s %s\n", s.Bad("✗"), replay.Printable(p.String()))
	}
	for _, n := range report.Notes {
		_, _ = fmt.Fprintf(o.out, "%s %s\n", s.Warn("note:"), replay.Printable(n))
	}
	verdict := s.Good("verified")
	if !report.OK() {
		verdict = s.Bad(fmt.Sprintf("NOT as written: %d problems", report.Found))
	}
	_, err := fmt.Fprintf(o.out, "%s: %d events in %d logs, %d results kept apart\n", verdict, report.Events, report.Logs, report.Contents)
	return err
}

// progress shows on a terminal how far something is.
func progress(w io.Writer, what string) func(done, total int64) {
	if !replay.StyleFor(w).Color {
		return nil
	}
	return func(done, total int64) {
		end := ""
		if done == total {
			end = "\r\x1b[K"
		}
		_, _ = fmt.Fprintf(w, "\r%s %d of %d%s", what, done, total, end)
	}
}
