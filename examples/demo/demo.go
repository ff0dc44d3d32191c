// Package demo holds the sample shop and the policy of `chaperone demo`.
package demo

import "embed"

// Shop is the SQL that makes the sample shop. It grants what calls need to the
// role agent, which must exist.
//
//go:embed shop.sql
var Shop string

// Policy is the folder policy: what the demo is governed by.
//
//go:embed policy
var Policy embed.FS

// Cluster are the manifests that make the sample shop in a Kubernetes cluster.
//
//go:embed cluster/shop.yaml
var Cluster string

// ClusterPolicy is what the policy says besides where there is a cluster.
//
//go:embed cluster/cluster.rego
var ClusterPolicy []byte
