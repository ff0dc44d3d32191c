//go:build !linux

package app

// unmapProgram does nothing: here the system does not count such pages as ours.
func unmapProgram() {}
