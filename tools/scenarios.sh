#!/bin/sh
# Short runs of the whole program, under another program or on another processor:
#
#     sh tools/scenarios.sh "valgrind -q --error-exitcode=99" build/release/lfm -t 4 --isa avx2
#
# The first word (may be empty) runs the second; options behind it are given to every command that evaluates a model.
# Each command must write the same bytes, and end with the same status, as build/release/lfm alone: that is promised
# for every number of threads and instruction set.  Complaints of sanitizers change the status, or are found in the
# errors.
set -u
run=$1
bin=$(readlink -f "$2")
shift 2
options=$*
reference=$(readlink -f build/release/lfm)
story=$(readlink -f models/lfm-stories-Q4_0.gguf)
maker=$(readlink -f build/release/mkmodel)
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir "$work/want" "$work/got"

cat >"$work/lines.jsonl" <<'LINES'
{"id": "a", "prompt": "Reddy Fox was hungry.", "n": 12, "seed": 9}
{"id": 2, "messages": [{"role": "user", "content": "Hello"}], "n": 8, "seed": 5}
{"prompt": 17}
LINES
cat >"$work/grammar" <<'LINES'
root ::= ("the " animal ", "){2,3} "and the end."
animal ::= "fox" | "bear" | [a-z]{3,5}
LINES
cat >"$work/tools.json" <<'LINES'
[{"name": "feed", "parameters": {"type": "object", "properties": {"who": {"type": "string", "maxLength": 8},
  "times": {"type": "integer", "minimum": 1, "maximum": 9}}, "required": ["times"]}}]
LINES
head -c 20000 "$story" >"$work/cut.gguf"
"$maker" nano-moe F32 -o "$work/nano.gguf" >/dev/null || exit 1

# name@status@command; EVAL stands for the options
cat >"$work/commands" <<'COMMANDS'
text@0@run story.gguf --raw -p "Once upon a time" -n 24 --temp 0 EVAL
sampled@0@run story.gguf -p "Tell a story." -n 24 --temp 0.8 --top-p 0.9 --min-p 0.02 --repeat-penalty 1.1 -s 7 EVAL
schema@0@run story.gguf -p "Who?" --schema "age int, kind red|green" --temp 0.5 -s 3 -n 60 EVAL
grammar@0@run story.gguf -p "Say it." --grammar-file grammar --temp 1 -s 4 -n 60 EVAL
tools@0@run story.gguf -p "Feed it." --tools tools.json --tool-choice feed -s 5 -n 60 EVAL
save@0@run story.gguf -p "Hello." --session talk.lfm -n 8 --temp 0 EVAL
go-on@0@run story.gguf -p "And then?" --session talk.lfm -n 8 --temp 0 EVAL
batch@1@batch story.gguf lines.jsonl -o answers.jsonl --parallel 3 EVAL
answers@0@info talk.lfm
pick@0@pick story.gguf -p "A fox is" red blue green EVAL
score@0@score story.gguf -f lines.jsonl -c 32 EVAL
moe@0@logits nano.gguf --tokens ids -o moe.f32 EVAL
ids@0@tokenize story.gguf --ids "Hällo <|im_end|>"
info@0@info story.gguf
verify@0@verify story.gguf
pack@0@pack story.gguf packed.gguf
quantize@0@quantize nano.gguf small.gguf Q8_0 -t 2
cut@1@info cut.gguf
missing@1@run none.gguf -p x
wrong@2@run story.gguf --temp nonsense
COMMANDS
echo "1 2 3 4 5 6 7 8 9 10 300 301" >"$work/ids"

# all FOLDER OPTIONS COMMAND...: run every command in a folder of its own
all() {
    folder=$work/$1
    given=$2
    shift 2
    cp "$work/lines.jsonl" "$work/grammar" "$work/tools.json" "$work/ids" "$work/cut.gguf" "$work/nano.gguf" "$folder/"
    ln -s "$story" "$folder/story.gguf"
    while IFS=@ read -r name _ line; do
        line=$(echo "$line" | sed "s/EVAL/$given/")
        (cd "$folder" && eval "$* $line" >"$name.out" 2>"$name.err" </dev/null
            echo $? >"$name.status")
        # info: the instruction set, and memory for pointers
        sed -i -e '/^kernels /d' -e '/ scratch /d' "$folder/$name.out"
    done <"$work/commands"
    sed -i 's/, "timings".*//' "$folder/answers.jsonl"
}
all want "" "'$reference'"
all got "$options" "$run '$bin'"

# complain WHAT: what went wrong with the command $name, once
complain() {
    echo "$name: $1"
    status=1
    bad=1
}

n=0
status=0
while IFS=@ read -r name code _; do
    n=$((n + 1))
    bad=0
    want=$(cat "$work/want/$name.status")
    got=$(cat "$work/got/$name.status")
    [ "$want" = "$code" ] || complain "the reference ended with status $want instead of $code"
    [ "$got" = "$want" ] || complain "status $got instead of $want"
    cmp -s "$work/want/$name.out" "$work/got/$name.out" || complain "the output differs"
    if grep -qE 'Sanitizer|runtime error|^==[0-9]+==' "$work/got/$name.err"; then
        complain "complaints"
    fi
    [ $bad -eq 0 ] || head -n 12 "$work/got/$name.err" | cut -c 1-200 | sed 's/^/  | /'
done <"$work/commands"
for file in talk.lfm answers.jsonl moe.f32 packed.gguf small.gguf; do
    if ! cmp -s "$work/want/$file" "$work/got/$file"; then
        echo "$file differs"
        status=1
    fi
done
[ $status -ne 0 ] || echo "$n commands, the same bytes as build/release/lfm"
exit $status
