# make demo and make test do everything on a fresh machine with Go.

GO ?= go
BIN := bin/chaperone
GOLANGCI := v2.15.0

.PHONY: demo test race lint fuzz bench build clean help

help: ## show this
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## run everything on this machine, on sample data
	$(BIN) demo

test: ## install what the tests need, and run them all
	.ci/install
	$(GO) test ./...

race: ## the same under the race detector
	.ci/install
	$(GO) test -race ./...

lint: ## what CI holds the code to
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run ./...

fuzz: ## a short run of every fuzz test
	.ci/fuzz

bench: build ## the table of recorder/../bench, see cmd/chaperone/BENCHMARKS.md
	$(GO) test -run '^$$' -bench . -benchtime 2s ./...

build: ## build the program into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/chaperone

clean: ## remove what was built
	rm -rf bin
