package app

import (
	"net/http"

	"github.com/chaperone-dev/chaperone/policy"
	"github.com/chaperone-dev/chaperone/server/console"
)

// Pages are the console, for those whose tokens verify knows.
func (a *App) Pages(verify func(token string) (policy.Principal, error)) (http.Handler, error) {
	return console.New(console.Options{
		Verify: verify, Desk: a.Desk, Calls: a.Gateway, Freezes: a.Freezes, Record: a.Record,
		Operators: a.Config.Approvals.Operators, URL: a.Config.Server.URL, Log: a.log,
	})
}
