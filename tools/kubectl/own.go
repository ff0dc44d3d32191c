package kubectl

import (
	openapi "github.com/google/gnostic-models/openapiv2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	openapi3 "k8s.io/client-go/openapi"
)

// ownDiscovery is what the server has to offer, which all calls of a connection
// share, for one of them: what keeps it from being found out is that call's trouble.
type ownDiscovery struct {
	discovery.CachedDiscoveryInterface
	wire *wire
}

func (d ownDiscovery) ServerGroups() (*metav1.APIGroupList, error) {
	v, err := d.CachedDiscoveryInterface.ServerGroups()
	return v, d.wire.hears(err)
}

func (d ownDiscovery) ServerResourcesForGroupVersion(of string) (*metav1.APIResourceList, error) {
	v, err := d.CachedDiscoveryInterface.ServerResourcesForGroupVersion(of)
	return v, d.wire.hears(err)
}

func (d ownDiscovery) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	g, v, err := d.CachedDiscoveryInterface.ServerGroupsAndResources()
	return g, v, d.wire.hears(err)
}

func (d ownDiscovery) ServerPreferredResources() ([]*metav1.APIResourceList, error) {
	v, err := d.CachedDiscoveryInterface.ServerPreferredResources()
	return v, d.wire.hears(err)
}

func (d ownDiscovery) ServerPreferredNamespacedResources() ([]*metav1.APIResourceList, error) {
	v, err := d.CachedDiscoveryInterface.ServerPreferredNamespacedResources()
	return v, d.wire.hears(err)
}

func (d ownDiscovery) ServerVersion() (*version.Info, error) {
	v, err := d.CachedDiscoveryInterface.ServerVersion()
	return v, d.wire.hears(err)
}

func (d ownDiscovery) OpenAPISchema() (*openapi.Document, error) {
	v, err := d.CachedDiscoveryInterface.OpenAPISchema()
	return v, d.wire.hears(err)
}

func (d ownDiscovery) OpenAPIV3() openapi3.Client {
	return ownSchemas{d.CachedDiscoveryInterface.OpenAPIV3(), d.wire}
}

// ownSchemas is the same for the schemas of what the server has.
type ownSchemas struct {
	openapi3.Client
	wire *wire
}

func (s ownSchemas) Paths() (map[string]openapi3.GroupVersion, error) {
	paths, err := s.Client.Paths()
	out := make(map[string]openapi3.GroupVersion, len(paths))
	for path, v := range paths {
		out[path] = ownSchema{v, s.wire}
	}
	return out, s.wire.hears(err)
}

type ownSchema struct {
	openapi3.GroupVersion
	wire *wire
}

func (s ownSchema) Schema(contentType string) ([]byte, error) {
	v, err := s.GroupVersion.Schema(contentType)
	return v, s.wire.hears(err)
}

// ownMapper is the same for the names of what the server has.
type ownMapper struct {
	meta.RESTMapper
	wire *wire
}

func (m ownMapper) KindFor(of schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	v, err := m.RESTMapper.KindFor(of)
	return v, m.wire.hears(err)
}

func (m ownMapper) KindsFor(of schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	v, err := m.RESTMapper.KindsFor(of)
	return v, m.wire.hears(err)
}

func (m ownMapper) ResourceFor(of schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	v, err := m.RESTMapper.ResourceFor(of)
	return v, m.wire.hears(err)
}

func (m ownMapper) ResourcesFor(of schema.GroupVersionResource) ([]schema.GroupVersionResource, error) {
	v, err := m.RESTMapper.ResourcesFor(of)
	return v, m.wire.hears(err)
}

func (m ownMapper) RESTMapping(of schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	v, err := m.RESTMapper.RESTMapping(of, versions...)
	return v, m.wire.hears(err)
}

func (m ownMapper) RESTMappings(of schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error) {
	v, err := m.RESTMapper.RESTMappings(of, versions...)
	return v, m.wire.hears(err)
}
