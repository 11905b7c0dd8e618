#!/bin/sh
# `make lint`: what reads the source without building it.  The rules of the house over everything; clang-tidy
# and shellcheck, if they are installed, over the files that differ from BASE (HEAD; `make lint BASE=main`); with a
# BASE also the messages of the commits since.
set -u
base=${BASE:-HEAD}
status=0
changed() { { git diff --name-only --diff-filter=d "$base" -- "$@" && git ls-files -o --exclude-standard -- "$@"; } | sort -u; }

for check in layers style docs; do
    sh tools/check_$check.sh || status=1
done
if ! git rev-parse -q --verify "$base^{commit}" >/dev/null 2>&1; then
    echo "make lint: there is no commit '$base' here to compare with" >&2
    exit 1
fi
[ "$base" = HEAD ] || sh tools/check_commits.sh "$base" || status=1

files=$(changed 'src/*.c')
if [ -n "$files" ]; then
    # shellcheck disable=SC2086 # no name of ours holds a blank
    sh tools/tidy.sh $files || status=1
else
    echo "tidy: no file of src differs from $base"
fi

files=$(changed '*.sh' .ci/run tools/hooks)
if [ -z "$files" ]; then
    echo "shellcheck: no script differs from $base"
elif command -v shellcheck >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    if shellcheck -x $files; then
        echo "shellcheck: $(echo "$files" | wc -l) scripts, nothing found"
    else
        status=1
    fi
else
    echo "skip: shellcheck is not here: apt-get install shellcheck"
fi
exit $status
