# covey.  One Makefile for everything; `make help` lists what it can do.
#
# Sources are found, not listed: a file in the right folder is built.
#   proto/*.c          build/libcovey_proto.a
#   store/*.c          build/libcovey_store.a, with the migrations of
#                      store/schema/ as a table of strings
#   daemon/node*.c     build/libcovey_node.a
#   daemon/*.c         build/coveyd
#   cli/*.c            build/covey
#   tests/unit/test_X.c    one cmocka program each; lib*.c and support*.c there
#                          are linked to all of them
#   tests/sim/*.c      build/libcovey_sim.a, simulated disks and worlds, with
#                      the rest of tests/fault/ and the nodes of tests/unit/
#   tests/S/tool_X.c   build/tests/S/tool_X, a program that suite S runs
#   tests/S/run.js     suite S of `make check`
#   tests/fuzz/fuzz_X.c    build/fuzz/X, a libFuzzer target; and, to run over
#                          files, replay/X in each of the other builds
#
# There are six builds of everything: build/ to use, build/san/ for the unit
# tests, with the address and undefined-behaviour sanitizers, build/fuzz/, by
# clang, with libFuzzer's counters too, build/cov/, to see what tests reach,
# build/mem/ for Valgrind, and build/tsan/ with the thread sanitizer.
#
# Variables: CC, CFLAGS, LDFLAGS, PREFIX, DESTDIR; WERROR=1 makes a warning an
# error (always so when CI is set); UNIT=name picks one unit test; KEEP=1 leaves
# the demo running; V=1 shows each command; SECONDS and TARGET are `make fuzz`'s;
# PART and SHARE are `make soak`'s.

ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

