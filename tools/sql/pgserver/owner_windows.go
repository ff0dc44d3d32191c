package pgserver

import "os/exec"

// owner is of no use on Windows, where pg_ctl drops privileges by itself.
type owner struct{}

func ownerOf() (*owner, error)   { return nil, nil }
func (*owner) give(string) error { return nil }
func (*owner) become(*exec.Cmd)  {}
