#!/bin/sh
# The house stands (src/README.md):
#
#   - every `#include "room/file.h"` goes down the floors or stays in the folder; every header of ours is named from src;
#   - no two files need each other: includes have no circle;
#   - nor do two objects, when $1 names the folder of a build (build/release): A uses what B defines, and B, perhaps
#     through others, what A defines;
#   - a folder holds at most 25 files and 3,000 lines of code.
set -eu
build=${1:-}
# Circles of objects in these folders are listed, but allowed; ^$ allows none.
allowed="^$"
nm=${NM:-nm}
list=$(mktemp)
trap 'rm -f "$list"' EXIT
sources=$(find src include -name '*.[ch]' -o -name '*.inc' | sort)

# shellcheck disable=SC2086 # file names without blanks
awk -v list="$list" '
BEGIN {
    # Floors, from the ground up; folders on one line do not know each other.
    n_floors = split( \
        "base base/unicode," \
        "base/system," \
        "gguf," \
        "kernel kernel/codebooks kernel/x86 kernel/x86/rows kernel/arm," \
        "jinja/values," \
        "jinja/parse jinja/natives," \
        "model jinja token constrain/engine," \
        "constrain/gbnf constrain/digits constrain/checks constrain/judge," \
        "constrain/regular," \
        "constrain/schema constrain/brief," \
        "constrain/json," \
        "api," \
        "answer check convert," \
        "cli/options," \
        "cli/shared," \
        "cli/reading," \
        "cli/lineedit cli/prompt," \
        "cli/bench/results," \
        "cli/run cli/chat cli/batch cli/bench cli/commands," \
        "cli/help," \
        "cli", floor, ",")
    for (i = 1; i <= n_floors; i++) {
        n = split(floor[i], folder, " ")
        for (k = 1; k <= n; k++) level[folder[k]] = i
    }
}
function bad(why) { print FILENAME ":" FNR ": " why; failed = 1 }
function folder_of(path) { sub("/[^/]*$", "", path); return path }
function is_part(folder, room) { return index(folder, room "/") == 1 && room !~ "^(base|cli)$" }
function room_of(folder) { sub("/.*$", "", folder); return folder }
FNR == 1 {
    here = folder_of(FILENAME)
    public = here == "include"
    sub("^src/", "", here)
    room = room_of(here)
    files++
    if (!public && !(here in level)) bad(here " has no floor in tools/check_layers.sh")
    n_files[here]++
    if (FILENAME !~ /(iq|unicode|case)_tables[.]c$/) counted = 1; else counted = 0
}
counted { n_lines[here]++ }
/^#include "/ {
    split($0, quoted, "\"")
    name = quoted[2]
    if (name ~ "^lfm(_tools)?[.]h$") {
        if (level[here] < level["api"] && !public && FILENAME != "src/base/error.h" &&
            FILENAME != "src/token/sampler.h")
            bad("below api, only base/error.h and token/sampler.h may include " name)
        print FILENAME, "include/" name, "include" >list
        next
    }
    there = folder_of(name)
    print FILENAME, "src/" name, "include" >list
    if (public) bad("public headers include nothing of ours")
    else if (!(there in level)) bad("\"" name "\" does not name a folder of src")
    else if (here != there && (level[there] > level[here] || level[there] == level[here] && !is_part(here, there) && !is_part(there, here)))
        bad(here " may not include " there)
    else if ((room == "cli" || room == "answer") && there !~ "^(cli|base|answer)(/|$)")
        bad(room " speaks to the model through lfm.h")
}
END {
    for (i in n_files) {
        if (n_files[i] > 25) { print "src/" i ": " n_files[i] " files; 25 at most"; failed = 1 }
        if (n_lines[i] > 3000) { print "src/" i ": " n_lines[i] " lines; 3,000 at most"; failed = 1 }
    }
    if (!failed) print "layers: " files " files, all includes go down"
    exit failed
}' $sources

# From lines "USER USED REASON" to those that lie in a circle, or between two circles.  A file that uses nothing or that
# nothing uses lies in none: take such files away until none is left.
in_circles() {
    awk '
    $1 != $2 { user[++n] = $1; used[n] = $2; line[n] = $1 " uses " $2 " (" $3 ")" }
    END {
        do {
            split("", uses)
            split("", is_used)
            for (i in line) { uses[user[i]]; is_used[used[i]] }
            n_gone = 0
            for (i = 1; i <= n; i++)
                if (i in line && !(used[i] in uses && user[i] in is_used)) { delete line[i]; n_gone++ }
        } while (n_gone > 0)
        for (i = 1; i <= n; i++) if (i in line) print "    " line[i]
    }'
}
circles=$(in_circles <"$list")
if [ -n "$circles" ]; then
    echo "files that include each other in a circle:"
    echo "$circles"
    exit 1
fi
[ -n "$build" ] || exit 0

# "USER DEFINER SYMBOL" for every symbol that one object of ours takes from another.
for file in $sources; do
    object=$build/${file%.c}.o
    [ ! -e "$object" ] || echo "$object"
done | xargs "$nm" -A -g | awk -v build="$build/" '
{ file = substr($1, 1, index($1, ".o:") - 1) ".c"; sub("^" build, "", file) }
$(NF - 1) == "U" { user[++n] = file; symbol[n] = $NF; next }
{ definer[$NF] = file }
END {
    for (i = 1; i <= n; i++) if (symbol[i] in definer) print user[i], definer[symbol[i]], symbol[i]
}' >"$list"
circles=$(awk -v a="$allowed" '$1 ~ a && $2 ~ a' "$list" | in_circles)
[ -z "$circles" ] || printf 'objects in circles that are allowed for now:\n%s\n' "$circles"
circles=$(awk -v a="$allowed" '!($1 ~ a && $2 ~ a)' "$list" | in_circles)
[ -z "$circles" ] || printf 'objects that use each other in a circle:\n%s\n' "$circles"
[ -z "$circles" ]
