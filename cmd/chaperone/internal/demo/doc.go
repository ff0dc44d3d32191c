// Package demo sets up everything that `chaperone demo` shows: a database with
// a sample shop, a policy, a configuration, and an agent that plays a script.
package demo
