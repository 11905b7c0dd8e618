#!/bin/sh
# quantize_test.sh - lfm quantize: llama.cpp's bytes, whatever the threads, and nothing half-written.
#
# tests/golden/quantized_files.tsv has the SHA-256 of what llama-quantize (d32676d7) makes of models
# that mkmodel writes.  LFM_BIN and LFM_MKMODEL are the programs.
set -u
lfm=${LFM_BIN:-build/release/lfm}
mk=${LFM_MKMODEL:-build/release/mkmodel}
. tests/support/expect.sh

while read -r preset from mix wanted; do
    in=$dir/$preset-$from.gguf
    [ -e "$in" ] || "$mk" "$preset" "$from" -o "$in" || fail "mkmodel $preset $from"
    "$lfm" quantize "$in" "$dir/out.gguf" "$mix" -q --force || fail "quantize $preset $from $mix"
    expect "$preset $from -> $mix" "$(sum "$dir/out.gguf")" "$wanted"
done <tests/golden/quantized_files.tsv

in=$dir/kq-moe-F32.gguf
"$lfm" quantize "$in" "$dir/one.gguf" Q4_K_M -q -t 1 || fail "one thread"
"$lfm" quantize "$in" "$dir/three.gguf" q4_k_m -q -t 3 || fail "three threads"
expect "threads" "$(sum "$dir/one.gguf")" "$(sum "$dir/three.gguf")"

# What is there stays there.
before=$(sum "$dir/one.gguf")
message=$("$lfm" quantize "$in" "$dir/one.gguf" Q8_0 2>&1)
expect "existing output: exit code" $? 1
expect "existing output: message" "$message" "lfm: $dir/one.gguf exists; --force replaces it"
expect "existing output: content" "$(sum "$dir/one.gguf")" "$before"

# A dry run lists and writes nothing; a device that is full leaves nothing behind.
"$lfm" quantize "$in" "$dir/none.gguf" Q8_0 --dry-run >"$dir/list" || fail "dry run"
expect "dry run: file" "$(find "$dir" -name '*none*')" ""
expect "dry run: a line" "$(grep -c '^blk.0.shortconv.in_proj.weight  *F32  *-> Q8_0 ' "$dir/list")" 1
(
    ulimit -f 40
    trap '' XFSZ
    "$lfm" quantize "$in" "$dir/full.gguf" Q8_0 >"$dir/log" 2>&1
)
expect "file too large: exit code" $? 1
expect "file too large: one line" "$(wc -l <"$dir/log")" 1
expect "file too large: nothing left" "$(find "$dir" -name '*full*')" ""

# Errors.
try() {
    wanted=$1 text=$2
    shift 2
    message=$("$lfm" quantize "$@" 2>&1)
    expect "quantize $*: exit code" $? "$wanted"
    checks=$((checks + 1))
    case $message in
    "lfm: "*"$text"*) ;;
    *) fail "quantize $*: '$message' lacks '$text'" ;;
    esac
}
try 2 "no type; use: lfm quantize MODEL OUT TYPE" "$in" "$dir/x.gguf"
try 2 "unknown type 'Q9'; the types are: F32 BF16 F16 Q8_0" "$in" "$dir/x.gguf" Q9
try 1 "Start from a file with F32, F16, BF16 or Q8_0" "$dir/one.gguf" "$dir/x.gguf" Q6_K
try 1 "none.gguf" "$dir/none.gguf" "$dir/x.gguf" Q6_K

[ $failed -eq 0 ] || exit 1
echo "$checks checks passed"
