package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of a cluster. The first run makes them all, and
// later ones take them as they are: its users have copies.
type authority struct {
	dir  string
	cert *x509.Certificate
	key  crypto.Signer
}

// lifetime of every certificate; nobody takes up a cluster later than that.
const lifetime = 10 * 365 * 24 * time.Hour

// signingKey is the name of the key that signs tokens of service accounts.
const signingKey = "service-accounts"

// openAuthority is that of a folder, which is made if need be.
func openAuthority(dir string) (*authority, error) {
	a := &authority{dir: dir}
	err := a.readRoot()
	if !errors.Is(err, fs.ErrNotExist) {
		return a, err
	}
	// Only what is whole gets the name.
	making := &authority{dir: dir + ".new"}
	if err := making.fill(); err != nil {
		return nil, err
	}
	if err := os.Rename(making.dir, dir); err != nil {
		return nil, err
	}
	return a, a.readRoot()
}

// readRoot reads the authority's own certificate. Its key is of no use any more.
func (a *authority) readRoot() error {
	data, err := os.ReadFile(a.crt("ca"))
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return errors.New(a.crt("ca") + " holds no certificate")
	}
	a.cert, err = x509.ParseCertificate(block.Bytes)
	return err
}

// fill makes the folder, the authority's own certificate ("ca"), and those of every
// server and user of the cluster.
func (a *authority) fill() error {
	if err := os.MkdirAll(a.dir, 0o700); err != nil {
		return err
	}
	if err := a.makeRoot(); err != nil {
		return err
	}
	for _, name := range []string{"kube-apiserver", "kubelet"} {
		if err := a.issue(name, serverTemplate(name)); err != nil {
			return err
		}
	}
	for name, group := range map[string]string{"admin": "system:masters", "chaperone": ""} {
		if err := a.issue(name, userTemplate(name, group)); err != nil {
			return err
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return a.writeKey(signingKey, key)
}

// crt and pem are the files of a certificate and of its key.
func (a *authority) crt(name string) string { return filepath.Join(a.dir, name+".crt") }
func (a *authority) pem(name string) string { return filepath.Join(a.dir, name+".key") }

func (a *authority) makeRoot() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	root := template("testcluster")
	root.IsCA, root.BasicConstraintsValid = true, true
	root.KeyUsage |= x509.KeyUsageCertSign
	a.key = key
	der, err := x509.CreateCertificate(rand.Reader, root, root, key.Public(), key)
	if err != nil {
		return err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	return writePEM(a.crt("ca"), "CERTIFICATE", der)
}

// issue writes a new key and the certificate that the authority signs for it.
func (a *authority) issue(name string, cert *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, key.Public(), a.key)
	if err != nil {
		return err
	}
	if err := writePEM(a.crt(name), "CERTIFICATE", der); err != nil {
		return err
	}
	return a.writeKey(name, key)
}

func (a *authority) writeKey(name string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(a.pem(name), "EC PRIVATE KEY", der)
}

func template(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Minute),
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
}

func serverTemplate(name string) *x509.Certificate {
	t := template(name)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	t.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	t.DNSNames = []string{"localhost"}
	return t
}

// userTemplate is of a user as the API server reads it out of a certificate.
func userTemplate(name, group string) *x509.Certificate {
	t := template(name)
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if group != "" {
		t.Subject.Organization = []string{group}
	}
	return t
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
