package kubectl

// manifest is what came on stdin, under a name: kubectl reads that of the process
// otherwise.
type manifest struct {
	name   string
	remove func()
}

func (c command) manifest() (manifest, error) {
	if !c.has("filename") {
		return manifest{remove: func() {}}, nil
	}
	return newManifest(c.stdin)
}
