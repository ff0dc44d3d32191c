package kubectl

import "testing"

// TestSchemasAreThePresentOnes: a warm connection learns of a schema that changed.
func TestSchemasAreThePresentOnes(t *testing.T) {
	s := newStage(t)
	group := s.namespace + ".example.com"
	s.kind(group, "first", "before")
	s.explained("first.before")
	s.kind(group, "first", "after")
	s.explained("first.after")
}