# `make clean all` means one after the other.
ifneq ($(filter clean,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.DEFAULT_GOAL := all

ifeq ($(origin CC),default)
CC := gcc
endif
PREFIX ?= /usr/local
UNIT ?= *
Q := $(if $(V),,@)
B := build
S := build/san
F := build/fuzz
C := build/cov
M := build/mem
T := build/tsan
SECONDS ?= 60
TARGET ?= *

# ---- sources

PROTO_SRC := $(wildcard proto/*.c)
STORE_SRC := $(wildcard store/*.c)
NODE_SRC := $(wildcard daemon/node*.c)
SHELL_SRC := $(filter-out $(NODE_SRC) daemon/main.c,$(wildcard daemon/*.c))
CLI_SRC := $(filter-out cli/main.c,$(wildcard cli/*.c))
UNIT_SRC := $(wildcard tests/unit/test_$(UNIT).c)
UNIT_SUPPORT := $(wildcard tests/unit/lib*.c tests/unit/support*.c)
TOOL_SRC := $(wildcard tests/*/tool_*.c)
SIM_SRC := $(filter-out $(TOOL_SRC),$(wildcard tests/sim/*.c tests/fault/*.c)) \
    tests/unit/support_world.c tests/unit/support_wire.c \
    tests/unit/support_dir.c
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_$(TARGET).c)
SCHEMA_SQL := $(sort $(wildcard store/schema/*.sql))
SCHEMA_OBJ := $(if $(SCHEMA_SQL),gen/schema_sql.o)

BINARIES := $(if $(wildcard daemon/main.c),coveyd) $(if $(wildcard cli/main.c),covey)
ARCHIVES := sim shell cli node store proto
TOOLS := $(TOOL_SRC:tests/%.c=$(B)/tests/%)

# ---- flags

WARNINGS := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
    -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition \
    -Wswitch-enum -Wundef -Wformat=2 -Wvla -Walloca -Wpointer-arith \
    -Wwrite-strings -Wcast-qual -Wimplicit-fallthrough -Wtrampolines \
    -Wbidi-chars=any -Wlogical-op -Wduplicated-cond

# Hardening by the OpenSSF's guide for C, as far as the compiler knows it.
HARDENING := -fstack-clash-protection -fstack-protector-strong \
    -fcf-protection=full -mbranch-protection=standard \
    -ftrivial-auto-var-init=zero -fzero-call-used-regs=used-gpr \
    -fno-delete-null-pointer-checks -fno-strict-overflow \
    -fno-strict-aliasing -fstrict-flex-arrays=3
HARDENING_LD := -Wl,-z,nodlopen -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now

# What the compiler at hand accepts of these, and what the libraries want, is
# found out once and kept in $(CONFIG).
PROBED := $(WARNINGS) -Wnull-dereference $(HARDENING)
LIBRARIES := libuv libsodium sqlite3 msgpack libmicrohttpd inih libcurl jansson
CONFIG := $(B)/config-$(subst /,_,$(subst $() ,_,$(CC))).mk

ifneq ($(filter-out help deps% demo bench check fuzz valgrind tsan soak clean format,$(or $(MAKECMDGOALS),all)),)
include $(CONFIG)
endif

$(CONFIG): Makefile
	@mkdir -p $(@D)
	@$(CC) --version >/dev/null || \
	    { echo "$(CC) does not run: try make deps" >&2; exit 1; }
	@for library in $(LIBRARIES); do \
	    pkg-config --exists $$library || \
	        { echo "$$library is not installed: try make deps" >&2; exit 1; }; \
	    echo "CFLAGS_$$library := $$(pkg-config --cflags $$library)"; \
	    echo "LIBS_$$library := $$(pkg-config --libs $$library)"; \
	done >$@
	@for flag in $(PROBED); do \
	    echo 'int main(void) { return 0; }' | \
	        $(CC) -Werror $$flag -x c -c -o $@.o - 2>/dev/null && \
	        echo "ACCEPTED += $$flag"; \
	done >>$@; rm -f $@.o

accepted = $(filter $(ACCEPTED),$(1))

COMMON := -std=c11 -D_GNU_SOURCE -I. -g -pthread -ffile-prefix-map=$(CURDIR)=. \
    $(call accepted,$(WARNINGS)) $(if $(CI)$(filter 1,$(WERROR)),-Werror) \
    $(sort $(foreach library,$(LIBRARIES),$(CFLAGS_$(library))))

# -Wnull-dereference cries wolf in instrumented code, so only here.
CC_$(B) = $(CC)
FLAGS_$(B) = $(COMMON) -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fPIE \
    $(call accepted,-Wnull-dereference $(HARDENING)) $(CFLAGS)
LINK_$(B) = -pthread -pie $(HARDENING_LD) -Wl,--as-needed $(LDFLAGS)

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all
CC_$(S) = $(CC)
FLAGS_$(S) = $(COMMON) -O1 -fno-omit-frame-pointer $(SANITIZE) $(CFLAGS)
LINK_$(S) = -pthread $(SANITIZE) -Wl,--as-needed $(LDFLAGS)

# libFuzzer is clang's; warnings are the other builds' business.
CC_$(F) = clang
FLAGS_$(F) = $(filter-out -W%,$(COMMON)) -O1 -fno-omit-frame-pointer \
    -fsanitize=fuzzer-no-link,float-cast-overflow $(SANITIZE) $(CFLAGS)
LINK_$(F) = -pthread -fsanitize=fuzzer $(SANITIZE) -Wl,--as-needed $(LDFLAGS)

# Nothing is inlined or folded, so that a branch is one that the source has.
CC_$(C) = gcc
FLAGS_$(C) = $(COMMON) -O0 --coverage -fprofile-update=atomic $(CFLAGS)
LINK_$(C) = -pthread --coverage -Wl,--as-needed $(LDFLAGS)

# As the compiler reads the source: what a build to use sets to zero by itself,
# Valgrind would not see to be missing.
CC_$(M) = $(CC)
FLAGS_$(M) = $(COMMON) -O1 -fno-omit-frame-pointer $(CFLAGS)
LINK_$(M) = -pthread -Wl,--as-needed $(LDFLAGS)

CC_$(T) = $(CC)
FLAGS_$(T) = $(COMMON) -O1 -fno-omit-frame-pointer -fsanitize=thread $(CFLAGS)
LINK_$(T) = -pthread -fsanitize=thread -Wl,--as-needed $(LDFLAGS)

LIBS_core = $(LIBS_sqlite3) $(LIBS_msgpack) $(LIBS_libsodium)
LIBS_coveyd = $(LIBS_core) $(LIBS_libuv) $(LIBS_libmicrohttpd) $(LIBS_inih) $(LIBS_jansson)
LIBS_covey = $(LIBS_libcurl) $(LIBS_jansson) $(LIBS_msgpack) $(LIBS_libsodium)
LIBS_all = $(LIBS_coveyd) $(LIBS_covey)

# What test programs have the linker send to tests/sim/disk_posix.c.
WRAPPED := stat access open fsync close rename unlink
comma := ,
LINK_test = -Wl,-u,__wrap_stat $(WRAPPED:%=-Wl,--wrap=%)
# What the simulator has besides: tests/sim/memo.c and older.c.
WRAPPED_sim := crypto_sign_verify_detached rules_judge_row
LINK_sim := $(foreach name,$(WRAPPED_sim),-Wl,-u,__wrap_$(name),--wrap=$(name))
# What tool_nth and test_shell have: tests/fault/memory.c.
LINK_memory := $(patsubst %,-Wl$(comma)--wrap=%,malloc calloc realloc strdup)

# ---- the six builds

# What a build depends on beside its sources: its flags, and which files there
# are, so that a changed option rebuilds and a deleted file leaves its archive.
define remember
	@mkdir -p $(@D)
	@echo '$(subst ','\'',$(1))' | cmp -s - $@ || echo '$(subst ','\'',$(1))' >$@
endef

# $(call build,FOLDER)
define build
$(1)/flags: FORCE
	$$(call remember,$$(CC_$(1)) $$(FLAGS_$(1)) $$(LINK_$(1)))

$(1)/sources: FORCE
	$$(call remember,$$(sort $$(wildcard */*.c)) $$(SCHEMA_SQL))

$(1)/obj/%.o: %.c $(1)/flags
	$$(call compile,$(1))

$(1)/obj/gen/%.o: $(B)/gen/%.c $(1)/flags
	$$(call compile,$(1))

$(1)/libcovey_proto.a: $$(PROTO_SRC:%.c=$(1)/obj/%.o)
$(1)/libcovey_store.a: $$(STORE_SRC:%.c=$(1)/obj/%.o) $$(SCHEMA_OBJ:%=$(1)/obj/%)
$(1)/libcovey_node.a: $$(NODE_SRC:%.c=$(1)/obj/%.o)
$(1)/libcovey_shell.a: $$(SHELL_SRC:%.c=$(1)/obj/%.o)
$(1)/libcovey_cli.a: $$(CLI_SRC:%.c=$(1)/obj/%.o)
$(1)/libcovey_sim.a: $$(SIM_SRC:%.c=$(1)/obj/%.o)

$(1)/libcovey_%.a: $(1)/sources
	@echo "  AR    $$@"
	$$(Q)rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)

