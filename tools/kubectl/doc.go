// Package kubectl is the family for Kubernetes and GKE. It runs the real code of
// kubectl in this process and judges what that does where it can't be disguised:
// each request to the API server, named as the API server itself names it.
//
// A command is read by kubectl's own flags, of which a list says which may be
// used. For a read, kubectl is run once with a wire that is cut, which tells the
// requests it begins with. For a write it is rehearsed: every request that
// changes something goes out with dryRun=All. When the plan runs, the wire lets
// through what was planned, once each, and asks the gate about all else.
package kubectl

import _ "github.com/chaperone-dev/chaperone/tools/kubectl/english" // before kubectl's commands
