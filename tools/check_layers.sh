#!/bin/sh
# The house stands (src/README.md):
#
#   - every `#include "room/file.h"` goes down the floors or stays in the folder; every header of ours is named from src;
#   - no two files need each other: includes have no circle;
#   - a folder holds at most 25 files and 3,000 lines of code.
set -eu
list=$(mktemp)
trap 'rm -f "$list"' EXIT
sources=$(find src include -name '*.[ch]' -o -name '*.inc' | sort)

# shellcheck disable=SC2086 # file names without blanks
awk -v list="$list" '
BEGIN {
    # Floors, from the ground up; folders on one line do not know each other.
    n_floors = split( \
        "base," \
        "base/system," \
        "gguf," \
        "kernel kernel/codebooks kernel/x86 kernel/arm," \
        "model token/unicode token constrain/engine," \
        "constrain/gbnf," \
        "constrain/schema," \
        "api," \
        "answer check convert," \
        "cli/options," \
        "cli/shared," \
        "cli/lineedit cli/prompt," \
        "cli/run cli/chat cli/batch cli/bench/results cli/bench cli/commands," \
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
    if (FILENAME !~ /(iq|unicode)_tables[.]c$/) counted = 1; else counted = 0
}
counted { n_lines[here]++ }
/^#include "/ {
    split($0, quoted, "\"")
    name = quoted[2]
    if (name ~ "^lfm(_tools)?[.]h$") {
        if (level[here] < level["api"] && !public && FILENAME != "src/base/error.h" &&
            FILENAME != "src/token/sampler.h")
            bad("below api, only base/error.h and token/sampler.h may include " name)
        print "include/" name, FILENAME >list
        next
    }
    there = folder_of(name)
    print "src/" name, FILENAME >list
    if (public) bad("public headers include nothing of ours")
    else if (!(there in level)) bad("\"" name "\" does not name a folder of src")
    else if (here != there && level[there] >= level[here] && !is_part(here, there) && !is_part(there, here))
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

# tsort names the files of a circle on standard error.
circle=$(tsort <"$list" 2>&1 >/dev/null) || true
if [ -n "$circle" ]; then
    echo "files that include each other in a circle:"
    echo "$circle"
    exit 1
fi
