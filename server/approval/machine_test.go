package approval

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
	"github.com/chaperone-dev/chaperone/tools"
)

func person(subject, email string, groups ...string) policy.Principal {
	return policy.Principal{Subject: subject, Email: email, Groups: groups, Issuer: "test", Method: policy.Token, Claims: map[string]string{}}
}

var (
	mira = person("mira", "mira@x.test", "dba", "sec")
	ann  = person("ann", "ann@x.test", "dba")
	bob  = person("bob", "", "dba", "sec")
	cy   = person("cy", "cy@x.test", "dev")
	noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
)

func request(rules ...obligation.Approve) Request {
	return Request{ID: "r", Phase: Requested, Asked: noon, Window: time.Hour, Expires: noon.Add(time.Hour), Principal: mira, Rules: rules, Sealed: []byte("s")}
}

func dbas(n int) obligation.Approve {
	return obligation.Approve{Rule: "dbas", Groups: []string{"dba"}, Count: n}
}

func secs(n int) obligation.Approve {
	return obligation.Approve{Rule: "secs", Groups: []string{"sec"}, Count: n}
}

func says(p policy.Principal, v Verdict) Answer { return Answer{By: p, Verdict: v, At: noon} }

// TestAnswers takes requests through answers, the last of which is of interest.
func TestAnswers(t *testing.T) {
	late, long, other := says(ann, Approve), says(ann, Approve), says(ann, Approve)
	late.At, long.Comment, other.Seen = noon.Add(time.Hour), strings.Repeat("x", maxComment+1), "another"
	yes, no := func(p policy.Principal) Answer { return says(p, Approve) }, func(p policy.Principal) Answer { return says(p, Deny) }
	for name, c := range map[string]struct {
		rules   []obligation.Approve
		answers []Answer
		phase   Phase
		err     error
	}{
		"one of one":                   {[]obligation.Approve{dbas(1)}, []Answer{yes(ann)}, Approved, nil},
		"a count of nothing is one":    {[]obligation.Approve{dbas(0)}, []Answer{yes(ann)}, Approved, nil},
		"one of two":                   {[]obligation.Approve{dbas(2)}, []Answer{yes(ann)}, Requested, nil},
		"two of two":                   {[]obligation.Approve{dbas(2)}, []Answer{yes(ann), yes(bob)}, Approved, nil},
		"one person for two rules":     {[]obligation.Approve{dbas(1), secs(1)}, []Answer{yes(bob)}, Approved, nil},
		"one rule of two":              {[]obligation.Approve{dbas(1), secs(1)}, []Answer{yes(ann)}, Requested, nil},
		"both rules":                   {[]obligation.Approve{dbas(2), secs(1)}, []Answer{yes(ann), yes(bob)}, Approved, nil},
		"oneself":                      {[]obligation.Approve{dbas(1)}, []Answer{yes(mira)}, Requested, ErrSelf},
		"oneself by another token":     {[]obligation.Approve{dbas(1)}, []Answer{yes(person("m2", "MIRA@x.test", "dba"))}, Requested, ErrSelf},
		"oneself by address":           {[]obligation.Approve{dbas(1)}, []Answer{yes(person("Mira@X.test", "", "dba"))}, Requested, ErrSelf},
		"denied by oneself":            {[]obligation.Approve{dbas(1)}, []Answer{no(mira)}, Requested, ErrSelf},
		"of no group":                  {[]obligation.Approve{dbas(1)}, []Answer{yes(cy)}, Requested, ErrNotEligible},
		"denied by one of no group":    {[]obligation.Approve{dbas(1)}, []Answer{no(cy)}, Requested, ErrNotEligible},
		"nobody":                       {[]obligation.Approve{dbas(1)}, []Answer{yes(policy.Principal{Groups: []string{"dba"}})}, Requested, ErrNotEligible},
		"one person twice":             {[]obligation.Approve{dbas(2)}, []Answer{yes(ann), yes(ann)}, Requested, ErrTwice},
		"one person by two tokens":     {[]obligation.Approve{dbas(2)}, []Answer{yes(ann), yes(person("a2", "Ann@X.test", "dba"))}, Requested, ErrTwice},
		"one person from two places":   {[]obligation.Approve{dbas(2)}, []Answer{yes(ann), yes(person("ann@x.test", "", "dba"))}, Requested, ErrTwice},
		"denied":                       {[]obligation.Approve{dbas(1)}, []Answer{no(ann)}, Denied, nil},
		"denied after approval":        {[]obligation.Approve{dbas(1)}, []Answer{yes(ann), no(bob)}, Denied, nil},
		"taken back":                   {[]obligation.Approve{dbas(1)}, []Answer{yes(ann), no(ann)}, Denied, nil},
		"approved after denial":        {[]obligation.Approve{dbas(1)}, []Answer{no(ann), yes(bob)}, Denied, ErrEnded},
		"too late":                     {[]obligation.Approve{dbas(1)}, []Answer{late}, Requested, ErrEnded},
		"another preview":              {[]obligation.Approve{dbas(1)}, []Answer{other}, Requested, ErrOutdated},
		"no rule at all":               {nil, []Answer{yes(ann)}, Requested, ErrNotEligible},
		"a long comment":               {[]obligation.Approve{dbas(1)}, []Answer{long}, Requested, errors.ErrUnsupported},
		"no verdict":                   {[]obligation.Approve{dbas(1)}, []Answer{says(ann, "")}, Requested, errors.ErrUnsupported},
		"a verdict of another word":    {[]obligation.Approve{dbas(1)}, []Answer{says(ann, "APPROVE")}, Requested, errors.ErrUnsupported},
		"a third person after the two": {[]obligation.Approve{dbas(1)}, []Answer{yes(ann), yes(bob)}, Approved, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(c.rules...)
			var err error
			for _, a := range c.answers {
				r, err = r.answer(a)
			}
			// ErrUnsupported stands for an error that has no name.
			if r.Phase != c.phase || !errors.Is(err, c.err) && !(c.err == errors.ErrUnsupported && err != nil) { //nolint:errorlint // it is that itself
				t.Errorf("%s, %v", r.Phase, err)
			}
			if r.Phase.Open() != (r.Sealed != nil) {
				t.Error("the call is kept for an ended request, or not for an open one")
			}
		})
	}
}

