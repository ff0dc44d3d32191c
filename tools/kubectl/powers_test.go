package kubectl

import (
	"strings"
	"testing"
)

// TestPowers: what gives a container more than it should have, or its node, is in
// the facts, whatever the kind of object is.
func TestPowers(t *testing.T) {
	s := newStage(t)
	pod := func(spec, container string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {" + spec + " containers: [{name: c, image: i" + container + "}]}\n"
	}
	of := func(container string) string { return pod("", ", "+container) }
	volume := func(source string) string {
		return "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], " + source +
			", nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}\n"
	}
	windows := "windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\SYSTEM'}"
	type want struct {
		powers           string
		privileged, path bool
	}
	for manifest, want := range map[string]want{
		of("securityContext: {privileged: true}"):                                                 {"privileged", true, false},
		of("securityContext: {allowPrivilegeEscalation: true}"):                                   {"escalation", true, false},
		of("securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}"):     {"", false, false},
		of("securityContext: {capabilities: {add: [SYS_ADMIN, ALL, CAP_NET_ADMIN]}}"):             {"capability:ALL capability:NET_ADMIN capability:SYS_ADMIN", true, false},
		of("securityContext: {seccompProfile: {type: Unconfined}}"):                               {"seccomp", true, false},
		of("securityContext: {seccompProfile: {type: RuntimeDefault}}"):                           {"", false, false},
		of("securityContext: {appArmorProfile: {type: Unconfined}}"):                              {"apparmor", true, false},
		of("securityContext: {seLinuxOptions: {type: spc_t}}"):                                    {"selinux", true, false},
		of("securityContext: {seLinuxOptions: {type: container_t, level: 's0:c1,c2'}}"):           {"", false, false},
		of("ports: [{containerPort: 80, hostPort: 80}]"):                                          {"host_port", false, false},
		of("livenessProbe: {httpGet: {port: 80, host: 10.0.0.1}}"):                                {"probe_host", false, false},
		of("livenessProbe: {httpGet: {port: 80}}"):                                                {"", false, false},
		pod("hostNetwork: true, hostPID: true, hostIPC: true,", ""):                               {"host_ipc host_network host_pid", true, false},
		pod("hostUsers: false, securityContext: {},", ", securityContext: {procMount: Unmasked}"): {"proc_mount", true, false},
		pod("securityContext: {sysctls: [{name: net.ipv4.tcp_syncookies, value: '1'}]},", ""):     {"", false, false},
		pod("securityContext: {sysctls: [{name: kernel.msgmax, value: '1'}]},", ""):               {"sysctl:kernel.msgmax", true, false},
		pod("securityContext: {seccompProfile: {type: Unconfined}},", ""):                         {"seccomp", true, false},
		pod("os: {name: windows}, hostNetwork: true, securityContext: {"+windows+"},", ""):        {"host_network host_process", true, false},
		pod("os: {name: windows}, hostNetwork: true,", ", securityContext: {"+windows+"}"):        {"host_network host_process", true, false},
		pod("volumes: [{name: h, hostPath: {path: /}}],", ""):                                     {"host_path", false, true},
		pod("volumes: [{name: h, emptyDir: {}}],", ""):                                            {"", false, false},
		volume("hostPath: {path: /}"):                                                             {"host_path", false, true},
		volume("local: {path: /mnt}"):                                                             {"local_volume", false, true},
		volume("nfs: {server: a, path: /}"):                                                       {"", false, false},
		strings.Replace(of("securityContext: {privileged: true}"), "{name: p}", "{name: p, annotations: {container.apparmor.security.beta.kubernetes.io/c: unconfined}}", 1):                                           {"apparmor privileged", true, false},
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: j}\nspec: {schedule: '1 * * * *', jobTemplate: {spec: {template: {spec: {hostPID: true, restartPolicy: Never, containers: [{name: c, image: i}]}}}}}\n": {"host_pid", true, false},
	} {
		f, _ := s.describe("create -f -", manifest).Action().Facts.(*Facts)
		o := f.Objects[0]
		if got := strings.Join(o.Powers, " "); got != want.powers || o.Privileged != want.privileged || o.HostPath != want.path {
			t.Errorf("%+v: %q, privileged %v, host_path %v, of\n%s", want, got, o.Privileged, o.HostPath, manifest)
		}
	}
}
