package approval

import (
	"context"
	"crypto/ed25519"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/recorder"
)

// holder is an approver with a key of their own.
type holder struct {
	policy.Principal
	key ed25519.PrivateKey
}

func newHolder(t *testing.T, subject string, groups ...string) holder {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	p := policy.Principal{Subject: subject, Groups: groups, Issuer: "config", Method: policy.Key, Claims: map[string]string{KeyClaim: FormatKey(public)}}
	return holder{p, private}
}

// says signs an answer to a request.
func (h holder) says(t *testing.T, r Request, a Answer) Answer {
	t.Helper()
	a.By, a.Seen = h.Principal, r.Preview.Digest()
	statement, err := r.Statement(a)
	if err != nil {
		t.Fatal(err)
	}
	a.Signature = ed25519.Sign(h.key, statement)
	return a
}

func knows(holders ...holder) map[string]policy.Principal {
	out := map[string]policy.Principal{}
	for _, h := range holders {
		out[h.Claims[KeyClaim]] = h.Principal
	}
	return out
}

func (o *office) openFor(r *recorder.Recorder, reader *recorder.Reader, holders ...holder) *Desk {
	d := o.desk(r, reader)
	d.options.Approvers = knows(holders...)
	return d
}

// TestAnswersByKey are taken if the key signed them, for this very request.
func TestAnswersByKey(t *testing.T) {
	o := newOffice(t)
	r, reader := o.record()
	ben, mallory := newHolder(t, "ben", "dba"), newHolder(t, "ben", "dba")
	carla := newHolder(t, "carla", "dev")
	d := o.openFor(r, reader, ben, carla)
	asks, beside := request(dbas(1)), request(dbas(1))
	asks.Key, beside.Key = "a", "b"
	o.jump(123456789) // no round time
	asks, other := ask(t, d, asks), ask(t, d, beside)
	agree := Answer{Verdict: Approve, Comment: " as ticket 9 says ", At: o.now(), Via: "cli"}
	for name, c := range map[string]struct {
		answer Answer
		want   error
	}{
		"no signature":          {func() Answer { a := ben.says(t, asks, agree); a.Signature = nil; return a }(), ErrSignature},
		"a key that is not his": {mallory.says(t, asks, agree), ErrSignature},
		"his name, another key": {func() Answer { a := mallory.says(t, asks, agree); a.By = ben.Principal; return a }(), ErrSignature},
		"for another request":   {ben.says(t, other, agree), ErrSignature},
		"the other word": {func() Answer {
			a := ben.says(t, asks, Answer{Verdict: Deny, At: o.now()})
			a.Verdict = Approve
			return a
		}(), ErrSignature},
		"another comment":        {func() Answer { a := ben.says(t, asks, agree); a.Comment = "never"; return a }(), ErrSignature},
		"another time":           {func() Answer { a := ben.says(t, asks, agree); a.At = a.At.Add(time.Second); return a }(), ErrSignature},
		"long ago":               {ben.says(t, asks, Answer{Verdict: Approve, At: o.now().Add(-time.Hour)}), ErrSignedWhen},
		"a group that he is not": {func() Answer { a := carla.says(t, asks, agree); a.By.Groups = []string{"dba"}; return a }(), ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := d.Answer(t.Context(), asks.ID, c.answer); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	if _, err := o.desk(r, reader).Answer(t.Context(), asks.ID, ben.says(t, asks, agree)); !errors.Is(err, ErrSignature) {
		t.Errorf("a desk that knows no keys: %v", err)
	}
	if got, err := d.Answer(t.Context(), asks.ID, ben.says(t, asks, agree)); err != nil || got.Phase != Approved {
		t.Fatalf("%s %v", got.Phase, err)
	}
	other.ID = asks.ID
	if err := d.Spend(t.Context(), other, "c", "s"); !errors.Is(err, ErrOutdated) {
		t.Errorf("another call runs by it: %v", err)
	}
	if err := d.Spend(t.Context(), asks, "c", "s"); err != nil {
		t.Error(err)
	}
	if e := answerOnRecord(t, reader); !ed25519.Verify(ed25519.PublicKey(ben.key[32:]), statementOf(e), e.Signature) {
		t.Errorf("the record does not prove who answered: %+v", e)
	}
}

func answerOnRecord(t *testing.T, reader *recorder.Reader) recorder.ApprovalAnswered {
	t.Helper()
	for e, err := range reader.Events(t.Context(), "session") {
		if err != nil {
			t.Fatal(err)
		}
		if body, ok := e.Body.(recorder.ApprovalAnswered); ok {
			return body
		}
	}
	t.Fatal("no answer is on record")
	return recorder.ApprovalAnswered{}
}

// statementOf is what was signed, put together as FORMAT.md says, from the event
// alone.
func statementOf(e recorder.ApprovalAnswered) []byte {
	return []byte(strings.Join([]string{
		"chaperone approval answer v1", e.Approval, e.Request, e.Verdict, e.At.Format(time.RFC3339Nano), e.Comment,
	}, "\n"))
}

// TestForgedApprovals: who can write to the database, and even has the secret of
// the data folder, can't answer for a key.
func TestForgedApprovals(t *testing.T) {
	const late = "kept beyond its time"
	ben, mallory := newHolder(t, "ben", "dba"), newHolder(t, "ben", "dba")
	for name, forge := range map[string]func(o *office, r, other Request) Request{
		"unsigned": func(o *office, r, _ Request) Request {
			return approvedBy(r, Answer{By: ben.Principal, Verdict: Approve, At: o.now()})
		},
		"by a key of one's own": func(o *office, r, _ Request) Request {
			return approvedBy(r, mallory.says(t, r, Answer{Verdict: Approve, At: o.now()}))
		},
		"another call put in its place": func(o *office, r, other Request) Request {
			r = approvedBy(r, ben.says(t, r, Answer{Verdict: Approve, At: o.now()}))
			r.Sealed = other.Sealed
			return r
		},
		"another caller": func(o *office, r, _ Request) Request {
			r = approvedBy(r, ben.says(t, r, Answer{Verdict: Approve, At: o.now()}))
			r.Principal.Subject = "mallory"
			return r
		},
		"fewer people than the rule wants": func(o *office, r, _ Request) Request {
			r.Rules = []obligation.Approve{dbas(2)}
			r = approvedBy(r, ben.says(t, r, Answer{Verdict: Approve, At: o.now()}))
			r.Rules = []obligation.Approve{dbas(1)}
			return r
		},
		late: func(o *office, r, _ Request) Request {
			r = approvedBy(r, ben.says(t, r, Answer{Verdict: Approve, At: o.now()}))
			o.jump(2 * time.Hour)
			r.Expires = o.now().Add(time.Hour)
			return r
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := newOffice(t)
			r, reader := o.record()
			d := o.openFor(r, reader, ben)
			asks, beside := request(dbas(1)), request(dbas(1))
			asks.Key, beside.Key = "a", "b"
			asks, other := ask(t, d, asks), ask(t, d, beside)
			if _, err := d.put(t.Context(), forge(o, asks, other), nil); err != nil {
				t.Fatal(err)
			}
			want := ErrSignature
			if name == late {
				want = ErrEnded
			}
			if err := d.Spend(t.Context(), asks, "c", "s"); !errors.Is(err, want) {
				t.Errorf("it ran: %v", err)
			}
		})
	}
}

// approvedBy is a request as an answer makes it, whoever gave that.
func approvedBy(r Request, a Answer) Request {
	r.Answers, r.Phase = append(r.Answers, a), Approved
	return r
}

// TestSpendKnowsItsOwnApprovers: what another process took for an approver's key
// does not count.
func TestSpendKnowsItsOwnApprovers(t *testing.T) {
	o := newOffice(t)
	r, reader := o.record()
	ben, mallory := newHolder(t, "ben", "dba"), newHolder(t, "ben", "dba")
	gateway, elsewhere := o.openFor(r, reader, ben), o.openFor(r, reader, mallory)
	asks := ask(t, gateway, request(dbas(1)))
	if _, err := elsewhere.Answer(t.Context(), asks.ID, mallory.says(t, asks, Answer{Verdict: Approve, At: o.now()})); err != nil {
		t.Fatal(err)
	}
	if err := gateway.Spend(context.Background(), asks, "c", "s"); !errors.Is(err, ErrSignature) {
		t.Errorf("spent: %v", err)
	}
	maps.Copy(gateway.options.Approvers, elsewhere.options.Approvers)
	if err := gateway.Spend(context.Background(), asks, "c", "s"); err != nil {
		t.Errorf("the test proves nothing: %v", err)
	}
}
