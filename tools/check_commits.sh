#!/bin/sh
# What the messages of commits look like:
#
#   - a subject of at most 72 columns, "area: verb what" (`kernel: share the tail-row helper`), without a final dot;
#   - an empty second line, if there is more.
#
#     tools/check_commits.sh BASE              the commits since BASE, merges excepted
#     tools/check_commits.sh --message FILE    one message, as the hook commit-msg gets it
#
# The area is a room, a folder or a document (`cli`, `kernel/x86`, `README`).
set -eu
if [ "${1:-}" = --message ]; then
    # As git reads it: comments are no part of it, nor is a diff below the scissors.
    messages() { sed '/^# -* >8 -*$/,$d; /^#/d' "$1" && printf '\036'; }
    shift
else
    base=${1:-HEAD}
    git rev-parse -q --verify "$base^{commit}" >/dev/null || { echo "commits: '$base' is no commit" >&2; exit 1; }
    messages() { git log --no-merges --reverse --format='%B%x1e' "$1..HEAD"; }
    set -- "$base"
fi
messages "$1" | LC_ALL=C awk '
BEGIN { RS = "\036" }
function bad(why) { print "\"" line[1] "\": " why; failed = 1 }
{
    sub(/^[ \n]+/, "")
    sub(/[ \n]+$/, "")
    n = split($0, line, "\n")
    if (n == 0 || line[1] ~ /^(fixup!|squash!|amend!|Merge |Revert )/) next
    seen++
    subject = line[1]
    columns = subject
    gsub(/[\200-\277]/, "", columns) # a character counts once, however many bytes it has
    if (length(columns) > 72) bad("the subject has " length(columns) " columns; 72 at most")
    if (subject !~ /^[A-Za-z0-9_.][A-Za-z0-9_.\/-]*(, [A-Za-z0-9_.][A-Za-z0-9_.\/-]*)*: [a-z]/)
        bad("the subject should be \"area: verb what\", as in \"token: refuse an empty vocabulary\"")
    if (subject ~ /\.$/) bad("the subject ends in a dot")
    if (n > 1 && line[2] != "") bad("the second line should be empty")
}
END {
    if (!failed) print "commits: " seen + 0 " messages"
    exit failed
}'
