package kubectl

import (
	"fmt"
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
