#!/bin/sh
# `make check-all`: everything that takes longer than `make test`, or needs tools that not everybody has.
#
# Every check prints one line: `ok` with what was run, `FAIL` with where to look, or `skip` with the Debian package that
# is missing.  Logs are in build/check-all.
#
#     CHECK_ONLY="tidy valgrind"   these only; their names are those of the lines
#     FUZZ_SECONDS=600             seconds for each fuzz target (60)
#     SOAK_SECONDS=86400           of `soak` (120)
#     KILLS=10000                  of `kills` (1000)
#     MUTANTS=500                  of `mutants` (60); MUTANTS_SEED=2 chooses others
set -u
make=$1
clang=${CLANG:-clang-19}
jobs=$(nproc 2>/dev/null || echo 2)
logs=build/check-all
mkdir -p "$logs"
n_ok=0 n_failed=0 n_skipped=0
start=$(date +%s)

# ---- What the checks share ---------------------------------------------------------------------

wanted() {
    case " ${CHECK_ONLY:-$1} " in *" $1 "*) began=$(date +%s) ;; *) return 1 ;; esac
}

report() { # report ok|FAIL|skip NAME TEXT
    case $1 in ok) n_ok=$((n_ok + 1)) ;; FAIL) n_failed=$((n_failed + 1)) ;; skip) n_skipped=$((n_skipped + 1)) ;; esac
    if [ "$1" = skip ]; then
        printf '%-5s %-11s %s\n' "$1" "$2" "$3"
    else
        printf '%-5s %-11s %s (%s s)\n' "$1" "$2" "$3" $(($(date +%s) - began))
    fi
}

# check NAME COMMAND...: passed or not, with the last line that the command wrote; it may begin with "skip: "
check() {
    name=$1
    shift
    if "$@" >"$logs/$name.log" 2>&1; then
        last=$(tail -n 1 "$logs/$name.log")
        case $last in
        "skip: "*) report skip "$name" "${last#skip: }" ;;
        *) report ok "$name" "$last" ;;
        esac
    else
        report FAIL "$name" "see $logs/$name.log"
        tail -n 15 "$logs/$name.log" | cut -c 1-200 | sed 's/^/      | /'
    fi
}

# needs NAME PROGRAM PACKAGE: is the program there?  Otherwise the check is skipped.
needs() {
    command -v "$2" >/dev/null 2>&1 && return
    report skip "$1" "needs $2: apt-get install $3"
    return 1
}

build() { # build MODE COMPILER TARGETS...: the targets without their folder
    mode=$1 cc=$2
    shift 2
    folder=build/$mode
    [ "$cc" = gcc ] || folder=$folder-$cc
    targets=""
    for target in "$@"; do
        case $target in fuzz-targets | check | symbols) targets="$targets $target" ;; *) targets="$targets $folder/$target" ;; esac
    done
    # shellcheck disable=SC2086
    "$make" -s -j"$jobs" MODE="$mode" CC="$cc" $targets
}

# ---- Compilers and what reads the source -------------------------------------------------------

warnings() {
    for cc in gcc "$clang"; do
        "$make" -s -j"$jobs" CC="$cc" WERROR=1 "build/release$([ "$cc" = gcc ] || echo "-$cc")/lfm" || return 1
    done
    echo "release builds with gcc and $clang, warnings are errors"
}

scripts() {
    list=$(git ls-files '*.sh' .ci/run tools/hooks 2>/dev/null) || list=""
    # shellcheck disable=SC2086 # no name of ours holds a blank
    shellcheck ${list:-$(find tests tools -name '*.sh')} || return 1
    echo "$(shellcheck --version | sed -n 's/^version: /shellcheck /p'): nothing found"
}

cpp_check() {
    cppcheck -q -j "$jobs" --std=c11 --enable=warning,performance,portability --error-exitcode=1 \
        --suppressions-list=tools/cppcheck.txt --suppress=missingIncludeSystem -Iinclude -Isrc \
        -D_GNU_SOURCE -D__x86_64__ -D__linux__ src tools/mkmodel || return 1
    echo "$(cppcheck --version): nothing found"
}

