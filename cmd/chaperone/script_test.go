package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/chaperone-dev/chaperone/examples/demo"
)

// shops numbers the databases that scripts get.
var shops atomic.Int64

// TestScripts plays whole stories through the program. Each gets a database
// with the sample shop, a configuration and the demo's policy in its folder;
// see setUpScript.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Setup: func(e *testscript.Env) error { return setUpScript(t, e) },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"sql": scriptSQL, "lacks": scriptLacks, "approvers": scriptApprovers(t), "answer": scriptAnswer, "id": scriptID, "terminal": scriptTerminal, "waiting": scriptWaiting, "serve": scriptServe, "cluster": scriptCluster(t),
		},
		RequireUniqueNames: true, UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}

const scriptConfig = `data_dir: ./state
policy: {paths: [./policy]}
connections:
  - name: shop
    family: sql
    labels: {env: test}
    sql:
      dsn: "${env:SHOP_DSN}"
      search_path: shop
      trusted_functions: [shop.order_total]
`

// setUpScript makes a shop, and sets SHOP_DSN for the role agent, OWNER_DSN for
// the superuser, and SHOP_CONFIG to a configuration that uses the first. The
// program finds that configuration by itself.
func setUpScript(t *testing.T, e *testscript.Env) error {
	server := sharedPostgres(t)
	name := fmt.Sprintf("script_%d", shops.Add(1))
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, server.Superuser("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name + " TEMPLATE " + shopTemplate(t),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	e.Setenv("SHOP_DSN", server.DSN("agent", "", name))
	e.Setenv("OWNER_DSN", server.Superuser(name))
	config := filepath.Join(e.WorkDir, "home", ".config", "chaperone")
	policy, err := demo.Policy.ReadFile("policy/shop.rego")
	if err != nil {
		return err
	}
	writeFiles(t, config, map[string]string{"chaperone.yaml": scriptConfig, "policy/shop.rego": string(policy)})
	e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
	e.Setenv("SHOP_CONFIG", config)
	return nil
}

// scriptCluster copies the kubeconfig of the Kubernetes cluster beside a script's
// configuration, and makes a namespace of the name there.
func scriptCluster(t *testing.T) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, args []string) {
		if len(args) != 2 {
			ts.Fatalf("usage: cluster kubeconfig namespace")
		}
		cluster := sharedCluster.Start(t)
		text, err := os.ReadFile(cluster.Kubeconfig)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[0]), text, 0o600))
		ts.Check(cluster.Apply(context.Background(), "kubectl", "apiVersion: v1\nkind: Namespace\nmetadata: {name: "+args[1]+"}\n"))
	}
}

// scriptSQL runs SQL as the superuser, and prints the first column.
func scriptSQL(ts *testscript.TestScript, neg bool, args []string) {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, ts.Getenv("OWNER_DSN"))
	ts.Check(err)
	defer func() { _ = conn.Close(ctx) }()
	rows, err := conn.Query(ctx, strings.Join(args, " "))
	var out []any
	if err == nil {
		out, err = pgx.CollectRows(rows, pgx.RowTo[any])
	}
	if neg != (err != nil) {
		ts.Fatalf("sql: %v", err)
	}
	for _, v := range out {
		_, _ = fmt.Fprintln(ts.Stdout(), v)
	}
}

// scriptLacks fails if a file of a folder, whatever it is, holds a text.
func scriptLacks(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: lacks folder expression")
	}
	find := regexp.MustCompile(args[1])
	found := ""
	ts.Check(filepath.Walk(ts.MkAbs(args[0]), func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if find.Match(text) || find.Match(bytes.ReplaceAll(text, []byte{0}, nil)) {
			found = path
		}
		return err
	}))
	if neg != (found != "") {
		ts.Fatalf("lacks %s: found in %q", args[1], found)
	}
}

// shopTemplate is a database with the sample shop that others are copied from.
func shopTemplate(t testing.TB) string {
	t.Helper()
	const name = "shop_template"
	server := sharedPostgres(t)
	template.Do(func() {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, server.Superuser("postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(ctx) }()
		for _, sql := range []string{"CREATE ROLE agent LOGIN", "CREATE DATABASE " + name} {
			if _, err := conn.Exec(ctx, sql); err != nil {
				t.Fatal(err)
			}
		}
		fill, err := pgx.Connect(ctx, server.Superuser(name))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = fill.Close(ctx) }()
		if _, err := fill.Exec(ctx, demo.Shop); err != nil {
			t.Fatal(err)
		}
	})
	return name
}
