package kubectl

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/rest"

	"github.com/chaperone-dev/chaperone/tools"
)

// ownMinor is the minor version of the kubectl that we are built with.
const ownMinor = 37

// ownCredential is what to do about a credential that may do too much.
const ownCredential = "connect as a user of its own that holds only the rights that calls need; with impersonate, only that to impersonate"

// Check implements tools.Connection.
func (k *connection) Check(ctx context.Context) []tools.Finding {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	c, hello, err := k.meet(ctx)
	if err != nil {
		return append([]tools.Finding{{Level: tools.Fail, What: err.Error(), Fix: err.fix}}, k.config.files()...)
	}
	e := &examination{cluster: c, ctx: ctx}
	e.version(hello)
	e.transport()
	e.rights(k.production)
	for _, name := range slices.Compact(slices.Sorted(slices.Values(append([]string{k.config.namespace()}, k.config.Namespaces...)))) {
		e.namespace(name)
	}
	return append(e.found, k.config.files()...)
}

// examination looks at a cluster, and collects what it finds.
type examination struct {
	*cluster
	ctx   context.Context
	found []tools.Finding
}

func (e *examination) add(bad bool, level tools.Level, what, fix string) {
	if bad {
		e.found = append(e.found, tools.Finding{Level: level, What: what, Fix: fix})
	}
}

func (e *examination) version(hello greeting) {
	what := "Kubernetes"
	v, err := version.ParseGeneric(hello.GitVersion)
	if err == nil {
		what += " v" + v.String()
	}
	e.add(true, tools.OK, fmt.Sprintf("%s answers in %s", what, hello.took.Round(100*time.Microsecond)), "")
	if err == nil && v.Major() == 1 {
		off := int(v.Minor()) - ownMinor
		e.add(off < -1 || off > 1, tools.Warn, fmt.Sprintf("the server is of version 1.%d and kubectl here of 1.%d: only neighbours are made for each other", v.Minor(), ownMinor),
			"upgrade the older of the two, cluster or gateway; until then look twice at what calls return")
	}
	e.add(hello.skew > time.Minute, tools.Warn, fmt.Sprintf("the server's clock is %s off ours", hello.skew.Round(time.Second)), "set both clocks by NTP")
}

// transport warns of a connection that others on the network could read.
func (e *examination) transport() {
	bad := !rest.IsConfigTransportTLS(*e.config) || e.config.Insecure
	e.add(bad && !local(e.host), tools.Warn, "the connection is not encrypted, or does not verify the server",
		"use an https address with certificate-authority-data in the kubeconfig, and no insecure-skip-tls-verify")
}

// local reports whether a server is on this machine.
func local(host string) bool {
	u, err := url.Parse(host)
	return err == nil && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

// rights looks at what our own credential may do, too little and too much.
func (e *examination) rights(production bool) {
	almighty, err := e.almighty(e.ctx)
	if err != nil {
		level := tools.Warn
		if production {
			level = tools.Fail // calls are refused for that
		}
		e.add(true, level, "the server does not say what the credential may do: "+oneLine(err.Error()), "let it create selfsubjectaccessreviews, as system:basic-user does")
		return
	}
	if almighty {
		if production {
			e.add(true, tools.Fail, almightyInProduction, ownCredential)
		} else {
			e.add(true, tools.Warn, "the credential may do anything in the cluster, or give itself the right to", ownCredential)
		}
		return
	}
	e.add(e.allowed("list", "secrets", ""), tools.Warn, "the credential may read the Secrets of all namespaces", ownCredential)
	if !e.impersonate {
		e.add(e.allowed("impersonate", "users", ""), tools.Warn, "the credential may act as anybody, and impersonate is not set", ownCredential)
		return
	}
	e.add(!e.impersonates("users"), tools.Fail, "the credential may not impersonate users, so that no call gets through",
		"bind it to a ClusterRole with the verb impersonate on users, and on the groups that people are in")
	e.add(!e.impersonates("groups"), tools.Warn, "the credential may not impersonate groups, so that no call of people in groups gets through",
		"bind it to a ClusterRole with the verb impersonate on the groups that people are in")
	e.add(e.allowed("impersonate", "groups", "system:masters"), tools.Warn, "the credential may act as system:masters, whom the cluster's own rules don't bind",
		"name the groups that it may impersonate, by resourceNames in its ClusterRole")
}

// allowed reports whether the server says yes.
func (e *examination) allowed(verb, resource, name string) bool {
	yes, err := e.may(e.ctx, authorizationv1.ResourceAttributes{Verb: verb, Resource: resource, Name: name})
	return yes && err == nil
}

// impersonates reports whether we may act as any users or groups, or as some that
// a rule names, or that can't be told.
func (e *examination) impersonates(resource string) bool {
	if e.allowed("impersonate", resource, "") {
		return true
	}
	rules, err := e.rules(e.ctx)
	return err != nil || rules.Incomplete || slices.ContainsFunc(rules.ResourceRules, func(r authorizationv1.ResourceRule) bool {
		return slices.Contains(r.Verbs, "impersonate") && slices.Contains(r.Resources, resource) && len(r.ResourceNames) > 0
	})
}

// namespace warns of one that does not exist, where we may ask.
func (e *examination) namespace(name string) {
	r, err := e.ask(e.ctx, http.MethodGet, "/api/v1/namespaces/"+name, nil)
	e.add(err == nil && r.status == http.StatusNotFound, tools.Warn,
		fmt.Sprintf("the namespace %s does not exist", name), "make it, or correct kubectl.namespaces and kubectl.namespace")
}

// files warns of credentials that others on this machine may read.
func (c *Config) files() []tools.Finding {
	paths := []string{c.Kubeconfig}
	if c.GKE != nil {
		paths = append(paths, c.GKE.CredentialsFile)
	}
	var found []tools.Finding
	for _, path := range paths {
		info, err := os.Stat(path)
		if path == "" || err != nil || runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		found = append(found, tools.Finding{Level: tools.Warn, What: "others on this machine may read " + path, Fix: "chmod go-rwx " + strings.TrimSpace(path)})
	}
	return found
}
