#!/bin/sh
# Every fuzz target over its committed corpus, with some changes to each input ($FUZZ_MUTATE, default 20).
set -u
build=$(dirname "${LFM_BIN:-build/release/lfm}")
n_targets=0
status=0
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    name=${name#fuzz_}
    if out=$("$build/fuzz/fuzz_$name" "tests/fuzz/corpus/$name" --mutate "${FUZZ_MUTATE:-20}" 2>&1); then
        echo "fuzz_$name: $(echo "$out" | tail -n 1)"
        n_targets=$((n_targets + 1))
    else
        echo "fuzz_$name FAILED:"
        echo "$out" | tail -n 30
        status=1
    fi
done
echo "$n_targets fuzz targets over their corpora, nothing found"
exit $status
