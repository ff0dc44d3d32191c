package kubectl

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/kubectl/pkg/cmd/annotate"
	"k8s.io/kubectl/pkg/cmd/apiresources"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/autoscale"
	"k8s.io/kubectl/pkg/cmd/clusterinfo"
	"k8s.io/kubectl/pkg/cmd/create"
	"k8s.io/kubectl/pkg/cmd/delete"
	"k8s.io/kubectl/pkg/cmd/describe"
	"k8s.io/kubectl/pkg/cmd/drain"
	"k8s.io/kubectl/pkg/cmd/exec"
	"k8s.io/kubectl/pkg/cmd/expose"
	"k8s.io/kubectl/pkg/cmd/label"
	"k8s.io/kubectl/pkg/cmd/patch"
	"k8s.io/kubectl/pkg/cmd/replace"
	"k8s.io/kubectl/pkg/cmd/rollout"
	"k8s.io/kubectl/pkg/cmd/run"
	"k8s.io/kubectl/pkg/cmd/scale"
	"k8s.io/kubectl/pkg/cmd/set"
	"k8s.io/kubectl/pkg/cmd/taint"
	"k8s.io/kubectl/pkg/cmd/top"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/cmd/version"
	"k8s.io/kubectl/pkg/cmd/wait"

	"github.com/chaperone-dev/chaperone/tools"
)

// verb is a command of kubectl that may be run.
type verb struct {
	// effect is Read where the command is one of kubectl_read's.
	effect tools.Effect
	// flags are the ones it may have, by their long names.
	flags []string
	// fixed are flags that it always has.
	fixed map[string]string
	// rehearsal are flags that it has when it is rehearsed.
	rehearsal map[string]string
}

// allows reports whether the command may have a flag.
func (v verb) allows(flag string) bool { return flag == "namespace" || slices.Contains(v.flags, flag) }

func words(lists ...string) []string { return strings.Fields(strings.Join(lists, " ")) }

// Flags that several commands have.
const (
	which   = "selector field-selector all-namespaces "
	format  = "output show-managed-fields allow-missing-template-keys template "
	files   = "filename recursive "
	absent  = "ignore-not-found "
	manager = "field-manager "
)

// reads are the commands of kubectl_read.
var reads = map[string][]string{
	"get": words(which, format, absent, "filename no-headers show-labels label-columns sort-by show-kind "+
		"chunk-size server-print subresource watch watch-only output-watch-events"),
	"describe":        words("selector all-namespaces show-events chunk-size filename"),
	"logs":            words("selector all-containers container previous since since-time tail timestamps follow limit-bytes prefix max-log-requests ignore-errors pod-running-timeout all-pods"),
	"top node":        words("selector sort-by no-headers show-capacity"),
	"top pod":         words(which, "containers sort-by no-headers sum"),
	"events":          words("all-namespaces for types no-headers watch output chunk-size"),
	"diff":            words("filename recursive selector show-managed-fields server-side force-conflicts " + manager),
	"explain":         words("recursive api-version output"),
	"api-resources":   words("api-group namespaced no-headers output verbs sort-by categories"),
	"api-versions":    nil,
	"version":         words("output client"),
	"cluster-info":    nil,
	"rollout status":  words("selector revision timeout watch filename"),
	"rollout history": words("selector revision output filename"),
	"auth can-i":      words("all-namespaces quiet subresource list no-headers"),
	"auth whoami":     words("output"),
	"wait":            words(which, format, "for timeout all filename"),
}

// writes are the commands of kubectl_write.
var writes = map[string][]string{
	"apply":                       words(files, format, "server-side force-conflicts selector validate wait timeout "+manager),
	"create":                      words(files, format, "validate save-config "+manager),
	"create clusterrole":          words(format, "verb resource resource-name non-resource-url aggregation-rule validate "+manager),
	"create clusterrolebinding":   words(format, "clusterrole group serviceaccount user validate "+manager),
	"create configmap":            words(format, "from-literal append-hash validate "+manager),
	"create cronjob":              words(format, "image schedule restart validate "+manager),
	"create deployment":           words(format, "image replicas port validate "+manager),
	"create ingress":              words(format, "rule class default-backend annotation validate "+manager),
	"create job":                  words(format, "image from validate "+manager),
	"create namespace":            words(format, "validate "+manager),
	"create poddisruptionbudget":  words(format, "selector min-available max-unavailable validate "+manager),
	"create priorityclass":        words(format, "value global-default description preemption-policy validate "+manager),
	"create quota":                words(format, "hard scopes validate "+manager),
	"create role":                 words(format, "verb resource resource-name validate "+manager),
	"create rolebinding":          words(format, "clusterrole role group serviceaccount user validate "+manager),
	"create secret generic":       words(format, "from-literal type append-hash validate "+manager),
	"create service clusterip":    words(format, "tcp clusterip validate "+manager),
	"create service nodeport":     words(format, "tcp node-port validate "+manager),
	"create service loadbalancer": words(format, "tcp validate "+manager),
	"create service externalname": words(format, "tcp external-name validate "+manager),
	"create serviceaccount":       words(format, "validate "+manager),
	"delete":                      words(which, absent, files, "all cascade force grace-period now timeout wait output"),
	"patch":                       words(files, format, "patch type subresource "+manager),
	"replace":                     words(files, format, "validate subresource "+manager),
	"scale":                       words(files, format, "selector all current-replicas replicas resource-version timeout"),
	"autoscale":                   words(files, format, "min max cpu-percent cpu memory name "+manager),
	"rollout restart":             words(files, format, "selector "+manager),
	"rollout undo":                words(files, format, "selector to-revision"),
	"rollout pause":               words(files, format, "selector "+manager),
	"rollout resume":              words(files, format, "selector "+manager),
	"set image":                   words(files, format, "all selector "+manager),
	"set env":                     words(files, format, "all selector containers env from keys prefix overwrite list resolve "+manager),
	"set resources":               words(files, format, "all selector containers limits requests "+manager),
	"set selector":                words(files, format, "all resource-version "+manager),
	"set serviceaccount":          words(files, format, "all "+manager),
	"set subject":                 words(files, format, "all selector user group serviceaccount "+manager),
	"label":                       words(which, files, format, "all overwrite list resource-version "+manager),
	"annotate":                    words(which, files, format, "all overwrite list resource-version "+manager),
	"expose":                      words(files, format, "selector port target-port protocol name type cluster-ip external-ip labels session-affinity load-balancer-ip "+manager),
	"run":                         words(format, "image port env labels annotations command restart image-pull-policy expose privileged pod-running-timeout override-type overrides "+manager),
	"exec":                        words("container stdin quiet pod-running-timeout"),
	"cordon":                      words("selector"),
	"uncordon":                    words("selector"),
	"drain":                       words("selector pod-selector force grace-period ignore-daemonsets delete-emptydir-data timeout disable-eviction skip-wait-for-delete-timeout chunk-size"),
	"taint":                       words(format, "selector all overwrite validate "+manager),
}

