#!/bin/sh
# `make test-cross`: the same bits on processors that are not here, under qemu.
#
# On each of them kernel_check compares every kernel with the scalar one, and the logits of small
# models must have one SHA-256 everywhere: x86-64 without AVX (falls back to scalar), with AVX2,
# this machine, and 64-bit ARM with and without dot products and int8 matrix products.
set -u
make=$1
cross=${CROSS_CC:-aarch64-linux-gnu-gcc}
percent=${CROSS_PERCENT:-10} # of kernel_check's cases; emulators are ten to fifty times slower

need() {
    command -v "$1" >/dev/null 2>&1 && return
    echo "make test-cross needs $1: apt-get install $2" >&2
    exit 1
}
if [ "$(uname -m)" != x86_64 ]; then
    echo "make test-cross runs on x86-64 only; this is $(uname -m)" >&2
    exit 1
fi
need "$cross" gcc-aarch64-linux-gnu
need qemu-aarch64-static qemu-user-static
need qemu-x86_64-static qemu-user-static

start=$(date +%s)
here=build/release
there=build/release-$(basename "$cross")
jobs=$(nproc 2>/dev/null || echo 2)
"$make" -s -j"$jobs" MODE=release $here/lfm $here/mkmodel $here/tests/kernel_check || exit 1
"$make" -s -j"$jobs" MODE=release CC="$cross" LDFLAGS=-static "$there/lfm" \
    "$there/tests/kernel_check" || exit 1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
failed=0

# name | command that runs a program there | build folder
cat >"$work/machines" <<MACHINES
this-machine||$here
nehalem|qemu-x86_64-static -cpu Nehalem|$here
haswell|qemu-x86_64-static -cpu Haswell|$here
cortex-a57|qemu-aarch64-static -cpu cortex-a57|$there
cortex-a76|qemu-aarch64-static -cpu cortex-a76|$there
arm-max|qemu-aarch64-static -cpu max|$there
MACHINES

# ---- Kernels

while IFS='|' read -r name run build; do
    # shellcheck disable=SC2086 # $run is a command with arguments, or nothing
    if $run "$build/tests/kernel_check" --percent="$percent" >"$work/log" 2>"$work/err" \
        </dev/null; then
        isas=$(sed -n 's/^  mul_q4_0 .*checks: //p' "$work/log")
        printf 'ok    kernel_check %-13s %s (%s)\n' "$name" "$(tail -n 1 "$work/log")" \
            "${isas:-scalar only}"
    else
        printf 'FAIL  kernel_check %s\n' "$name"
        tail -n 20 "$work/log"
        grep -v '^qemu-x86_64-static: warning' "$work/err"
        failed=1
    fi
done <"$work/machines"

# ---- Logits

# The same tokens every time; 150 reach into the second chunk of attention.
awk 'BEGIN {
    for (x = 1; i++ < 150;) {
        x = (x * 1103515245 + 12345) % 2147483648
        print int(x / 65536) % 500
    }
}' >"$work/150"
head -n 40 "$work/150" >"$work/40"
head -n 20 "$work/150" >"$work/20"

# hash FILE RUN BUILD TOKENS OPTIONS...: the SHA-256 of the logits
hash() {
    file=$1 run=$2 build=$3 tokens=$4
    shift 4
    rm -f "$work/out"
    # shellcheck disable=SC2086
    $run "$build/lfm" logits "$file" --tokens "$work/$tokens" -o "$work/out" -t 2 "$@" \
        >/dev/null 2>"$work/err" </dev/null || return 1
    sha256sum <"$work/out" | cut -d ' ' -f 1
}

# compare FILE LABEL TOKENS: a batch with a cache of floats, and single tokens with one of halves
compare() {
    file=$1 label=$2
    same=0 bad=""
    for options in "$3 --kv f32" "20 --kv f16 -b 1"; do
        # shellcheck disable=SC2086
        want=$(hash "$file" "" "$here" $options --isa scalar) || bad="$bad scalar"
        while IFS='|' read -r name run build; do
            # shellcheck disable=SC2086
            got=$(hash "$file" "$run" "$build" $options) || got=$(tail -n 1 "$work/err")
            if [ "$got" = "$want" ]; then
                same=$((same + 1))
            else
                bad="$bad $name ($options: $got)"
            fi
        done <"$work/machines"
    done
    if [ -z "$bad" ]; then
        printf 'ok    logits %-24s %d times %.16s...\n' "$label" "$same" "$want"
    else
        printf 'FAIL  logits %-24s differ from scalar:%s\n' "$label" "$bad"
        failed=1
    fi
}

while read -r preset types; do
    for type in $types; do
        if $here/mkmodel "$preset" "$type" -f -o "$work/model.gguf" >"$work/log" 2>&1; then
            compare "$work/model.gguf" "$preset $type" 40
        else
            printf 'FAIL  mkmodel %s %s\n' "$preset" "$type"
            cat "$work/log"
            failed=1
        fi
    done
done <<MODELS
nano-dense Q4_0 F32
nano-moe Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 IQ4_NL MXFP4_MOE F16 BF16
odd-moe Q8_0
kq-moe Q2_K Q3_K Q4_K_M Q5_K_M Q6_K IQ4_XS IQ2_XS
MODELS
if [ -f models/lfm-stories-Q4_0.gguf ]; then
    compare models/lfm-stories-Q4_0.gguf lfm-stories-Q4_0 150

    # The program's own test of this: its hash is pinned in tests/cli/selftest.test.
    want=$(sed -n 's/^> ^hash    \([0-9a-f]*\) .*/\1/p' tests/cli/selftest.test | head -n 1)
    while IFS='|' read -r name run build; do
        # shellcheck disable=SC2086
        got=$($run "$build/lfm" selftest models/lfm-stories-Q4_0.gguf -q 2>"$work/err" </dev/null)
        case $got in
        "hash    $want "*) printf 'ok    selftest %s\n' "$name" ;;
        *)
            printf 'FAIL  selftest %s: %s\n' "$name" "${got:-$(tail -n 1 "$work/err")}"
            failed=1
            ;;
        esac
    done <"$work/machines"
fi

seconds=$(($(date +%s) - start))
if [ $failed -ne 0 ]; then
    echo "make test-cross: FAILED after $seconds s"
    exit 1
fi
echo "make test-cross: the same bits everywhere, in $seconds s"
