#!/bin/sh
# make install: the program, the manual page, the completions, and the library with its examples.
set -u
build=${LFM_BIN:-build/release/lfm}
folder=$(basename "$(dirname "$build")") # release, or asan-clang-19
mode=${folder%%-*}
compiler=${folder#"$mode"}
compiler=${compiler#-}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
n=0
fail() { echo "FAIL: $*"; exit 1; }
pass() { n=$((n + 1)); }

make -s MODE="$mode" ${compiler:+CC="$compiler"} install DESTDIR="$work" PREFIX=/opt/x >"$work/log" 2>&1 || fail "$(cat "$work/log")"
root=$work/opt/x
for file in bin/lfm share/man/man1/lfm.1 share/bash-completion/completions/lfm share/zsh/site-functions/_lfm \
    share/fish/vendor_completions.d/lfm.fish include/lfm.h include/lfm_tools.h lib/liblfm.a lib/pkgconfig/lfm.pc; do
    [ -s "$root/$file" ] || fail "install lacks $file"
    pass
done
"$root/bin/lfm" --version >/dev/null || fail "the installed program does not run"

# ---- The library ---------------------------------------------------------------------------------

# What a program says to its compiler: pkg-config knows it, or lfm.pc is read here.
if command -v pkg-config >/dev/null 2>&1; then
    export PKG_CONFIG_PATH="$root/lib/pkgconfig"
    cflags=$(pkg-config --define-variable=prefix="$root" --cflags lfm) || fail "pkg-config does not know lfm"
    libs=$(pkg-config --define-variable=prefix="$root" --static --libs lfm)
    "$root/bin/lfm" --version | grep -qF "$(pkg-config --modversion lfm)" || fail "the version in lfm.pc"
else
    field() { sed -n "s/^$1: *//p" "$root/lib/pkgconfig/lfm.pc" | sed "s|\\\${[a-z]*dir}/*|$root/$2|g"; }
    cflags=$(field Cflags include)
    libs="$(field Libs lib) $(field Libs.private lib)"
fi
grep -qx 'prefix=/opt/x' "$root/lib/pkgconfig/lfm.pc" || fail "the prefix in lfm.pc"
sanitizer=
case $mode in
asan) sanitizer=-fsanitize=address,undefined ;;
tsan) sanitizer=-fsanitize=thread ;;
msan) sanitizer=-fsanitize=memory ;;
cov) sanitizer=--coverage ;;
esac

# The example at the head of lfm.h compiles.
{
    printf '#include <lfm.h>\n#include <stdio.h>\n#include <string.h>\nint main(void) {\n'
    sed -n '1,/^ \*\/$/s/^ \*     //p' "$root/include/lfm.h"
    printf 'return 0;\n}\n'
} >"$work/head.c"
[ "$(wc -l <"$work/head.c")" -ge 20 ] || fail "no example at the head of lfm.h"
# shellcheck disable=SC2086
${compiler:-gcc} -std=c11 -Wall -Wextra -Werror $cflags -fsyntax-only "$work/head.c" || fail "the example of lfm.h"
pass

# An example as C and as C++; each must print what the program prints.
cc=${compiler:-gcc}
cxx=$(echo "$cc" | sed 's/gcc/g++/; s/clang/clang++/')
model=models/lfm-stories-Q4_0.gguf
example() { # NAME ARGUMENT..; what is expected is in $work/expected
    name=$1
    shift
    for how in "$cc -std=c11" "$cxx -std=c++11 -x c++"; do
        if ! command -v "${how%% *}" >/dev/null 2>&1; then
            echo "skip: no ${how%% *}"
            continue
        fi
        # shellcheck disable=SC2086 # lists of flags
        if ! { $how -Wall -Wextra -Wpedantic -Werror $sanitizer $cflags -c "tests/examples/$name.c" -o "$work/$name.o" &&
            ${how%% *} $sanitizer "$work/$name.o" $libs -o "$work/$name"; } >"$work/log" 2>&1; then
            fail "$how: $name.c: $(cat "$work/log")"
        fi
        "$work/$name" "$model" "$@" >"$work/printed" 2>"$work/log" || fail "$name: $(cat "$work/log")"
        cmp "$work/expected" "$work/printed" || fail "$how: $name prints $(cat "$work/printed")"
        pass
    done
}
"$build" run $model --raw --preset greedy -n 40 -p 'Reddy Fox was' >"$work/expected" </dev/null
example minimal 'Reddy Fox was'
"$build" run $model -s 0 -n 60 -sys 'Be brief.' -p 'Tell me of Peter.' >"$work/expected" </dev/null
example chat system 'Be brief.' user 'Tell me of Peter.'
schema='{"type":"object","properties":{"name":{"enum":["Peter","Reddy"]},"legs":{"type":"integer","maximum":8,"minimum":2}}}'
"$build" run $model --raw --preset greedy -j "$schema" -p 'Peter Rabbit has' >"$work/expected" </dev/null
example constrained "$schema" 'Peter Rabbit has'

