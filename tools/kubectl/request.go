package kubectl

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apiserver/pkg/endpoints/request"

	"github.com/chaperone-dev/chaperone/tools"
)

// Request is one request to the API server, as the server itself names it.
type Request struct {
	// Verb is the API server's: get, list, watch, create, update, patch,
	// delete, deletecollection; or, since they are more than what HTTP calls
	// them, exec, attach, portforward and proxy.
	Verb        string `json:"verb" jsonschema:"get, list, watch, create, update, patch, delete, deletecollection, exec, attach, portforward or proxy"`
	Group       string `json:"group" jsonschema:"the API group; empty for the core group"`
	Version     string `json:"version"`
	Resource    string `json:"resource" jsonschema:"in the plural, such as deployments"`
	Subresource string `json:"subresource" jsonschema:"such as scale, status or log; empty when there is none"`
	Namespace   string `json:"namespace" jsonschema:"empty for what is in none, and for all at once"`
	Name        string `json:"name" jsonschema:"empty where the request names no single object, or the server is to find a name for a new one"`
	// AllNamespaces says that a namespaced resource is read in all of them.
	AllNamespaces bool `json:"all_namespaces" jsonschema:"the request reaches into every namespace"`
	// Selector and Fields narrow lists.
	Selector string `json:"selector"`
	Fields   string `json:"fields"`
	// DryRun says that the server only tries the request, and keeps nothing of it.
	// A rehearsed change is told as what it is to become, and not as a trial.
	DryRun bool `json:"dry_run" jsonschema:"the server only tries it and keeps nothing: what kubectl diff asks for; its effect is that of a read"`
	// Classes are what makes the request a delicate one.
	Classes []string `json:"classes" jsonschema:"what makes it delicate: secret, token, rbac, webhook, crd, node, system, exec, proxy"`
}

// namer names requests as the API server does.
var namer = &request.RequestInfoFactory{APIPrefixes: sets.NewString("api", "apis"), GrouplessAPIPrefixes: sets.NewString("api")}

// errOddPath refuses a path that somebody might read in another way than we do.
var errOddPath = errors.New("the path of the request is not a plain one")

// nameRequest names a request; discovery is true where it asks only what the
// server has to offer.
func nameRequest(r *http.Request) (req Request, discovery bool, err error) {
	p := r.URL.Path
	if p != path.Clean(p) || r.URL.RawPath != "" || strings.ContainsAny(p, "%\\") || r.URL.Opaque != "" {
		return req, false, errOddPath
	}
	info, err := namer.NewRequestInfo(r)
	if err != nil {
		return req, false, errOddPath
	}
	if !info.IsResourceRequest {
		return req, isDiscovery(r.Method, p), nil
	}
	req = Request{
		Verb: info.Verb, Group: info.APIGroup, Version: info.APIVersion, Resource: info.Resource,
		Subresource: info.Subresource, Namespace: info.Namespace, Name: info.Name,
		Selector: info.LabelSelector, Fields: info.FieldSelector, DryRun: isDryRun(info, r),
	}
	if special := map[string]string{"exec": "exec", "attach": "attach", "portforward": "portforward", "proxy": "proxy"}[req.Subresource]; special != "" {
		req.Verb = special
	}
	if len(info.Parts) > 3 && req.Verb != "proxy" {
		return req, false, errOddPath
	}
	req.Classes = req.classes()
	return req, false, req.check()
}

// isDryRun reports whether the server is told to keep nothing. Other requests than
// patches of whole objects may be told so in more places than one.
func isDryRun(info *request.RequestInfo, r *http.Request) bool {
	return info.Verb == "patch" && info.Subresource == "" && slices.Equal(r.URL.Query()["dryRun"], []string{"All"})
}

// isDiscovery reports whether a request asks only what the server has to offer.
func isDiscovery(method, p string) bool {
	if method != http.MethodGet {
		return false
	}
	for _, open := range []string{"/api", "/apis", "/openapi", "/version"} {
		if p == open || strings.HasPrefix(p, open+"/") {
			return true
		}
	}
	return false
}

