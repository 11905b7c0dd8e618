# expect.sh - what tests in shell share: a folder that goes away, checks that are counted.
#
# It is read by them (". tests/support/expect.sh"): $dir, $failed, $checks.
# shellcheck shell=sh
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0
checks=0

fail() {
    echo "FAIL: $*"
    failed=$((failed + 1))
}

# expect WHAT GOT WANTED
expect() {
    checks=$((checks + 1))
    [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

sum() {
    sha256sum <"$1" | cut -d ' ' -f 1
}
