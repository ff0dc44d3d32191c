package kubectl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"

	"github.com/chaperone-dev/chaperone/tools"
)

// wire is the one way of a command to the API server. Each request that the
// command makes is named, judged, and sent with the connection's credential.
type wire struct {
	cluster *cluster
	caller  tools.Caller
	// judge says what becomes of a request. It runs under no lock.
	judge judge
	// shape is what the command prints of what it reads.
	shape *shape
	// ctx is the call's own: kubectl has none for most of what it does.
	ctx context.Context
	// interrupting says that the command listens for signals.
	interrupting bool

	mu sync.Mutex
	// refusal is why a request was not sent, the first time.
	refusal error
	// under counts changes that are under way. began says that one got to the
	// server, lost that its answer did not come.
	under       int
	began, lost bool
	// kept is what kept the call's last request out, or nil.
	kept *trouble
}

// judge decides about one request before it goes out. It returns the request to
// send, an answer in its place, or an error.
type judge interface {
	judge(ctx context.Context, s *sent) (answer *http.Response, err error)
}

// sent is a request on its way, and what it is.
type sent struct {
	Request
	http *http.Request
	body []byte
	// masker applies to what comes back; nil lets nothing back.
	masker tools.Masker
	// shape is what is wanted of what comes back.
	shape *shape
	// quiet says that what the server quotes in an error may not be seen.
	quiet bool
	// seen takes what came back, before it is masked.
	seen func(*http.Response) error
	// again reports whether the request is to be sent once more, after an
	// answer; nil is never. sends is how often it was.
	again retry
	sends int
}

// ask sets a parameter of the request.
func (s *sent) ask(name, value string) {
	u := *s.http.URL
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	s.http = s.http.Clone(s.http.Context())
	s.http.URL = &u
}

// retry reports whether a request is to be sent once more, after an answer.
type retry func(*http.Response) (bool, error)

func (r retry) after(response *http.Response) (bool, error) {
	if r == nil {
		return false, nil
	}
	again, err := r(response)
	if err != nil {
		_ = response.Body.Close()
	}
	return again, err
}

// errCut is what a command gets that was run only to see what it would ask.
var errCut = errors.New("nothing is sent while a command is described")

// maxBody bounds what a command may send at once.
const maxBody = 3 << 20

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.trip(r)
	if err != nil {
		w.note(err)
		return nil, err
	}
	return response, nil
}

func (w *wire) trip(r *http.Request) (*http.Response, error) {
	if err := w.ctx.Err(); err != nil {
		return nil, err
	}
	if w.interrupting {
		ending.reclaim()
	}
	named, discovery, err := nameRequest(r)
	switch {
	case err != nil:
		return nil, refused("request", err.Error(), "")
	case discovery:
		response, err := w.send(w.ctx, r, nil)
		return boundBody(response), err
	case named.Resource == "":
		return nil, refused("request", "kubectl would ask for "+r.URL.Path+", which is no resource", "")
	}
	s := &sent{Request: w.cluster.complete(named), http: r, shape: w.shape}
	if s.body, err = readBody(r); err != nil {
		return nil, err
	}
	s.narrow()
	if err := w.cluster.within(s.Request); err != nil {
		return nil, err
	}
	s.nameNew()
	answer, err := w.judge.judge(w.ctx, s)
	if err != nil || answer != nil {
		return answer, err
	}
	if err := s.selects(); err != nil {
		return nil, err
	}
	return w.deliver(s)
}

// deliver sends a request, again for as long as it is to be.
func (w *wire) deliver(s *sent) (*http.Response, error) {
	for {
		s.sends++
		w.leaves(s)
		response, err := w.send(w.ctx, s.http, s.body)
		hurry(response)
		if err == nil && s.effect() != tools.Read {
			err = w.settle(s, response)
		} else {
			w.returned(s, err)
		}
		if err != nil {
			return nil, err
		}
		again, err := s.again.after(response)
		if err != nil {
			return nil, err
		}
		if !again {
			return w.receive(s, response)
		}
		_ = response.Body.Close()
	}
}

// send sends a request as it is.
func (w *wire) send(ctx context.Context, r *http.Request, body []byte) (*http.Response, error) {
	response, err := w.cluster.send(ctx, w.caller, r, body)
	if err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.kept = nil
	}
	return response, w.hears(err)
}

// hears notes an error that says that a request was kept out: other calls have
// their own.
func (w *wire) hears(err error) error {
	if t := troubleOf(err); t != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.kept = t
	}
	return err
}

// keptOut is what kept the last request out, or nil.
func (w *wire) keptOut() *trouble {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kept
}

// leaves notes that a request goes out; one that changes something may have done
// so from now on.
func (w *wire) leaves(s *sent) {
	if s.effect() == tools.Read {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under++
}

// patience is how many seconds kubectl may be told to wait. It waits also when the
// call is long over.
const patience = 30

// hurry makes the time to wait that a server names a bounded one.
func hurry(response *http.Response) {
	if response == nil || response.Header.Get("Retry-After") == "" {
		return
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || seconds > patience {
		response.Header.Set("Retry-After", strconv.Itoa(patience))
	}
}

// settle reads the answer to a change to its end: until then nobody knows what
// became of it, nor where the server failed.
func (w *wire) settle(s *sent, response *http.Response) error {
	data, err := readAnswer(response)
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(data)), int64(len(data))
	unknown := err
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); response.StatusCode >= http.StatusInternalServerError ||
		response.StatusCode < http.StatusMultipleChoices && (kind != "application/json" || !json.Valid(data)) {
		unknown = cmp.Or(err, errUnknown)
	}
	w.returned(s, unknown)
	return err
}

// errUnknown is of a change that has no answer which would say what became of it.
var errUnknown = errors.New("the server did not say what became of it")

// returned notes whether anybody knows what became of a change. What was refused
// on the way did not get to the server.
func (w *wire) returned(s *sent, err error) {
	if s.effect() == tools.Read {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.under--
	if errors.As(err, new(*tools.Refusal)) {
		return
	}
	w.began, w.lost = true, w.lost || err != nil
}

// receive hides what may not be seen in an answer.
func (w *wire) receive(s *sent, response *http.Response) (*http.Response, error) {
	if s.seen != nil {
		if err := s.seen(response); err != nil {
			return nil, err
		}
	}
	if s.masker == nil {
		_ = response.Body.Close()
		return nil, errors.New("nobody said what of the answer may be seen")
	}
	if s.quiet {
		untold(response.Header)
	}
	if s.quiet && quotes(response) {
		if err := terse(response); err != nil {
			return nil, err
		}
	}
	return mask(s, response)
}

// note keeps why the first request that was not sent was not. Of a server that could
// not be reached kubectl may try again, and get there.
func (w *wire) note(err error) {
	if errors.As(err, new(*trouble)) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.refusal == nil {
		w.refusal = err
	}
}

// stopped is the refusal that stopped the command, or nil.
func (w *wire) stopped() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var r *tools.Refusal
	switch {
	case errors.As(w.refusal, &r):
		return r
	case errors.Is(w.refusal, tools.ErrMoved):
		return w.refusal
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	defer func() { _ = r.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if len(body) > maxBody {
		return nil, refused("size", fmt.Sprintf("a request of more than %d MB is not sent", maxBody>>20), "make the manifest smaller")
	}
	return body, err
}

// answer makes an answer that did not come from the server.
func answer(r *http.Request, status int, body []byte) *http.Response {
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  http.Header{"Content-Type": {"application/json"}},
		Body:    io.NopCloser(bytes.NewReader(body)),
		Request: r, ContentLength: int64(len(body)),
	}
}
