#!/bin/sh
# Run every test of one build folder ($1, e.g. build/release), as many at once as there are cores, and say what failed.
# LFM_LEAVE_OUT names tests that are not run, and that is said (tools/test.sh).
# LFM_SHARED (default ../shared) is where the golden data of other engines lies; tests that need it skip without.
set -u
build=$1
export LFM_BIN="$build/lfm" LFM_MKMODEL="$build/mkmodel" LFM_SHARED="${LFM_SHARED:-../shared}"
export LFM_SANITIZED="${LFM_SANITIZED:-}"
logs="$build/logs"
rm -rf "$logs"
mkdir -p "$logs"

# The long ones first, so that no core idles at the end.
list=""
for test in tests/cli/run.sh tests/readme_test.sh "$build/tests/test_api_session" \
    "$build/tests/test_model_forward" "$build/tests/golden_test" "$build/tests/hostile_test" \
    "$build/tests/fault_test" tests/quantize_test.sh "$build/tests/test_token_tokenizer" \
    "$build/tests/test_constrain_schema" "$build/tests/test_alloc_failure" tests/*_test.sh \
    tests/cli/*_test.sh "$build"/tests/kernel_check "$build"/tests/kill_test "$build"/tests/test_*; do
    case $test in *.o | *.d | *.log) continue ;; esac
    case " $list " in *" $test "*) continue ;; esac
    case " ${LFM_LEAVE_OUT:-} " in *" $(basename "$test") "*) continue ;; esac
    [ -e "$test" ] && list="$list $test"
done

# One test: its output goes to a log, a line with its outcome to standard output.
cat >"$logs/one.sh" <<'EOF'
test=$1
name=$(basename "$test")
case $test in tests/cli/*) name=cli_$name ;; esac
log="$2/$name.log"
start=$(date +%s)
case $test in *.sh) sh "$test" >"$log" 2>&1 ;; *) "$test" >"$log" 2>&1 ;; esac
status=$?
seconds=$(($(date +%s) - start))
# The processor's time of the test and all that it waited for.
times >"$log.times" # in this shell: another one would have begun at zero
cpu=$(awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/); printf "%.1f", 60 * (u[1] + s[1]) + u[2] + s[2] }' "$log.times")
if [ $status -ne 0 ]; then
    printf 'FAIL  %s (exit %s, see %s)\n' "$name" "$status" "$log"
    tail -n 40 "$log"
    echo "0 1 0" >"$log.count"
    exit 0
fi
passed=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
skipped=$(sed -n 's/^\[  SKIPPED \] \([0-9]*\) test(s).*/\1/p' "$log" | tail -n 1)
if [ -n "$passed" ]; then
    line="$passed passed${skipped:+, $skipped skipped}"
else
    line=$(tail -n 1 "$log")
fi
echo "${passed:-1} 0 ${skipped:-0}" >"$log.count"
printf 'ok    %-26s %4d s, cpu %5.1f  %s\n' "$name" "$seconds" "$cpu" "$line"
EOF
echo "$list" | tr ' ' '\n' | grep . | xargs -P "$(nproc 2>/dev/null || echo 2)" -I '{}' sh "$logs/one.sh" '{}' "$logs"
cat "$logs"/*.count | awk -v build="$build" -v left_out="${LFM_LEAVE_OUT:+; left to make check-all: $LFM_LEAVE_OUT}" '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%s: %d passed, %d failed, %d skipped%s\n", build, passed, failed, skipped, left_out
        exit failed > 0 || passed == 0
    }'
