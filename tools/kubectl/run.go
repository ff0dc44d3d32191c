package kubectl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	"k8s.io/kubectl/pkg/cmd/exec"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"

	"github.com/chaperone-dev/chaperone/tools"
)

// command is what a caller asked for, as kubectl understood it.
type command struct {
	verb
	name  string
	stdin string
	// words are the command line as it was given.
	words []string
	flags []Flag
	// operands are its words without flags; argv are those after "--".
	operands, argv []string
	namespace      string
	everywhere     bool
}

// parse reads a command line by kubectl's own flags. Nothing is sent.
func parse(args []string, stdin, namespace string) (command, error) {
	cmd, c, err := prepare(args, cmdutil.NewFactory(nowhere{}), genericiooptions.NewTestIOStreamsDiscard(), nil)
	if err != nil {
		return command{}, err
	}
	c.stdin, c.namespace = stdin, namespace
	if f := cmd.Flags().Lookup("namespace"); f != nil && f.Changed {
		c.namespace = f.Value.String()
	}
	if f := cmd.Flags().Lookup("all-namespaces"); f != nil {
		c.everywhere = f.Value.String() == "true"
	}
	return c, c.check(cmd)
}

// prepare finds the command that a command line names and reads its flags.
func prepare(args []string, f cmdutil.Factory, s genericiooptions.IOStreams, e exec.RemoteExecutor) (*cobra.Command, command, error) {
	word := firstWord(args)
	if strings.HasPrefix(word, "-") {
		return nil, command{}, refused("flag", fmt.Sprintf("%s stands in front of the command", word), "put flags behind the command")
	}
	kubectl := root(word, f, s, e)
	kubectl.SetOut(s.Out)
	kubectl.SetErr(s.ErrOut)
	cmd, rest, err := kubectl.Find(args)
	if err != nil || cmd == kubectl {
		return nil, command{}, unknownCommand(args)
	}
	name := strings.TrimPrefix(cmd.CommandPath(), "kubectl ")
	v, ok := find(name)
	if !ok {
		return nil, command{}, unknownCommand(args)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return nil, command{}, unknownFlag(name, v, err)
	}
	c := command{verb: v, name: name, words: args, operands: cmd.Flags().Args()}
	if at := cmd.ArgsLenAtDash(); at >= 0 && commanding[name] {
		c.operands, c.argv = c.operands[:at], c.operands[at:]
	}
	cmd.Flags().Visit(func(f *pflag.Flag) { c.flags = append(c.flags, Flag{f.Name, f.Value.String()}) })
	return cmd, c, nil
}

// commanding are commands that take another one behind "--". For the rest, what
// stands there is an operand like any other.
var commanding = map[string]bool{"exec": true, "run": true, "create deployment": true, "create job": true, "create cronjob": true}

// exit is how kubectl ends a command that failed, instead of the process.
type exit struct {
	message string
	code    int
}

// catch makes kubectl's way to end the process one that can be caught. It is a
// setting of the whole process.
var catch = sync.OnceFunc(func() {
	cmdutil.BehaviorOnFatal(func(message string, code int) { leave(exit{message, code}) })
	// kubectl logs its way out where a list can't be sorted.
	klog.OsExit = func(code int) { leave(exit{"error: kubectl gave up\n", code}) }
	// What it logs besides would go to our standard error, and nobody knows of which
	// call it tells.
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
})

// leave ends a command in the midst of kubectl's code, which knows no other way.
func leave(how exit) {
	panic(how) //nolint:forbidigo // invoke catches it
}

// ended is how a command of kubectl ended.
type ended struct {
	code int
	err  error
}

// execute runs a command on a wire until it ends, or ctx does. It writes what
// kubectl writes; it reads no file but the one that holds stdin.
func (c command) execute(ctx context.Context, w *wire, out *output, more map[string]string) ended {
	catch()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.ctx, w.interrupting = ctx, interrupting[c.name]
	done := make(chan ended, 1)
	go func() { done <- c.invoke(w, out, more) }()
	e := out.follow(ctx, done)
	if c.follows() && e.err == nil && ctx.Err() != nil {
		// What goes on until it is ended may notice the end before we do.
		return ended{code: 1, err: context.Cause(ctx)}
	}
	return e
}

