# Builds, tests and runs Sluice. `make help` lists the targets.
# Sources are found by folder: a new file in agent/, tests/unit/, tests/fuzz/, tests/sim/ or tests/bench/ needs no change here.
# FLAVOUR chooses flags by its beginning: release (default), clang, debug, asan, tsan, cover, fuzz; objects live in build/<flavour>.

SHELL   := /bin/bash
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif
PREFIX  ?= /usr/local
DESTDIR ?=
FLAVOUR ?= release
B       := build/$(FLAVOUR)
VERSION := $(shell sed -n 's/^\#\# \[\([0-9][^]]*\)\].*/\1/p' CHANGELOG.md | head -1)
VERBOSE ?=
Q       := $(if $(VERBOSE),,@)
ifeq ($(origin CC),default)
CC := gcc
endif
ifneq ($(filter clang% fuzz%,$(FLAVOUR)),)
CC := clang
endif

# ---- flags ----
WARN := -Wall -Wextra -Werror -Wshadow -Wpointer-arith -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes \
        -Wold-style-definition -Wformat=2 -Wundef -Wvla -Wimplicit-fallthrough -Wdate-time -fno-common
HARD := -fstack-protector-strong -fstack-clash-protection $(if $(filter x86_64,$(shell uname -m)),-fcf-protection) -fPIE
LINK := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
OPT  := -O2 -g -D_FORTIFY_SOURCE=2
SAN  :=
ifneq ($(filter asan%,$(FLAVOUR)),)
OPT := -O1 -g -fno-omit-frame-pointer -DSLUICE_CRASH_POINTS
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
endif
ifneq ($(filter tsan%,$(FLAVOUR)),)
OPT := -O1 -g -fno-omit-frame-pointer -DSLUICE_CRASH_POINTS
SAN := -fsanitize=thread
endif
ifneq ($(filter fuzz%,$(FLAVOUR)),)
OPT := -O1 -g -fno-omit-frame-pointer
SAN := -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
endif
ifneq ($(filter cover%,$(FLAVOUR)),)
OPT := -O0 -g --coverage
endif
ifneq ($(filter debug%,$(FLAVOUR)),)
OPT += -DSLUICE_CRASH_POINTS
endif

# ---- packages ----
# What is missing is installed here, while make reads this file: everything below may ask pkg-config. A dry run installs nothing.
ifneq ($(filter-out clean help,$(or $(MAKECMDGOALS),build)),)
ifeq ($(findstring n,$(firstword -$(MAKEFLAGS))),)
ifneq ($(shell bash tests/deps.sh >&2 || echo failed),)
$(error packages are missing: see above)
endif
endif
endif

