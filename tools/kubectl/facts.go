package kubectl

import (
	"crypto/sha256"
	"encoding/hex"
)

// Facts are what policy and approvers see of a command.
type Facts struct {
	// Command is the command's name, such as "rollout restart".
	Command string `json:"command" jsonschema:"the command of kubectl, such as get or rollout restart"`
	// Operands are its words that are no flags; Argv is what exec would run.
	Operands []string `json:"operands"`
	Argv     []string `json:"argv" jsonschema:"the words after --"`
	Flags    []Flag   `json:"flags" jsonschema:"the flags that were given, by their long names"`
	// Stdin is what exec hands to the command in the container; manifests show in
	// Objects instead.
	Stdin Stdin `json:"stdin"`
	// Namespace is the one that the command works in.
	Namespace string `json:"namespace"`
	// AllNamespaces says that the command asks for all namespaces at once.
	AllNamespaces bool `json:"all_namespaces"`
	// Requests are those that the command makes: of a read the ones it begins
	// with, of a change all that its rehearsal made.
	Requests []Request `json:"requests"`
	// Objects are what a change leaves, or takes away.
	Objects []Object `json:"objects"`
}

// Family implements tools.Facts.
func (*Facts) Family() string { return "kubectl" }

// Stdin tells a text without saying it.
type Stdin struct {
	Bytes  int    `json:"bytes" jsonschema:"how long what exec hands to its command is"`
	SHA256 string `json:"sha256" jsonschema:"its digest in hexadecimal; empty where there is none"`
}

// stdinFacts describes what is handed to a command in a container.
func stdinFacts(text string) Stdin {
	if text == "" {
		return Stdin{}
	}
	sum := sha256.Sum256([]byte(text))
	return Stdin{len(text), hex.EncodeToString(sum[:])}
}

// Flag is a flag that was given.
type Flag struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Object is one object that a change touches, as it would be afterwards, or as
// it is where it goes away.
type Object struct {
	Verb      string `json:"verb" jsonschema:"that of the request"`
	Group     string `json:"group"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Owner is the controller that made the object, as Kind/name.
	Owner  string            `json:"owner"`
	Labels map[string]string `json:"labels"`
	// Replicas is -1 where there are none to speak of.
	Replicas int64    `json:"replicas"`
	Images   []string `json:"images"`
	// Powers are what containers get that they should not have, or of their node; one
	// that has a name of its own goes on with it, such as capability:SYS_ADMIN.
	Powers []string `json:"powers" jsonschema:"what containers get beyond what they should: privileged, escalation, host_network, host_pid, host_ipc, host_process, host_path, local_volume, host_port, probe_host, proc_mount, seccomp, apparmor, selinux, capability:NAME, sysctl:NAME"`
	// Privileged and HostPath say in short what is among the powers.
	Privileged bool `json:"privileged" jsonschema:"any of the powers but host_path, local_volume, host_port and probe_host"`
	HostPath   bool `json:"host_path" jsonschema:"a volume is a folder or a disk of the node: host_path or local_volume"`
	// Changed are the paths of what differs from before. Whether a masked field does
	// is told to nobody: it counts as changed when it is written.
	Changed []string `json:"changed" jsonschema:"paths of the fields that change, such as spec.replicas; a masked field that is written counts"`
}
