package statement

import "github.com/chaperone-dev/chaperone/tools"

// verdict is the worst effect that was found so far, and why it is not Read.
type verdict struct {
	effect tools.Effect
	why    string
}

// worsen lowers the effect, and keeps the reason of the worst.
func (v *verdict) worsen(effect tools.Effect, why string) {
	if effect < v.effect {
		v.effect, v.why = effect, why
	}
}
