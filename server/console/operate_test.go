package console

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func TestFreezeAndThaw(t *testing.T) {
	s := newSite(t)
	op, bo := s.as("op-token"), s.as("bo-token")
	const page = "/console/freeze"
	bo.get(page).says(t, http.StatusOK, "You may not freeze or thaw")
	bo.post(page, bo.form("/console/", "scope", "everything")).says(t, http.StatusForbidden, "Ask somebody of ops.")
	op.post(page, op.form(page, "scope", "everything", "why", "an incident")).says(t, http.StatusOK, "Everything is frozen", "an incident")
	bo.get("/console/").says(t, http.StatusOK, "Everything is frozen")
	if got := <-s.agent().call("update", "x"); !strings.Contains(got, "everything is frozen by Olu Okafor: an incident") {
		t.Errorf("a call gets %s", got)
	}
	bo.post("/console/thaw", bo.form("/console/", "scope", "everything")).says(t, http.StatusForbidden)
	op.post("/console/thaw", op.form(page, "scope", "everything")).says(t, http.StatusOK, "Nothing is frozen.")
	for _, wrong := range [][]string{{"scope", "session"}, {"scope", "everything", "name", "x"}, {"scope", "moon", "name", "x"}, {"scope", "session", "name", strings.Repeat("x", 501)}} {
		op.post(page, op.form(page, wrong...)).says(t, http.StatusBadRequest, "Nothing was done")
	}
	op.post(page, op.form(page, "scope", "connection", "name", "shop")).says(t, http.StatusOK, "The connection <bdi>shop</bdi>")
	none := newSite(t, func(o *Options) { o.Operators = nil }).as("op-token")
	none.post(page, none.form("/console/", "scope", "everything")).says(t, http.StatusForbidden, "approvals.operators")
}

func TestStop(t *testing.T) {
	s := newSite(t)
	s.rules.hold()
	s.target.run = func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	got := s.agent().call("update for long", "x")
	eventually(t, "it runs", func() bool { return len(s.gateway.Running()) == 1 })
	id := s.gateway.Running()[0].ID
	op, bo := s.as("op-token"), s.as("bo-token")
	if body := bo.get("/console/live").body; strings.Contains(body, id) {
		t.Error("the call is shown to who has nothing to do with it")
	}
	bo.post("/console/live/stop", bo.form("/console/", "call", id)).says(t, http.StatusForbidden)
	op.get("/console/live").says(t, http.StatusOK, "1 call under way", "update for long", "Mira")
	op.post("/console/live/stop", op.form("/console/live", "call", id)).says(t, http.StatusOK)
	if text := <-got; !strings.Contains(text, "stopped by Olu Okafor") && !strings.Contains(text, "broken off") {
		t.Errorf("the call gets %s", text)
	}
	op.post("/console/live/stop", op.form("/console/live", "call", id)).says(t, http.StatusConflict, "it has ended already")
}
