package cursor

import (
	"path"
	"slices"
	"strings"
)

// starters are words that run what comes behind them. Quoted text that begins
// with one is a command, too.
var starters = []string{"sudo", "env", "exec", "command", "time", "nohup", "nice", "xargs", "eval", "timeout", "watch", "then", "do", "else", "!"}

// simpleCommands takes a command line apart into the words of its simple
// commands. It is no shell: outside of quotes every word counts, wherever it
// stands, because programs run other programs (docker exec db psql). Quoted text
// is a command of its own only if it could be one for a shell (sh -c 'psql');
// of a message that merely speaks of psql only its first word counts.
func simpleCommands(line string) [][]string {
	line = strings.NewReplacer("\\\r\n", "", "\\\n", "").Replace(line)
	bare, quoted := unquote(line)
	var all [][]string
	// A name and what is assigned to it are both words.
	for _, segment := range segments(strings.ReplaceAll(bare, "=", " ")) {
		all = append(all, strings.Fields(segment))
	}
	for len(quoted) > 0 {
		bare, inner := unquote(quoted[0])
		for _, segment := range segments(bare) {
			all = append(all, atCommand(strings.Fields(segment)))
		}
		quoted = append(quoted[1:], inner...)
	}
	return all
}

// segments splits at what ends or begins a command.
func segments(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(";&|()<>`{}$\n\r", r) })
}

// atCommand leaves the words from a command's name on: behind assignments, and
// behind programs that run others, from where every word counts.
func atCommand(words []string) []string {
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	if len(words) == 0 || slices.Contains(starters, words[0]) {
		return words
	}
	if _, known := reaching[baseName(words[0])]; known {
		return words
	}
	return nil
}

// unquote separates what stands in quotes from the rest. In the rest a quoted
// word that is one word stays, because quotes do not change what it is.
func unquote(line string) (bare string, quoted []string) {
	var rest strings.Builder
	for {
		i := strings.IndexAny(line, `"'`)
		if i < 0 {
			rest.WriteString(line)
			return rest.String(), quoted
		}
		rest.WriteString(line[:i])
		inside, after, closed := cutQuote(line[i+1:], line[i])
		if !strings.ContainsAny(inside, " \t\r\n") || !closed {
			rest.WriteString(inside)
		} else {
			rest.WriteString(" ")
			quoted = append(quoted, inside)
		}
		line = after
	}
}

// cutQuote cuts at the closing quote.
func cutQuote(text string, quote byte) (inside, after string, closed bool) {
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote:
			return text[:i], text[i+1:], true
		}
	}
	return text, "", false
}

// baseName is what a program is called, without its folder and ".exe".
func baseName(word string) string {
	name := path.Base(strings.ReplaceAll(word, `\`, "/"))
	return strings.TrimSuffix(strings.ToLower(name), ".exe")
}