// check refuses names that the API server would not take either.
func (r Request) check() error {
	if r.Namespace != "" && len(validation.IsDNS1123Label(r.Namespace)) > 0 {
		return fmt.Errorf("%q is no name of a namespace", r.Namespace)
	}
	for _, part := range []string{r.Group, r.Version, r.Resource, r.Subresource, r.Name} {
		if len(content.IsPathSegmentName(part)) > 0 {
			return fmt.Errorf("%q can't be part of a name", part)
		}
	}
	if r.Resource == "" || r.Verb == "" {
		return errOddPath
	}
	return nil
}

// reviews are the resources by which to ask that.
var reviews = []string{"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}

// reviews reports whether the request only asks what the caller may do.
func (r Request) reviews() bool {
	return r.Verb == "create" && r.Subresource == "" && slices.Contains(reviews, r.Resource) &&
		(r.Group == "authorization.k8s.io" || r.Group == "authentication.k8s.io")
}

// creates reports whether the request makes a new object.
func (r Request) creates() bool { return r.Verb == "create" && r.Subresource == "" }

// nameNew names what is to be created, as the server's audit log does: the path
// does not say it. Where it is to be found out by the server, there is none.
func (s *sent) nameNew() {
	if !s.creates() || s.Name != "" {
		return
	}
	// Letters count as the server counts them: METADATA is something else.
	object, err := decode(s.body)
	name := field(object, "metadata", "name")
	if err != nil || len(content.IsPathSegmentName(name)) > 0 {
		return // the server does not take it either
	}
	s.Name = name
	s.Classes = s.classes()
}

// effect is the worst that the request can do.
func (r Request) effect() tools.Effect {
	if r.DryRun {
		return tools.Read
	}
	switch r.Verb {
	case "get", "list", "watch":
		return tools.Read
	case "create":
		if r.reviews() {
			return tools.Read
		}
		if r.Subresource == "eviction" {
			return tools.Destroy
		}
		return tools.Write
	case "update", "patch":
		return tools.Write
	}
	// What runs in a container, or behind a proxy, can do anything there.
	return tools.Destroy
}

// classes says what makes the request a delicate one.
func (r Request) classes() []string {
	out := []string{}
	add := func(class string, is bool) {
		if is {
			out = append(out, class)
		}
	}
	add("secret", r.Group == "" && r.Resource == "secrets")
	add("token", r.Subresource == "token" || r.Resource == "tokenreviews" || r.Resource == "certificatesigningrequests")
	add("rbac", r.Group == "rbac.authorization.k8s.io")
	add("webhook", r.Group == "admissionregistration.k8s.io" || r.Resource == "apiservices")
	add("crd", r.Resource == "customresourcedefinitions")
	add("node", r.Group == "" && r.Resource == "nodes")
	add("system", strings.HasPrefix(r.Namespace, "kube-") || (r.Resource == "namespaces" && strings.HasPrefix(r.Name, "kube-")))
	add("exec", r.Verb == "exec" || r.Verb == "attach" || r.Verb == "portforward" || r.Subresource == "ephemeralcontainers")
	add("proxy", r.Verb == "proxy")
	return out
}

// get is the request that reads the object which the request is about.
func (r Request) get() Request {
	r.Verb, r.Subresource, r.DryRun = "get", "", false
	r.Classes = r.classes()
	return r
}

// creation is the request as one that creates what it is about.
func (r Request) creation() Request {
	r.Verb, r.DryRun = "create", false
	r.Classes = r.classes()
	return r
}

// target names what the request is about.
func (r Request) target() tools.Target {
	kind := r.Resource
	if r.Group != "" {
		kind += "." + r.Group
	}
	if r.Subresource != "" {
		kind += "/" + r.Subresource
	}
	name := r.Name
	if name == "" {
		name = "*"
	}
	if r.Namespace != "" && r.Resource != "namespaces" {
		name = r.Namespace + "/" + name
	}
	return tools.Target{Kind: kind, Name: name}
}

// String is the request for a person to read.
func (r Request) String() string {
	t := r.target()
	if r.DryRun {
		return "try to " + r.Verb + " " + t.Kind + " " + t.Name
	}
	return r.Verb + " " + t.Kind + " " + t.Name
}
