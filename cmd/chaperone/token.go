package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/chaperone-dev/chaperone/server/identity"
)

const tokenLong = `Make a bearer token for a caller over HTTP, and print it once, with the lines for
identity.tokens in the configuration. Only its hash stands there, so that the
file does not let anyone in.`

func newToken(o *options) *cobra.Command {
	var t identity.TokenConfig
	cmd := &cobra.Command{
		Use: "token SUBJECT", Short: "Make a bearer token for a caller over HTTP", Long: tokenLong,
		Example: "  chaperone token ann --email ann@example.com --group developers", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			for _, word := range append([]string{args[0], t.Email, t.Name}, t.Groups...) {
				if strings.ContainsFunc(word, unicode.IsControl) {
					return usageError{errors.New("names must be plain text")}
				}
			}
			if strings.TrimSpace(args[0]) == "" {
				return usageError{errors.New("the subject must not be empty: it is the caller's name on record")}
			}
			token, hash := identity.NewToken()
			t.Subject, t.Hash = args[0], hash
			if o.json {
				return json.NewEncoder(o.plain()).Encode(map[string]any{
					"token": token, "hash": hash, "subject": t.Subject, "email": t.Email, "groups": t.Groups,
				})
			}
			groups := make([]string, len(t.Groups))
			for i, group := range t.Groups {
				groups[i] = strconv.Quote(group)
			}
			_, err := fmt.Fprintf(o.out, "%s\n\nIn the configuration:\n\nidentity:\n  tokens:\n    - hash: %s\n      subject: %q\n", token, hash, t.Subject)
			for _, more := range [][2]string{{"email", t.Email}, {"name", t.Name}} {
				if err == nil && more[1] != "" {
					_, err = fmt.Fprintf(o.out, "      %s: %q\n", more[0], more[1])
				}
			}
			if err == nil && len(groups) > 0 {
				_, err = fmt.Fprintf(o.out, "      groups: [%s]\n", strings.Join(groups, ", "))
			}
			return err
		},
	}
	cmd.Flags().StringVar(&t.Email, "email", "", "e-mail `address` of the caller")
	cmd.Flags().StringVar(&t.Name, "name", "", "`name` of the caller")
	cmd.Flags().StringSliceVar(&t.Groups, "group", nil, "`group` of the caller; may be repeated")
	return o.jsonFlag(cmd)
}
