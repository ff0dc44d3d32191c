package policy

import (
	"slices"
	_ "time/tzdata" // a change window must mean the same on machines without zone files

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilities are what policies may use of Rego. A decision must follow from
// the input alone, so that a replay gives the same answer: nothing reaches the
// network, the environment, the clock or chance.
func capabilities() *ast.Capabilities {
	all := ast.CapabilitiesForThisVersion()
	refused := refusedBuiltins()
	all.Builtins = slices.DeleteFunc(all.Builtins, func(b *ast.Builtin) bool {
		_, ok := refused[b.Name]
		return ok || b.Nondeterministic || b.IsDeprecated()
	})
	all.AllowNet = []string{}
	// Keywords and versions beyond Rego v1 have forms that our own checks do
	// not know.
	all.FutureKeywords = nil
	all.Features = []string{ast.FeatureRegoV1, ast.FeatureKeywordsInRefs, ast.FeatureTemplateStrings}
	return all
}

// refusedBuiltins says of each built-in function that is taken away what to do
// instead.
func refusedBuiltins() map[string]string {
	const (
		clock   = "decisions must not depend on the clock, or a replay would differ; use input.call.time"
		chance  = "decisions must not depend on chance, or a replay would differ"
		network = "policies don't reach the network; put what they need into data.json"
		process = "policies don't see the process or its environment; put what they need into data.json"
		rego    = "policies don't look at policies"
		load    = "its result can be too large to hold"
	)
	return map[string]string{
		"time.now_ns":                                            clock,
		"io.jwt.decode_verify":                                   clock,
		"io.jwt.encode_sign":                                     chance,
		"io.jwt.encode_sign_raw":                                 chance,
		"crypto.x509.parse_and_verify_certificates":              clock,
		"crypto.x509.parse_and_verify_certificates_with_options": clock,
		"rand.intn":                                              chance,
		"uuid.rfc4122":                                           chance,
		"http.send":                                              network,
		"net.lookup_ip_addr":                                     network,
		"json.match_schema":                                      network,
		"json.verify_schema":                                     network,
		"providers.aws.sign_req":                                 network,
		"opa.runtime":                                            process,
		"rego.parse_module":                                      rego,
		"rego.metadata.chain":                                    rego,
		"rego.metadata.rule":                                     rego,
		"net.cidr_expand":                                        load,
	}
}
