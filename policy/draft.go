package policy

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

// draft is a policy that is being checked.
type draft struct {
	sources  []source
	schemas  *ast.SchemaSet
	builtins *ast.Capabilities
	input    *field
	modules  map[string]*ast.Module // live ones as parsed, by path
	data     map[string]any
	compiler *ast.Compiler
	// renamed leads from a variable of an expanded rule to the one it copies.
	renamed  map[ast.Var]ast.Var
	problems []Problem
}

func newDraft(o Options, sources []source) (*draft, error) {
	schema, err := inputSchema(o.Families)
	if err != nil {
		return nil, err
	}
	input, err := newField("input", schema)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return nil, fmt.Errorf("schema of the policy input: %w", err)
	}
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("schema of the policy input: %w", err)
	}
	schemas := ast.NewSchemaSet()
	schemas.Put(ast.SchemaRootRef, root)
	return &draft{sources: sources, schemas: schemas, builtins: capabilities(), input: input,
		modules: map[string]*ast.Module{}, renamed: map[ast.Var]ast.Var{}}, nil
}

// check runs every check whose ground the ones before it have laid.
func (d *draft) check() {
	d.parse()
	data, problems := readData(d.sources)
	d.data, d.problems = data, append(d.problems, problems...)
	d.checkShapes()
	if d.failed() {
		return
	}
	d.compiler = d.compile(d.modules)
	d.report(d.compiler.Errors)
	if d.failed() {
		return
	}
	d.checkUse()
	d.checkData()
	d.checkFields()
}

func (d *draft) failed() bool { return len(only(d.problems, Error)) > 0 }

func (d *draft) parse() {
	for _, s := range d.sources {
		if s.rego() && s.live() {
			module, errs := d.parseModule(s)
			d.report(errs)
			if module != nil {
				d.modules[s.path] = module
			}
		}
	}
}

func (d *draft) parseModule(s source) (*ast.Module, ast.Errors) {
	module, err := ast.ParseModuleWithOpts(s.path, string(s.text), ast.ParserOptions{
		Capabilities: d.builtins, RegoVersion: ast.RegoV1,
	})
	if errs, ok := errors.AsType[ast.Errors](err); ok {
		return nil, errs
	}
	if err == nil {
		return module, nil
	}
	return nil, ast.Errors{ast.NewError(ast.ParseErr, ast.NewLocation(nil, s.path, 0, 0), "%v", err)}
}

// compile compiles live modules against the schema, in the mode that refuses
// what is never used.
func (d *draft) compile(modules map[string]*ast.Module) *ast.Compiler {
	c := d.newCompiler().WithStrict(true)
	c.Compile(modules)
	return c
}

func (d *draft) newCompiler() *ast.Compiler {
	return ast.NewCompiler().SetErrorLimit(0).WithCapabilities(d.builtins).WithSchemas(d.schemas)
}

func (d *draft) store() storage.Store {
	return inmem.NewFromObjectWithOpts(d.data, inmem.OptReturnASTValuesOnRead(true))
}