// fixed are flags that a command always has, whatever was asked for.
var fixed = map[string]map[string]string{
	// kubectl would merge what it read, and it reads what is masked.
	"apply": {"server-side": "true"},
	"diff":  {"server-side": "true"},
}

// rehearsed are flags that a command has besides when it is rehearsed: nothing
// goes away then, so that nobody may wait for it.
var rehearsed = map[string]map[string]string{
	"apply": {"wait": "false"}, "delete": {"wait": "false"}, "drain": {"skip-wait-for-delete-timeout": "1"},
}

// find is the command of a name, such as "rollout restart".
func find(name string) (v verb, ok bool) {
	if flags, ok := reads[name]; ok {
		return verb{effect: tools.Read, flags: flags, fixed: fixed[name]}, true
	}
	flags, ok := writes[name]
	return verb{effect: tools.Write, flags: flags, fixed: fixed[name], rehearsal: rehearsed[name]}, ok
}

// maker makes one command of kubectl.
type maker func(cmdutil.Factory, genericiooptions.IOStreams, exec.RemoteExecutor) *cobra.Command

// plain is a maker of a command that runs nothing in containers.
func plain(with func(cmdutil.Factory, genericiooptions.IOStreams) *cobra.Command) maker {
	return func(f cmdutil.Factory, s genericiooptions.IOStreams, _ exec.RemoteExecutor) *cobra.Command {
		return with(f, s)
	}
}

// named is a maker of a command that tells its own name.
func named(with func(string, cmdutil.Factory, genericiooptions.IOStreams) *cobra.Command) maker {
	return func(f cmdutil.Factory, s genericiooptions.IOStreams, _ exec.RemoteExecutor) *cobra.Command {
		return with("kubectl", f, s)
	}
}

// getter is a maker of a command that wants less than a factory.
func getter(with func(genericclioptions.RESTClientGetter, genericiooptions.IOStreams) *cobra.Command) maker {
	return func(f cmdutil.Factory, s genericiooptions.IOStreams, _ exec.RemoteExecutor) *cobra.Command {
		return with(f, s)
	}
}

// makers are the commands that have something to run, by their first words. What
// is not here does not exist; of what is, find says what may be used.
var makers = map[string]maker{
	"annotate": named(annotate.NewCmdAnnotate), "api-resources": getter(apiresources.NewCmdAPIResources),
	"api-versions": getter(apiresources.NewCmdAPIVersions), "apply": named(apply.NewCmdApply), "auth": plain(newAuth),
	"autoscale": plain(autoscale.NewCmdAutoscale), "cluster-info": getter(clusterinfo.NewCmdClusterInfo), "cordon": plain(drain.NewCmdCordon),
	"create": plain(create.NewCmdCreate), "delete": plain(delete.NewCmdDelete), "diff": plain(newDiff), "describe": named(describe.NewCmdDescribe),
	"drain": plain(drain.NewCmdDrain), "events": getter(newEvents), "exec": newExec, "explain": plain(newExplain),
	"expose": plain(expose.NewCmdExposeService), "get": plain(newGet), "label": plain(label.NewCmdLabel), "logs": plain(newLogs),
	"patch": plain(patch.NewCmdPatch), "replace": plain(replace.NewCmdReplace), "rollout": named(rollout.NewCmdRollout), "run": plain(run.NewCmdRun),
	"scale": plain(scale.NewCmdScale), "set": plain(set.NewCmdSet), "taint": plain(taint.NewCmdTaint), "top": plain(top.NewCmdTop),
	"uncordon": plain(drain.NewCmdUncordon), "version": plain(version.NewCmdVersion), "wait": getter(wait.NewCmdWait),
}

// root is kubectl with one of its commands, or none.
func root(word string, f cmdutil.Factory, s genericiooptions.IOStreams, e exec.RemoteExecutor) *cobra.Command {
	root := &cobra.Command{Use: "kubectl", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().StringP("namespace", "n", "", "")
	root.PersistentFlags().Bool("warnings-as-errors", false, "") // kubectl version looks at it
	if command, ok := makers[word]; ok {
		root.AddCommand(command(f, s, e))
	}
	return root
}

// firstWord is the word of a command line that names the command.
func firstWord(args []string) string {
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-n" || arg == "--namespace":
			i++
		case strings.HasPrefix(arg, "-n") || strings.HasPrefix(arg, "--namespace="):
		default:
			return arg
		}
	}
	return ""
}
