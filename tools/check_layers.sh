#!/bin/sh
# Every `#include "room/file.h"` must go down the house or stay in the room (src/README.md).
set -eu
find src include -name '*.[ch]' -o -name '*.inc' | sort | xargs awk '
BEGIN {
    level["base"] = 0; level["gguf"] = 1; level["kernel"] = 2
    level["model"] = level["token"] = level["constrain"] = 3
    level["lfm"] = 4; level["cli"] = 5
}
FNR == 1 {
    n = split(FILENAME, part, "/")
    here = part[1] == "include" ? "public" : n == 3 ? part[2] : "lfm"
    files++
}
/^#include "/ {
    split($0, quoted, "\"")
    name = quoted[2]
    if (name == "lfm.h") {
        if (here != "cli" && here != "lfm" && FILENAME != "src/base/error.h" &&
            FILENAME != "src/token/sampler.h")
            bad(FILENAME, FNR, "only base/error.h, token/sampler.h, lfm.c and cli may include lfm.h")
        next
    }
    if (name ~ /^lfm_([a-z]+_)?parts.h$/) {
        if (here != "lfm") bad(FILENAME, FNR, "only the files that implement lfm.h share its parts")
        next
    }
    split(name, path, "/")
    there = path[1]
    if (here == "public") bad(FILENAME, FNR, "lfm.h includes nothing of ours")
    else if (!(there in level)) bad(FILENAME, FNR, "\"" name "\" does not name a room")
    else if (here != there && level[there] >= level[here])
        bad(FILENAME, FNR, here " may not include " there)
    else if (here == "cli" && there != "cli" && there != "base")
        bad(FILENAME, FNR, "cli speaks to the model through lfm.h")
}
function bad(file, line, why) { print file ":" line ": " why; failed = 1 }
END { if (!failed) print "layers: " files " files, all includes go down"; exit failed }
'
