package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// logAnnotation of a pod is its log, in place of a made one.
const logAnnotation = "testcluster/log"

// Who follows a log gets a line in each interval, and the log ends after so many:
// a client that never leaves must not keep a test for ever.
const (
	followInterval = 100 * time.Millisecond
	followLines    = 600
)

// line is a line of a log, with the newline at its end.
type line struct {
	at   time.Time
	text string
}

// logs answers with the log of a container, as the query wants it.
func (k kubelet) logs(w http.ResponseWriter, r *http.Request) {
	pod, err := k.client.CoreV1().Pods(r.PathValue("namespace")).Get(r.Context(), r.PathValue("pod"), meta.GetOptions{})
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	container, query := r.PathValue("container"), r.URL.Query()
	if missing := missingLog(pod.Annotations[stateAnnotation], query); missing != "" {
		http.Error(w, fmt.Sprintf(missing, container, pod.Name), http.StatusBadRequest)
		return
	}
	out := bounded(w, query)
	for _, l := range choose(linesOf(pod, container), query) {
		if _, err := io.WriteString(out, l.text); err != nil {
			return
		}
	}
	if query.Get("follow") == "true" {
		follow(http.NewResponseController(w), out, r, container)
	}
}

// missingLog says, in the words of a kubelet, why there is no such log of a
// container (the first %q) of a pod (the second); "" if there is.
func missingLog(state string, query url.Values) string {
	switch {
	case state == "imagepull":
		return "container %q in pod %q is waiting to start: trying and failing to pull image"
	case query.Get("previous") == "true" && state != "crash":
		return "previous terminated container %q in pod %q not found"
	}
	return ""
}

// linesOf are the lines that a container wrote so far, a millisecond apart.
func linesOf(pod *core.Pod, container string) []line {
	text := pod.Annotations[logAnnotation]
	if text == "" {
		text = fmt.Sprintf("%[1]s: reading the configuration\n%[1]s: listening on :8080\n%[1]s: ready\n", container)
	}
	var lines []line
	for text := range strings.Lines(strings.TrimSuffix(text, "\n") + "\n") {
		at := pod.CreationTimestamp.Add(time.Duration(len(lines)) * time.Millisecond)
		lines = append(lines, line{at, text})
	}
	return lines
}

// choose takes the lines that the query asks for, and stamps them if it says so.
func choose(lines []line, query url.Values) []line {
	if since, ok := sinceOf(query); ok {
		for len(lines) > 0 && lines[0].at.Before(since) {
			lines = lines[1:]
		}
	}
	if n, err := strconv.Atoi(query.Get("tailLines")); err == nil && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	if query.Get("timestamps") == "true" {
		for i, l := range lines {
			lines[i].text = l.at.UTC().Format(time.RFC3339Nano) + " " + l.text
		}
	}
	return lines
}

func sinceOf(query url.Values) (time.Time, bool) {
	if n, err := strconv.Atoi(query.Get("sinceSeconds")); err == nil {
		return time.Now().Add(-time.Duration(n) * time.Second), true
	}
	at, err := time.Parse(time.RFC3339, query.Get("sinceTime"))
	return at, err == nil
}

// follow writes lines until the client leaves, the log ends or is cut off.
func follow(control *http.ResponseController, out io.Writer, r *http.Request, container string) {
	tick := time.NewTicker(followInterval)
	defer tick.Stop()
	for i := range followLines {
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case at := <-tick.C:
			l := []line{{at, fmt.Sprintf("%s: request %d served\n", container, i+1)}}
			if _, err := io.WriteString(out, choose(l, url.Values{"timestamps": r.URL.Query()["timestamps"]})[0].text); err != nil {
				return
			}
		}
	}
}
