#!/bin/sh
# `make fuzz`: every target of tests/fuzz for FUZZ_SECONDS seconds (60), with clang's libFuzzer, address and
# undefined-behaviour sanitizers.  FUZZ_ONLY=NAME runs one.  New inputs that reach new code are collected in
# build/fuzz-<compiler>/corpus/NAME and used again the next time; what crashes lies in build/fuzz-<compiler>/found.
set -eu
make=$1
cc=${CC:-clang-19}
seconds=${FUZZ_SECONDS:-60}
build=build/fuzz-$cc
"$make" -s -j"$(nproc 2>/dev/null || echo 2)" MODE=fuzz CC="$cc" fuzz-targets
mkdir -p "$build/found"
status=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    case ${FUZZ_ONLY:-$name} in "$name") ;; *) continue ;; esac
    mkdir -p "$build/corpus/$name" "tests/fuzz/corpus/$name"
    dict=""
    [ ! -e "tests/fuzz/$name.dict" ] || dict=-dict=tests/fuzz/$name.dict
    log=$build/$name.log
    if "$build/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
        -print_final_stats=1 -artifact_prefix="$build/found/$name-" ${dict:+"$dict"} \
        "$build/corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        cover=$(sed -n 's/.* cov: \([0-9]*\).*/\1/p' "$log" | tail -n 1)
        echo "fuzz_$name: $runs inputs in $seconds s, $cover edges, nothing found"
    else
        echo "fuzz_$name: FAILED, see $log"
        grep -E 'ERROR|SUMMARY|broken:|Test unit written|runtime error' "$log" | head -n 10
        status=1
    fi
done
exit $status