func (c command) invoke(w *wire, out *output, more map[string]string) (e ended) {
	defer func() {
		switch cause := recover().(type) {
		case nil:
		case exit:
			e.code = cause.code
			_, _ = io.WriteString(out.errors(), cause.text())
		default:
			e = ended{code: 1, err: &brokenCommand{cause: cause, stack: debug.Stack()}}
		}
	}()
	file, err := c.manifest()
	if err != nil {
		return ended{code: 1, err: err}
	}
	defer file.remove()
	out.hideName(file.name)
	streams := genericiooptions.IOStreams{In: strings.NewReader(c.stdin), Out: out.normal(), ErrOut: out.errors()}
	cmd, _, err := prepare(c.words, w.factory(c, out.errors()), streams, remote{w})
	if err != nil {
		return ended{code: 1, err: err}
	}
	cmd.SetContext(w.ctx)
	if err := c.adjust(cmd, file.name, more); err != nil {
		return ended{code: 1, err: err}
	}
	return start(cmd, out.errors())
}

// start runs the command as cobra would.
func start(cmd *cobra.Command, stderr io.Writer) ended {
	args := cmd.Flags().Args()
	err := errors.Join(cmd.ValidateArgs(args), cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups())
	switch {
	case err != nil:
	case cmd.RunE != nil:
		err = cmd.RunE(cmd, args)
	case cmd.Run != nil:
		cmd.Run(cmd, args)
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "error: %v\n", err)
		return ended{code: 1}
	}
	return ended{}
}

// text is what kubectl would print.
func (e exit) text() string {
	if e.message == "" || strings.HasSuffix(e.message, "\n") {
		return e.message
	}
	return e.message + "\n"
}

// brokenCommand is a panic inside kubectl.
type brokenCommand struct {
	cause any
	stack []byte
}

func (b *brokenCommand) Error() string {
	return fmt.Sprintf("kubectl panicked: %v\n%s", b.cause, b.stack)
}

// adjust sets the flags that are ours to set.
func (c command) adjust(cmd *cobra.Command, manifest string, more map[string]string) error {
	for _, set := range []map[string]string{c.fixed, more} {
		for name, value := range set {
			if err := cmd.Flags().Set(name, value); err != nil {
				return err
			}
		}
	}
	if err := c.adjustTemplates(cmd); err != nil {
		return err
	}
	if f := cmd.Flags().Lookup("filename"); f != nil && f.Changed {
		list, ok := f.Value.(pflag.SliceValue)
		if !ok {
			return fmt.Errorf("kubectl %s: --filename is no list", c.name)
		}
		return list.Replace([]string{manifest})
	}
	return nil
}

// adjustTemplates makes templates such that they can be ended.
func (c command) adjustTemplates(cmd *cobra.Command) error {
	format, _ := c.flag("output")
	for _, p := range templatePrefixes {
		if text, ok := strings.CutPrefix(format, p); ok {
			return setTemplate(cmd, "output", p, text)
		}
	}
	if text, ok := c.flag("template"); ok && !strings.HasPrefix(format, "jsonpath") {
		return setTemplate(cmd, "template", "", text)
	}
	return nil
}

func setTemplate(cmd *cobra.Command, flag, prefix, text string) error {
	again, err := interruptible(text)
	if err != nil {
		return err
	}
	return cmd.Flags().Set(flag, prefix+again)
}

// prints reports whether a change prints more of an object than its name.
func (c command) prints() bool {
	format, _ := c.flag("output")
	return format != "" && format != "name" || c.has("template")
}

func (c command) has(flag string) bool { _, ok := c.flag(flag); return ok }

// flag is the value of a flag that was given.
func (c command) flag(name string) (value string, ok bool) {
	for _, f := range c.flags {
		if f.Name == name {
			return f.Value, true
		}
	}
	return "", false
}

func refused(rule, reason, hint string) *tools.Refusal {
	return &tools.Refusal{Rule: rule, Reason: reason, Hint: hint}
}
