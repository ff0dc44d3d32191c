// Package identity verifies who calls.
package identity
