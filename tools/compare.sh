#!/bin/sh
# Two commands against each other, in turns, on a machine that is not quiet:
#
#   tools/compare.sh [-n ROUNDS] [-x PATTERN] 'COMMAND A' 'COMMAND B'
#
# Without -x it compares seconds of wall time.  With -x the figure is what follows PATTERN (an
# extended regular expression) in the command's output, standard error included: -x 'eval rate: *'.
# Prints both medians, and the median of the ratios B/A of the rounds with their range: a load that
# comes and goes hits both commands of a round alike.
set -eu
rounds=5
pattern=
while getopts n:x: option; do
    case $option in
    n) rounds=$OPTARG ;;
    x) pattern=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
if [ $# -ne 2 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# One figure of one command.
measure() {
    start=$(date +%s.%N)
    if ! sh -c "$1" >"$out" 2>&1; then
        echo "compare: this failed: $1" >&2
        cat "$out" >&2
        exit 1
    fi
    end=$(date +%s.%N)
    if [ -z "$pattern" ]; then
        echo "$end $start" | awk '{ print $1 - $2 }'
        return
    fi
    figure=$(sed -nE "s~.*($pattern)([0-9][0-9.]*).*~\\2~p" "$out" | tail -n 1)
    if [ -z "$figure" ]; then
        echo "compare: no figure after '$pattern' in the output of: $1" >&2
        exit 1
    fi
    echo "$figure"
}

for round in $(seq "$rounds"); do
    if [ $((round % 2)) -eq 1 ]; then # who goes first changes too
        a=$(measure "$1")
        b=$(measure "$2")
    else
        b=$(measure "$2")
        a=$(measure "$1")
    fi
    echo "$a $b"
done | awk '
    function median(x, n, copy, i, j, t) {
        for (i = 1; i <= n; i++) { copy[i] = x[i] }
        for (i = 2; i <= n; i++) {
            t = copy[i]
            for (j = i - 1; j >= 1 && copy[j] > t; j--) { copy[j + 1] = copy[j] }
            copy[j + 1] = t
        }
        low = copy[1]; high = copy[n]
        return n % 2 ? copy[(n + 1) / 2] : (copy[n / 2] + copy[n / 2 + 1]) / 2
    }
    { n++; a[n] = $1; b[n] = $2; ratio[n] = $1 > 0 ? $2 / $1 : 0 }
    END {
        if (n == 0) { exit 1 }
        printf "A %.6g   B %.6g   ", median(a, n), median(b, n)
        middle = median(ratio, n)
        printf "B/A %.3f (%.3f to %.3f in %d rounds)\n", middle, low, high, n
    }'