$(1)/coveyd: $(1)/obj/daemon/main.o $(1)/libcovey_shell.a \
    $(1)/libcovey_node.a $(1)/libcovey_store.a $(1)/libcovey_proto.a
	$$(call link,$(1),$$(LIBS_coveyd))

$(1)/covey: $(1)/obj/cli/main.o $(1)/libcovey_cli.a $(1)/libcovey_proto.a
	$$(call link,$(1),$$(LIBS_covey))

$$(UNIT_SRC:%.c=$(1)/%): $(1)/%: $(1)/obj/%.o \
    $$(UNIT_SUPPORT:%.c=$(1)/obj/%.o) $$(ARCHIVES:%=$(1)/libcovey_%.a)
	$$(call link,$(1),$$(LINK_test) -lcmocka $$(LIBS_all))

# The simulator is in each build: a seed has one trace in all of them.
$(1)/tests/sim/tool_sim: LINK_test += $(LINK_sim)
$(1)/tests/fault/tool_nth: LINK_test += $(LINK_memory)
$(1)/tests/unit/test_shell: LINK_test += $(LINK_memory) -Wl,--wrap=uv_replace_allocator

$$(TOOL_SRC:%.c=$(1)/%): $(1)/%: $(1)/obj/%.o $$(ARCHIVES:%=$(1)/libcovey_%.a)
	$$(call link,$(1),$$(LINK_test) $$(LIBS_all))

