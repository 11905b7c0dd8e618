#!/bin/sh
# Every header of include and src compiles alone, so that it includes what it needs; those of include also as C++.
# Those with instructions of a processor compile where it is, with what one of its kernels defines.
set -u
cc=${CC:-gcc}
cxx=${CXX:-g++}
jobs=$(nproc 2>/dev/null || echo 2)
headers=$(find include src -name '*.h' | sort)
public=$(find include -name '*.h' | sort)
as_c="-std=c11 -D_GNU_SOURCE -Iinclude -Isrc -Wall -Wextra -Werror -Wno-unused-function -fsyntax-only -x c"
as_cxx="-std=c++11 -Iinclude -Wall -Wextra -Wpedantic -Werror -fsyntax-only -x c++"

case $($cc -dumpmachine) in
x86_64*) instructions=x86 defined="-mavx2 -mfma -mf16c -DVL=8 -DVNNI=0" ;;
aarch64* | arm64*) instructions=arm defined="" ;;
*) instructions=none defined="" ;;
esac
anywhere=$(echo "$headers" | grep -vE '^src/kernel/(x86|arm)/')
here=$(echo "$headers" | grep "^src/kernel/$instructions/")
headers="$anywhere
$here"

# shellcheck disable=SC2086 # flags
echo "$anywhere" | xargs -P "$jobs" -n 1 $cc $as_c || exit 1
# shellcheck disable=SC2086
[ -z "$here" ] || echo "$here" | xargs -n 1 $cc $defined $as_c || exit 1
if command -v "$cxx" >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    echo "$public" | xargs -n 1 "$cxx" $as_cxx || exit 1
    also="$(echo "$public" | wc -l) of them also as C++"
else
    also="skip: C++ needs $cxx (apt-get install g++)"
fi
echo "headers: $(echo "$headers" | grep -c .) compile alone; $also"