// TestAnswersAreToThePreviewThatWasShown: none is another one than some.
func TestAnswersAreToThePreviewThatWasShown(t *testing.T) {
	r := request(dbas(1))
	r.Preview = &tools.Preview{Impact: tools.Impact{Rows: 3}}
	if _, err := r.answer(says(ann, Approve)); !errors.Is(err, ErrOutdated) {
		t.Error(err)
	}
	a := says(ann, Approve)
	a.Seen = r.Preview.Digest()
	if r, err := r.answer(a); err != nil || r.Phase != Approved {
		t.Error(err)
	}
}

func TestSpendExpireCancel(t *testing.T) {
	approved, err := request(dbas(1)).answer(says(ann, Approve))
	if err != nil {
		t.Fatal(err)
	}
	forged := request(dbas(1))
	forged.Phase = Approved
	if _, err := forged.spend("c", "s", noon); !errors.Is(err, ErrNotApproved) {
		t.Errorf("approved by nobody: %v", err)
	}
	if _, err := request(dbas(1)).spend("c", "s", noon); !errors.Is(err, ErrNotApproved) {
		t.Errorf("not approved: %v", err)
	}
	if _, err := approved.spend("c", "s", approved.Expires); !errors.Is(err, ErrEnded) {
		t.Errorf("expired: %v", err)
	}
	spent, err := approved.spend("c", "s", noon)
	if err != nil || spent.Phase != Spent || spent.SpentBy != "c" || spent.SpentIn != "s" || spent.Sealed != nil {
		t.Errorf("%+v %v", spent, err)
	}
	if _, err := spent.spend("c", "s", noon); !errors.Is(err, ErrNotApproved) {
		t.Errorf("twice: %v", err)
	}
	if _, err := approved.expire(noon); !errors.Is(err, ErrEnded) {
		t.Errorf("before its time: %v", err)
	}
	for want, r := range map[string]Request{"nobody answered": request(dbas(1)), "not used": approved} {
		if over, err := r.expire(r.Expires); err != nil || over.Phase != Expired || !strings.Contains(over.Why, want) {
			t.Errorf("%+v %v", over, err)
		}
	}
	for _, phase := range []Phase{Denied, Expired, Cancelled, Spent, ""} {
		r := approved
		r.Phase = phase
		_, a := r.answer(says(bob, Approve))
		_, s := r.spend("c", "s", noon)
		_, e := r.expire(noon.Add(100 * time.Hour))
		_, c := r.cancel("why")
		if a == nil || s == nil || e == nil || c == nil {
			t.Errorf("%q: %v %v %v %v", phase, a, s, e, c)
		}
	}
}
