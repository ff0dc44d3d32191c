package approval

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/policy/obligation"
)

// faces are principals, and the human behind each.
var faces = []struct {
	principal policy.Principal
	human     string
}{
	{mira, "mira"}, {person("m2", "MIRA@x.test", "dba", "sec"), "mira"}, {person("mira@X.test", "", "dba"), "mira"},
	{ann, "ann"}, {person("ann", "ANN@x.test", "dba", "sec"), "ann"}, {person("a2", "Ann@X.TEST", "dba"), "ann"},
	{bob, "bob"}, {cy, "cy"},
}

// history is what one request went through, by its own bookkeeping.
type history struct {
	rules    []obligation.Approve
	approved []int // indexes of faces whose approval was taken
	denied   bool
	overdue  bool
	runs     int
}

// mayRun says whether humans agreed as the rules want it.
func (h *history) mayRun() bool {
	for _, rule := range h.rules {
		humans := map[string]bool{}
		for _, i := range h.approved {
			if f := faces[i]; f.human != "mira" && slices.ContainsFunc(rule.Groups, func(g string) bool { return slices.Contains(f.principal.Groups, g) }) {
				humans[f.human] = true
			}
		}
		if len(humans) < rule.Count {
			return false
		}
	}
	return !h.denied && !h.overdue
}

// TestNoSequenceRunsWhatItMustNot takes requests through random answers,
// restarts, clock jumps and claims of two processes at once.
func TestNoSequenceRunsWhatItMustNot(t *testing.T) {
	sequences := 150
	if testing.Short() {
		sequences = 20
	}
	o := newOffice(t)
	r1, reader1 := o.record()
	r2, reader2 := o.record()
	ran := 0
	for n := range sequences {
		rnd := rand.New(rand.NewPCG(uint64(n), 7)) //nolint:gosec // a test that can be repeated
		desks := []*Desk{o.desk(r1, reader1), o.desk(r2, reader2)}
		h := &history{rules: [][]obligation.Approve{{dbas(1)}, {dbas(2)}, {dbas(1), secs(1)}, {dbas(2), secs(1)}}[rnd.IntN(4)]}
		draft := request(h.rules...)
		draft.Key = fmt.Sprint(n)
		id := ask(t, desks[0], draft).ID
		for range 14 {
			d := desks[rnd.IntN(2)]
			now, err := d.Get(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			h.overdue = h.overdue || now.Phase == Expired
			over := now.Phase.Open() && !o.now().Before(now.Expires)
			touched := true
			switch rnd.IntN(10) {
			case 0, 1, 2, 3:
				i := rnd.IntN(len(faces))
				verdict := Approve
				if rnd.IntN(12) == 0 {
					verdict = Deny
				}
				if _, err := d.Answer(t.Context(), id, says(faces[i].principal, verdict)); err == nil {
					if faces[i].human == "mira" || faces[i].human == "cy" {
						t.Fatalf("sequence %d: %s answered", n, faces[i].principal.Subject)
					}
					h.denied = h.denied || verdict == Deny
					h.approved = append(h.approved, i)
				}
			case 4, 5, 6:
				h.claim(t, n, desks, now)
			case 7:
				touched = false
				o.jump(time.Duration(rnd.Int64N(int64(40*time.Minute))) - 10*time.Minute)
			case 8:
				touched = false
				desks = []*Desk{o.desk(r1, reader1), o.desk(r2, reader2)}
			case 9:
				d.expire(t.Context())
				touched = false
			}
			h.overdue = h.overdue || over && touched
		}
		ran += h.runs
		if last, err := desks[0].Get(t.Context(), id); err != nil || (last.Phase == Spent) != (h.runs == 1) {
			t.Errorf("sequence %d: %s after %d runs, %v", n, last.Phase, h.runs, err)
		}
	}
	if ran < sequences/20 {
		t.Errorf("only %d of %d ran: the test looks at too little", ran, sequences)
	}
}

// claim lets several run the call at once.
func (h *history) claim(t *testing.T, n int, desks []*Desk, r Request) {
	t.Helper()
	may := h.mayRun()
	var all sync.WaitGroup
	var won atomic.Int64
	for i, d := range append(desks, desks...) {
		all.Go(func() {
			switch err := d.Spend(context.Background(), r, fmt.Sprint("c", i), "s"); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrEnded) && !errors.Is(err, ErrNotApproved):
				t.Errorf("sequence %d: %v", n, err)
			}
		})
	}
	all.Wait()
	h.runs += int(won.Load())
	if h.runs > 1 || won.Load() == 1 && !may {
		t.Fatalf("sequence %d: %d runs, may run: %v, after %+v", n, h.runs, may, h)
	}
}
