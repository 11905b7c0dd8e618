#!/bin/sh
# `make test`: the house's rules, then every test in a release and in a sanitizer build.
set -eu
make=$1
if ! echo '#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>' | ${CC:-gcc} -E - >/dev/null 2>&1; then
    echo "make test needs the cmocka library: apt-get install libcmocka-dev" >&2
    exit 1
fi
start=$(date +%s)
jobs=$(nproc 2>/dev/null || echo 2)
sh tools/check_layers.sh
sh tools/check_style.sh
sh tools/check_docs.sh
"$make" -s header-test
"$make" -s -j"$jobs" MODE=release check
"$make" -s MODE=release symbols
# Left out of this build is what measures time, compares the numbers of a whole model, or starts the program for its
# bytes and texts.  The C code of the model, the kernels, the quantiser and the command line is run sanitized by the
# unit tests, the other tables of command lines and the faults; `make check-all` (asan-gcc) leaves nothing out.
export LFM_LEAVE_OUT="readme_test.sh install_test.sh quantize_test.sh mkmodel_test.sh passkey_test.sh golden_test \
test_support_ref_forward bench.test machine.test score.test selftest.test story.test"
LFM_SANITIZED=1 "$make" -s -j"$jobs" MODE=asan check
echo "make test: all passed in $(($(date +%s) - start)) s"
