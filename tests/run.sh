#!/bin/sh
# Run every test of one build folder ($1, e.g. build/release), as many at once as there are cores, and say what failed.
#
#     LFM_LEAVE_OUT="bench.test ..."   tests and tables of tests/cli that are not run; the last line repeats them
#     LFM_SHARED=DIR                   golden data of other engines (../shared); tests that need it skip without
set -u
build=$1
export LFM_BIN="$build/lfm" LFM_MKMODEL="$build/mkmodel" LFM_SHARED="${LFM_SHARED:-../shared}"
export LFM_SANITIZED="${LFM_SANITIZED:-}"
logs="$build/logs"
rm -rf "$logs"
mkdir -p "$logs"

# The long ones start first, so that no core idles at the end.
long="cli/run.sh readme_test.sh test_api_session test_model_forward golden_test hostile_test fault_test
    quantize_test.sh test_token_tokenizer test_constrain_schema test_alloc_failure"

# Every test by its name: a script below tests/, or a program that the Makefile builds from a source.  Programs
# are listed by their sources: one whose source was renamed may still lie in the build folder.
all=$(
    for source in tests/*_test.sh tests/cli/run.sh tests/cli/*_test.sh; do echo "${source#tests/}"; done
    for source in tests/unit/test_*.c tests/golden_test.c tests/kernel/kernel_check.c tests/hostile/hostile_test.c \
        tests/faults/fault_test.c tests/kill/kill_test.c tests/template/template_check.c; do
        basename "$source" .c
    done
)

# A name of these lists that no test has was misspelt, or its test was renamed.
for name in $long ${LFM_LEAVE_OUT:-}; do
    case $name in
    *.test) [ -e "tests/cli/$name" ] && continue ;;
    *) echo "$all" | grep -qxF -e "$name" && continue ;;
    esac
    echo "tests/run.sh: there is no test '$name', which LFM_LEAVE_OUT or the list of long tests names"
    exit 1
done

list=""
for name in $long $all; do
    case " $list ${LFM_LEAVE_OUT:-} " in *" $name "*) continue ;; esac
    list="$list $name"
done

# One test: its output goes to a log, a line with its outcome to standard output.
cat >"$logs/one.sh" <<'EOF'
case $1 in *.sh) test=tests/$1 ;; *) test=$3/tests/$1 ;; esac
name=$(echo "$1" | tr / _)
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
echo "$list" | tr ' ' '\n' | grep . |
    xargs -P "$(nproc 2>/dev/null || echo 2)" -I '{}' sh "$logs/one.sh" '{}' "$logs" "$build"
cat "$logs"/*.count | awk -v build="$build" -v left_out="${LFM_LEAVE_OUT:+; left to make check-all: $LFM_LEAVE_OUT}" '
    { passed += $1; failed += $2; skipped += $3 }
    END {
        printf "%s: %d passed, %d failed, %d skipped%s\n", build, passed, failed, skipped, left_out
        exit failed > 0 || passed == 0
    }'
