# make demo and make test do everything on a fresh machine with Go.

GO ?= go
BIN := bin/chaperone
GOLANGCI := v2.15.0
# kubectl says which version it is, and refuses to be none.
KUBECTL := -X k8s.io/component-base/version.gitVersion=v1.37.2

# What is tested is what is shipped: no C. Only the race detector needs it.
export CGO_ENABLED = 0

.PHONY: demo test race lint fuzz bench pictures build clean help

help: ## show this
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## run everything on this machine, on sample data; with KUBERNETES=1 a cluster, too
ifneq ($(filter-out 0,$(KUBERNETES)),)
	cluster=$$(.ci/testcluster) && exec $(BIN) demo --kubernetes "$$cluster"
else
	$(BIN) demo
endif

test: ## install what the tests need, and run them all
	.ci/install
	$(GO) test ./...

# What works on one thing at a time has nothing to race; the long tests of the
# whole program know that they run under the detector, and do less.
RACY := ./server/... ./recorder/... ./policy/... ./tools/sql ./tools/kubectl ./cmd/chaperone
race: ## what runs at the same time, under the race detector
	.ci/install race
	CGO_ENABLED=1 $(GO) test -race -short $(RACY)

lint: ## what CI holds the code to
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI) run --allow-serial-runners ./...

fuzz: ## a short run of every fuzz test
	.ci/fuzz

bench: build ## the figures of cmd/chaperone/BENCHMARKS.md
	$(GO) test -run '^$$' -bench . -benchtime 2s ./...

# A real session, on a terminal that script(1) pretends to be.
pictures: build ## draw the pictures of the README anew
	rm -rf /var/tmp/chaperone-pictures
	TERM=xterm script -qec "$(BIN) demo --script --kubernetes $$(.ci/testcluster) --dir /var/tmp/chaperone-pictures" /dev/null > bin/session
	$(BIN) demo --reset --dir /var/tmp/chaperone-pictures
	$(GO) run ./examples/pictures -title 'chaperone demo --script' -from '^3\. ' -to '^9\. ' < bin/session > examples/pictures/agent.svg
	$(GO) run ./examples/pictures -title 'chaperone replay' -from 'sql_write on shop . ticket' -to 'kubectl_read on cluster' < bin/session > examples/pictures/replay.svg
	$(GO) run ./examples/pictures -title 'chaperone demo --script --kubernetes' -from '^16\. ' -to '^21\. ' < bin/session > examples/pictures/kubernetes.svg
	mkdir -p bin/pictures
	PICTURES=$(CURDIR)/bin/pictures $(GO) test -count=1 -run TestBrowser/pictures ./server/console
	cp bin/pictures/view-desk-light.png examples/pictures/console.png

build: ## build the program into bin/
	$(GO) build -trimpath -ldflags '-s -w $(KUBECTL)' -o $(BIN) ./cmd/chaperone

clean: ## remove what was built
	rm -rf bin
