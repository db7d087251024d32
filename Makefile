# The front door. `make demo` and `make test` need Debian 12 with Swift, and nothing else: what is missing of Debian's
# packages is installed (as root or by sudo; the line says which and why), Python packages go to the ignored folder .parts.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# How long the demo runs; empty: until Ctrl-C.
FOR ?= 60s
# The demo's moments of misfortune, and the hostile answers, are drawn from it; empty: a new one each time.
SEED ?=
# How often `make torture` kills a daemon, `make powercut` cuts a disk's power, `make calls` lets a system call fail (0: all).
KILLS ?= 20000
CUTS ?= 2000
CALLS ?= 0
# How often `make starts` starts two daemons on one folder.
STARTS ?= 1000
# How long `make soak` lasts.
MINUTES ?= 60
# How much waits for the central in `make backlog`: gigabytes of readings, and events of a station's week.
GB ?= 10
EVENTS ?= 2000000
# How many answers `make hostile` gives.
ANSWERS ?= 100000
# How many lives `make simulate` lives through.
SEEDS ?= 100000
FIRST ?= 1
# How many inputs `make fuzz` gives to each target.
RUNS ?= 10000000
# Only tests whose name matches.
FILTER ?=

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=
BINDIR = $(PREFIX)/bin
# A finished program to install; empty: it is built for release first.
BINARY ?=
INSTALLED = $(or $(BINARY),$(RELEASE)/release/lotline)
# Where Debian's zsh looks for completions under /usr, and every zsh under /usr/local.
ZSHDIR = $(PREFIX)/share/zsh/$(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)

# Its own folder, since another way of linking builds everything anew.
RELEASE := .build-release
# The tests for release, of `make simulate`.
SIMULATION := .build-simulation
PYTHON := .parts/venv

.PHONY: help
help: ## This list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18
	@echo "Variables: FOR=60s SEED= (demo), FILTER= (test, sanitize), KILLS= (torture), CUTS= (powercut), CALLS= (calls), STARTS= (starts), MINUTES=60 (soak), GB=10 EVENTS= (backlog), SEEDS= FIRST= SEED= (simulate), RUNS= (fuzz), ANSWERS= (hostile), DESTDIR= PREFIX=/usr/local BINARY= (install)"

.PHONY: packages
packages:
	@scripts/debian-packages "building Lotline" libmodbus-dev libsqlite3-dev zlib1g-dev pkg-config

.PHONY: test-packages
test-packages: packages
	@scripts/debian-packages "the tests: foreign programs in Python, a browser, the check of systemd units" \
	  python3 python3-venv chromium systemd openssl gcc libc6-dev mbpoll mandoc socat strace mount e2fsprogs iproute2 prometheus
	@scripts/python-packages $(PYTHON) Tests/foreign/requirements.txt

.PHONY: build
build: packages ## The program for development, .build/debug/lotline.
	swift build --product lotline

.PHONY: release
release: packages ## The program as it is installed, .build-release/release/lotline.
	swift build --configuration release --static-swift-stdlib --scratch-path $(RELEASE) --product lotline

.PHONY: demo
demo: build ## A simulated line of four stations, edge and central, with misfortunes; ends after FOR.
	.build/debug/lotline demo $(if $(FOR),--for $(FOR)) $(if $(SEED),--seed $(SEED))

.PHONY: test
test: test-packages ## All tests but the long sweeps; FILTER= picks some.
	swift build --build-tests
	@# In three turns: all at once would have more than the 1024 descriptors that libmodbus can wait for in one process.
ifeq ($(FILTER),)
	swift test --skip-build --disable-xctest --skip "^(lotline|Devices)Tests"
	swift test --skip-build --disable-xctest --filter "^DevicesTests"
	swift test --skip-build --disable-xctest --filter '^lotlineTests'
else
	swift test --skip-build --disable-xctest --filter '$(FILTER)'
endif

.PHONY: proof
proof: test-packages ## The sweeps, short: kills, power cuts, failing calls, hostile answers; each decoder fuzzed for 20 s.
	swift build --build-tests
	LOTLINE_PROOF=1 swift test --skip-build --disable-xctest --filter Proof --skip '^lotlineTests'
	@# Those of whole daemons one after the other: their waits are for machines, not for each other's load.
	LOTLINE_PROOF=1 swift test --skip-build --disable-xctest --no-parallel --filter '^lotlineTests.*Proof'
	Fuzz/run --seconds 20

.PHONY: torture
torture: test-packages ## Both daemons killed KILLS times under load, pushing and pulled.
	swift build --build-tests
	LOTLINE_PROOF=1 LOTLINE_KILLS=$(KILLS) swift test --skip-build --disable-xctest --filter 'Proof.*all kills'

.PHONY: powercut
powercut: test-packages ## The power of both daemons' disks cut CUTS times under load; needs root and loop devices.
	swift build --build-tests
	LOTLINE_PROOF=1 LOTLINE_CUTS=$(CUTS) swift test --skip-build --disable-xctest --filter 'Proof.*power cuts'

.PHONY: calls
calls: test-packages ## CALLS of the system calls that change the disk fail, each alone: once, for ever, or by a kill.
	swift build --build-tests
	LOTLINE_PROOF=1 LOTLINE_CALLS=$(CALLS) swift test --skip-build --disable-xctest --filter 'Proof.*failing calls'

.PHONY: starts
starts: test-packages ## Two daemons start on one folder at once, STARTS times: one runs, the other says who has it.
	swift build --build-tests
	LOTLINE_PROOF=1 LOTLINE_STARTS=$(STARTS) swift test --skip-build --disable-xctest --filter 'Proof.*two daemons start'