MSGPACK := $(shell pkg-config --exists msgpack-c 2>/dev/null && echo msgpack-c || echo msgpack)
PKGS    := libuv libnats libcurl jansson yaml-0.1 libcrypto libpcre2-8 $(MSGPACK)
ifeq ($(shell pkg-config --exists libllhttp 2>/dev/null && echo yes),yes)
PKGS    += libllhttp
LLHTTP_OBJ :=
else
LLHTTP_CFLAGS := -isystem /usr/share/include/llhttp
LLHTTP_OBJ    := $(patsubst /usr/share/llhttp/%.c,$(B)/llhttp/%.o,$(wildcard /usr/share/llhttp/*.c))
endif
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g') $(LLHTTP_CFLAGS)
PKG_LIBS   = $(shell pkg-config --libs $(PKGS) 2>/dev/null) -ljq -lonig -lpthread -lm

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DSLUICE_VERSION='"$(VERSION)"' \
             $(WARN) $(HARD) $(OPT) $(SAN) -Iagent -Itests/sim $(PKG_CFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(LINK) $(OPT) $(SAN) $(LDFLAGS)
# Asked once, not for each file.
ALL_CFLAGS := $(ALL_CFLAGS)
PKG_LIBS   := $(PKG_LIBS)

# ---- files ----
AGENT_SRC := $(sort $(wildcard agent/*/*.c))
SIM_SRC   := $(sort $(wildcard tests/sim/*.c))
UNIT_SRC  := $(sort $(wildcard tests/unit/test_*.c))
FUZZ_SRC  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/*.c))
SCHEMAS   := $(sort $(wildcard schemas/*.json))
SIM_DATA  := $(sort $(wildcard tests/adapters/dialects/*))
LIB       := $(B)/libsluice.a
SIM_LIB   := $(B)/libsim.a
# A fuzz target is driven by libFuzzer in the fuzz flavour, by a replayer of its corpus in all others.
FUZZ_REPLAY := $(if $(filter fuzz%,$(FLAVOUR)),,$(B)/tests/fuzz/replay.o)
UNIT_BIN  := $(UNIT_SRC:%.c=$(B)/%)
FUZZ_BIN  := $(FUZZ_SRC:%.c=$(B)/%)
BENCH_BIN := $(BENCH_SRC:%.c=$(B)/%)
SIM_MAIN  := $(B)/tests/sim/sim_main.o
SIM_OBJ   := $(filter-out $(SIM_MAIN),$(SIM_SRC:%.c=$(B)/%.o))

.PHONY: build
build: $(B)/sluice $(B)/sluice-sim ## compile sluice and sluice-sim (the default)

$(B)/sluice: $(B)/agent/main.o $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(B)/sluice-sim: $(SIM_MAIN) $(SIM_LIB) $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(LIB): $(AGENT_SRC:%.c=$(B)/%.o) $(B)/gen/schemas.o $(LLHTTP_OBJ)
	$(Q)rm -f $@ && ar rcs $@ $^
$(SIM_LIB): $(SIM_OBJ) $(if $(SIM_DATA),$(B)/gen/dialects.o)
	$(Q)rm -f $@ && ar rcs $@ $^
$(B)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(ALL_CFLAGS) $(MORE_CFLAGS) -MMD -MP -c -o $@ $<
# libFuzzer's one function has no header anywhere.
$(B)/tests/fuzz/%.o: MORE_CFLAGS := -Wno-missing-prototypes
$(B)/llhttp/%.o: /usr/share/llhttp/%.c
	@mkdir -p $(@D)
	$(Q)$(CC) $(filter-out -W%,$(ALL_CFLAGS)) -w -c -o $@ $<
$(B)/gen/schemas.c: $(SCHEMAS) tests/lint/embed.sh
	@mkdir -p $(@D)
	$(Q)bash tests/lint/embed.sh schemas wire/schemas.h $(SCHEMAS) > $@
$(B)/gen/dialects.c: $(SIM_DATA) tests/lint/embed.sh
	@mkdir -p $(@D)
	$(Q)bash tests/lint/embed.sh sim_files sim_files.h $(SIM_DATA) > $@
$(B)/gen/%.o: $(B)/gen/%.c
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
$(B)/tests/unit/test_%: $(B)/tests/unit/test_%.o $(SIM_LIB) $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka
$(B)/tests/fuzz/fuzz_%: $(B)/tests/fuzz/fuzz_%.o $(FUZZ_REPLAY) $(SIM_LIB) $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) $(if $(filter fuzz%,$(FLAVOUR)),-fsanitize=fuzzer) -o $@ $^ $(PKG_LIBS)
$(B)/tests/bench/%: $(B)/tests/bench/%.o $(LIB)
	@echo "  LINK $@"
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(PKG_LIBS)
.SECONDARY:
-include $(wildcard $(B)/agent/*.d $(B)/agent/*/*.d $(B)/tests/*/*.d)

.PHONY: deps
deps: ## only install the Debian packages of tests/packages.txt that are missing (every target does)
	@:
.PHONY: clean
clean: ## remove everything that was built
	rm -rf build
.PHONY: help
help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

# ---- try it ----
.PHONY: demo
demo: build ## the main job in a minute: two agents, a picture and a video, everything on this machine
	@SLUICE_BUILD=$(B) bash tests/demo.sh

# ---- tests ----
PYTEST := /usr/bin/python3 -m pytest -q -p no:cacheprovider
.PHONY: unit
unit: $(UNIT_BIN) ## unit and adapter tests
	@bash tests/run-unit.sh $(UNIT_BIN)
.PHONY: cases
cases: build ## what of the adapters no case exercises
	@bash tests/run-cases.sh $(B)
.PHONY: flow
flow: build node ## the real agent, a real nats-server, the simulator and real clients
	@SLUICE_BUILD=$(B) bash tests/run-flow.sh
.PHONY: test-vendors
test-vendors: build node node-vendors ## the vendors' own SDKs against the simulator
	@SLUICE_BUILD=$(B) bash tests/run-vendors.sh
.PHONY: test
test: build node node-vendors $(UNIT_BIN) $(FUZZ_BIN) ## everything that must be green: unit, adapters, corpus, SDKs, flow
	@SLUICE_BUILD=$(B) bash tests/run-all.sh $(B)
.PHONY: node node-vendors
node:
	@bash tests/node.sh
node-vendors:
	@bash tests/node.sh vendors

.PHONY: test-asan
test-asan: ## the same tests on a build with AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory FLAVOUR=asan test
.PHONY: test-tsan
test-tsan: ## flow tests on a build with ThreadSanitizer
	@$(MAKE) --no-print-directory FLAVOUR=tsan build node
	@SLUICE_BUILD=build/tsan $(PYTEST) tests/flow/test_tasks.py tests/flow/test_fleet.py
.PHONY: test-newer
test-newer: build node ## flow tests against the nats-server of a newer Debian suite, beside this one's
	@bash tests/newer-server.sh sid build/tools/nats
	@SLUICE_BUILD=$(B) SLUICE_NATS_SERVER=$(CURDIR)/build/tools/nats/nats-server bash tests/run-flow.sh
.PHONY: test-debian13
test-debian13: ## build, unit and flow tests in a Debian 13 root (needs root; not part of CI)
	@bash tests/debian13.sh
.PHONY: fuzz
FUZZ_SECONDS ?= 60
fuzz: ## each fuzz target for FUZZ_SECONDS (60) with libFuzzer
	@$(MAKE) --no-print-directory FLAVOUR=fuzz fuzz-targets
	@bash tests/run-fuzz.sh build/fuzz $(FUZZ_SECONDS)
.PHONY: fuzz-targets
fuzz-targets: $(FUZZ_BIN)
.PHONY: chaos
chaos: ## kills at every named crash point, then seeded blows on one NATS server and on three; every task is accounted for
	@$(MAKE) --no-print-directory FLAVOUR=debug build node
	@bash tests/newer-server.sh sid build/tools/nats || echo "there is no newer nats-server to be had: the part with three servers is skipped"
	@SLUICE_BUILD=build/debug $(PYTEST) -rsP -n 3 --dist loadfile tests/chaos
.PHONY: cover
cover: ## line and branch coverage of the unit tests, as a table
	@$(MAKE) --no-print-directory FLAVOUR=cover unit
	@gcovr --object-directory build/cover -r . -f 'agent/' --sort-percentage
.PHONY: bench
bench: build $(BENCH_BIN) ## what it costs, as ratios measured in one run
	@SLUICE_BUILD=$(B) /usr/bin/python3 tests/bench/bench.py

# ---- lint ----
TIDY_SRC ?= $(AGENT_SRC) agent/main.c $(SIM_SRC)
LINT_CFLAGS = $(filter-out -D% -f% -O% -g,$(ALL_CFLAGS)) -D_GNU_SOURCE -DSLUICE_VERSION=""
.PHONY: lint
lint: ## format, layers, sizes, headers, generated docs, cppcheck, clang-tidy; each with its time
	@bash tests/lint/lint.sh '$(LINT_CFLAGS)' $(TIDY_SRC)

# ---- install ----
.PHONY: install
install: build ## into PREFIX (/usr/local) under DESTDIR
	install -D -m 0755 $(B)/sluice $(DESTDIR)$(PREFIX)/bin/sluice
	install -D -m 0755 $(B)/sluice-sim $(DESTDIR)$(PREFIX)/bin/sluice-sim
	for f in adapters/*.yaml; do install -D -m 0644 $$f $(DESTDIR)$(PREFIX)/share/sluice/$$f; done
	for f in schemas/*.json; do install -D -m 0644 $$f $(DESTDIR)$(PREFIX)/share/sluice/$$f; done
	for f in docs/*.md README.md CHANGELOG.md LICENSE; do install -D -m 0644 $$f $(DESTDIR)$(PREFIX)/share/doc/sluice/$$(basename $$f); done
