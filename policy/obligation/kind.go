package obligation

// Kind is one of the sets in which a policy states duties as objects.
type Kind struct {
	// Name is the set's name in package chaperone.
	Name string
	// Example is a well-formed element with every key, as JSON. When a policy
	// is loaded, its values stand in for those known only when a rule fires.
	Example string
	// Check refuses an element, as JSON, that is not well-formed.
	Check func(element []byte) error
}

// Kinds lists the sets whose elements are objects. The sets allow and label
// hold strings.
func Kinds() []Kind {
	return []Kind{
		{"deny", `{"rule":"r","message":"m","hint":"h"}`, check(DecodeDeny)},
		{"approve", `{"rule":"r","message":"m","groups":["g"],"count":1,"expires":"1m","reason":true,"preview":"measure","tolerance":"1%"}`, check(DecodeApprove)},
		{"confirm", `{"rule":"r","message":"m"}`, check(DecodeConfirm)},
		{"mask", `{"rule":"r","columns":["s.t.c"],"with":"redact"}`, check(DecodeMask)},
		{"limit", `{"rows":1,"bytes":1,"timeout":"1s"}`, check(DecodeLimit)},
	}
}

func check[T any](decode func([]byte) (T, error)) func([]byte) error {
	return func(element []byte) error {
		_, err := decode(element)
		return err
	}
}
