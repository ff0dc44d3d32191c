package approval

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// Errors of a change that the request does not allow. Their texts are for the
// person who asked for it.
var (
	// ErrEnded is the error of an answer that comes too late.
	ErrEnded = errors.New("the request has ended")
	// ErrSelf is the error of an answer to one's own request.
	ErrSelf = errors.New("nobody approves what they asked for themselves")
	// ErrNotEligible is the error of an answer by someone whom no rule names.
	ErrNotEligible = errors.New("none of the rules lets you answer this request")
	// ErrTwice is the error of a second approval by one person.
	ErrTwice = errors.New("you have approved this request already; one person counts once")
	// ErrOutdated is the error of an answer to something else than what is asked.
	ErrOutdated = errors.New("the request is not the one that you were shown; look at it again")
	// ErrNotApproved is the error of running what nobody has let run.
	ErrNotApproved = errors.New("the request is not approved")
)

// maxComment bounds what an approver may say, in bytes.
const maxComment = 2000

// answer is the request after an answer.
func (r Request) answer(a Answer) (Request, error) {
	switch {
	case !r.Phase.Open() || !a.At.Before(r.Expires):
		return r, ErrEnded
	case SamePerson(a.By, r.Principal):
		return r, ErrSelf
	case !r.Eligible(a.By):
		return r, ErrNotEligible
	case a.Verdict != Approve && a.Verdict != Deny:
		return r, fmt.Errorf("%q is neither %s nor %s", a.Verdict, Approve, Deny)
	case len(a.Comment) > maxComment:
		return r, fmt.Errorf("the comment is longer than %d bytes", maxComment)
	case !utf8.ValidString(a.Comment):
		return r, errors.New("the comment is not valid UTF-8")
	case a.Seen != r.Preview.Digest():
		return r, ErrOutdated
	case a.Verdict == Approve && slices.ContainsFunc(r.Answers, func(b Answer) bool { return SamePerson(a.By, b.By) }):
		return r, ErrTwice
	}
	r.Answers = append(slices.Clone(r.Answers), a)
	if a.Verdict == Deny {
		return r.end(Denied, a.Comment), nil
	}
	if r.Phase == Requested && len(r.Missing()) == 0 {
		r.Phase, r.Expires = Approved, a.At.Add(r.Window)
	}
	return r, nil
}

// spend is the request after its call was let run.
func (r Request) spend(call, session string, now time.Time) (Request, error) {
	switch {
	case r.Phase != Approved || len(r.Missing()) > 0:
		return r, ErrNotApproved
	case !now.Before(r.Expires):
		return r, ErrEnded
	}
	r.SpentBy, r.SpentIn = call, session
	return r.end(Spent, ""), nil
}

// expire is the request after its time ran out.
func (r Request) expire(now time.Time) (Request, error) {
	if !r.Phase.Open() || now.Before(r.Expires) {
		return r, ErrEnded
	}
	why := "nobody answered in time"
	if r.Phase == Approved {
		why = "it was approved, and not used in time"
	}
	return r.end(Expired, why), nil
}

// cancel is the request after it lost its meaning.
func (r Request) cancel(why string) (Request, error) {
	if !r.Phase.Open() {
		return r, ErrEnded
	}
	return r.end(Cancelled, why), nil
}

func (r Request) end(p Phase, why string) Request {
	r.Phase, r.Why, r.Sealed = p, why, nil
	return r
}
