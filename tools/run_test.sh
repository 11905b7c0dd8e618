#!/bin/sh
# `make t TEST=NAME`: build one test and run it from the root, as `make check` would, with its output on the terminal.
#
#     TEST=token_bpe              tests/unit/test_token_bpe.c
#     TEST=cli/bench              tests/cli/bench.test; TEST=cli/acceptance is tests/cli/acceptance_test.sh
#     TEST=fuzz/json              tests/fuzz/fuzz_json.c over its corpus, with small changes
#     TEST=readme                 tests/readme_test.sh
#     TEST=kernel_check           golden_test, hostile_test, fault_test, kill_test, soak_test and template_check likewise
#     ARGS="7 --slot=mul_q4_0"    arguments of a program
#
# Called with make, the build folder, the name, and the arguments; or with --names, to list every NAME.
set -eu
programs="kernel_check golden_test hostile_test fault_test kill_test soak_test template_check"

names() {
    for file in tests/unit/test_*.c; do basename "$file" .c | sed 's/^test_//'; done
    for file in tests/cli/*.test tests/cli/*_test.sh tests/*_test.sh; do
        echo "$file" | sed 's|^tests/||; s/\.test$//; s/_test\.sh$//'
    done
    for file in tests/fuzz/fuzz_*.c; do basename "$file" .c | sed 's|^fuzz_|fuzz/|'; done
    echo "$programs" | tr ' ' '\n'
}

if [ "$1" = --names ]; then
    names
    exit
fi
make=$1
build=$2
name=${3:-}
shift 2
[ $# -eq 0 ] || shift
jobs=$(nproc 2>/dev/null || echo 2)
export LFM_BIN="$build/lfm" LFM_MKMODEL="$build/mkmodel" LFM_SHARED="${LFM_SHARED:-../shared}"
case $build in *asan* | *tsan* | *msan*) export LFM_SANITIZED=1 ;; esac

make_all() { "$make" -s -j"$jobs" "$@"; }

# A test is also known by its file.
name=${name#tests/}
name=${name#unit/}
name=${name%.test}
name=${name%.c}
name=${name%.sh}
bare=${name#test_}
bare=${bare%_test}

if [ -e "tests/unit/test_$bare.c" ]; then
    make_all "$build/tests/test_$bare" "$build/mkmodel"
    exec "$build/tests/test_$bare" "$@"
fi
case " $programs " in *" $name "*)
    make_all "$build/tests/$name" "$build/lfm" "$build/mkmodel"
    exec "$build/tests/$name" "$@" ;;
esac
case $name in
fuzz/*)
    bare=${name#fuzz/}
    bare=${bare#fuzz_}
    if [ -e "tests/fuzz/fuzz_$bare.c" ]; then
        make_all "$build/fuzz/fuzz_$bare"
        [ $# -gt 0 ] || set -- "tests/fuzz/corpus/$bare" --mutate 20
        exec "$build/fuzz/fuzz_$bare" "$@"
    fi ;;
esac
if [ -e "tests/$name.test" ]; then
    make_all "$build/lfm" "$build/mkmodel"
    exec sh tests/cli/run.sh "tests/$name.test"
fi
script=tests/${name%_test}_test.sh
if [ -e "$script" ]; then
    make_all "$build/lfm" "$build/mkmodel"
    [ "$script" != tests/fuzz_test.sh ] || make_all fuzz-targets
    exec sh "$script" "$@"
fi

[ -z "$name" ] || echo "There is no test '$name'." >&2
{ echo "make t TEST=NAME, where NAME is one of" && names; } | paste -s -d ' ' | fold -s -w 100 >&2
exit 2