# ---- The completions -----------------------------------------------------------------------------

# Every option of every command is in every file.
"$build" help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v "^help$\|^completion$\|^man$" >"$work/commands"
[ "$(wc -l <"$work/commands")" -ge 10 ] || fail "lfm help lists few commands"
while read -r command; do
    "$build" help "$command" | sed -n 's/^  \(-[^ ].*\)/\1/p' | sed 's/  .*//; s/ [A-Z"|@.,+#a-z0-9_.\[].*$//' |
        tr ',' '\n' | sed 's/^ *//; s/ .*//' | grep '^-' | sort -u >"$work/options"
    [ -s "$work/options" ] || fail "lfm help $command lists no options"
    sed -n "/^  $command)/,/^    esac ;;/p" "$root/share/bash-completion/completions/lfm" >"$work/bash"
    sed -n "/^  $command)/,/;;/p" "$root/share/zsh/site-functions/_lfm" >"$work/zsh"
    while read -r option; do
        grep -q -- "[ ']${option}[ )']" "$work/bash" || fail "bash: lfm $command $option"
        grep -q -F -- "'*${option}[" "$work/zsh" || fail "zsh: lfm $command $option"
        pass
    done <"$work/options"
done <"$work/commands"

bash -n "$root/share/bash-completion/completions/lfm" || fail "bash cannot read its completion"
if command -v zsh >/dev/null 2>&1; then
    zsh -n "$root/share/zsh/site-functions/_lfm" || fail "zsh cannot read its completion"
fi
if command -v fish >/dev/null 2>&1; then
    fish -n "$root/share/fish/vendor_completions.d/lfm.fish" || fail "fish cannot read its completion"
fi

# bash completes: a command, an option, one of its words.
completes() {
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lfm; printf "%s\n" "${COMPREPLY[@]}"' - \
        "$root/share/bash-completion/completions/lfm" "$@"
}
completes lfm ru | grep -qx run || fail "bash: lfm ru"
completes lfm run m.gguf --tem | grep -qx -- --temperature || fail "bash: --tem"
completes lfm run m.gguf --kv q | grep -qx q8 || fail "bash: --kv q"
completes lfm completion z | grep -qx zsh || fail "bash: completion z"

if command -v groff >/dev/null 2>&1; then
    groff -man -ww -Tutf8 "$root/share/man/man1/lfm.1" >"$work/page" 2>"$work/warnings"
    [ -s "$work/warnings" ] && fail "the manual page: $(head -n 3 "$work/warnings")"
    pass
fi
for word in SYNOPSIS 'EXIT STATUS' ENVIRONMENT LFM_MODEL; do
    grep -q "$word" "$root/share/man/man1/lfm.1" || fail "the manual page lacks $word"
    pass
done
"$build" completion tcsh 2>/dev/null
[ $? -eq 2 ] || fail "an unknown shell"

make -s MODE="$mode" ${compiler:+CC="$compiler"} uninstall DESTDIR="$work" PREFIX=/opt/x || fail "make uninstall"
[ -z "$(find "$work/opt" -type f)" ] || fail "uninstall leaves $(find "$work/opt" -type f)"
echo "$n checks passed"
