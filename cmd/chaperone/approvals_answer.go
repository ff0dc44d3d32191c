package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/app"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/approver"
	"github.com/chaperone-dev/chaperone/cmd/chaperone/internal/config"
	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder/replay"
	"github.com/chaperone-dev/chaperone/server/approval"
)

const answerLong = `Answer a request, named by its id from "chaperone approvals list", at a terminal.
You are asked for the passphrase of your key, shown the request in full, and have
to type the word. Nothing is answered before that, and Ctrl-C leaves it open.

The configuration has to name your key ("chaperone approvals enroll"), in a group
that a rule of the request wants. Nobody approves what they asked for themselves.
A denial by one person ends the request; it can be denied until the call runs.`

func newApprovalsAnswer(o *options, verdict approval.Verdict) *cobra.Command {
	var key, comment string
	word := string(verdict)
	cmd := &cobra.Command{
		Use: word + " APPROVAL", Short: strings.ToUpper(word[:1]) + word[1:] + " a request, at a terminal, with an approver's key",
		Args: cobra.ExactArgs(1), Long: answerLong, Example: "  chaperone approvals " + word + " 01M8616ERXQN2NN9WZQC49HSPE -m \"see ticket 1187\"",
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.answer(cmd.Context(), args[0], key, approval.Answer{Verdict: verdict, Comment: comment, Via: "cli"})
		},
	}
	cmd.Flags().StringVar(&key, "key", approver.DefaultPath(), "`file` with the approver's key")
	cmd.Flags().StringVarP(&comment, "comment", "m", "", "`text` that the caller and the record are told")
	return o.jsonFlag(cmd)
}