$$(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(1)/replay/%): $(1)/replay/%: \
    $$(call fuzz_parts,$(1)) $(1)/obj/tests/fuzz/replay.o
	$$(call link,$(1),$$(LINK_test) -lcmocka $$(LIBS_all))

-include $$(shell find $(1)/obj -name '*.d' 2>/dev/null)
endef

# What a fuzz target is linked with: $(call fuzz_parts,FOLDER)
fuzz_parts = $(1)/obj/tests/fuzz/fuzz_%.o $(1)/obj/tests/fuzz/fuzz.o \
    $(1)/obj/tests/fuzz/record.o \
    $(UNIT_SUPPORT:%.c=$(1)/obj/%.o) $(ARCHIVES:%=$(1)/libcovey_%.a)

# cmocka hands each test a `state` that most have no use for.
define compile
	@mkdir -p $(@D)
	@echo "  CC    $@"
	$(Q)$(CC_$(1)) $(FLAGS_$(1)) $(if $(filter tests/%,$<),-Wno-unused-parameter) \
	    -MMD -MP -c -o $@ $<
endef

define link
	@mkdir -p $(@D)
	@echo "  LINK  $@"
	$(Q)$(CC_$(1)) $(LINK_$(1)) -o $@ $(filter %.o %.a,$^) $(2)
endef

$(eval $(call build,$(B)))
$(eval $(call build,$(S)))
$(eval $(call build,$(F)))
$(eval $(call build,$(C)))
$(eval $(call build,$(M)))
$(eval $(call build,$(T)))

$(B)/gen/schema_sql.c: $(SCHEMA_SQL) store/schema/embed.awk $(B)/sources
	@mkdir -p $(@D)
	@echo "  GEN   $@"
	$(Q)LC_ALL=C awk -f store/schema/embed.awk $(SCHEMA_SQL) >$@

# ---- static analysis: a report on each file, made anew when it changed

REPORTS := $(patsubst %.c,$(B)/lint/%.txt,$(sort $(wildcard \
    proto/*.c store/*.c daemon/*.c cli/*.c tests/*/*.c)))
ANALYSED = -std=c11 -D_GNU_SOURCE -I. \
    $(sort $(foreach library,$(LIBRARIES),$(CFLAGS_$(library))))

$(B)/lint/flags: FORCE
	$(call remember,$(ANALYSED))

$(REPORTS): $(B)/lint/%.txt: %.c $(B)/lint/flags tests/lint/analyse.sh \
    tests/lint/cppcheck.txt .clang-tidy
	@mkdir -p $(@D)
	@echo "  LINT  $<"
	$(Q)sh tests/lint/analyse.sh $< $@ $(ANALYSED)

$(filter $(B)/lint/cli/%,$(REPORTS)): cli/.clang-tidy
$(filter $(B)/lint/tests/%,$(REPORTS)): tests/.clang-tidy

-include $(shell find $(B)/lint -name '*.d' 2>/dev/null)

# ---- tests

