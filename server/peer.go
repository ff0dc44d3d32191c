package server

import (
	"sync/atomic"

	"github.com/mark3labs/mcp-go/mcp"
)

// stdioPeer is the one client of standard input, as mcp-go knows it. It
// implements mcp-go's ClientSession.
type stdioPeer struct {
	notifications chan mcp.JSONRPCNotification
	initialized   atomic.Bool
}

func newStdioPeer() *stdioPeer {
	return &stdioPeer{notifications: make(chan mcp.JSONRPCNotification, 64)}
}

// SessionID implements ClientSession. Nothing of ours is keyed on it.
func (p *stdioPeer) SessionID() string { return overStdio }

// NotificationChannel implements ClientSession.
func (p *stdioPeer) NotificationChannel() chan<- mcp.JSONRPCNotification { return p.notifications }

// Initialize implements ClientSession.
func (p *stdioPeer) Initialize() { p.initialized.Store(true) }

// Initialized implements ClientSession.
func (p *stdioPeer) Initialized() bool { return p.initialized.Load() }
