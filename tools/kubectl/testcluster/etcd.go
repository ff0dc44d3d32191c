package main

import (
	"context"
	"net/url"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/embed"
)

// startEtcd starts the store in a folder and returns the URL that it is reached
// at: a unix socket, for a port would be a way around the API server.
func startEtcd(ctx context.Context, dir string) (string, error) {
	clients, peers := socket(dir, "etcd.sock"), socket(dir, "etcd-peers.sock")
	config := embed.NewConfig()
	config.Dir = filepath.Join(dir, "etcd")
	config.LogLevel = "fatal"
	// Nobody misses these data when the machine loses its power; a process that is
	// killed loses none.
	config.UnsafeNoFsync = true
	config.ListenClientUrls, config.AdvertiseClientUrls = clients, clients
	config.ListenPeerUrls, config.AdvertisePeerUrls = peers, peers
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return clients[0].String(), nil
	case err := <-etcd.Err():
		return "", err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// socket names a unix socket, and removes what an earlier run left of it.
func socket(dir, name string) []url.URL {
	path := filepath.Join(dir, name)
	_ = os.Remove(path)
	return []url.URL{{Scheme: "unix", Path: path}}
}
