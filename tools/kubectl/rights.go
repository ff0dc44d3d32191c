package kubectl

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/version"

	"github.com/chaperone-dev/chaperone/tools"
)

// lost is the trouble that an error means with a cluster that is looked for.
func lost(err error) *trouble {
	if t := troubleOf(err); t != nil {
		return t
	}
	if overtaken(err) {
		return slow(err)
	}
	return &trouble{
		rule: "unreachable", reason: "the API server can't be reached", detail: err.Error(), later: true, cause: err,
		fix: "check the kubeconfig, its context, and the network",
	}
}

// greeting is how a server says what it is.
type greeting struct {
	version.Info
	took time.Duration
	// skew is how far its clock is off ours.
	skew time.Duration
}

// greet asks a server for its version. One that does not tell is there as well.
func (k *cluster) greet(ctx context.Context) (greeting, error) {
	start := time.Now()
	var g greeting
	r, err := k.ask(ctx, http.MethodGet, "/version", nil)
	if err != nil {
		return g, err
	}
	if r.status >= http.StatusInternalServerError {
		return g, fmt.Errorf("it answers %d", r.status)
	}
	g.took = time.Since(start)
	if date, err := http.ParseTime(r.date); err == nil {
		g.skew = time.Since(date).Abs()
	}
	if json.Unmarshal(r.body, &g.Info) != nil {
		g.Info = version.Info{}
	}
	return g, nil
}

// reply is what the server said to us.
type reply struct {
	status int
	date   string
	body   []byte
	err    error
}

// ask sends a request of our own, in our own name. It ends with ctx, also where a
// program that is to get credentials does not.
func (k *cluster) ask(ctx context.Context, method, path string, body []byte) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, k.address(path), bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/json")
	done := make(chan reply, 1)
	go func() { done <- k.answerTo(r) }()
	select {
	case got := <-done:
		return got, got.err
	case <-ctx.Done():
		return reply{}, ctx.Err()
	}
}

func (k *cluster) answerTo(r *http.Request) reply {
	response, err := k.credential.RoundTrip(r)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	return reply{response.StatusCode, response.Header.Get("Date"), body, err}
}

// may asks the server whether our own credential may do something.
func (k *cluster) may(ctx context.Context, what authorizationv1.ResourceAttributes) (bool, error) {
	review := authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &what}}
	review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SelfSubjectAccessReview"
	err := k.review(ctx, "selfsubjectaccessreviews", &review)
	return review.Status.Allowed, err
}

// rules are what our own credential may do in the namespace of the connection and
// in none.
func (k *cluster) rules(ctx context.Context) (authorizationv1.SubjectRulesReviewStatus, error) {
	review := authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: k.namespace}}
	review.APIVersion, review.Kind = "authorization.k8s.io/v1", "SelfSubjectRulesReview"
	err := k.review(ctx, "selfsubjectrulesreviews", &review)
	return review.Status, err
}

// review sends a question about our rights, and reads the answer into it.
func (k *cluster) review(ctx context.Context, resource string, question runtime.Object) error {
	body, err := json.Marshal(question)
	if err != nil {
		return err
	}
	r, err := k.ask(ctx, http.MethodPost, "/apis/authorization.k8s.io/v1/"+resource, body)
	switch {
	case err != nil:
		return err
	case r.status != http.StatusCreated && r.status != http.StatusOK:
		return fmt.Errorf("it answers %d", r.status)
	}
	return json.Unmarshal(r.body, question)
}

const rbacGroup = "rbac.authorization.k8s.io"

// almighty reports whether our own credential may do everything, or give itself
// the right to.
func (k *cluster) almighty(ctx context.Context) (bool, error) {
	for _, all := range []authorizationv1.ResourceAttributes{
		{Verb: "*", Group: "*", Resource: "*"},
		{Verb: "escalate", Group: rbacGroup, Resource: "clusterroles"},
		{Verb: "bind", Group: rbacGroup, Resource: "clusterroles"},
	} {
		if yes, err := k.may(ctx, all); yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

// vet refuses, in production, a credential that may do anything.
func (k *cluster) vet(ctx context.Context) error {
	yes, err := k.almighty(ctx)
	switch {
	case err != nil:
		return &tools.Refusal{
			Rule: "unreachable", Reason: "it can't be found out what the connection's credential may do, which it must be in production",
			Hint: "tell the operator to run `chaperone doctor`", Later: true,
		}
	case yes:
		return refused("cluster-admin", almightyInProduction, "the operator must give the connection a credential that holds only what it needs")
	}
	return nil
}

const almightyInProduction = "the connection is labelled as production and its credential may do anything in the cluster"
