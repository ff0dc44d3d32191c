package kubectl

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// TestCrowd: many callers use one connection at once, each in their own name, and
// none gets what is another's.
func TestCrowd(t *testing.T) {
	s := newStage(t)
	s.must("apply -f -", seed)
	var group sync.WaitGroup
	for i := range 20 {
		one := *s
		one.caller.Subject = fmt.Sprintf("caller-%d@example.com", i)
		one.gate = &gate{}
		group.Go(func() {
			name := fmt.Sprintf("own-%d", i)
			for _, c := range []struct{ line, want string }{
				{"auth whoami -o jsonpath={.status.userInfo.username}", one.caller.Subject},
				{"create configmap " + name + " --from-literal=n=" + name, "configmap/" + name + " created"},
				{"get cm " + name + " -o jsonpath={.data.n}", name},
				{"describe cm " + name, name},
				{"get deploy web -o name", "deployment.apps/web"},
				{"label cm " + name + " a=b", "configmap/" + name + " labeled"},
				{"explain pods.spec.nodeName", "nodeName"},
				{"delete cm " + name, "deleted"},
			} {
				r, err := one.call(c.line, "")
				if err != nil || !strings.Contains(r.Output, c.want) {
					t.Errorf("%s: %+v %v", c.line, r, err)
				}
			}
		})
	}
	group.Wait()
}

// held keeps requests for one name back until somebody lets them go.
type held struct {
	next    http.RoundTripper
	name    string
	came    chan struct{}
	release chan struct{}
}

func (h held) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/"+h.name) {
		h.came <- struct{}{}
		<-h.release
	}
	return h.next.RoundTrip(r)
}

// TestNobodyWaitsForOthers: while the server keeps one caller waiting, the others
// of the connection are served.
func TestNobodyWaitsForOthers(t *testing.T) {
	s := newStage(t)
	s.must("create configmap slow --from-literal=a=slow")
	s.must("create configmap quick --from-literal=a=quick")
	h := held{s.conn.open.credential, "slow", make(chan struct{}, 1), make(chan struct{})}
	s.conn.open.credential = h
	slow := make(chan string)
	go func() {
		r, err := s.call("get cm slow -o jsonpath={.data.a}", "")
		slow <- fmt.Sprint(r, err)
	}()
	<-h.came
	var group sync.WaitGroup
	for i := range 19 {
		one := *s
		one.caller.Subject = fmt.Sprintf("caller-%d@example.com", i)
		one.gate = &gate{}
		group.Go(func() {
			for _, line := range []string{"get cm quick -o jsonpath={.data.a}", "get cm", fmt.Sprintf("create configmap own-%d", i)} {
				if _, err := one.call(line, ""); err != nil {
					t.Errorf("kubectl %s: %v", line, err)
				}
			}
		})
	}
	group.Wait()
	select {
	case r := <-slow:
		t.Errorf("what was held came back: %s", r)
	default:
	}
	close(h.release)
	if r := <-slow; !strings.Contains(r, "{slow ") {
		t.Errorf("it says %s", r)
	}
}
