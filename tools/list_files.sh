#!/bin/sh
# The list "Files" of src/README.md, made of the first lines of the files: " * NAME.c - what it is".
#
#   sh tools/list_files.sh            print it
#   sh tools/list_files.sh --write    put it into src/README.md; what stands behind a folder's name is kept
set -eu
readme=src/README.md
files=$(git ls-files --cached --others --exclude-standard src include 2>/dev/null) || files=$(find src include -type f)

print_list() {
    for file in $files; do
        [ -e "$file" ] && [ "$file" != $readme ] && echo "$file"
    done | sort -u | awk -v readme=$readme '
    # What a file says of itself; a first line without a full stop goes on until an empty one.
    function words(path,   name, line, text, n) {
        name = path
        sub(".*/", "", name)
        text = ""
        for (n = 0; n < 12 && (getline line < path) > 0; n++) {
            if (text == "" && (i = index(line, " * " name " - ")) == 1) text = substr(line, length(name) + 7)
            else if (text == "" && index(line, "# ") == 1) text = substr(line, 3)
            else if (text != "" && text !~ /[.]$/ && line ~ /^ [*] [^ ]/) text = text " " substr(line, 4)
            else if (text != "") break
            if (text ~ /[.]$/) break
        }
        close(path)
        sub(/[.]$/, "", text)
        return text == "" ? "?" : text
    }
    BEGIN {
        while ((getline line < readme) > 0) {
            if (line ~ /^## /) inside = line == "## Files"
            if (inside && line ~ /^  [a-z0-9\/]+\/ /) {
                folder = line
                sub(/^ +/, "", folder)
                sub(/\/ .*/, "", folder)
                order[++n_folders] = folder
                sub(/^ +[^ ]+ +/, "", line)
                about[folder] = line
            }
        }
        order[0] = "include"
    }
    {
        folder = $0
        sub("/[^/]*$", "", folder)
        sub("^src/", "", folder)
        if (folder != "include" && !(folder in about)) {
            about[folder] = "?"
            order[++n_folders] = folder
        }
        stem = $0
        sub(/.*\//, "", stem)
        end = stem
        sub(/[.][^.]*$/, "", stem)
        sub(/^.*[.]/, ".", end)
        if (!((folder, stem) in ends)) stems[folder] = stems[folder] " " stem
        ends[folder, stem] = ends[folder, stem] " " end
    }
    function list(folder, path,   n, i, name, stem, kind) {
        n = split(stems[folder], name, " ")
        for (i = 1; i <= n; i++) {
            stem = name[i]
            kind = ends[folder, stem]
            printf "    %-24s %s\n", kind == " .c .h" ? stem " .h .c" : stem substr(kind, 2),
                   words(path folder "/" stem (kind ~ /[.]h/ ? ".h" : substr(kind, 2)))
        }
    }
    END {
        print "include/"
        list("include", "")
        print "\nsrc/"
        for (k = 1; k <= n_folders; k++) {
            if (!(order[k] in stems)) continue
            printf "%s  %-9s  %s\n", shown++ ? "\n" : "", order[k] "/", about[order[k]]
            list(order[k], "src/")
        }
    }'
}

if [ "${1:-}" != --write ]; then
    print_list
    exit
fi
new=$(mktemp)
trap 'rm -f "$new" "$new.list"' EXIT
print_list >"$new.list"
awk -v list="$new.list" '
/^## / { inside = $0 == "## Files" }
inside && /^```/ {
    print
    if (!seen++) while ((getline line < list) > 0) print line
    next
}
inside && seen == 1 { next }
{ print }' $readme >"$new"
cat "$new" >$readme
