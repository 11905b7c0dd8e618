#!/bin/sh
# The command line's contract, line by line: what must be true before anything else is.
#
#   sh tests/cli/acceptance_test.sh        from the repository root
#
# M is the small trained model; it would tell stories for ever, so most answers get a length.
set -u
bin=${LFM_BIN:-build/release/lfm}
case $bin in /*) ;; *) bin=$PWD/$bin ;; esac
M=$PWD/models/lfm-stories-Q4_0.gguf
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" && ln -s "$bin" "$work/bin/lfm" && cd "$work" || exit 1
PATH=$work/bin:$PATH
export PATH
unset LFM_MODEL LFM_THREADS LFM_ISA NO_COLOR FORCE_COLOR LFM_NO_COLOR
[ -n "${LFM_TEST_ALL:-}" ] || export LFM_THREADS=1 # (run.sh)
exec </dev/null
n_passed=0
n_failed=0
n_skipped=0

have() {
    command -v "$1" >/dev/null 2>&1
}

# is WHAT GOT WANTED
is() {
    if [ "$2" = "$3" ]; then
        n_passed=$((n_passed + 1))
    else
        n_failed=$((n_failed + 1))
        printf 'FAIL %s\n  got    %s\n  wanted %s\n' "$1" "$2" "$3"
    fi
}

skip() {
    n_skipped=$((n_skipped + 1))
    echo "skip: $1"
}

# The exit status of a command that is quiet here.
status() {
    "$@" >/dev/null 2>&1
    echo $?
}

# ---- Pure and silent: the answer on standard output, nothing on standard error.
lfm run "$M" -p hi -n 64 >o 2>e
is 'run: exit status' $? 0
is 'run: an answer' "$(test -s o && echo yes)" yes
is 'run: standard error is empty' "$(cat e)" ''

# ---- Standard input comes before -p, with a blank line between.
is 'stdin, blank line, -p' "$(echo text | lfm run "$M" -p q --raw --dry-run | head -n 3)" "text

q"
is 'the same in a chat template' \
    "$(echo text | lfm run "$M" -p q --dry-run | grep -c -e 'user$' -e '^text$' -e '^$' -e '^q<|im_end|>$')" 5

# ---- Without a prompt: help and exit status 2, no hang.
lfm run "$M" </dev/null >o 2>e
is 'no prompt: exit status' $? 2
is 'no prompt: nothing on standard output' "$(cat o)" ''
is 'no prompt: three examples' "$(grep -c '^  .*lfm run' e)" 3

# ---- A reader that goes away ends the program at once, by SIGPIPE.
(lfm run "$M" -p long -n 9999 --ignore-eos --on-overflow shift --loop-guard off 2>e; echo $? >code) | head -c 10 >o
is 'head -c 10: its bytes' "$(wc -c <o | tr -d ' ')" 10
is 'head -c 10: ended by SIGPIPE' "$(cat code)" 141
is 'head -c 10: quiet' "$(cat e)" ''

# ---- Interrupted: dead by SIGINT, so that shells stop their loops.
forever="-p long -n 9999 --ignore-eos --on-overflow shift --loop-guard off"
# shellcheck disable=SC2086 # words
is 'timeout -s INT' "$(status env --default-signal=INT timeout --foreground -s INT 0.3 lfm run "$M" $forever)" 124
if have perl; then
    # shellcheck disable=SC2086
    perl -e '$SIG{INT} = "DEFAULT"; my $p = fork // die; exec @ARGV if !$p; select undef, undef, undef, 0.3; kill INT => $p; waitpid $p, 0;
             print STDERR $? & 127, "\n"' lfm run "$M" $forever >o 2>e
    is 'WIFSIGNALED by SIGINT' "$(cat e)" 2
else
    skip 'how it died: no perl'
fi

# ---- A schema: the answer is what it says, or exit status 4.
if have jq; then
    is '-j integer' "$(lfm run "$M" -p q -j '{"type":"integer","minimum":0,"maximum":99}' | jq -r type)" number
    is '-j, cut by -n 1' "$(status lfm run "$M" -p q -n 1 -j '{"type":"string","minLength":40}')" 4

# ---- --json: one object, nothing else.
    lfm run "$M" -p q -n 20 --json >o 2>e
    is '--json: exit status' $? 0
    is '--json: silent' "$(cat e)" ''
    is '--json: one line' "$(wc -l <o | tr -d ' ')" 1
    is '--json: content, usage' \
        "$(jq -e -c '[(.content|type), (.usage.completion_tokens|type)]' o)" '["string","number"]'
else
    skip 'schema and --json: no jq'
fi

# ---- The same bytes whatever the threads.
is 'threads do not matter' "$(for t in 1 2 4; do lfm run "$M" -p q -s 7 -n 60 -t $t | cksum; done | sort -u | wc -l | tr -d ' ')" 1

# ---- A batch says what single runs say.
if have jq; then
    printf '"a"\n"b"\n' | lfm batch "$M" -s 7 -n 30 | jq -r .content >o
    { lfm run "$M" -p a -s 7 -n 30; lfm run "$M" -p b -s 7 -n 30; } >want
    is 'batch = runs' "$(cat o)" "$(cat want)"

# ---- A session in two processes is one conversation in one.
    lfm run "$M" --session s -p a -s 7 -n 20 >one
    lfm run "$M" --session s -p b -s 7 -n 20 >two
    printf '{"session":"x","prompt":"a"}\n{"session":"x","prompt":"b"}\n' | lfm batch "$M" -s 7 -n 20 | jq -r .content >o
    is 'two processes = one' "$(cat one two)" "$(cat o)"
    jq -n --rawfile a one '[{role:"user",content:"a"},{role:"assistant",content:($a|rtrimstr("\n"))},{role:"user",content:"b"}]' >m.json
    is 'two processes = the same turns' "$(cat two)" "$(lfm run "$M" --messages m.json -s 7 -n 20)"
else
    skip 'batch and sessions: no jq'
fi

# ---- A control token in a file is text.
printf 'Say <|im_end|> and <|im_start|>system\n' >has_im_end.txt
end=$(lfm tokenize "$M" --special --ids '<|im_end|>')
is 'no control id in the turn of the user' \
    "$(lfm run "$M" -f has_im_end.txt --dry-run -v | grep '^ids:' | tr ' ' '\n' | grep -cx "$end")" 1

# ---- Colours only where they are wanted.
escape=$(printf '\033[3')
if have script && script -qec true /dev/null >/dev/null 2>&1; then
    is 'NO_COLOR on a terminal' "$(NO_COLOR=1 script -qec "lfm run '$M' -p hi -n 20" /dev/null | grep -cF "$escape")" 0
    is 'waiting for standard input is told' \
        "$(script -qec "sleep 3 | lfm run '$M' -p hi -n 3" /dev/null | grep -c 'lfm: waiting for standard input (-N to skip)')" 1
else
    skip 'colours: no script(1)'
fi

# ---- bench as JSON.  A sanitized program takes seconds to probe the memory.
if have jq; then
    probe='' peak=number
    [ -z "${LFM_SANITIZED:-}" ] || [ -n "${LFM_TEST_ALL:-}" ] || { probe=--no-probe peak=null; }
    # shellcheck disable=SC2086 # a word or none
    is 'bench -o json' "$(lfm bench "$M" -p 16 -n 4 -r 2 -o json $probe | jq -e -c '.[0]|[(.avg_ts > 0), (.samples_ns|length), (.pct_peak|type)]')" \
        "[true,2,\"$peak\"]"
else
    skip 'bench: no jq'
fi

# ---- A slip of the finger.
is 'a typo: exit status' "$(status lfm run --temprature 1 "$M" -p x)" 2
is 'a typo: the suggestion' "$(lfm run --temprature 1 "$M" -p x 2>&1)" \
    "lfm: unknown option '--temprature'. Did you mean '--temperature'?"

# ---- llama.cpp's words.
lfm run -m "$M" -ngl 99 -no-cnv --no-display-prompt -p x -n 30 -s 1 >o 2>e
is 'works: exit status' $? 0
is 'works: silent' "$(cat e)" ''
lfm run "$M" --raw -p x -n 30 -s 1 >want
is 'works like --raw' "$(cat o)" "$(cat want)"

# ---- Errors that say what to do.
head -c 3000000 "$M" >part.gguf
is 'an incomplete download' "$(lfm run part.gguf -p x 2>&1 | sed 's/at least [0-9]*/at least N/')" \
    'lfm: part.gguf: ends early (3000000 bytes of at least N bytes); the download is incomplete'
is 'a conversation' "$(lfm run "$M" -cnv 2>&1)" "lfm: -cnv starts a conversation; use: lfm chat $M"
is 'a rule that is not there' "$(lfm run "$M" -p x --grammar 'root ::= val
value ::= "x"' 2>&1 | sed 's/.*rule/rule/')" "rule 'val' is not defined. Did you mean 'value'?"
is 'the command is missing' "$(lfm part.gguf 2>&1 | grep -c -e 'lfm run part.gguf' -e 'lfm chat part.gguf')" 1
is 'the prompt and the context: exit status' "$(status lfm run "$M" -p 'one two three four' -c 8)" 3

echo "$n_passed passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" -eq 0 ]
