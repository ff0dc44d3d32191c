package kubectl

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"github.com/chaperone-dev/chaperone/tools"
)

// cut sends nothing and notes what a command would begin with.
type cut struct {
	mu       sync.Mutex
	requests []Request
}

func (c *cut) judge(_ context.Context, s *sent) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests = append(c.requests, s.Request)
	return nil, errCut
}

// reader lets the reads of a command through: those that were planned, and those
// that the gate allows. Nothing else leaves.
type reader struct {
	gate    tools.Gate
	command command
	wire    *wire
	planned map[string]bool
}

// key tells requests apart that ask for different things.
func (r Request) key() string { return fmt.Sprintf("%+v", r) }

func keys(requests []Request) map[string]bool {
	out := map[string]bool{}
	for _, r := range requests {
		out[r.key()] = true
	}
	return out
}

func (r reader) judge(ctx context.Context, s *sent) (*http.Response, error) {
	if e := s.effect(); e != tools.Read {
		return nil, refused("read-only", fmt.Sprintf("a command that reads would %s", s.Request), "use kubectl_write")
	}
	if r.planned[s.key()] && !s.DryRun {
		s.masker = r.gate.Masker()
		return nil, nil
	}
	masker, err := ask(ctx, r.gate, r.command, s.Request)
	s.masker = masker
	if err == nil && s.DryRun {
		err = r.try(ctx, s)
	}
	return nil, err
}

// ask has a gate judge one request that a command wants to make.
func ask(ctx context.Context, gate tools.Gate, c command, r Request) (tools.Masker, error) {
	if gate == nil {
		return nil, refused("request", "kubectl would "+r.String()+", and nobody is there to allow it", "")
	}
	if r.DryRun && c.name != "diff" {
		return nil, refused("request", "kubectl "+c.name+" would "+r.String()+", and only kubectl diff does that here", "")
	}
	verdicts, err := gate.Judge(ctx, []tools.Action{c.action([]Request{r}, nil)})
	switch {
	case err != nil:
		return nil, err
	case len(verdicts) == 1 && !verdicts[0].Allowed && verdicts[0].Refusal != nil:
		why := verdicts[0].Refusal
		return nil, refused(why.Rule, "kubectl "+c.name+" needs to "+r.String()+": "+why.Reason, why.Hint)
	case len(verdicts) != 1 || !verdicts[0].Allowed || verdicts[0].Masker == nil:
		return nil, refused("policy", "kubectl "+c.name+" needs to "+r.String()+", which policy does not allow",
			"ask for something that needs less")
	}
	return verdicts[0].Masker, nil
}
