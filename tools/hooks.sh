#!/bin/sh
# `make hooks`: let git run tools/hooks in this repository.  `git config --unset core.hooksPath` ends it.
set -eu
ours=tools/hooks
now=$(git config core.hooksPath || true)
if [ -n "$now" ] && [ "$now" != "$ours" ]; then
    echo "make hooks: core.hooksPath is '$now' already; call $ours/* from there" >&2
    exit 1
fi
git config core.hooksPath "$ours"
echo "git runs $(cd $ours && echo *) from $ours"
