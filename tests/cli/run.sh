#!/bin/sh
# Run the tables of command lines in *.test with the program $LFM_BIN and models from $LFM_MKMODEL.
#
#     tests/cli/run.sh [FILE.test ...]      from the root of the repository; without files, all of tests/cli
#     make t TEST=cli/NAME                  builds what is needed and runs tests/cli/NAME.test
#
# A case is a block of lines:
#
#     $ COMMAND      a shell command
#     = N            its exit status (0 if the line is absent)
#     > PATTERN      a line of standard output matches this extended regular expression
#     >              standard output is empty
#     >> TEXT        a line of standard output is exactly this
#     2> PATTERN     a line of standard error matches (without such a line, standard error must be empty)
#
# Blank lines separate cases, and # begins a comment.  All cases of a file share one fresh folder, which holds
# nano.gguf, a small model with random weights, and story.gguf, the trained model of models/.  `lfm` is the
# program; standard input is /dev/null.  A case that calls jq is skipped where jq is missing.
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(pwd)
bin=${LFM_BIN:-build/release/lfm}
maker=${LFM_MKMODEL:-build/release/mkmodel}
case $bin in /*) ;; *) bin=$root/$bin ;; esac
case $maker in /*) ;; *) maker=$root/$maker ;; esac
if [ ! -x "$bin" ] || [ ! -x "$maker" ]; then
    echo "tests/cli: $bin and $maker are needed; make them first (make tools all)"
    exit 1
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" && ln -s "$bin" "$work/bin/lfm" || exit 1
"$maker" nano-moe F32 -o "$work/nano.gguf" --seed 1 >/dev/null || exit 1
PATH=$work/bin:$PATH
XDG_CONFIG_HOME=$work/config # where `lfm bench --tune` keeps what it found
unset LFM_MODEL LFM_THREADS LFM_ISA NO_COLOR FORCE_COLOR LFM_NO_COLOR
# Threads that wait for each other beside other tests cost more than all else.  Cases about threads name them.
[ -n "${LFM_TEST_ALL:-}" ] || export LFM_THREADS=1
export PATH XDG_CONFIG_HOME
n_passed=0
n_failed=0
n_skipped=0

fail() {
    [ -z "$bad" ] && printf 'FAIL %s:%s\n  $ %s\n' "$file" "$case_line" "$command"
    bad=1
    printf '  %s\n' "$1"
}

# Judge the case that was collected.
finish() {
    [ -n "$command" ] || return 0
    bad=""
    case $command in
    *jq\ *) if ! command -v jq >/dev/null 2>&1; then
            n_skipped=$((n_skipped + 1))
            return 0
        fi ;;
    esac
    (cd "$work/dir" && sh -c "$command") </dev/null >"$work/out" 2>"$work/err"
    status=$?
    [ "$status" = "$want_status" ] || fail "exit status $status, not $want_status"
    [ -n "$want_err" ] || [ ! -s "$work/err" ] || fail "standard error should be empty"
    while IFS= read -r line; do
        text=${line#* }
        case $line in
        '> '*) grep -Eqa -e "$text" "$work/out" || fail "standard output lacks: $text" ;;
        '>> '*) grep -Fxqa -e "$text" "$work/out" || fail "standard output lacks the line: $text" ;;
        '2> '*) grep -Eqa -e "$text" "$work/err" || fail "standard error lacks: $text" ;;
        '>') [ ! -s "$work/out" ] || fail "standard output should be empty" ;;
        esac
    done <"$work/want"
    if [ -n "$bad" ]; then
        n_failed=$((n_failed + 1))
        head -c 1000 "$work/out" | sed 's/^/  out| /'
        head -c 1000 "$work/err" | sed 's/^/  err| /'
    else
        n_passed=$((n_passed + 1))
    fi
}

begin() {
    command=""
    want_status=0
    want_err=""
    : >"$work/want"
}

run_file() {
    rm -rf "$work/dir"
    mkdir "$work/dir" && ln "$work/nano.gguf" "$work/dir/nano.gguf" &&
        ln -s "$root/models/lfm-stories-Q4_0.gguf" "$work/dir/story.gguf" || exit 1
    line_number=0
    begin
    while IFS= read -r row || [ -n "$row" ]; do
        line_number=$((line_number + 1))
        case $row in
        '#'*) ;;
        '') finish; begin ;;
        '$ '*) command=${row#'$ '}; case_line=$line_number ;;
        '= '*) want_status=${row#= } ;;
        '2> '*) want_err=1; printf '%s\n' "$row" >>"$work/want" ;;
        '>' | '> '* | '>> '*) printf '%s\n' "$row" >>"$work/want" ;;
        *) echo "$file:$line_number: not understood: $row"; exit 1 ;;
        esac
    done <"$1"
    finish
}

if [ $# -eq 0 ]; then
    set -- "$here"/*.test
fi
for file in "$@"; do
    case " ${LFM_LEAVE_OUT:-} " in *" $(basename "$file") "*) continue ;; esac
    if [ ! -e "$file" ]; then
        echo "tests/cli: $file does not exist"
        exit 1
    fi
    run_file "$file"
done
skipped=""
[ "$n_skipped" -eq 0 ] || skipped=", $n_skipped skipped (jq is not here)"
echo "$n_passed cases passed, $n_failed failed$skipped"
[ "$n_failed" -eq 0 ]
