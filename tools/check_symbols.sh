#!/bin/sh
# The global symbols of one build folder ($1, e.g. build/release):
#
#   - an ISA object exports exactly one kern_overlay_*, perhaps a kern_rows_* for the set above it,
#     and has no weak ones: otherwise the linker could give code with AVX to a processor without;
#   - those of liblfm_internal.a begin with a prefix of their room;
#   - liblfm.a (make lib), if it was built, exports what include/ declares, and nothing else.
set -eu
build=$1
nm=${NM:-nm}

# base, gguf, kernel, model, token, jinja, constrain, answer, api and convert
prefixes="arena cores cpu err group json map memory out pool team thoughts unicode utf8 versioned
    gguf mix pack qtype
    jobs kern quantize rope
    act block pass model shape state timeline weights
    sampler tok
    argument big buffer dict filter jinja lex list lookup native operator parse run text value variable
    ahead automaton charset choices closure concise digits gbnf grammar keys mask regex regular
    schema trie
    constraint defaults messages template answer logprobs tool
    lfm"

list=$(mktemp)
trap 'rm -f "$list"' EXIT
status=0
n_isa=0
for object in "$build"/src/kernel/x86/*.o "$build"/src/kernel/arm/*.o; do
    [ -e "$object" ] || continue
    n_isa=$((n_isa + 1))
    "$nm" "$object" >"$list"
    awk -v object="$object" '
    $(NF - 1) ~ /^[VvWw]$/ { print object ": weak symbol " $NF; failed = 1 }
    NF == 3 && $2 ~ /^[A-Z]$/ {
        if ($3 ~ /^kern_overlay_/) { n++ }
        else if ($3 !~ /^kern_rows_/) { print object ": exports " $3; failed = 1 }
    }
    END {
        if (n != 1) { print object ": exports " n + 0 " overlays instead of one"; failed = 1 }
        exit failed
    }' "$list" || status=1
done
"$nm" -A -g --defined-only "$build/liblfm_internal.a" >"$list"
# shellcheck disable=SC2086,SC2116 # one line, for awks that want it
awk -v prefixes="$(echo $prefixes)" -v n_isa="$n_isa" -v status="$status" '
BEGIN { n = split(prefixes, word); for (i = 1; i <= n; i++) known[word[i]] = 1 }
NF >= 3 {
    split($NF, part, "_")
    seen++
    if (!(part[1] in known)) { print $1 " " $NF " has no prefix of a room"; failed = 1 }
}
END {
    if (!seen) { print "no symbols at all"; failed = 1 }
    if (!failed && status == 0)
        print "symbols: " seen " global ones, " n_isa " objects with instructions of their own"
    exit failed || status
}' "$list" || status=1

if [ -e "$build/liblfm.a" ]; then
    declared=$(grep -ohE '\blfm_[a-z0-9_]+\(' include/*.h | tr -d '(' | sort -u)
    exported=$("$nm" -g --defined-only "$build/liblfm.a" | awk 'NF == 3 { print $3 }' | sort -u)
    for name in $exported; do
        if ! echo "$declared" | grep -qxF "$name"; then
            echo "liblfm.a exports $name, which include/ does not declare"
            status=1
        fi
    done
    [ $status -ne 0 ] || echo "liblfm.a: exports $(echo "$exported" | wc -l) names, all of include/"
fi
exit $status
