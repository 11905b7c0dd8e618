#!/bin/sh
# What a reader of a diff cannot see, and what we agreed not to use:
#
#   everywhere     tabs (a Makefile needs them), blanks at the end of a line (tests/cli/*.test may
#                  need them), empty lines or no newline at the end of a file, carriage returns,
#                  control characters, invisible Unicode
#   *.c *.h *.inc  lines over 100 columns; generated tables are exempt
#   src            calls of functions that are unsafe, unseedable or surprising
#   src            #if on the architecture, except in the four files whose subject it is
#   tests          unit tests whose function is not named test_...
set -eu
export LC_ALL=C

# What git keeps, so that work in progress is its author's; without git, everything.
list() {
    places="Makefile README.md .ci .github .editorconfig .clang-format .clang-tidy src include tools tests models"
    # shellcheck disable=SC2086 # a list of names
    kept=$(git ls-files $places 2>/dev/null) || kept=""
    if [ -z "$kept" ]; then
        # shellcheck disable=SC2086
        kept=$(find $places -type f)
    fi
    for file in $kept; do
        case $file in
        Makefile | .ci/* | .github/* | .[a-z]* | tools/hooks/* | *.[ch] | *.inc | *.sh | *.py | *.md | *.test)
            [ ! -e "$file" ] || echo "$file" ;;
        esac
    done | sort
}
files=$(list)

status=0
# shellcheck disable=SC2086,SC2116 # no name of ours holds a space
awk '
function bad(why) { print FILENAME ":" FNR ": " why; failed = 1 }
function end_of_file() {
    if (name != "" && blank) { print name ": empty line at the end"; failed = 1 }
}
FNR == 1 {
    end_of_file()
    name = FILENAME
    is_c = name ~ /\.([ch]|inc)$/
    is_src = name ~ /^src\//
    is_table = name ~ /(iq|unicode|case)_tables\.c$/
    about_machine = name ~ /^src\/(base\/system\/(cpu|pool)|kernel\/choose|cli\/shared\/sandbox)\.c$/
}
{ blank = $0 == "" }
/\t/ && name != "Makefile" { bad("tab") }
/[ \t]$/ && name !~ /\.test$/ { bad("blank at the end of the line") }
/\r/ { bad("carriage return") }
/[\001-\010\013\014\016-\037\177]/ { bad("control character") }
# U+00A0 U+00AD, U+200B-200F U+202A-202E, U+2060-206F, U+FEFF
/\302[\240\255]|\342\200[\213-\217\252-\256]|\342\201[\240-\257]|\357\273\277/ {
    bad("invisible Unicode character")
}
is_c && !is_table {
    line = $0
    gsub(/[\200-\277]/, "", line) # a character counts once, however many bytes it has
    if (length(line) > 100) bad(length(line) " columns; 100 at most")
}
is_src && /(^|[^A-Za-z0-9_])(strn?cpy|strn?cat|stpcpy|v?sprintf|gets|ato[fil]|atoll|strtok|s?rand|random|alloca|setjmp|longjmp) *\(/ {
    bad("banned call")
}
is_src && !about_machine && /^ *#.*(__x86_64__|__i386__|__aarch64__|__arm__)/ {
    bad("only base/system/cpu.c, base/system/pool.c, kernel/choose.c and cli/shared/sandbox.c ask for the architecture")
}
is_c && /cmocka_unit_test[a-z_]*\(/ && !/cmocka_unit_test[a-z_]*\(test[_,)]/ {
    bad("the function of a unit test is named test_...")
}
END {
    end_of_file()
    exit failed
}' $files || status=1

for file in $files; do
    if [ -n "$(tail -c 1 "$file")" ]; then
        echo "$file: no newline at the end"
        status=1
    fi
done
[ $status -ne 0 ] || echo "style: $(echo "$files" | wc -l) files"
exit $status
