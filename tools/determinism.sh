#!/bin/sh
# The same bytes whatever computes them: instruction sets x threads x batches x compilers x optimisation x packed or
# mapped or read x cold or restored, on small models of all kinds.
#
#     sh tools/determinism.sh make
#
# Three things are compared, and each must have one hash for each model:
#
#   selftest   the logits of `lfm selftest`, for every build, the model as it is and packed
#   answers    of `lfm run`, greedy and sampled, with threads and batches; from nothing, and from a prompt cache that
#              another build has written
#   logits     of 150 tokens, for every build x instruction set x threads x batch size
#
# DETERMINISM_MODELS="preset:type ..." are other models; DETERMINISM_CC other compilers.
set -u
make=$1
models=${DETERMINISM_MODELS:-"nano-moe:F32 nano-dense:F16 odd-moe:Q8_0 nano-moe:Q4_0 kq-moe:Q4_K_M kq-moe:Q6_K
    nano-dense:BF16 nano-moe:Q5_1 kq-moe:Q3_K_M kq-moe:Q2_K kq-moe:IQ4_XS nano-moe:MXFP4_MOE"}
matrix_models="nano-moe:Q4_0 kq-moe:Q4_K_M" # those of the third comparison
clang=${CLANG:-clang-19}
compilers=${DETERMINISM_CC:-"gcc $clang"}
jobs=$(nproc 2>/dev/null || echo 2)
here=build/release
start=$(date +%s)

# ---- Builds ------------------------------------------------------------------------------------

"$make" -s -j"$jobs" $here/lfm $here/mkmodel || exit 1
builds=$here/lfm
for cc in $compilers; do
    if ! command -v "$cc" >/dev/null 2>&1; then
        echo "determinism needs $cc: apt-get install $cc" >&2
        exit 1
    fi
    for level in -O0 -O2 -O3; do
        folder=build/release$level
        [ "$cc" = gcc ] || folder=$folder-$cc
        "$make" -s -j"$jobs" CC="$cc" OPT=$level "$folder/lfm" || exit 1
        builds="$builds $folder/lfm"
    done
done
n_builds=$(echo "$builds" | wc -w)
models=$(echo "$models" | tr '\n' ' ')
isas=$($here/lfm selftest | sed -n 's/^kernels \([a-z0-9]*\) .*/\1/p')
isas="scalar $isas"

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
: >"$work/differ"

# same KEY WAY HASH: the first hash of a key is right, and later ones are the same
same() {
    echo . >>"$work/$1.count"
    if [ ! -e "$work/$1.hash" ]; then
        echo "$3" >"$work/$1.hash"
    elif [ "$3" != "$(cat "$work/$1.hash")" ]; then
        echo "$1: $2: $3 instead of $(cat "$work/$1.hash")" | tee -a "$work/differ"
    fi
}

# failed WAY: a program did not end well
failed() {
    echo "$1: $(head -n 1 "$work/err")" | tee -a "$work/differ"
}

# number WHAT: how many were compared
number() {
    cat "$work"/*."$1".count | wc -l
}

hash_file() {
    sha256sum <"$1" | cut -c 1-16
}

# The text that the model continues; the cache holds its beginning.
beginning="A fox went out one day, and the day was long and cold and he had not found anything to eat."
text="$beginning Then he saw a hare that was sitting under a tree, and said:"

# answer KEY WAY BINARY OPTIONS...: a text that is continued
answer() {
    key=$1 way=$2 binary=$3
    shift 3
    "$binary" run "$@" --raw -p "$text" -n 20 --ignore-eos --progress never >"$work/out" 2>"$work/err" </dev/null ||
        failed "$way"
    same "$key" "$way" "$(hash_file "$work/out")"
}

# ---- One model ---------------------------------------------------------------------------------

# selftests NAME BINARY: as it is, and packed
selftests() {
    for file in "$1" "$1-packed"; do
        line=$("$2" selftest "$work/$file.gguf" -q 2>&1)
        hash=$(echo "$line" | sed -n 's/^hash  *\([0-9a-f]*\) in all of [0-9]* ways.*/\1/p')
        ways=$(echo "$line" | sed -n 's/^hash .* in all of \([0-9]*\) ways.*/\1/p')
        same "$1.selftest" "$2 selftest $file" "${hash:-$line}"
        echo "${ways:-0}" >>"$work/ways"
    done
}

# answers NAME BINARY WRITER: greedy and sampled; the cache comes from another build
answers() {
    name=$1 binary=$2 writer=$3
    for kind in greedy sampled; do
        options="--temp 0"
        [ $kind = greedy ] || options="--temp 0.9 --top-p 0.95 --repeat-penalty 1.1 -s 11"
        while read -r file threads batch how; do
            case $how,$binary in *scalar,*-O0*) how="" ;; esac # too slow; selftest has it
            # shellcheck disable=SC2086
            answer "$name.$kind" "$binary $file -t $threads -b $batch $how" "$binary" "$work/$name$file.gguf" \
                $options -t "$threads" -b "$batch" $how
        done <"$work/ways-to-run"
        rm -f "$work/cache"
        "$writer" run "$work/$name.gguf" --raw -p "$beginning" -n 1 --temp 0 --prompt-cache "$work/cache" >/dev/null \
            2>"$work/err" </dev/null || failed "$writer writes the cache"
        # shellcheck disable=SC2086
        answer "$name.$kind" "$binary, with the cache of $writer" "$binary" "$work/$name.gguf" $options -t 2 \
            --prompt-cache "$work/cache" --prompt-cache-ro
        # The larger cache, and the packed file.
        # shellcheck disable=SC2086
        answer "$name.$kind" "$binary, writes the cache" "$binary" "$work/$name-packed.gguf" $options -t 3 -b 5 \
            --prompt-cache "$work/cache"
        # shellcheck disable=SC2086
        answer "$name.$kind" "$writer, with the cache of $binary" "$writer" "$work/$name.gguf" $options -t 1 \
            --prompt-cache "$work/cache" --prompt-cache-ro
    done
}

cat >"$work/ways-to-run" <<'WAYS'
 1 512
-packed 2 7
 3 1 --no-mmap
 4 32 --isa scalar
-packed 7 128 --isa avx2
 16 2
WAYS
sed -i 's/^ /_ /' "$work/ways-to-run" # so that `read` sees a first field
# Without AVX2 the name of another instruction set would be refused.
case " $isas" in *" avx2"*) ;; *) sed -i 's/ --isa avx2//' "$work/ways-to-run" ;; esac

for model in $models; do
    name=$(echo "$model" | tr ':' '-')
    $here/mkmodel "${model%:*}" "${model#*:}" -o "$work/$name.gguf" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    ln "$work/$name.gguf" "$work/${name}_.gguf"
    $here/lfm pack "$work/$name.gguf" "$work/$name-packed.gguf" -q >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    writer=$(echo "$builds" | awk '{ print $NF }')
    for binary in $builds; do
        selftests "$name" "$binary"
        answers "$name" "$binary" "$writer"
        writer=$binary
    done
    case " $matrix_models " in *" $model "*) ;; *) rm -f "$work/$name"*.gguf ;; esac
    echo "$model: selftest $(cat "$work/$name.selftest.hash"), greedy $(cat "$work/$name.greedy.hash")," \
        "sampled $(cat "$work/$name.sampled.hash")"
done

# ---- Threads x batches x instruction sets x builds ---------------------------------------------

awk 'BEGIN {
    for (x = 1; i++ < 150;) {
        x = (x * 1103515245 + 12345) % 2147483648
        print int(x / 65536) % 500
    }
}' >"$work/ids"
for model in $matrix_models; do
    name=$(echo "$model" | tr ':' '-')
    [ -e "$work/$name.gguf" ] || continue
    for binary in $builds; do
        for isa in $isas; do
            threads="1 2 3 4 7 8 16"
            batches="1 2 7 32 128 512"
            case $isa,$binary in # slow
            scalar,*-O0*) threads=2 batches=7 ;;
            scalar,*) threads="1 16" batches="1 7 512" ;;
            esac
            for t in $threads; do
                for b in $batches; do
                    "$binary" logits "$work/$name.gguf" --tokens "$work/ids" -o "$work/out" --isa "$isa" -t "$t" \
                        -b "$b" >/dev/null 2>"$work/err" </dev/null || failed "$binary --isa $isa -t $t -b $b"
                    same "$name.logits" "$binary --isa $isa -t $t -b $b" "$(hash_file "$work/out")"
                done
            done
        done
    done
    echo "$model: logits $(cat "$work/$name.logits.hash")"
done

# ---- What was compared -------------------------------------------------------------------------

n_models=$(echo "$models" | wc -w)
n_ways=$(awk '{ n += $1 } END { print n }' "$work/ways")
n_answers=$(($(number greedy) + $(number sampled)))
n_logits=$(number logits)
if [ -s "$work/differ" ]; then
    echo "$(wc -l <"$work/differ") of $((n_ways + n_answers + n_logits)) differ, after $(($(date +%s) - start)) s"
    exit 1
fi
echo "$((n_ways + n_answers + n_logits)) combinations, one hash for each model: $n_builds builds" \
    "($(echo "$compilers" | tr '\n' ' ' | sed 's/ $//') x O0 O2 O3), $n_models models, $(echo "$isas" | wc -w) instruction sets;" \
    "$n_ways ways of selftest, $n_answers answers, $n_logits logits of 150 tokens"