// answer asks the person at the terminal who they are and what they mean.
func (o *options) answer(ctx context.Context, id, key string, answer approval.Answer) (err error) {
	a, err := o.desk(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	r, err := a.Desk.Get(ctx, id)
	if err != nil {
		return whichRequests(id, err)
	}
	switch {
	case !r.Phase.Open():
		return fmt.Errorf("%w: it is %s", approval.ErrEnded, r.Phase)
	case !time.Now().Before(r.Expires):
		return fmt.Errorf("%w: its time is over", approval.ErrEnded)
	}
	terminal, err := approver.OpenTerminal()
	if err != nil {
		return err
	}
	defer terminal.Close()
	signer, err := signIn(ctx, terminal, key)
	if err == nil {
		answer.By, err = app.Approver(a.Config, signer.Public())
	}
	if err != nil {
		return err
	}
	if err := mayAnswer(&r, answer.By, answer.Verdict); err != nil {
		return err
	}
	if err := ask(ctx, terminal, &r, string(answer.Verdict)); err != nil {
		return err
	}
	if answer, err = sign(signer, &r, answer); err != nil {
		return err
	}
	if r, err = a.Desk.Answer(ctx, id, answer); err != nil {
		return err
	}
	return o.answered(&r, answer)
}

// sign signs the answer to the request as it was shown.
func sign(key approver.Key, r *approval.Request, answer approval.Answer) (approval.Answer, error) {
	answer.Seen, answer.At = r.Preview.Digest(), time.Now().UTC()
	statement, err := r.Statement(answer)
	answer.Signature = key.Sign(statement)
	return answer, err
}

// mayAnswer refuses early who could not answer anyway.
func mayAnswer(r *approval.Request, who policy.Principal, verdict approval.Verdict) error {
	said := func(a approval.Answer) bool { return approval.SamePerson(a.By, who) }
	switch {
	case verdict == approval.Approve && slices.ContainsFunc(r.Answers, said):
		return approval.ErrTwice
	case approval.SamePerson(who, r.Principal):
		return approval.ErrSelf
	case !r.Eligible(who):
		return fmt.Errorf("%w: it wants %s", approval.ErrNotEligible, replay.Rules(r.Missing()))
	}
	return nil
}

// ask shows the request, and has the person type the word.
func ask(ctx context.Context, t *approver.Terminal, r *approval.Request, word string) error {
	_, _ = fmt.Fprintln(t.Out)
	if err := showRequest(t.Out, r, replay.StyleFor(t.Out)); err != nil {
		return err
	}
	typed, err := t.Line(ctx, fmt.Sprintf("\nType %q to %s this, anything else to leave it: ", word, word))
	if err == nil && typed != word {
		err = errors.New("nothing was answered")
	}
	return err
}

func (o *options) answered(r *approval.Request, a approval.Answer) error {
	if o.json {
		return json.NewEncoder(o.plain()).Encode(shown(*r))
	}
	text := fmt.Sprintf("%s: request %s is %s", replay.Person(a.By), r.ID, r.Phase)
	if r.Phase == approval.Requested {
		text = fmt.Sprintf("%s: request %s still wants %s", replay.Person(a.By), r.ID, replay.Rules(r.Missing()))
	}
	_, err := fmt.Fprintln(o.out, text)
	return err
}

// signIn opens the key of the person at the terminal.
func signIn(ctx context.Context, t *approver.Terminal, path string) (approver.Key, error) {
	locked, err := approver.Read(path)
	if err != nil {
		return approver.Key{}, err
	}
	passphrase, err := t.Secret(ctx, "Passphrase of "+path+": ")
	if err != nil {
		return approver.Key{}, err
	}
	return locked.Open(passphrase)
}

const enrollLong = `Make an approver's key, encrypted by a passphrase that is asked for on the
terminal, and print the lines for approvals.approvers in the configuration.

The subject must be the name under which the person also makes calls: that is how
their own calls are known, which they can't approve. Who may edit the
configuration says who approves.

The key signs each answer, and a gateway lets a call run only by answers of keys
that its own configuration names, as it was when the gateway was started.`

func newApprovalsEnroll(o *options) *cobra.Command {
	p := config.Approver{}
	var path string
	if u, err := user.Current(); err == nil {
		p.Subject = u.Username
	}
	cmd := &cobra.Command{
		Use: "enroll", Short: "Make an approver's key", Long: enrollLong, Args: cobra.NoArgs,
		Example: "  chaperone approvals enroll --subject ben --email ben@example.com --group dba",
		RunE:    func(cmd *cobra.Command, _ []string) error { return o.enroll(cmd.Context(), path, p) },
	}
	flags := cmd.Flags()
	flags.StringVar(&path, "key", approver.DefaultPath(), "`file` for the key, which must not exist")
	flags.StringVar(&p.Subject, "subject", p.Subject, "`name` of the person, as on record")
	flags.StringVar(&p.Email, "email", "", "e-mail `address` of the person")
	flags.StringVar(&p.Name, "name", "", "full `name` of the person")
	flags.StringSliceVar(&p.Groups, "group", nil, "`group` of the person; may be repeated")
	return o.jsonFlag(cmd)
}

// minPassphrase is how long a passphrase has to be.
const minPassphrase = 12

func (o *options) enroll(ctx context.Context, path string, p config.Approver) error {
	if p.Subject == "" || len(p.Groups) == 0 {
		return usageError{errors.New("--group says for which rules the person answers, and --subject who they are")}
	}
	for _, word := range slices.Concat([]string{p.Subject, p.Email, p.Name}, p.Groups) {
		if strings.ContainsFunc(word, unicode.IsControl) {
			return usageError{errors.New("names must be plain text")}
		}
	}
	if err := approver.Free(path); err != nil {
		return err
	}
	passphrase, err := newPassphrase(ctx)
	if err != nil {
		return err
	}
	key, err := approver.New()
	if err == nil {
		err = key.Save(path, passphrase, approver.Work)
	}
	if err != nil {
		return err
	}
	p.Key = key.Public()
	if o.json {
		return json.NewEncoder(o.plain()).Encode(map[string]any{"file": path, "key": p.Key, "subject": p.Subject, "email": p.Email, "name": p.Name, "groups": p.Groups})
	}
	return o.enrolled(path, p)
}

func newPassphrase(ctx context.Context) (string, error) {
	t, err := approver.OpenTerminal()
	if err != nil {
		return "", err
	}
	defer t.Close()
	first, err := t.Secret(ctx, "New passphrase for the approver's key: ")
	if err != nil {
		return "", err
	}
	if utf8.RuneCountInString(first) < minPassphrase {
		return "", fmt.Errorf("the passphrase is too short: at least %d characters, such as four words", minPassphrase)
	}
	again, err := t.Secret(ctx, "The same again: ")
	if err == nil && again != first {
		err = errors.New("the passphrases differ; nothing was made")
	}
	return first, err
}

func (o *options) enrolled(path string, p config.Approver) error {
	groups := make([]string, len(p.Groups))
	for i, g := range p.Groups {
		groups[i] = strconv.Quote(g)
	}
	_, err := fmt.Fprintf(o.out, "The key is in %s.\n\nIn the configuration of the gateway, which takes it up when it is started again:\n\napprovals:\n  approvers:\n    - key: %q\n      subject: %q\n", path, p.Key, p.Subject)
	for _, more := range [][2]string{{"email", p.Email}, {"name", p.Name}} {
		if err == nil && more[1] != "" {
			_, err = fmt.Fprintf(o.out, "      %s: %q\n", more[0], more[1])
		}
	}
	if err == nil {
		_, err = fmt.Fprintf(o.out, "      groups: [%s]\n", strings.Join(groups, ", "))
	}
	return err
}
