package main

import (
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// addressOf is where the API server of a folder listens: at a port that was free
// when it was first asked for.
func addressOf(dir string) (*net.TCPAddr, error) {
	file := filepath.Join(dir, "port")
	text, _ := os.ReadFile(file)
	if port, err := strconv.Atoi(string(text)); err == nil {
		return loopback(port), nil
	}
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	return address, os.WriteFile(file, []byte(strconv.Itoa(address.Port)), 0o600)
}

// firstPort and ports are a range below the one that systems give ports from, so
// that nobody is given one of a cluster that is about to start again.
const (
	firstPort = 20000
	ports     = 10000
)

func freeAddress() (*net.TCPAddr, error) {
	for range 100 {
		address := loopback(firstPort + rand.IntN(ports))
		if listener, err := net.ListenTCP("tcp", address); err == nil {
			return address, listener.Close()
		}
	}
	return nil, errors.New("no port is free")
}

func loopback(port int) *net.TCPAddr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port} }