UNIT_LOGS := $(UNIT_SRC:tests/%.c=$(B)/log/%.log)
SUITES := $(patsubst tests/%/run.js,%,$(wildcard tests/*/run.js))
SUITE_LOGS := $(SUITES:%=$(B)/log/%.log)
CHECK_LOGS := $(B)/log/lint.log $(UNIT_LOGS) $(SUITE_LOGS)

# ---- fuzzing

FUZZ_PROGRAMS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(F)/%)
FUZZ_REPLAYS := $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(S)/replay/%)

$(FUZZ_PROGRAMS): $(F)/%: $(call fuzz_parts,$(F))
	$(call link,$(F),$(LINK_test) -lcmocka $(LIBS_all))

.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_PROGRAMS) $(FUZZ_REPLAYS)

# A log is the outcome of a run, so it is made anew each time.  Lint comes
# first, then the unit tests side by side, then each suite alone, since suites
# start daemons and mind the time.
$(UNIT_LOGS): $(B)/log/%.log: $(S)/tests/% FORCE
	@sh tests/tally run $@ $<

$(B)/log/lint.log: $(B)/libcovey_proto.a $(REPORTS) FORCE
	@sh tests/tally show $@ sh tests/lint/lint.sh $(B)/libcovey_proto.a

.PHONY: suites
suites: $(UNIT_LOGS) all fuzz-programs \
    $(if $(wildcard tests/sim/run.js),$(S)/tests/sim/tool_sim)
	@for suite in $(SUITES); do \
	    echo "  RUN   $$suite"; \
	    sh tests/tally show $(B)/log/$$suite.log node tests/$$suite/run.js; \
	done

# ---- coverage: the same tests with the build that counts

COV_UNIT := $(UNIT_SRC:tests/%.c=$(C)/log/%.log)
COV_SUITES := $(filter-out sim fuzz mutants,$(SUITES))
COV_LOGS := $(COV_UNIT) $(COV_SUITES:%=$(C)/log/%.log) \
    $(C)/log/sim.log $(C)/log/fuzz.log
COV_SIM := $(C)/tests/sim/tool_sim --seeds 1000000 --hours 2 --seconds 60

.PHONY: cov-built cov-ran
cov-built: $(BINARIES:%=$(C)/%) $(TOOL_SRC:%.c=$(C)/%) $(UNIT_SRC:%.c=$(C)/%) \
    $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(C)/replay/%)
	@find $(C) -name '*.gcda' -delete; rm -rf $(C)/log

$(COV_UNIT): $(C)/log/%.log: cov-built
	@sh tests/tally run $@ $(C)/tests/$*

# The simulator and the fuzz targets are run by hand: their suites take other
# builds, and longer.  Planted bugs are built elsewhere.
cov-ran: $(COV_UNIT)
	@for suite in $(COV_SUITES); do \
	    COVEY_BUILD=$(CURDIR)/$(C) sh tests/tally show \
	        $(C)/log/$$suite.log node tests/$$suite/run.js; \
	done
	@sh tests/tally run $(C)/log/fuzz.log sh -ec 'for target in $(C)/replay/*; \
	    do $$target tests/fuzz/corpus/$${target##*/}; done; \
	    echo "1 passed, 0 failed"'
	@sh tests/tally run $(C)/log/sim.log sh -c \
	    '$(C)/tests/sim/tool_sim --stories && $(COV_SIM)'

# ---- Valgrind and the thread sanitizer: a part of the tests, in their builds

# $(call inspected,FOLDER): what that takes
inspected = $(BINARIES:%=$(1)/%) $(UNIT_SRC:%.c=$(1)/%) \
    $(1)/tests/sim/tool_sim $(FUZZ_SRC:tests/fuzz/fuzz_%.c=$(1)/replay/%)

.PHONY: mem-built tsan-built
mem-built: $(call inspected,$(M))
tsan-built: $(filter-out $(T)/tests/sim/% $(T)/replay/%,$(call inspected,$(T)))

# ---- what one asks for

.PHONY: all san sim mutants sweep test coverage lint format check demo bench fuzz \
    valgrind tsan soak install clean help deps deps-build deps-demo deps-valgrind no-unit-test FORCE

all: ## coveyd, covey and the programs that suites use
all: $(BINARIES:%=$(B)/%) $(ARCHIVES:%=$(B)/libcovey_%.a) $(TOOLS)

san: ## coveyd and covey with sanitizers, in build/san
san: $(BINARIES:%=$(S)/%)

test: ## unit tests under sanitizers; UNIT=wire runs tests/unit/test_wire.c
test: $(or $(UNIT_LOGS),no-unit-test)
	@sh tests/tally sum $(UNIT_LOGS)

no-unit-test:
	@echo "there is no tests/unit/test_$(UNIT).c" >&2; exit 1

coverage: ## which lines and branches all tests together reach, by file
coverage: deps
	+@$(MAKE) --no-print-directory cov-ran
	@node tests/coverage/coverage.js $(C); enough=$$?; \
	    sh tests/tally sum $(COV_LOGS) && exit $$enough

sim: ## random worlds from a seed; SEEDS=1000 NODES=9 SEED=first JOBS=2 TRACE=1
sim: $(B)/tests/sim/tool_sim
	@git describe --always --dirty 2>/dev/null || true
	@$< --seeds $(or $(SEEDS),20) --jobs $(or $(JOBS),1) \
	    $(if $(SEED),--first $(SEED)) $(if $(NODES),--nodes $(NODES)) \
	    $(if $(HOURS),--hours $(HOURS)) $(if $(TRACE),--trace)

mutants: ## planted bugs, and which check kills each; ONLY=text SEEDS=200 JOBS=2
	@ONLY='$(ONLY)' SEEDS='$(SEEDS)' JOBS='$(JOBS)' WRITE='$(WRITE)' \
	    node tests/mutants/mutants.js

lint: ## the rules of the tree: includes, symbols, format, lengths, analysis
lint: $(B)/libcovey_proto.a $(REPORTS)
	@sh tests/lint/lint.sh $(B)/libcovey_proto.a

format: ## let clang-format rewrite our C files
format:
	@sh tests/lint/lint.sh format

check: ## everything: deps, lint, unit tests, suites; ends "N passed, N failed"
check: deps
	@rm -rf $(B)/log && mkdir -p $(B)/log && date +%s >$(B)/log/begun
	+@$(MAKE) --no-print-directory -k $(B)/log/lint.log && \
	    $(MAKE) --no-print-directory -k suites || true
	@sh tests/tally time $(B)/log/begun $(CHECK_LOGS)
	@sh tests/tally sum $(CHECK_LOGS)

demo: ## a cluster of five schools and a relay on this machine; KEEP=1 leaves it
demo: deps-demo
	+@$(MAKE) --no-print-directory all
	@node tests/demo/demo.js $(if $(KEEP),--keep)

sweep: ## all faults of tests/fault: power loss, nth failures, kills; hours
sweep: all
	@FULL=1 node tests/fault/run.js

bench: ## figures, beside what the machine can do
bench: deps-demo
	+@$(MAKE) --no-print-directory all
	@$(if $(wildcard tests/bench/bench.js),node tests/bench/bench.js,echo "no benchmark yet")

fuzz: ## each target for SECONDS=60, or one: TARGET=wire; 1 at a finding
fuzz: deps
	+@$(MAKE) --no-print-directory fuzz-programs
	@node tests/fuzz/fuzz.js run --seconds $(SECONDS) $(filter-out *,$(TARGET))

valgrind: ## unit tests, corpora, worlds and coveyd under Valgrind; ONLY=text
valgrind: deps-valgrind
	+@$(MAKE) --no-print-directory mem-built
	@ONLY='$(ONLY)' node tests/inspect/inspect.js valgrind

tsan: ## unit tests and coveyd with the thread sanitizer; ONLY=text
tsan: deps
	+@$(MAKE) --no-print-directory tsan-built
	@ONLY='$(ONLY)' node tests/inspect/inspect.js tsan

soak: ## the long run, hours; PART=sim, power, kill or fuzz; SHARE=0.01 SEED=n
soak: deps
	+@$(MAKE) --no-print-directory all fuzz-programs
	@SHARE='$(SHARE)' SEED='$(SEED)' node tests/soak/soak.js $(PART)

install: ## coveyd and covey to DESTDIR/PREFIX/bin
install: $(BINARIES:%=$(B)/%)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $^ $(DESTDIR)$(PREFIX)/bin

deps: ## from Debian and npm, what is missing to build, run and check
	@sh .ci/deps check

deps-build: ## what is missing to build
	@sh .ci/deps build

deps-demo: ## what is missing to build and run the demo
	@sh .ci/deps demo

deps-valgrind: ## what is missing to check, and Valgrind
	@sh .ci/deps valgrind

clean: ## remove build/
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z-]*\): ## /\1|/p' Makefile | \
	    awk -F '|' '{ printf "  %-12s %s\n", $$1, $$2 }'
