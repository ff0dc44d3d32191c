// Package english has kubectl say what it says in English, whatever the language of
// the system is: its callers are programs. kubectl would read its translations,
// which takes 10 ms and 4 MB, while the packages of its commands are initialized.
// That this one is before them follows from its path: of the packages whose imports
// are initialized, the first by path is next.
package english

import "k8s.io/kubectl/pkg/util/i18n"

// Only says that there are no translations to load; nil, unless some were loaded.
var Only = i18n.SetLoadTranslationsFunc(func() error { return nil })
