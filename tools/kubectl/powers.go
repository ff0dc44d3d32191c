package kubectl

import (
	"slices"
	"strings"
)

// Powers that are no privilege by themselves: what they give is told otherwise, or
// is of the network only.
const (
	hostPath  = "host_path"
	hostLocal = "local_volume"
	hostPort  = "host_port"
	probeHost = "probe_host"
)

// switches are the fields that give a power when they are true.
var switches = map[string]string{
	"privileged": "privileged", "hostNetwork": "host_network", "hostPID": "host_pid", "hostIPC": "host_ipc",
	"hostProcess": "host_process", "allowPrivilegeEscalation": "escalation",
}

// profiles are the fields that take a protection away when they are of the type
// Unconfined.
var profiles = map[string]string{"seccompProfile": "seccomp", "appArmorProfile": "apparmor"}

// appArmorNote begins the annotations that did the same before there was a field.
const appArmorNote = "container.apparmor.security.beta.kubernetes.io/"

// selinuxTypes and safeSysctls may be asked for by any pod.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline
var (
	selinuxTypes = []string{"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
	safeSysctls  = strings.Fields("kernel.shm_rmid_forced net.ipv4.ip_local_port_range net.ipv4.ip_unprivileged_port_start net.ipv4.tcp_syncookies " +
		"net.ipv4.ping_group_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_keepalive_time net.ipv4.tcp_fin_timeout " +
		"net.ipv4.tcp_keepalive_intvl net.ipv4.tcp_keepalive_probes")
)

// powersIn are what a part of an object gives to containers, wherever it stands.
// What the objects inside of it give is not among it.
func powersIn(v map[string]any) []string {
	var out []string
	add := func(power string, is bool) {
		if is {
			out = append(out, power)
		}
	}
	for name, value := range v {
		add(switches[name], switches[name] != "" && value == true)
		inner, _ := value.(map[string]any)
		add(profiles[name], profiles[name] != "" && inner["type"] == "Unconfined")
		add("apparmor", strings.HasPrefix(name, appArmorNote) && value == "unconfined")
	}
	add("proc_mount", v["procMount"] == "Unmasked")
	add(hostPath, v["hostPath"] != nil)
	add(hostLocal, field(v, "local", "path") != "")
	port, isPort := number(v["hostPort"])
	add(hostPort, isPort && port != 0)
	add(probeHost, field(v, "httpGet", "host") != "" || field(v, "tcpSocket", "host") != "")
	add("selinux", field(v, "seLinuxOptions", "user") != "" || field(v, "seLinuxOptions", "role") != "" ||
		!slices.Contains(selinuxTypes, field(v, "seLinuxOptions", "type")))
	return append(out, listedIn(v)...)
}

// listedIn are the powers that a part of an object lists by name.
func listedIn(v map[string]any) (out []string) {
	capabilities, _ := v["capabilities"].(map[string]any)
	added, _ := capabilities["add"].([]any)
	for _, one := range added {
		name, _ := one.(string)
		out = append(out, "capability:"+strings.TrimPrefix(strings.ToUpper(name), "CAP_"))
	}
	sysctls, _ := v["sysctls"].([]any)
	for _, one := range sysctls {
		set, _ := one.(map[string]any)
		if name := field(set, "name"); !slices.Contains(safeSysctls, strings.ReplaceAll(name, "/", ".")) {
			out = append(out, "sysctl:"+name)
		}
	}
	return out
}

// note adds powers to those of an object.
func (o *Object) note(powers []string) {
	for _, power := range powers {
		switch power {
		case hostPath, hostLocal:
			o.HostPath = true
		case hostPort, probeHost:
		default:
			o.Privileged = true
		}
		if !slices.Contains(o.Powers, power) {
			o.Powers = append(o.Powers, power)
		}
	}
}
