package obligation

// Mask hides values by where they come from.
type Mask struct {
	// Rule names the mask in explanations; may be "".
	Rule string `json:"rule,omitempty"`
	// Columns are origins, "schema.table.column"; a part may be "*".
	Columns []string `json:"columns"`
	// With is how: "redact", "null", "hash" or "partial".
	With string `json:"with"`
}

// Masks are all masks of a decision. They add up: where several name a value,
// the strictest applies.
type Masks []Mask
