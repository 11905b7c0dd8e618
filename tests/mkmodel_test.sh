#!/bin/sh
# mkmodel_test.sh - the model maker: true sizes, the same bytes every time, sane weights, errors.
#
# LFM_MKMODEL is the program (default build/release/mkmodel).
# The sizes are those of the published files (tensor bytes), computed or measured by others.

set -u
mk=${LFM_MKMODEL:-build/release/mkmodel}
. tests/support/expect.sh

if [ ! -x "$mk" ]; then
    echo "FAIL: $mk is missing; run make tools"
    exit 1
fi

# ---- Sizes ------------------------------------------------------------------------------------

while read -r type moe8 moe8_5 moe24; do
    for pair in lfm2-8b-a1b=$moe8 lfm2.5-8b-a1b=$moe8_5 lfm2-24b-a2b=$moe24; do
        wanted=${pair#*=}
        got=$("$mk" "${pair%%=*}" "$type" --sizes | sed 's/.* bytes //')
        [ "$wanted" = - ] || expect "${pair%%=*} $type" "$got" "$wanted"
    done
done <<EOF
Q4_0   4731500288  4836439808  13465000448
Q4_K_M 5042386688  5147326208  14413068800
Q5_K_M 5917161216  6022100736  16916412928
Q6_K   6846609152  6951548672  19576216064
Q8_0   8866035456  9001957120  25349560832
F16    16683169536 16939022080 47697992192
BF16   16683169536 16939022080 47697992192
Q4_K_S 4750374656  4855314176  -
EOF

while read -r preset tensors weights; do
    got=$("$mk" "$preset" F32 --sizes)
    expect "$preset" "$got" "$preset F32 tensors $tensors weights $weights bytes $((4 * weights))"
done <<EOF
lfm2-8b-a1b   256 8339930560
lfm2.5-8b-a1b 256 8467856832
lfm2-24b-a2b  428 23843661440
lfm2.5-24b-a2b 428 23971587712
lfm2-2.6b     266 2569272320
lfm2.5-2.6b   266 2697198592
lfm2-1.2b     148 1170340608
lfm2-350m     148 354483968
EOF

# ---- The same bytes every time ----------------------------------------------------------------

for preset in nano-moe kq-moe nano-dense odd-moe; do
    for type in Q4_0 Q4_K_M F32; do
        "$mk" $preset $type -o "$dir/a.gguf" -f || fail "writing $preset $type"
        "$mk" $preset $type -o "$dir/b.gguf" -f -t 3 || fail "writing $preset $type with 3 threads"
        "$mk" $preset $type -o "$dir/c.gguf" -f --seed 2 || fail "writing $preset $type, seed 2"
        expect "$preset $type again" "$(sum "$dir/b.gguf")" "$(sum "$dir/a.gguf")"
        checks=$((checks + 1))
        cmp -s "$dir/a.gguf" "$dir/c.gguf" && fail "$preset $type: the seed changes nothing"
    done
done

# Written down once: other machines and compilers must make the same file.
"$mk" kq-moe Q4_K_M -o "$dir/k.gguf" && expect "kq-moe Q4_K_M" "$(sum "$dir/k.gguf")" \
    91dacb57ba048fbc7d97cd33dee73bb7d74436deb85558817d8219c87383cced
"$mk" nano-moe BF16 -o "$dir/n.gguf" && expect "nano-moe BF16" "$(sum "$dir/n.gguf")" \
    0423aca7308fe75702181b98b878bd28c8f05031fe31891d4eb39e23d09fd80d
"$mk" induction F32 -o "$dir/i.gguf" && expect "induction F32" "$(sum "$dir/i.gguf")" \
    dc91823befdfd690d093af3a922716ecec4707611a383d1acc61a67266b09c09

# ---- Weights: every type near the wanted spread -----------------------------------------------

for type in F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ1_S IQ1_M IQ2_XXS \
    IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ4_NL IQ4_XS TQ1_0 TQ2_0 MXFP4 NVFP4 Q1_0 Q2_0; do
    for preset in kq-moe lfm2-1.2b; do
        bad=$("$mk" $preset $type --stats | awk -v type=$type '
            $2 == type { n++ }
            $2 == type && /ffn_(up|down|gate|gate_exps|up_exps|down_exps)\.weight/ &&
                !($4 > -0.06 && $4 < 0.06 && $6 > 0.93 && $6 < 1.2 && $8 > 1 && $8 < 5) { print $1 }
            END { if (n == 0) print "nothing" }')
        expect "spread of $preset $type" "$bad" ""
    done
done

# ---- Split files ------------------------------------------------------------------------------

"$mk" nano-moe Q8_0 -o "$dir/s.gguf" --split 3 || fail "splitting"
"$mk" nano-moe Q8_0 -o "$dir/t.gguf" --split 3 --bare-first --version 2 || fail "splitting, bare"
for part in s-00001 s-00002 s-00003 t-00001 t-00002 t-00003; do
    expect "$part" "$(head -c 4 "$dir/$part-of-00003.gguf")" GGUF
done
expect "version of part 2" "$(od -An -tu1 -j4 -N1 "$dir/t-00002-of-00003.gguf" | tr -d ' ')" 2
expect "tensors of a bare part" "$(od -An -tu1 -j8 -N1 "$dir/t-00001-of-00003.gguf" | tr -d ' ')" 0

# ---- Errors -----------------------------------------------------------------------------------

# refuse STATUS TEXT ARGUMENTS...
refuse() {
    wanted=$1
    text=$2
    shift 2
    message=$("$mk" "$@" 2>&1)
    expect "status of mkmodel $*" $? "$wanted"
    case $message in
    *"$text"*) ;;
    *) fail "mkmodel $* said '$message', not '$text'" ;;
    esac
}

refuse 2 "usage:"
refuse 2 "usage:" nano-moe Q4_0
refuse 2 "unknown preset 'nano'" nano Q4_0 --sizes
refuse 2 "unknown type 'Q4'" nano-moe Q4 --sizes
refuse 2 "unknown option '--sed'" nano-moe Q4_0 --sed 1 --sizes
refuse 2 "one argument too many" nano-moe Q4_0 more --sizes
refuse 2 "--vocab needs a number from 272" nano-moe Q4_0 --vocab 10 --sizes
refuse 2 "--seed needs a number" nano-moe Q4_0 --sizes --seed
refuse 1 "induction is made as F32, F16 or BF16 only" induction Q8_0 --sizes
refuse 1 "exists and is not replaced" nano-moe Q4_0 -o "$dir/a.gguf"
refuse 1 "No such file" nano-moe Q4_0 -o "$dir/missing/a.gguf"
if [ -e /dev/full ]; then
    refuse 1 "No space left" nano-moe Q4_0 -o /dev/full
fi
expect "files left over" "$(find "$dir" -name '*.part')" ""

if [ $failed -ne 0 ]; then
    echo "mkmodel: $failed of $checks checks failed"
    exit 1
fi
echo "mkmodel: $checks checks passed"
