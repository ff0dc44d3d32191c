package console

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chaperone-dev/chaperone/policy"
)

const (
	// sessionLife is how long a sign-in holds, whatever is done meanwhile.
	sessionLife = 12 * time.Hour
	// maxPerPerson bounds the sessions of one person. The oldest makes room.
	maxPerPerson = 16
)

// session is one sign-in. The zero value is nobody's.
type session struct {
	key       [sha256.Size]byte
	principal policy.Principal
	// csrf stands in every form of the session.
	csrf    string
	created time.Time
}

// sent reports whether a form has the session's token.
func (s session) sent(csrf string) bool {
	return s.csrf != "" && subtle.ConstantTimeCompare([]byte(s.csrf), []byte(csrf)) == 1
}

// sessions are kept in memory, by a hash of the id that the browser has: they
// end with the process.
type sessions struct {
	now func() time.Time
	mu  sync.Mutex
	all map[[sha256.Size]byte]session
}

func newSessions(now func() time.Time) *sessions {
	return &sessions{now: now, all: map[[sha256.Size]byte]session{}}
}

// open makes a session and returns the id for the cookie.
func (s *sessions) open(p policy.Principal) (id string) {
	id = random()
	s.mu.Lock()
	defer s.mu.Unlock()
	var own []session
	for key, other := range s.all {
		switch {
		case !s.alive(other):
			delete(s.all, key)
		case other.principal.Subject == p.Subject && other.principal.Issuer == p.Issuer:
			own = append(own, other)
		}
	}
	slices.SortFunc(own, func(a, b session) int { return a.created.Compare(b.created) })
	for len(own) >= maxPerPerson {
		delete(s.all, own[0].key)
		own = own[1:]
	}
	key := sha256.Sum256([]byte(id))
	s.all[key] = session{key, p, random(), s.now()}
	return id
}

func (s *sessions) find(id string) (session, bool) {
	return s.get(sha256.Sum256([]byte(id)))
}

func (s *sessions) get(key [sha256.Size]byte) (session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.all[key]
	if !ok || !s.alive(found) {
		delete(s.all, key)
		return session{}, false
	}
	return found, true
}

func (s *sessions) close(key [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, key)
}

// alive holds for a session whose time is not up. A clock that was set back
// does not make it longer.
func (s *sessions) alive(one session) bool {
	age := s.now().Sub(one.created)
	return age >= 0 && age < sessionLife
}

func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// secure reports whether the browser reaches us by TLS.
func (c *Console) secure(r *http.Request) bool {
	return r.TLS != nil || strings.HasPrefix(c.options.URL, "https://")
}

// cookie is the session's cookie with a value. Over TLS its name keeps other
// hosts of the domain from setting it.
func (c *Console) cookie(r *http.Request, value string, age time.Duration) *http.Cookie {
	k := &http.Cookie{
		Name: "chaperone", Value: value, Path: "/console", MaxAge: int(age.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.secure(r),
	}
	if k.Secure {
		k.Name, k.Path = "__Host-chaperone", "/"
	}
	if value == "" {
		k.MaxAge = -1
	}
	return k
}

// sessionOf is the session of a request's cookie. Of two cookies nobody can say
// which one counts.
func (c *Console) sessionOf(r *http.Request) (session, bool) {
	values := r.CookiesNamed(c.cookie(r, "", 0).Name)
	if len(values) != 1 {
		return session{}, false
	}
	return c.sessions.find(values[0].Value)
}
