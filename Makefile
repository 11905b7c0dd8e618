# lfm - builds into build/<mode>/, so modes never mix and never need `make clean`.
#
#   make                release build: build/release/lfm
#   make MODE=asan      any other mode (release debug asan tsan msan cov fuzz)
#   make CC=clang       another compiler (its name becomes part of the folder)
#   make OPT=-O0        a release with another level of optimisation (likewise)

.DEFAULT_GOAL := all
MODE ?= release
CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
PREFIX ?= /usr/local

compiler := $(notdir $(firstword $(CC)))
B := build/$(MODE)$(OPT)$(if $(filter-out gcc cc,$(compiler)),-$(compiler))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes \
        -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wpointer-arith -Wdouble-promotion -Wformat=2
# CI and hooks build with WERROR=1; people who download the source need not.
WARN += $(if $(WERROR),-Werror)

# Hardening of releases, where the system knows these things: a mistake in this program does less harm.
machine := $(shell $(CC) -dumpmachine)
linux   := $(findstring linux,$(machine))
FORTIFY := $(if $(filter -O0,$(OPT)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
HARDEN  := $(FORTIFY) -fstack-protector-strong -fstack-clash-protection -fPIE
HARDEN_LINK  := -Wl,-z,relro,-z,now,-z,noexecstack $(if $(filter -static,$(LDFLAGS)),,-pie)
LINK_release := $(if $(linux),$(HARDEN_LINK))

# Functions and lines, no variables: the same code, compiled in two thirds of the time (MODE=debug has variables).
FLAGS_release := $(or $(OPT),-O2) -g1 $(if $(linux),$(HARDEN))
FLAGS_debug   := -O0 -g3
FLAGS_asan    := -O1 -g1 -DNO_SANDBOX -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan    := -O1 -g -DNO_SANDBOX -fsanitize=thread
FLAGS_msan    := -O1 -g -DNO_SANDBOX -fsanitize=memory -fsanitize-memory-track-origins -fno-omit-frame-pointer
FLAGS_cov     := -O0 -g -DNO_SANDBOX --coverage
FLAGS_fuzz    := -O1 -g -DNO_SANDBOX -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifndef FLAGS_$(MODE)
$(error MODE=$(MODE) is unknown; use release, debug, asan, tsan, msan, cov or fuzz)
endif

# Elsewhere it would only rename calls that tests want to see.
LARGE_FILES := $(if $(filter arm-% i%86-%,$(machine)),-D_FILE_OFFSET_BITS=64)

# -ffp-contract=off: only a written fmaf may fuse, or two compilers would give two answers.
CFLAGS ?=
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE $(LARGE_FILES) -Iinclude -Isrc -pthread -MMD -MP \
              $(WARN) $(FLAGS_$(MODE)) -fno-math-errno -fno-trapping-math -ffp-contract=off $(CFLAGS)
ALL_LDFLAGS := -pthread $(FLAGS_$(MODE)) $(LINK_$(MODE)) $(LDFLAGS)
LIBS := -lm

# Every .c below src: the program is src/cli, the library is all the rest.
folders   := src/*/ src/*/*/ src/*/*/*/
all_src   := $(sort $(wildcard $(folders:%=%*.c)))
cli_src   := $(filter src/cli/%,$(all_src))
cli_obj   := $(cli_src:%.c=$B/%.o)
maker_obj := $(patsubst %.c,$B/%.o,$(wildcard tools/mkmodel/*.c))
unit_src  := $(wildcard tests/unit/test_*.c)
unit_bin  := $(unit_src:tests/unit/%.c=$B/tests/%)
support_obj := $(patsubst %.c,$B/%.o,$(wildcard tests/support/*.c)) $B/tools/mkmodel/put.o
check_obj := $(patsubst %.c,$B/%.o,$(wildcard tests/kernel/*.c))

# ISA files are chosen by architecture and built with their own flags; everything else is baseline.
other_isa := $(if $(filter x86_64%,$(machine)),,src/kernel/x86/%) \
             $(if $(filter aarch64% arm64%,$(machine)),,src/kernel/arm/%)
lib_src   := $(filter-out src/cli/% $(other_isa),$(all_src))
lib_obj   := $(lib_src:%.c=$B/%.o)

best           := $(or $(OPT),$(if $(filter release,$(MODE)),-O3))
# Copies of a few bytes are instructions, not calls that check their size; loops are unrolled only where that is fast.
kernels        := $(best) -U_FORTIFY_SOURCE $(if $(filter -O3,$(best)),,-DUNROLL=)
ISA_avx2       := $(kernels) -mavx2 -mfma -mf16c
ISA_avxvnni    := $(ISA_avx2) -mavxvnni
ISA_avx512vnni := $(ISA_avx2) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni
ISA_amx        := $(ISA_avx512vnni) -mamx-tile -mamx-int8
ISA_neon       := $(kernels)
ISA_dotprod    := $(ISA_neon) -march=armv8.2-a+dotprod
ISA_i8mm       := $(ISA_neon) -march=armv8.2-a+dotprod+i8mm
isa = $(ISA_$(basename $(notdir $<))) $(ISA_$(MODE))

# gcc -O1 forgets vzeroupper, and every float sum of the baseline after such a kernel takes ten times as long.
# Checks of pointers (clang's build has them, in make check-all) and local variables in a debugger cost minutes.
sparse   := -fira-region=one -fno-sanitize=null,alignment,object-size,pointer-overflow
gcc_only  = $(if $(findstring clang,$(compiler)),,-fexpensive-optimizations $1)
$B/src/kernel/x86/%.o: ISA_tsan = $(call gcc_only,-fno-var-tracking)
$B/src/kernel/x86/%.o: ISA_asan = $(call gcc_only,$(sparse))
$B/src/kernel/scalar_mul.o $B/src/kernel/unpack.o: isa = $(if $(filter asan,$(MODE)),-O2)

# Plain C that gcc vectorises only at -O3.
$B/src/convert/quantize.o $B/src/convert/quantize_k.o: isa = $(best)

# The commit of a checkout, for what `lfm bench` reports; it is new when HEAD has moved.
commit := $(if $(wildcard .git),$(shell git rev-parse --short=7 HEAD 2>/dev/null))
$B/src/cli/bench/results/bench_context.o: ALL_CFLAGS += $(if $(commit),-DLFM_COMMIT='"$(commit)"')
$B/src/cli/bench/results/bench_context.o: $(wildcard .git/logs/HEAD)

.PHONY: uninstall all lib help run test test-cross check-all fuzz fuzz-targets check layers symbols clean install tools \
        t format lint header-test hooks

## all: the program, build/release/lfm
all: $B/lfm

## help: what can be made
help:
	@sed -n 's/^## \([^:]*\): \(.*\)/  \1|\2/p' Makefile | column -t -s '|'

$B/lfm: $(cli_obj) $B/liblfm_internal.a
	$(CC) $(ALL_LDFLAGS) $(cli_obj) $B/liblfm_internal.a $(LIBS) -o $@

# The library for the program and the tests: the rooms see each other's names.
$B/liblfm_internal.a: $(lib_obj)
	@rm -f $@
	ar qcs $@ $(lib_obj)

## lib: the library to be installed, build/release/liblfm.a
lib: $B/liblfm.a

# One object that shows lfm_* only: no other name of ours can clash with one of the program that links it.
# macOS has no objcopy; there the other names stay visible.
hide = $(if $(findstring darwin,$(machine)),true,$(shell $(CC) -print-prog-name=objcopy) --wildcard --keep-global-symbol='lfm_*')
$B/liblfm.a: $(lib_obj)
	@rm -f $@
	$(CC) -r -nostdlib $(lib_obj) -o $B/liblfm.o
	$(hide) $B/liblfm.o
	ar qcs $@ $B/liblfm.o

$B/mkmodel: $(maker_obj) $B/liblfm_internal.a
	$(CC) $(ALL_LDFLAGS) $(maker_obj) $B/liblfm_internal.a $(LIBS) -o $@

$B/src/%.o: src/%.c Makefile
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) $(if $(filter src/kernel/% src/convert/%,$<),$(isa)) -c $< -o $@

$B/%.o: %.c Makefile
	@mkdir -p $(dir $@)
	$(CC) $(ALL_CFLAGS) -c $< -o $@

## run: build, and let the model in the box tell the beginning of a story
run: $B/lfm
	$B/lfm run models/lfm-stories-Q4_0.gguf --raw --temp 0.7 --min-p 0.1 --top-k 0 -s 1 -n 150 \
	    --prefill "Reddy Fox was hungry." -p ""
	@echo

## tools: the model maker, build/release/mkmodel
tools: $B/mkmodel

# ---- Tests -------------------------------------------------------------------------------------

$B/tests/%: $B/tests/unit/%.o $(support_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $< $(support_obj) $B/liblfm_internal.a -lcmocka $(LIBS) -o $@

# Every tests/fuzz/fuzz_NAME.c is a target.  MODE=fuzz CC=clang-19 links the fuzzer, any other mode
# a main that runs the files that it is given.
fuzz_src := $(wildcard tests/fuzz/fuzz_*.c)
fuzz_bin := $(fuzz_src:tests/fuzz/%.c=$B/fuzz/%)
fuzz_main := $(if $(filter fuzz,$(MODE)),,$B/tests/fuzz/replay.o)

$B/fuzz/%: $B/tests/fuzz/%.o $(fuzz_main) $(support_obj) $B/libcli.a $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $(if $(fuzz_main),,-fsanitize=fuzzer) $^ $(LIBS) -o $@

fuzz-targets: $(fuzz_bin)

## fuzz: every target for FUZZ_SECONDS (60) with clang-19's fuzzer; FUZZ_ONLY=NAME for one of them
fuzz:
	@sh tools/fuzz.sh "$(MAKE)"

# The command line's tests take what they need from the program, main() excepted.
$B/libcli.a: $(filter-out %/main.o,$(cli_obj))
	@rm -f $@
	ar qcs $@ $^

$B/tests/test_cli_%: $B/tests/unit/test_cli_%.o $(support_obj) $B/libcli.a $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $< $(support_obj) $B/libcli.a $B/liblfm_internal.a -lcmocka $(LIBS) -o $@

# Here the n-th allocation, mapping or thread can be made to fail.
wrapped := malloc calloc realloc aligned_alloc free mmap munmap pthread_create
$B/tests/test_alloc_failure: ALL_LDFLAGS += $(wrapped:%=-Wl,--wrap=%)

$B/tests/golden_test: $B/tests/golden_test.o $(support_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $< $(support_obj) $B/liblfm_internal.a -lcmocka $(LIBS) -o $@

# Malformed model files, and what the program says to them; main() is the test's.
hostile_obj := $(patsubst %.c,$B/%.o,$(wildcard tests/hostile/*.c))
$B/tests/hostile_test: $(hostile_obj) $(support_obj) $(cli_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) -Wl,--wrap=main $(hostile_obj) $(support_obj) $(cli_obj) $B/liblfm_internal.a $(LIBS) -o $@

# The whole program, with calls to the system that fail; main() is the test's.
fault_obj := $(patsubst %.c,$B/%.o,$(wildcard tests/faults/*.c))
fault_wraps := main malloc calloc realloc aligned_alloc strdup free mmap munmap pthread_create open read pread write \
    fstat fsync ftruncate fallocate fchmod flock lseek rename close fopen fdopen fflush opendir
$B/tests/fault_test: $(fault_obj) $(support_obj) $(cli_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $(fault_wraps:%=-Wl,--wrap=%) $(fault_obj) $(support_obj) $(cli_obj) $B/liblfm_internal.a $(LIBS) -o $@

# Chat templates against what Jinja2 renders.
$B/tests/template_check: $B/tests/template/template_check.o $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# What the grammars of schemas let through.
$B/tests/schema_walk: $B/tests/schema/schema_walk.o $(support_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# The program is killed while it writes files.
$B/tests/kill_test: $B/tests/kill/kill_test.o $(support_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $< $(support_obj) $B/liblfm_internal.a $(LIBS) -o $@

# One process that lives long; for `make check-all`.
$B/tests/soak_test: $B/tests/soak/soak_test.o $B/liblfm_internal.a
	$(CC) $(ALL_LDFLAGS) $^ $(LIBS) -o $@

# Every kernel against the scalar one; no cmocka, so that it also runs under an emulator.
$B/tests/kernel_check: $(check_obj) $(support_obj) $B/liblfm_internal.a
	@mkdir -p $(dir $@)
	$(CC) $(ALL_LDFLAGS) $(check_obj) $(support_obj) $B/liblfm_internal.a $(LIBS) -o $@

## test: everything that proves the program right, under three minutes
test:
	@sh tools/test.sh "$(MAKE)"

## t: one test, e.g. make t TEST=token_bpe, TEST=cli/bench, TEST=kernel_check ARGS=--bench; without TEST, their names
t:
	@sh tools/run_test.sh "$(MAKE)" $B "$(TEST)" $(ARGS)

## check: unit, golden and command-line tests of one MODE
check: $(unit_bin) $B/tests/golden_test $B/tests/kernel_check $B/tests/hostile_test $B/tests/fault_test \
       $B/tests/kill_test $B/tests/template_check $B/tests/schema_walk $(fuzz_bin) $B/lfm $B/mkmodel
	@sh tests/run.sh $B

## test-cross: kernels and logits on ARM and older x86, under qemu
test-cross:
	@sh tools/cross.sh "$(MAKE)"

## check-all: what takes longer: analysers, sanitizers, valgrind, coverage, other processors, fuzzing
check-all:
	@sh tools/check_all.sh "$(MAKE)"

## format: lay out the lines of C that differ from BASE (HEAD) with clang-format
format:
	@BASE="$(BASE)" sh tools/format.sh

## lint: the rules of the house; clang-tidy and shellcheck over the files that differ from BASE (HEAD)
lint:
	@BASE="$(BASE)" sh tools/lint.sh

## header-test: every header compiles alone, the public ones also as C++
header-test:
	@CC="$(CC)" sh tools/header_test.sh

## hooks: let git check commits (tools/hooks) in this repository
hooks:
	@sh tools/hooks.sh

## layers: no file includes upwards or sideways
layers:
	@sh tools/check_layers.sh

## symbols: only the exported names that a room may have, and no two objects that need each other
symbols: $B/lfm $B/liblfm.a
	@sh tools/check_symbols.sh $B
	@sh tools/check_layers.sh $B

## install: program, library, manual page and completions into PREFIX (/usr/local), under DESTDIR if set
D := $(DESTDIR)$(PREFIX)
version = $(shell awk '/define LFM_VERSION_(MAJOR|MINOR|PATCH)/ { printf "%s%s", dot, $$3; dot = "." }' include/lfm.h)
install: $B/lfm $B/liblfm.a
	install -d $D/bin $D/include $D/lib/pkgconfig $D/share/man/man1 $D/share/bash-completion/completions \
	    $D/share/zsh/site-functions $D/share/fish/vendor_completions.d
	install -m 755 $B/lfm $D/bin/lfm
	install -m 644 include/lfm.h include/lfm_tools.h $D/include
	install -m 644 $B/liblfm.a $D/lib
	printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' 'libdir=$${prefix}/lib' '' 'Name: lfm' \
	    'Description: run LFM2 language models on a CPU' 'Version: $(version)' 'Cflags: -I$${includedir}' \
	    'Libs: -L$${libdir} -llfm' 'Libs.private: -lm -pthread' >$D/lib/pkgconfig/lfm.pc
	$B/lfm man >$D/share/man/man1/lfm.1
	$B/lfm completion bash >$D/share/bash-completion/completions/lfm
	$B/lfm completion zsh >$D/share/zsh/site-functions/_lfm
	$B/lfm completion fish >$D/share/fish/vendor_completions.d/lfm.fish

## uninstall: remove what install put there
uninstall:
	rm -f $D/bin/lfm $D/include/lfm.h $D/include/lfm_tools.h $D/lib/liblfm.a $D/lib/pkgconfig/lfm.pc \
	    $D/share/man/man1/lfm.1 $D/share/bash-completion/completions/lfm \
	    $D/share/zsh/site-functions/_lfm $D/share/fish/vendor_completions.d/lfm.fish

clean:
	rm -rf build

-include $(lib_obj:.o=.d) $(cli_obj:.o=.d) $(maker_obj:.o=.d) $(support_obj:.o=.d) \
         $(unit_src:%.c=$B/%.d) $B/tests/golden_test.d $(check_obj:.o=.d) \
         $(hostile_obj:.o=.d) $(fault_obj:.o=.d) $B/tests/kill/kill_test.d $B/tests/soak/soak_test.d $B/tests/template/template_check.d \
         $B/tests/schema/schema_walk.d $(fuzz_src:%.c=$B/%.d) $B/tests/fuzz/replay.d
.SECONDARY:
