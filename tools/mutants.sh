#!/bin/sh
# Mutation testing: do the tests notice when a line is wrong?
#
#     sh tools/mutants.sh make [FILE...]        default: the readers of GGUF files, the tokenizer; any of src but cli
#                                               and the instruction sets of kernel, which need flags of their own
#
# MUTANTS (60) changes of one line are chosen among all that tools/mutants.awk finds (MUTANTS_SEED, 1, chooses others).
# Each is linked with the tests that cover its file, and these run until one fails: as a release, and if nothing was
# noticed, with the sanitizers.
#
#   killed        a test failed, or used up its time
#   compiler      it does not compile
#   equivalent    an optimising compiler makes the same code of it, or tests/mutants.txt says why nobody can see it:
#                 a line "FILE: OLD => NEW", or "FILE: FUNCTION()" for all that survives there
#   survived      a gap in the tests; these are listed
#
# MUTANTS=again tries those that survived the last time.
#
# At least 95 % of those that are neither must be killed.  Golden data of other engines is not used.
set -u
make=$1
shift
files=${*:-"$(echo src/gguf/gguf*.c src/token/tokenizer*.c)"}
want=${MUTANTS:-60}
seed=${MUTANTS_SEED:-1}
jobs=$(nproc 2>/dev/null || echo 2)
out=build/mutants
tab=$(printf '\t')
known=tests/mutants.txt
flags="-std=c11 -D_GNU_SOURCE -Iinclude -Isrc -pthread -fno-math-errno -fno-trapping-math -ffp-contract=off -w"
release="-O1"
asan="-O1 -g1 -DNO_SANDBOX -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"

wrapped=$(sed -n 's/^wrapped := //p' Makefile)

# The tests of a file, the quick ones first: its own, and those of its room.
tests_of() {
    own=$(echo "$1" | sed 's|^src/\([a-z]*\)/|\1_|; s|_.*/|_|; s|\.c$||')
    [ -e "tests/unit/test_$own.c" ] && echo "test_$own"
    case $1 in
    src/base/json*) echo "test_base_json fuzz_json fuzz_chat test_api_messages" ;;
    src/base/*) echo "test_base_bytes test_base_error test_base_cores test_base_memory test_base_pool test_gguf_gguf" \
        "test_api_lfm test_alloc_failure" ;;
    src/gguf/*) echo "test_gguf_gguf test_convert_write fuzz_gguf hostile_test test_api_lfm fuzz_model test_alloc_failure" ;;
    src/jinja/*) echo "template_check test_api_messages fuzz_chat test_alloc_failure" ;;
    src/token/sampler*) echo "test_token_sampler test_api_lfm test_alloc_failure" ;;
    src/token/*) echo "fuzz_tokenizer hostile_test test_token_tokenizer test_api_lfm fuzz_chat test_alloc_failure" ;;
    src/constrain/*) echo "fuzz_grammar fuzz_schema fuzz_tools fuzz_regex fuzz_concise test_constrain_gbnf" \
        "test_api_constraint fuzz_constraint test_constrain_mask test_alloc_failure test_constrain_grammar" \
        "test_constrain_schema test_constrain_automaton" ;;
    src/answer/*) echo "test_answer_answer_text test_answer_tool_calls test_answer_answer_calls test_answer_loop" \
        "fuzz_toolcall test_answer_tool_calls_forced test_api_options test_alloc_failure" ;;
    src/api/*) echo "test_api_lfm test_api_chat test_api_messages fuzz_chat test_api_constraint fuzz_constraint fuzz_session test_alloc_failure test_api_session" ;;
    src/kernel/*) echo "test_kernel_unpack test_kernel_scalar_mul test_kernel_matmul test_api_lfm test_model_forward" ;;
    src/model/*) echo "test_model_state test_api_lfm fuzz_model test_model_forward test_api_session test_alloc_failure" ;;
    src/convert/*) echo "test_convert_mix test_convert_write test_convert_quantize test_gguf_pack test_api_options" ;;
    src/check/*) echo "test_api_options" ;;
    esac
}

# compile_fast FILE OBJECT: what a release has of it; without its folder, which asserts would show
compile_fast() {
    # shellcheck disable=SC2086,SC2046
    (root=$PWD && cd "$(dirname "$1")" && exec gcc $(echo "$flags" | sed "s|-I|-I$root/|g") -O2 -c "$(basename "$1")" \
        -o "$root/$2")
}

# ---- One mutant: mutants.sh --one NUMBER ---------------------------------------------------------

# link NAME OBJECTS...: of $mode, with the mutant in front of the library that holds the original
link() {
    binary=$1
    shift
    # shellcheck disable=SC2086
    gcc $options -pthread "$@" $build/liblfm_internal.a -lcmocka -lm -o "$binary" 2>"$here/link.log"
}

# compile MODE: the mutant, for passes
compile() {
    mode=$1
    build=$out/$mode
    case $mode in
    release) options=$release seconds=15 ;;
    asan) options=$asan seconds=40 ;;
    esac
    object=$here/$mode.o
    # shellcheck disable=SC2086
    gcc $flags $options -c "$here/$(basename "$file")" -o "$object" 2>"$here/compile.log"
}

# passes TEST: links and runs it
passes() {
    bin=$here/$1
    support=$(echo "$build"/tests/support/*.o)
    # shellcheck disable=SC2086,SC2046
    case $1 in
    hostile_test)
        link "$bin" -Wl,--wrap=main $build/tests/hostile/*.o $support "$object" $build/main.o $build/libcli.a || return 99 ;;
    fuzz_*) link "$bin" $build/tests/fuzz/$1.o $build/tests/fuzz/replay.o $support "$object" $build/libcli.a || return 99 ;;
    test_alloc_failure)
        link "$bin" $(printf ' -Wl,--wrap=%s' $wrapped) $build/tests/unit/$1.o $support "$object" || return 99 ;;
    *) link "$bin" $build/tests/unit/$1.o $support "$object" || return 99 ;;
    esac
    case $1 in
    hostile_test) set -- "$bin" --open ;;
    fuzz_*) set -- "$bin" "tests/fuzz/corpus/${1#fuzz_}" --mutate 20 ;;
    *) set -- "$bin" ;;
    esac
    # Time of the processor, because the clock goes on while a machine is paused; the other limit is for deadlocks.
    # shellcheck disable=SC3045 # dash has -t
    (ulimit -t "$seconds" && exec timeout 300 "$@") >"$here/run.log" 2>&1 </dev/null
}

one() {
    IFS=$tab read -r file line function what <"$out/$1/about"
    here=$out/$1
    verdict=survived
    by=""
    compile_fast "$here/$(basename "$file")" "$here/fast.o" 2>/dev/null &&
        cmp -s "$here/fast.o" "$out/$(basename "$file" .c).fast.o" && verdict=equivalent
    grep -qxF "$file: $(cat "$here/old") => $(cat "$here/new")" $known && verdict=equivalent
    for mode in release asan; do
        [ $verdict = survived ] || break
        compile $mode || verdict=compiler
        for test in $(tests_of "$file" | tr ' ' '\n' | awk '!seen[$0]++'); do
            [ $verdict = survived ] || break
            case $mode.$test in
            asan.test_alloc_failure) continue ;; # it looks for leaks itself
            asan.test_constrain_[ags]* | asan.test_api_session) continue ;; # slow; others have the same code
            esac
            passes "$test"
            case $? in
            0) ;;
            99) verdict=unlinked by=$mode/$test ;;
            *) verdict=killed by=$mode/$test ;;
            esac
        done
    done
    [ $verdict = survived ] && grep -qxF "$file: $function()" $known && verdict=equivalent
    printf '%s\t%s\t%s:%s\t%s\t%s\n' "$verdict" "$by" "$file" "$line" "$what" "$(cat "$here/old") => $(cat "$here/new")" \
        >"$here/verdict"
    rm -f "$here"/test_* "$here"/fuzz_* "$here/hostile_test" "$here"/*.o
}

if [ "$make" = --one ]; then
    export LFM_SHARED=none LFM_SANITIZED=1 LFM_MKMODEL=$out/release/mkmodel
    export ASAN_OPTIONS=hard_rss_limit_mb=3000:max_allocation_size_mb=8000
    one "$1"
    exit 0
fi

# ---- All of them -------------------------------------------------------------------------------

start=$(date +%s)
if [ "$want" = again ]; then
    again=$(mktemp) || exit 1
    trap 'rm -f "$again"' EXIT
    for verdict in "$out"/[0-9]*/verdict; do
        grep -q "^survived$tab" "$verdict" && sed -n "$(basename "$(dirname "$verdict")")p" $out/chosen >>"$again"
    done
fi
rm -rf $out
mkdir -p $out
targets="libcli.a"
for file in $files; do
    for test in $(tests_of "$file"); do
        case $test in
        fuzz_*) targets="$targets fuzz/$test" ;;
        *) targets="$targets tests/$test" ;;
        esac
    done
    compile_fast "$file" "$out/$(basename "$file" .c).fast.o" || exit 1
done
for mode in release asan; do
    # Copies, so that nobody builds them anew meanwhile
    # shellcheck disable=SC2086,SC2046
    "$make" -s -j"$jobs" MODE=$mode build/release/mkmodel \
        $(printf "build/$mode/%s\n" $targets | sort -u) || exit 1
    mkdir -p "$out/$mode/tests"
    cp build/$mode/liblfm_internal.a build/$mode/libcli.a build/$mode/src/cli/main.o build/release/mkmodel "$out/$mode/"
    for part in unit support hostile fuzz; do
        mkdir "$out/$mode/tests/$part"
        # Only what these tests need was built
        find build/$mode/tests/$part -name '*.o' -exec cp '{}' "$out/$mode/tests/$part/" ';'
    done
    cp build/$mode/tools/mkmodel/put.o "$out/$mode/tests/support/mkmodel_put.o" # support has a put.o too
done

for file in $files; do
    awk -f tools/mutants.awk "$file" | sed "s|^|$file$tab|"
done >"$out/all"
awk -v seed="$seed" 'BEGIN { x = seed * 7919 + 1 } { x = (x * 16807) % 2147483647; print x "\t" $0 }' "$out/all" |
    sort -n | cut -f 2- >"$out/shuffled"
if [ "$want" = again ]; then
    cp "$again" "$out/chosen"
else
    head -n "$want" "$out/shuffled" >"$out/chosen"
fi

n=0
while IFS=$tab read -r file line function what text; do
    n=$((n + 1))
    mkdir "$out/$n"
    sed -n "${line}p" "$file" | sed 's/^ *//' >"$out/$n/old"
    echo "$text" | sed 's/^ *//' >"$out/$n/new"
    awk -v at="$line" -v new="$out/$n/new" 'NR == at { getline <new } { print }' "$file" >"$out/$n/$(basename "$file")"
    printf '%s\t%s\t%s\t%s\n' "$file" "$line" "$function" "$what" >"$out/$n/about"
done <"$out/chosen"
seq "$n" | xargs -P "$jobs" -I '{}' sh tools/mutants.sh --one '{}' 2>"$out/errors"
cat "$out"/*/verdict >"$out/verdicts"

count() {
    grep -c "^$1$tab" "$out/verdicts"
}
grep "^survived$tab" "$out/verdicts" | sort -t "$tab" -k 3 | cut -f 3,5 | sed "s/$tab/: /" | sed 's/^/survived  /'
if grep "^unlinked$tab" "$out/verdicts" | cut -f 2 | sort -u | sed "s|\$|: does not link any more, see $out/*/link.log|" | grep .; then
    exit 1 # whatever line is changed: the objects above are not those of the Makefile
fi
killed=$(count killed)
survived=$(count survived)
echo "$n of $(wc -l <"$out/all") mutants of $(echo "$files" | tr '\n' ' '| sed 's/ $//'): $killed killed, $survived survived," \
    "$(count equivalent) equivalent, $(count compiler) did not compile: $((killed * 1000 / (killed + survived > 0 ? killed + survived : 1)))" \
    "of 1000 noticed, in $(($(date +%s) - start)) s"
[ "$n" -gt 0 ] && [ $((killed * 100)) -ge $(((killed + survived) * 95)) ]
