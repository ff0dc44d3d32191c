package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	mcpserver "github.com/mark3labs/mcp-go/server"
)

// maxEvents and maxEventBytes bound the messages of a session that can be
// fetched again by a client whose stream broke.
const (
	maxEvents     = 128
	maxEventBytes = 1 << 20
)

// eventStore keeps the last messages of each session, so that a notification
// that meets a broken stream is not lost. mcp-go's own keeps all of them for
// as long as the session lives.
type eventStore struct {
	mu       sync.Mutex
	last     int64
	sessions map[string][]event
}

type event struct {
	id      int64
	stream  string
	message json.RawMessage
}

func newEventStore() *eventStore { return &eventStore{sessions: map[string][]event{}} }

// StoreEvent implements mcp-go's EventStore.
func (s *eventStore) StoreEvent(_ context.Context, session, stream string, message json.RawMessage) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	events := slices.Concat(s.sessions[session], []event{{s.last, stream, bytes.Clone(message)}})
	s.sessions[session] = slices.Clone(events[tooOld(events):])
	return strconv.FormatInt(s.last, 10), nil
}

// tooOld is how many events, from the first, there is no room for.
func tooOld(events []event) int {
	size := 0
	for i := len(events) - 1; i >= 0; i-- {
		size += len(events[i].message)
		if size > maxEventBytes || len(events)-i > maxEvents {
			return i + 1
		}
	}
	return 0
}

// ReplayEventsAfter implements mcp-go's EventStore. An id that is no longer
// kept is one that is not known.
func (s *eventStore) ReplayEventsAfter(_ context.Context, session, after string, send func(id string, message json.RawMessage) error) (string, error) {
	events, stream, err := s.after(session, after)
	if err != nil {
		return "", err
	}
	for _, e := range events {
		if err := send(strconv.FormatInt(e.id, 10), e.message); err != nil {
			return "", err
		}
	}
	return stream, nil
}

func (s *eventStore) after(session, after string) (events []event, stream string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range s.sessions[session] {
		if strconv.FormatInt(e.id, 10) != after {
			continue
		}
		for _, later := range s.sessions[session][i+1:] {
			if later.stream == e.stream {
				events = append(events, later)
			}
		}
		return events, e.stream, nil
	}
	return nil, "", fmt.Errorf("%w: %s", mcpserver.ErrUnknownEventID, after)
}

// PurgeSession implements mcp-go's EventStore.
func (s *eventStore) PurgeSession(_ context.Context, session string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session)
	return nil
}
