#!/bin/sh
# What the documents say about files is true:
#
#   - src/README.md, "Files", is what tools/list_files.sh makes of the files themselves;
#   - the files of its section "The core" exist and have at most 10,500 lines together;
#   - a path in backquotes (`src/api/lfm.c`, `kernel/kernel.h`) in any document is there, from the root
#     of the repository, from src, or from the document's own folder; build/... is not looked for;
#   - `make TARGET`, in backquotes or in a block of commands, is a target of the Makefile, and TEST=NAME a test.
set -eu
status=0

list=$(sh tools/list_files.sh)
written=$(awk '/^## / { inside = $0 == "## Files"; block = 0 } /^```/ { block = !block; next } inside && block' src/README.md)
if [ "$list" != "$written" ]; then
    echo 'src/README.md lists other files, or says other things of them, than they say themselves:' \
        'run sh tools/list_files.sh --write'
    status=1
fi
if echo "$list" | grep ' [?]$'; then
    echo "these need a first line that says what they are: /* NAME - what it is"
    status=1
fi

# A path on each line of the block of code in that section.
budget=10500
core=$(awk '/^## / { inside = $0 == "## The core"; block = 0 } /^```/ { block = !block; next } inside && block' src/README.md)
n_core=0
for file in $core; do
    if [ ! -e "$file" ]; then
        echo "src/README.md counts $file to the core, and it does not exist"
        status=1
        continue
    fi
    n_core=$((n_core + $(wc -l <"$file")))
done
if [ -z "$core" ]; then
    echo "src/README.md has no section \"The core\" with a block of paths"
    status=1
elif [ $n_core -gt $budget ]; then
    echo "the core (src/README.md) has $n_core lines; $budget at most"
    status=1
fi
if [ -n "$(echo "$core" | sort | uniq -d)" ]; then
    echo "src/README.md counts twice to the core: $(echo "$core" | sort | uniq -d)"
    status=1
fi

tests=$(sh tools/run_test.sh --names)
n=0 n_targets=0
for doc in $(find README.md .github src tests tools models -name '*.md' | sort); do
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
    for target in $(awk '
        /^```/ { commands = $0 == "```sh" }
        commands && /^make / { sub(/#.*/, ""); print }
        { while (match($0, /`make [^`]*`/)) {
            print substr($0, RSTART + 1, RLENGTH - 2)
            $0 = substr($0, RSTART + RLENGTH)
        } }' "$doc" | tr ' ' '\n' | grep -xE '[a-z][a-z-]*' | grep -vx make | sort -u); do
        n_targets=$((n_targets + 1))
        if ! grep -qE "^$target:" Makefile; then
            echo "$doc names make $target, which the Makefile does not have"
            status=1
        fi
    done
    # shellcheck disable=SC2013 # words are wanted
    for test in $(grep -oE 'TEST=[a-z0-9_/]+' "$doc" | sort -u); do
        if ! echo "$tests" | grep -qxF -e "${test#TEST=}"; then
            echo "$doc names $test, which is no test (make t lists them)"
            status=1
        fi
    done
done
[ $status -ne 0 ] || echo "docs: $(find src include -type f | wc -l) files of src and include, $n other paths, all there;" \
    "$n_targets targets of make; the core has $n_core lines of $budget"
exit $status
