#!/bin/sh
# What the documents say about files is true:
#
#   - src/README.md, "Files", names every file of src and include, and none that is not there;
#   - a path in backquotes (`src/api/lfm.c`, `kernel/kernel.h`) in any document is there, from the root
#     of the repository, from src, or from the document's own folder; build/... is not looked for.
set -eu
status=0

# "  gguf/  ..." begins a folder, "    gguf .h .c  ..." names gguf.h and gguf.c, "    out.c ..." one.
named=$(awk '
/^## /         { inside = $0 == "## Files" }
!inside        { next }
/^[a-z]+\/$/   { top = $1; folder = ""; next }
/^  [a-z0-9/]+\/ / { folder = $1; next }
/^    [^ ]/ {
    if ($2 !~ /^\.[a-z]+$/) { print top folder $1; next }
    for (i = 2; $i ~ /^\.[a-z]+$/; i++) print top folder $1 $i
}' src/README.md | sort)
there=$(find src include -type f ! -path src/README.md | sort)
# A file has to be named once git knows it; without git, at once.
kept=$(git ls-files src include 2>/dev/null) || kept=""
for file in $there; do
    if [ -n "$kept" ] && ! echo "$kept" | grep -qxF -e "$file"; then
        continue
    fi
    if ! echo "$named" | grep -qxF -e "$file"; then
        echo "src/README.md does not name $file"
        status=1
    fi
done
for file in $named; do
    if ! echo "$there" | grep -qxF -e "$file"; then
        echo "src/README.md names $file, which does not exist"
        status=1
    fi
done
if [ -n "$(echo "$named" | uniq -d)" ]; then
    echo "src/README.md names twice: $(echo "$named" | uniq -d)"
    status=1
fi

n=0
for doc in $(find README.md src tests tools models -name '*.md' | sort); do
    here=$(dirname "$doc")
    # shellcheck disable=SC2016 # these backquotes are the document's
    for path in $(grep -oE '`[A-Za-z0-9_./-]*/[A-Za-z0-9_.-]*[.](c|h|inc|sh|py|md)`' "$doc" |
        tr -d '`' | sort -u); do
        n=$((n + 1))
        case $path in
        build/* | /*) continue ;;
        esac
        if [ ! -e "$path" ] && [ ! -e "src/$path" ] && [ ! -e "$here/$path" ]; then
            echo "$doc names $path, which does not exist"
            status=1
        fi
    done
done
[ $status -ne 0 ] || echo "docs: $(echo "$named" | wc -l) files of src and include, $n other paths, all there"
exit $status
