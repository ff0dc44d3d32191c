package kubectl

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	ast "text/template/parse"
)

// maxFormat bounds a template or a path: what it can make grows with it.
const maxFormat = 8 << 10

// makersOfText are functions that make text of values, which can be more than there
// was. What one makes may not go into another: text that doubles again and again
// fills the memory within a line.
var makersOfText = map[string]bool{"print": true, "printf": true, "println": true, "html": true, "js": true, "urlquery": true}

// maxMade is how many values one of them takes.
const maxMade = 10

// readTemplate reads a template and refuses what could go on for ever or fill the
// memory.
func readTemplate(text string) (*ast.Tree, error) {
	refuse := func(why string) error {
		return refused("output", "a template may not "+why+" here", "write it simpler")
	}
	if len(text) > maxFormat {
		return nil, refuse("be that long")
	}
	tree := ast.New("output")
	tree.Mode = ast.SkipFuncCheck
	trees := map[string]*ast.Tree{}
	if _, err := tree.Parse(text, "", "", trees); err != nil {
		return nil, refused("output", "the template can't be read: "+err.Error(), "")
	}
	if len(trees) > 1 {
		return nil, refuse("define templates")
	}
	var why string
	walkTemplate(tree.Root, func(n ast.Node) { why = cmp.Or(why, wrong(n)) })
	if why != "" {
		return nil, refuse(why)
	}
	return tree, nil
}

// wrong says what is wrong with a node of a template.
func wrong(n ast.Node) string {
	switch v := n.(type) {
	case *ast.TemplateNode:
		return "call templates"
	case *ast.RangeNode:
		if makes(v.Pipe, func(a ast.Node) bool { return a.Type() == ast.NodeNumber }) > 0 {
			return "count to a number"
		}
	case *ast.PipeNode:
		made := makes(v, isMaker)
		if made > 1 || made > 0 && len(v.Decl) > 0 {
			return "make text of text that it made"
		}
	case *ast.WithNode:
		if makes(v.Pipe, isMaker) > 0 {
			return "make text of text that it made"
		}
	case *ast.CommandNode:
		if isMaker(v.Args[0]) && (len(v.Args) > maxMade || strings.Contains(v.String(), "%[")) {
			return "make that much of one value"
		}
	}
	return ""
}

func isMaker(n ast.Node) bool {
	name, ok := n.(*ast.IdentifierNode)
	return ok && makersOfText[name.Ident]
}

// makes counts the words within a pipe that are of a kind.
func makes(pipe *ast.PipeNode, is func(ast.Node) bool) (n int) {
	for _, c := range pipe.Cmds {
		for _, a := range c.Args {
			if is(a) {
				n++
			}
			if inner := innerPipe(a); inner != nil {
				n += makes(inner, is)
			}
		}
	}
	return n
}

// innerPipe is a pipe in parentheses, or nil.
func innerPipe(n ast.Node) *ast.PipeNode {
	switch v := n.(type) {
	case *ast.PipeNode:
		return v
	case *ast.ChainNode:
		return innerPipe(v.Node)
	}
	return nil
}

// walkTemplate visits all nodes of a template that do something.
func walkTemplate(n ast.Node, visit func(ast.Node)) {
	visit(n)
	branch := func(b *ast.BranchNode) {
		walkTemplate(b.Pipe, visit)
		walkTemplate(b.List, visit)
		if b.ElseList != nil {
			walkTemplate(b.ElseList, visit)
		}
	}
	switch v := n.(type) {
	case *ast.ListNode:
		for _, inner := range v.Nodes {
			walkTemplate(inner, visit)
		}
	case *ast.ActionNode:
		walkTemplate(v.Pipe, visit)
	case *ast.PipeNode:
		for _, c := range v.Cmds {
			walkTemplate(c, visit)
		}
	case *ast.CommandNode:
		for _, a := range v.Args {
			if inner := innerPipe(a); inner != nil {
				walkTemplate(inner, visit)
			}
		}
	case *ast.IfNode:
		branch(&v.BranchNode)
	case *ast.RangeNode:
		branch(&v.BranchNode)
	case *ast.WithNode:
		branch(&v.BranchNode)
	}
}

// interruptible is a template of which every round of a loop writes, if only
// nothing: writing fails once the command is over, and ends the loop.
func interruptible(text string) (string, error) {
	tree, err := readTemplate(text)
	if err != nil {
		return "", err
	}
	walkTemplate(tree.Root, func(n ast.Node) {
		if r, ok := n.(*ast.RangeNode); ok {
			nothing := &ast.TextNode{NodeType: ast.NodeText, Text: []byte(`{{""}}`)}
			r.List.Nodes = append([]ast.Node{nothing}, r.List.Nodes...)
		}
	})
	return tree.Root.String(), nil
}

// plainText are the pieces of a path that are text to print.
var plainText = regexp.MustCompile(`\{"[^"\\\[\]']*"\}`)

// maxUnions is how many commas a path may have; each can multiply what it finds.
const maxUnions = 8

// checkPath refuses paths that find the same again and again.
func checkPath(text string) error {
	text = plainText.ReplaceAllString(text, "")
	if len(text) > maxFormat || strings.Count(text, "..") > 1 || strings.Count(text, ",") > maxUnions {
		return refused("output", "the path is too complex: it may have one .., and a few commas in brackets", "name the fields one by one, or print all as json")
	}
	return nil
}

// maxColumns bounds custom columns: a line is made of all of them before any is
// written, and each can hold the whole object.
const maxColumns = 50

// checkColumns is checkPath for each of the columns.
func checkColumns(text string) error {
	if len(text) > maxFormat {
		return checkPath(text)
	}
	if strings.Count(text, ",") >= maxColumns {
		return refused("output", fmt.Sprintf("there may be %d columns", maxColumns), "print all as json, or ask in parts")
	}
	for column := range strings.SplitSeq(text, ",") {
		if err := checkPath(column); err != nil {
			return err
		}
	}
	return nil
}