# gcc's analyser where files are read, and no function with more on its stack than a buffer of 64 KiB.
gcc_analyser() {
    flags="-std=c11 -D_GNU_SOURCE -Iinclude -Isrc -Werror -o $logs/analyser.o"
    for file in src/gguf/*.c src/base/*.c src/base/system/*.c; do
        before="-include tools/analyzer.h"
        [ "$file" = src/base/error.c ] && before=""
        # shellcheck disable=SC2086
        gcc -O1 -fanalyzer $flags $before -c "$file" || return 1
    done
    n=0
    for file in $(find src -name '*.c' | sort); do
        case $file in src/kernel/arm/* | src/kernel/x86/*) continue ;; esac
        n=$((n + 1))
        # shellcheck disable=SC2086
        gcc -O2 -Wstack-usage=65536 $flags -c "$file" || return 1
    done
    echo "gcc -fanalyzer over src/gguf and src/base; stack frames of $n files are below 65,536 bytes"
}

# ---- Sanitizers and valgrind -------------------------------------------------------------------

sanitized_tests() { # sanitized_tests COMPILER: all tests of `make check` at full length, address and undefined behaviour
    LFM_SANITIZED=1 LFM_TEST_ALL=1 build asan "$1" check || return 1
}

threads() { # Hand-overs between sleeping threads take minutes on a busy machine, not processor time
    unit="test_base_pool test_api_lfm test_api_session"
    export TSAN_OPTIONS=halt_on_error=1 LFM_SANITIZED=1
    for cc in gcc $1; do
        # shellcheck disable=SC2046
        build tsan "$cc" lfm mkmodel $(for t in $unit; do echo "tests/$t"; done) || return 1
        for t in $unit; do
            LFM_MKMODEL=$folder/mkmodel "$folder/tests/$t" || return 1
        done
        for n in 2 4 8 16; do
            found=$(sh tools/scenarios.sh "" "$folder/lfm" -t $n) || { echo "$cc, $n threads: $found"; return 1; }
        done
    done
    echo "gcc${1:+ and $1}: $unit; with 2, 4, 8 and 16 threads $found"
}

uninitialised() { # Tiles of AMX are not seen by the sanitizer, so it goes up to AVX-512
    build msan "$clang" lfm tests/kernel_check fuzz-targets || return 1
    isas=scalar
    grep -q ' avx2 ' /proc/cpuinfo 2>/dev/null && isas="scalar avx2"
    grep -q ' avx512_vnni ' /proc/cpuinfo 2>/dev/null && isas="scalar avx2 avx512vnni"
    for isa in $isas; do
        if [ "$isa" != scalar ]; then
            "build/msan-$clang/tests/kernel_check" --percent=5 --isa="$isa" || return 1
        fi
        found=$(sh tools/scenarios.sh "" "build/msan-$clang/lfm" --isa "$isa" -t 3) || { echo "$found"; return 1; }
    done
    LFM_BIN=build/msan-$clang/lfm sh tests/fuzz_test.sh || return 1
    echo "kernels and $found, each for $isas; corpora of the fuzz targets"
}

memcheck() { # an emulated processor that ends at AVX2
    run="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible"
    isas=scalar
    grep -q ' avx2 ' /proc/cpuinfo 2>/dev/null && isas="scalar avx2"
    for isa in $isas; do
        found=$(sh tools/scenarios.sh "$run" build/release/lfm --isa "$isa" --no-sandbox) || { echo "$found"; return 1; }
    done
    echo "$found, with $isas; nothing leaked"
}

# Conversions that lose bits or signs, and shifts and divisions of integers, while malformed model files are read.
integers() {
    "$1" -std=c11 -D_GNU_SOURCE -DNO_SANDBOX -Iinclude -Isrc -pthread -O1 -g -fno-sanitize-recover=all \
        -fsanitize=implicit-conversion,integer -fno-sanitize=unsigned-integer-overflow,unsigned-shift-base \
        src/gguf/*.c src/base/*.c src/base/system/*.c tests/fuzz/fuzz_gguf.c tests/fuzz/replay.c \
        -lm -o "$logs/fuzz_gguf" || return 1
    says=$("$logs/fuzz_gguf" tests/fuzz/corpus/gguf --mutate 200) || { echo "$says"; return 1; }
    echo "fuzz_gguf with implicit conversions checked: $says"
}

# ---- The binary --------------------------------------------------------------------------------

hardening() {
    file=build/release/lfm
    lacks=""
    readelf -hW $file | grep -q 'Type: *DYN' || lacks="$lacks PIE"
    readelf -lW $file | grep -q GNU_RELRO || lacks="$lacks RELRO"
    readelf -dW $file | grep -q BIND_NOW || lacks="$lacks BIND_NOW"
    readelf -lW $file | grep GNU_STACK | grep -q 'RW ' || lacks="$lacks NX"
    readelf -lW $file | grep LOAD | grep -q 'RWE' && lacks="$lacks W^X"
    readelf -sW $file | grep -q __stack_chk_fail || lacks="$lacks stack-protector"
    readelf -sW $file | grep -q '_chk@' || lacks="$lacks fortify"
    readelf -dW $file | grep -qE 'RPATH|RUNPATH|TEXTREL' && lacks="$lacks clean-dynamic-section"
    if [ -n "$lacks" ]; then
        echo "$file lacks:$lacks"
        return 1
    fi
    echo "PIE, RELRO, BIND_NOW, NX, no writable code, stack protector, fortified"
}

# What the program asks of the system's libraries: no network, no code that is loaded, no shell, none of the functions
# that cannot know the size of what they write.  fork and execl are for C-g in a conversation, which calls an editor.
symbols() {
    build release gcc symbols || return 1
    nm -D --undefined-only build/release/lfm | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort >"$logs/imports"
    bad=$(grep -xE 'socket|connect|bind|listen|accept4?|send(to|msg)?|getaddrinfo|gethostbyname|dlopen|dlsym|system|popen|posix_spawnp?|exec(v|vp|ve|vpe|le|lp)|gets|strcpy|strcat|v?sprintf|strtok|setlocale|tmpnam|mktemp|alloca|longjmp|rand' \
        "$logs/imports" | tr '\n' ' ')
    if [ -n "$bad" ]; then
        echo "build/release/lfm uses $bad"
        return 1
    fi
    ldd build/release/lfm | grep -vE 'linux-vdso|libm\.|libc\.|libpthread\.|ld-linux' && return 1
    echo "$(wc -l <"$logs/imports") functions of libc and libm, none of them forbidden; names of rooms"
}

# ---- Coverage of the reader of model files -----------------------------------------------------

coverage() {
    tests="test_gguf_gguf test_convert_write test_gguf_qtype test_api_lfm test_alloc_failure hostile_test"
    # shellcheck disable=SC2046
    build cov gcc lfm mkmodel fuzz/fuzz_gguf fuzz/fuzz_model $(for t in $tests; do echo "tests/$t"; done) || return 1
    find build/cov -name '*.gcda' -delete
    export LFM_BIN=build/cov/lfm LFM_MKMODEL=build/cov/mkmodel LFM_SANITIZED=1 LFM_TEST_ALL=1
    for t in $tests; do
        "build/cov/tests/$t" || return 1
    done
    for t in gguf model; do
        "build/cov/fuzz/fuzz_$t" "tests/fuzz/corpus/$t" --mutate 20 || return 1
    done
    mkdir -p "$logs/gcov"
    for file in gguf gguf_get gguf_open format; do
        gcov -b -o build/cov/src/gguf "build/cov/src/gguf/$file.gcno" | awk -v want="src/gguf/$file.c" '
            /^File/ { here = index($0, want) }
            here && /^Lines/ { sub(/.*:/, ""); lines = $1 }
            here && /^Taken/ { sub(/.*:/, ""); branches = $1 }
            END { printf "%s.c %s of lines, %s of branches\n", want, lines, branches }' | sed 's/\.c\.c/.c/'
    done >"$logs/coverage.txt"
    mv ./*.gcov "$logs/gcov/"
    cat "$logs/coverage.txt"
    awk '{ sub(/%/, "", $(NF - 2)); if ($(NF - 2) + 0 < 95) exit 1 }' "$logs/coverage.txt" || return 1
    paste -s -d ';' "$logs/coverage.txt" | sed 's/;/; /g'
}

# ---- Long lives, sudden ends, wrong lines -------------------------------------------------------

kills() {
    build release gcc lfm tests/kill_test || return 1
    KILLS=${KILLS:-1000} build/release/tests/kill_test || return 1
}

soak() {
    build release gcc lfm tests/soak_test || return 1
    SOAK_SECONDS=${SOAK_SECONDS:-120} build/release/tests/soak_test || return 1
}

# ---- Chat templates --------------------------------------------------------------------------------

templates() {
    build release gcc lfm tests/template_check || return 1
    sh tests/template/reference_test.sh || return 1
}

# ---- JSON schemas ----------------------------------------------------------------------------------

schemas() {
    build release gcc lfm tests/schema_walk || return 1
    KEEP=$logs/schemas sh tests/schema/generate/reference_test.sh || return 1
}

# ---- Other processors --------------------------------------------------------------------------

arm32() {
    cc=arm-linux-gnueabihf-gcc
    there=build/release-$cc
    targets="gguf model session tokenizer grammar"
    # shellcheck disable=SC2046
    "$make" -s -j"$jobs" CC=$cc LDFLAGS=-static WERROR=1 $there/lfm $(for t in $targets; do echo "$there/fuzz/fuzz_$t"; done) ||
        return 1
    for t in $targets; do
        qemu-arm-static "$there/fuzz/fuzz_$t" "tests/fuzz/corpus/$t" --mutate 3 || return 1
    done
    found=$(sh tools/scenarios.sh qemu-arm-static $there/lfm) || { echo "$found"; return 1; }
    truncate -s 3G "$logs/large.gguf"
    says=$(qemu-arm-static $there/lfm info "$logs/large.gguf" 2>&1)
    rm -f "$logs/large.gguf"
    case $says in
    *"larger than the address space"*) ;;
    *) echo "a file of 3 GiB: $says"; return 1 ;;
    esac
    echo "$found; fuzz targets $targets; a file of 3 GiB is refused"
}

big_endian() { # it must not build into something that reads files wrongly
    says=$(s390x-linux-gnu-gcc -std=c11 -D_GNU_SOURCE -Iinclude -Isrc -c src/gguf/gguf.c -o "$logs/s390x.o" 2>&1)
    case $says in
    *"error: #error \"lfm runs on little-endian machines only\""*) ;;
    *) echo "a big-endian processor is not refused: $says"; return 1 ;;
    esac
    echo "s390x: the compiler says that lfm runs on little-endian machines only"
}

# ---- All of them -------------------------------------------------------------------------------

"$make" -s -j"$jobs" build/release/lfm build/release/mkmodel || exit 1

wanted warnings && needs warnings "$clang" "$clang" && check warnings warnings
if wanted tidy; then
    tool="clang-tidy-19"
    command -v $tool >/dev/null 2>&1 || tool="clang-tidy"
    needs tidy $tool clang-tidy-19 && check tidy sh tools/tidy.sh
fi
wanted cppcheck && needs cppcheck cppcheck cppcheck && check cppcheck cpp_check
wanted scripts && needs scripts shellcheck shellcheck && check scripts scripts
wanted analyser && check analyser gcc_analyser
wanted hardening && needs hardening readelf binutils && check hardening hardening
wanted symbols && needs symbols nm binutils && check symbols symbols
wanted asan-gcc && check asan-gcc sanitized_tests gcc
wanted asan-clang && needs asan-clang "$clang" "$clang" && check asan-clang sanitized_tests "$clang"
wanted tsan && check tsan threads "$(command -v "$clang" >/dev/null 2>&1 && echo "$clang")"
wanted msan && needs msan "$clang" "$clang" && check msan uninitialised
wanted integers && needs integers "$clang" "$clang" && check integers integers "$clang"
wanted valgrind && needs valgrind valgrind valgrind && check valgrind memcheck
wanted coverage && needs coverage gcov gcc && check coverage coverage
wanted determinism && needs determinism "$clang" "$clang" && check determinism sh tools/determinism.sh "$make"
wanted kills && check kills kills
if wanted soak; then
    if [ -d /proc/self/fd ]; then check soak soak; else report skip soak "needs /proc, which Linux has"; fi
fi
wanted passkey && check passkey sh tests/passkey_test.sh 44000 120000
wanted templates && needs templates python3 "python3 python3-venv" && check templates templates
wanted schemas && needs schemas python3 "python3 python3-venv" && needs schemas node "nodejs npm" && check schemas schemas
wanted mutants && check mutants sh tools/mutants.sh "$make"
wanted arm32 && needs arm32 arm-linux-gnueabihf-gcc gcc-arm-linux-gnueabihf &&
    needs arm32 qemu-arm-static qemu-user-static && check arm32 arm32
wanted s390x && needs s390x s390x-linux-gnu-gcc gcc-s390x-linux-gnu && check s390x big_endian
wanted cross && needs cross aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu &&
    needs cross qemu-aarch64-static qemu-user-static && check cross sh tools/cross.sh "$make"
wanted fuzz && needs fuzz "$clang" "$clang" && check fuzz sh tools/fuzz.sh "$make"

echo "make check-all: $n_ok passed, $n_failed failed, $n_skipped skipped, in $(($(date +%s) - start)) s"
[ $n_failed -eq 0 ]
