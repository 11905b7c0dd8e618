#!/bin/sh
# Run every test of one build folder ($1, e.g. build/release) and say what failed.
# LFM_SHARED (default ../shared) is where the golden data of other engines lies; tests that need it skip without.
set -u
build=$1
export LFM_BIN="$build/lfm" LFM_MKMODEL="$build/mkmodel" LFM_SHARED="${LFM_SHARED:-../shared}"
export LFM_SANITIZED="${LFM_SANITIZED:-}"
failed=""
passed=0
skipped=0
for test in "$build"/tests/test_* "$build/tests/golden_test"; do
    case $test in *.o | *.d) continue ;; esac
    name=$(basename "$test")
    log="$build/tests/$name.log"
    if "$test" >"$log" 2>&1; then
        n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
        s=$(grep -c '^\[  SKIPPED \] [a-z]' "$log")
        passed=$((passed + ${n:-0}))
        skipped=$((skipped + s))
        printf 'ok    %-36s %4s passed' "$name" "${n:-0}"
        [ "$s" -gt 0 ] && printf ', %s skipped' "$s"
        printf '\n'
    else
        failed="$failed $name"
        printf 'FAIL  %s (see %s)\n' "$name" "$log"
        tail -n 40 "$log"
    fi
done
for script in tests/cli/run.sh tests/*_test.sh; do
    [ -e "$script" ] || continue
    name=$(basename "$(dirname "$script")")/$(basename "$script")
    log="$build/tests/$(echo "$name" | tr / _).log"
    if sh "$script" >"$log" 2>&1; then
        passed=$((passed + 1))
        printf 'ok    %-36s %s\n' "$name" "$(tail -n 1 "$log")"
    else
        failed="$failed $name"
        printf 'FAIL  %s (see %s)\n' "$name" "$log"
        tail -n 40 "$log"
    fi
done
n_failed=$(echo "$failed" | wc -w)
echo "$build: $passed passed, $n_failed failed, $skipped skipped"
[ -z "$failed" ]