.PHONY: faults
faults: test-packages ## On simulated disks every call of queue and store fails, and the power goes before every change.
	swift build --build-tests
	LOTLINE_PROOF=1 LOTLINE_FAULT_STEP=1 swift test --skip-build --disable-xctest --filter '(Disk|Store)FaultTests.*Proof'

.PHONY: soak
soak: test-packages release ## A line with faults at 2,000 events/s for MINUTES: memory and descriptors stay, nothing is lost.
	swift build --build-tests
	LOTLINE_PROGRAM=$(RELEASE)/release/lotline LOTLINE_SOAK=$(MINUTES) \
	  swift test --skip-build --disable-xctest --filter 'Soak'

.PHONY: backlog
backlog: test-packages release ## GB of backlog: start, memory, the line's pace, draining; and EVENTS of a week without network.
	swift build --build-tests
	LOTLINE_PROGRAM=$(RELEASE)/release/lotline LOTLINE_PROOF=1 LOTLINE_BACKLOG=$$(($(GB) * 1000)) LOTLINE_WEEK=$(EVENTS) \
	  swift test --skip-build --disable-xctest --no-parallel --filter 'Proof.*long backlog'

.PHONY: teeth
teeth: test-packages ## Takes each safeguard away in turn, and says which tests notice.
	scripts/teeth

.PHONY: sanitize
sanitize: test-packages ## All tests under the thread sanitizer, then under the address sanitizer.
	scripts/sanitize thread "$(FILTER)"
	scripts/sanitize address "$(FILTER)"

.PHONY: simulate
simulate: test-packages ## SEEDS lives of line PCs and a central on simulated disks and a simulated network, from FIRST on; SEED=n tells one.
ifeq ($(SEED),)
	@# Optimised: three times as fast, which pays for its build.
	swift build --build-tests --configuration release -Xswiftc -enable-testing --scratch-path $(SIMULATION)
	LOTLINE_PROOF=1 LOTLINE_FIRST_SEED=$(FIRST) LOTLINE_SEEDS=$(SEEDS) \
	  swift test --skip-build --disable-xctest --configuration release -Xswiftc -enable-testing \
	  --scratch-path $(SIMULATION) --filter 'SimulationTests.*Proof'
else
	swift build --build-tests
	LOTLINE_SEED=$(SEED) swift test --skip-build --disable-xctest --filter 'SimulationTests.*what was accepted'
endif

.PHONY: hostile
hostile: test-packages ## ANSWERS hostile answers of a seeded Modbus server, none of which may become a value.
	swift build --build-tests
	LOTLINE_PROOF=1 LOTLINE_HOSTILE=$(ANSWERS) $(if $(SEED),LOTLINE_SEED=$(SEED)) \
	  swift test --skip-build --disable-xctest --filter 'Proof.*hostile answers'

.PHONY: fuzz
fuzz: packages ## RUNS inputs of libFuzzer for each decoder of what others send.
	Fuzz/run --runs $(RUNS)

.PHONY: bench
bench: packages ## Measurements against references in C, as ratios.
	Benchmarks/run

.PHONY: format
format: ## Puts our Swift files in the project's form.
	swift format --in-place --recursive Sources Tests Package.swift Benchmarks Fuzz

.PHONY: lint
lint: ## Says what is not in the project's form.
	swift format lint --strict --recursive Sources Tests Package.swift Benchmarks Fuzz

# Settings and maps that are there already are kept: they are the owner's.
.PHONY: install
install: $(if $(BINARY),,release) ## Program, manual, completions, settings, maps, systemd units, under DESTDIR and PREFIX.
	install -D -m 755 $(INSTALLED) $(DESTDIR)$(BINDIR)/lotline
	$(INSTALLED) manual --into $(DESTDIR)$(PREFIX)/share/man/man1
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(ZSHDIR) \
	  $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(INSTALLED) --generate-completion-script bash >$(DESTDIR)$(PREFIX)/share/bash-completion/completions/lotline
	$(INSTALLED) --generate-completion-script zsh >$(DESTDIR)$(ZSHDIR)/_lotline
	$(INSTALLED) --generate-completion-script fish >$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/lotline.fish
	for file in etc/lotline/*.yaml; do \
	  target=$(DESTDIR)$(SYSCONFDIR)/lotline/$${file##*/}; \
	  if [[ -e $$target ]]; then echo "kept: $$target"; else install -D -m 644 $$file $$target; fi; \
	done
	for file in devices/*; do \
	  install -D -m 644 $$file $(DESTDIR)$(PREFIX)/share/lotline/$$file; \
	  target=$(DESTDIR)$(SYSCONFDIR)/lotline/$$file; \
	  if [[ -e $$target ]]; then echo "kept: $$target"; else install -D -m 644 $$file $$target; fi; \
	done
	for unit in edge central; do \
	  install -d $(DESTDIR)$(PREFIX)/lib/systemd/system; \
	  sed 's|/usr/bin/lotline|$(BINDIR)/lotline|; s|/etc/lotline|$(SYSCONFDIR)/lotline|' systemd/lotline-$$unit.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/lotline-$$unit.service; \
	done
	install -D -m 644 systemd/60-lotline.rules $(DESTDIR)$(PREFIX)/lib/udev/rules.d/60-lotline.rules
	install -D -m 644 systemd/lotline.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/lotline.conf
	install -D -m 644 systemd/lotline.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/lotline.conf

.PHONY: clean
clean: ## Removes what was built; the installed Debian packages stay.
	rm -rf .build .build-* .parts
