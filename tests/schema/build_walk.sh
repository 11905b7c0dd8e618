#!/bin/sh
# Build schema_walk against the release build of another checkout: build_walk.sh CHECKOUT PROGRAM
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$1"
${CC:-gcc} -std=c11 -D_GNU_SOURCE -O2 -Iinclude -Isrc -pthread "$here/schema/schema_walk.c" "$here/support/vocab.c" \
    "$here/support/put.c" "$here/../tools/mkmodel/put.c" build/release/liblfm_internal.a -lm -o "$2"
