package gateway

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/recorder"
	"github.com/chaperone-dev/chaperone/server/approval"
	"github.com/chaperone-dev/chaperone/tools"
)

// Record is where events go. See package recorder for what its methods promise.
type Record interface {
	Append(ctx context.Context, events ...recorder.Event) error
	Note(events ...recorder.Event) error
	Ready() error
	Key(purpose string) [32]byte
}

// Decider judges actions. It always answers.
type Decider interface {
	Decide(ctx context.Context, in *policy.Input) policy.Decision
	// Reads reports whether a rule looks at the field of the input.
	Reads(path ...string) bool
}

// Approvals is the desk where calls wait for people. See package approval for
// what its methods promise.
type Approvals interface {
	Ask(ctx context.Context, r approval.Request, call []byte, events ...recorder.Event) (_ approval.Request, fresh bool, err error)
	Waiting(key, policy string) (approval.Request, bool)
	Get(ctx context.Context, id string) (approval.Request, error)
	Call(r approval.Request) ([]byte, error)
	Await(ctx context.Context, id string) (approval.Request, error)
	Cancel(ctx context.Context, id, why string) error
	Spend(ctx context.Context, acted approval.Request, call, session string, events ...recorder.Event) error
}

// History reads the record.
type History interface {
	Events(ctx context.Context, session string) iter.Seq2[recorder.Event, error]
	Content(ctx context.Context, c recorder.Content) ([]byte, error)
}

// Connection is an open target under the name that callers know.
type Connection struct {
	policy.Connection
	Target tools.Connection
}

// Config is what a gateway is made of.
type Config struct {
	Families    []tools.Family
	Connections []Connection
	Record      Record
	// Policy returns the policy in force.
	Policy func() Decider
	// Approvals is where calls wait for people; nil lets none wait.
	Approvals Approvals
	// History reads what became of earlier calls; nil only where Approvals is.
	History History
	// Frozen says what is frozen; nil freezes nothing.
	Frozen Frozen
	// Hold is how long a call waits before it is answered; 0 stands for 45 s.
	Hold time.Duration
	// Confirm is how long the person at the client has to answer a question, and
	// the client to come back with the answer; 0 stands for 30 s.
	Confirm time.Duration
	// Console is the address at which people answer, or "".
	Console string
	// Concurrent bounds the calls of one principal at a time; 0 stands for 16.
	Concurrent int
	// Log is for the operator; it gets no secrets. Nil discards.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Gateway governs calls. Its methods are safe for concurrent use.
type Gateway struct {
	config      Config
	tools       []Tool
	connections map[string]Connection
	busy        *doorkeeper
	hold        time.Duration
	tickets     *tickets
	// progressEvery is what tests make shorter, as they do confirmTime.
	confirmTime   time.Duration
	progressEvery time.Duration
	running       *running
	cursors       seal
	digests       seal
	maskKey       [32]byte
	stateKey      [32]byte
	log           *slog.Logger
	now           func() time.Time
}

// Tool is a tool and the family that it belongs to.
type Tool struct {
	tools.Tool
	// Family is "" for the gateway's own.
	Family string
}

// New makes a gateway. An error says what in the configuration is wrong.
func New(c Config) (*Gateway, error) {
	g := &Gateway{
		config: c, connections: map[string]Connection{}, busy: newDoorkeeper(c.Concurrent),
		cursors: seal(c.Record.Key("cursors")), digests: seal(c.Record.Key("digests")), maskKey: c.Record.Key("masks"), stateKey: c.Record.Key("states"),
		hold: c.Hold, tickets: newTickets(), confirmTime: c.Confirm, progressEvery: progressEvery, running: &running{all: map[string]broken{}}, log: c.Log, now: c.Now,
	}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.hold <= 0 {
		g.hold = defaultHold
	}
	if g.confirmTime <= 0 {
		g.confirmTime = defaultConfirm
	}
	if g.now == nil {
		g.now = time.Now
	}
	for _, f := range c.Families {
		for _, t := range f.Tools() {
			g.tools = append(g.tools, Tool{t, f.Name()})
		}
	}
	g.tools = append(g.tools, Tool{Tool: waitTool()}, Tool{Tool: accessTool()})
	for i, t := range g.tools {
		whole, err := complete(t)
		if err != nil {
			return nil, err
		}
		g.tools[i] = whole
	}
	for _, conn := range c.Connections {
		if _, twice := g.connections[conn.Name]; twice {
			return nil, fmt.Errorf("there are two connections named %q", conn.Name)
		}
		g.connections[conn.Name] = conn
	}
	return g, nil
}

// Tools lists all tools, always in the same order.
func (g *Gateway) Tools() []Tool { return g.tools }

func (g *Gateway) tool(name string) (Tool, bool) {
	for _, t := range g.tools {
		if t.Name == name {
			return t, true
		}
	}
	return Tool{}, false
}
