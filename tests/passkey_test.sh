#!/bin/sh
# passkey_test.sh - a key that a long text mentions once is found again, from any distance.
#
#     sh tests/passkey_test.sh [TOKENS ...]      lengths of the text, by default 1000 and 4000
#
# The model copies: after a token it says what followed that token before (tools/mkmodel/induction.h).  A text holds
# three keys, as far as all of it, a half and a sixteenth from its end; the words before the key's digits are given
# again, and the model must go on with the digits: with each type of cache, through the chat template and with --raw.
# No digit and no mark that introduces a key comes twice in a text, so nothing else can be copied.
# LFM_BIN and LFM_MKMODEL are the programs.
set -u
lfm=${LFM_BIN:-build/release/lfm}
. tests/support/expect.sh
[ -n "${LFM_TEST_ALL:-}" ] || [ $# -ne 0 ] || export LFM_THREADS=1 # (cli/run.sh)
[ $# -ne 0 ] || set -- 1000 4000
model=$dir/induction.gguf
"${LFM_MKMODEL:-build/release/mkmodel}" induction F16 -o "$model" || exit 1

filler="The grass is green. The sky is blue. The sun is far. We go there and home again. "
per_filler=$("$lfm" tokenize "$model" --count "$filler")

# text TOKENS [KEY KEY KEY]: at least so many tokens, with the keys in their places
text() {
    awk -v n=$((($1 + per_filler - 1) / per_filler)) -v filler="$filler" -v first="$2" -v second="$3" -v third="$4" '
        function say(key) { if (key != "") printf "The pass key%s. ", key }
        BEGIN {
            for (i = 0; i < n; i++) {
                if (i == 0) say(first)
                if (i == int(n / 2)) say(second)
                if (i == n - int(n / 16)) say(third)
                printf "%s", filler
            }
        }'
}

# ask KV PATH MARK: what the model says after "The pass key", the mark of a key, and four more tokens
ask() {
    set -- "$1" "$2" "The pass key$3"
    if [ "$2" = raw ]; then
        { cat "$dir/text" && printf '%s' "$3"; } >"$dir/raw"
        printf '%s' "$3"
        "$lfm" run "$model" --raw -f "$dir/raw" --kv "$1" --temp 0 -n 4
    else
        "$lfm" run "$model" -f "$dir/text" --prefill "$3" --kv "$1" --temp 0 -n 4
    fi
}

# found LENGTH MARK KEY
found() {
    for kv in f16 q8; do
        for path in chat raw; do
            start=$(date +%s)
            expect "$1 tokens, key '$2', --kv $kv, $path" "$(ask $kv $path "$2")" "The pass key$2$3."
            [ "$1" -lt 10000 ] || echo "$1 tokens, key '$2', --kv $kv, $path: $(($(date +%s) - start)) s"
        done
    done
}

for length in "$@"; do
    text "$length" :713 ';824' =956 >"$dir/text"
    n=$("$lfm" tokenize "$model" --count -f "$dir/text")
    expect "a text of $length tokens has $n" "$((n >= length && n < length + 100))" 1
    found "$length" : 713
    found "$length" ';' 824
    found "$length" = 956
done

# Without the key there is nothing to copy; with another one, that is copied.
text 1000 '' ';824' =956 >"$dir/text"
expect "no key" "$(ask f16 raw : | grep -c 713)" 0
text 1000 '' :317 =956 >"$dir/text"
expect "another key" "$(ask f16 raw :)" "The pass key:317."

if [ $failed -ne 0 ]; then
    echo "passkey: $failed of $checks checks failed"
    exit 1
fi
echo "passkey: $checks checks passed, texts of $* tokens"
