#!/bin/sh
# clang-tidy with the rules of .clang-tidy over the files of src that are named (default: all of them), for `make lint`
# and `make check-all`.  CLANG_TIDY names the program.
set -u
tool=${CLANG_TIDY:-clang-tidy-19}
command -v "$tool" >/dev/null 2>&1 || tool=clang-tidy
if ! command -v "$tool" >/dev/null 2>&1; then
    echo "skip: tidy needs $tool: apt-get install $tool"
    exit 0
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC2046 # no name of ours holds a blank
[ $# -gt 0 ] || set -- $(find src -name '*.c' | sort)

flags_of() { # what the Makefile gives to this file, as far as it decides what compiles
    base="-mavx2 -mfma -mf16c"
    wide="$base -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni"
    case $1 in
    *x86/avx2.c) echo "$base" ;;
    *x86/avxvnni.c) echo "$base -mavxvnni" ;;
    *x86/avx512vnni.c) echo "$wide" ;;
    *x86/amx.c) echo "$wide -mamx-tile -mamx-int8" ;;
    esac
    case $1 in src/base/error.c) ;; *) echo "-include tools/analyzer.h" ;; esac
}

n=0
: >"$work/files"
for file in "$@"; do
    case $file in
    src/kernel/arm/*.c) continue ;;
    src/kernel/x86/*.c) [ "$(uname -m)" = x86_64 ] || continue ;;
    src/*.c) ;;
    *) continue ;;
    esac
    n=$((n + 1))
    # A blank at the end of a line would make xargs join it with the next one.
    # shellcheck disable=SC2046
    echo "$file -- -std=c11 -D_GNU_SOURCE -Iinclude -Isrc" $(flags_of "$file") >>"$work/files"
done
if [ $n -gt 0 ] && ! xargs -P "$(nproc 2>/dev/null || echo 2)" -L 1 "$tool" --quiet <"$work/files" 2>"$work/errors"; then
    grep -v 'warnings\{0,1\} generated' "$work/errors"
    exit 1
fi
echo "$("$tool" --version | sed -n 's/.*version \([0-9.]*\).*/clang-tidy \1/p'): $n files, nothing found"
