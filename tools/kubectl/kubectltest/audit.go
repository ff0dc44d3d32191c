package kubectltest

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
	"time"
)

// AuditEvent is what the API server wrote down of a request, at one stage of it.
type AuditEvent struct {
	AuditID string `json:"auditID"`
	// Stage is "ResponseStarted" (of requests that last, such as a watch),
	// "ResponseComplete" or "Panic".
	Stage      string `json:"stage"`
	Verb       string `json:"verb"`
	RequestURI string `json:"requestURI"`
	UserAgent  string `json:"userAgent"`
	User       User   `json:"user"`
	// ImpersonatedUser is in whose name User asked; nil if in their own.
	ImpersonatedUser *User           `json:"impersonatedUser"`
	ObjectRef        ObjectRef       `json:"objectRef"`
	ResponseStatus   *ResponseStatus `json:"responseStatus"`
}

// User is who asked.
type User struct {
	Username string   `json:"username"`
	Groups   []string `json:"groups"`
}

// ObjectRef is what a request is about; zero for one that is about no object.
type ObjectRef struct {
	APIGroup    string `json:"apiGroup"`
	APIVersion  string `json:"apiVersion"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
}

// ResponseStatus is how it was answered.
type ResponseStatus struct {
	Code    int    `json:"code"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// received is the stage in which an event only says that a request is there.
const received = "RequestReceived"

// auditTimeout is how long Audit waits: longer than the server lets a request take.
const auditTimeout = 70 * time.Second

// Audit returns the events of the whole cluster, in order. Every request whose
// answer anyone had before the call is among them, and its stage is one with an
// answer: the server may write that after it gives it, so Audit waits for it. Requests that
// a server had when it was killed are not among them.
func (c *Cluster) Audit(tb testing.TB) []AuditEvent {
	tb.Helper()
	events := c.readAudit(tb)
	waiting := unanswered(events)
	maps.DeleteFunc(waiting, func(id string, _ bool) bool { return c.never[id] })
	for end := time.Now().Add(auditTimeout); len(waiting) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("%d requests are without an answer in the audit log", len(waiting))
		}
		events = c.readAudit(tb)
		still := unanswered(events)
		maps.DeleteFunc(waiting, func(id string, _ bool) bool { return !still[id] })
	}
	return slices.DeleteFunc(events, func(e AuditEvent) bool { return e.Stage == received })
}

// unanswered are the requests that the server has received and done no more with.
func unanswered(events []AuditEvent) map[string]bool {
	open := map[string]bool{}
	for _, e := range events {
		if e.Stage == received {
			open[e.AuditID] = true
		} else {
			delete(open, e.AuditID)
		}
	}
	return open
}

func (c *Cluster) readAudit(tb testing.TB) []AuditEvent {
	tb.Helper()
	data, err := os.ReadFile(c.file("audit"))
	if err != nil {
		tb.Fatal(err)
	}
	// The last line may be half written.
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	var events []AuditEvent
	for line := range bytes.Lines(data) {
		var e AuditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			tb.Fatalf("the audit log: %v: %s", err, line)
		}
		events = append(events, e)
	}
	return events
}
