#!/bin/sh
# `make format`: lay out the lines of C that differ from BASE (HEAD; `make format BASE=main`) with .clang-format.
#
# Only these lines: clang-format would lay out anew a whole table of which one row is touched, and tables were laid out
# by hand.  So of what it wants, only the hunks that meet a changed line are taken.
set -eu
base=${BASE:-HEAD}
if ! git rev-parse -q --verify "$base^{commit}" >/dev/null 2>&1; then
    echo "make format: there is no commit '$base' here to compare with" >&2
    exit 1
fi
oldest=14

formatter=""
for name in clang-format clang-format-22 clang-format-21 clang-format-20 clang-format-19 clang-format-18 \
    clang-format-17 clang-format-16 clang-format-15 clang-format-14; do
    version=$("$name" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge $oldest ]; then
        formatter=$name
        break
    fi
done
if [ -z "$formatter" ]; then
    echo "make format needs clang-format $oldest or newer: apt-get install clang-format" >&2
    exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

n_files=0 n_formatted=0
for file in $(git diff --name-only --diff-filter=d "$base" -- '*.c' '*.h' '*.inc'); do
    case $file in *iq_tables.c | *unicode_tables.c) continue ;; esac # generated
    # "@@ -9,0 +12,3 @@": lines 12 to 14 are new
    git diff -U0 "$base" -- "$file" | sed -n 's/^@@ [^+]*+\([0-9]*\),*\([0-9]*\) @@.*/\1 \2/p' |
        awk '{ n = NF == 1 ? 1 : $2; if (n > 0) print $1, $1 + n - 1 }' >"$work/lines"
    [ -s "$work/lines" ] || continue
    n_files=$((n_files + 1))
    # shellcheck disable=SC2046 # an option for each range
    "$formatter" $(sed 's/\(.*\) \(.*\)/--lines=\1:\2/' "$work/lines") "$file" >"$work/wanted"
    diff -U0 --label "a/$file" --label "b/$file" "$file" "$work/wanted" >"$work/hunks" || true
    awk '
    NR == FNR { first[++n] = $1; last[n] = $2; next }
    /^(---|\+\+\+) / && !in_hunks { head = head $0 "\n"; next }
    /^@@ / {
        in_hunks = 1
        split(substr($2, 2), at, ",")
        from = at[1]
        to = at[1] + (at[2] == "" ? 1 : at[2]) - 1
        if (to < from) to = from # a hunk that only adds
        meets = 0
        for (i = 1; i <= n; i++) if (from <= last[i] && to >= first[i]) meets = 1
        if (meets) { printf "%s", head; head = "" }
    }
    meets' "$work/lines" "$work/hunks" >"$work/patch"
    [ -s "$work/patch" ] || continue
    git apply --unidiff-zero "$work/patch"
    echo "$file"
    n_formatted=$((n_formatted + 1))
done
echo "format: $n_formatted of $n_files files that differ from $base laid out anew"
