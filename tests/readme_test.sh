#!/bin/sh
# Every command of README.md, in its order, with the model in the box for model.gguf.
#
# The blocks marked ```sh are run by a shell that stops at the first failure.  Left out are the lines that build,
# install, test or make large models, and `lfm chat`, which wants a terminal (chat_test.sh).  Answers are kept short by -n
# where the command sets no length and no form, because a model for stories goes on for ever; inside the strings of a
# schema, too, so there quotation marks are made likely.  Measurements are short
# (tests/cli/bench.test has whole ones).
set -u
root=$PWD
bin=${LFM_BIN:-build/release/lfm}
maker=${LFM_MKMODEL:-build/release/mkmodel}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
for tool in jq git; do # which README.md calls
    if ! command -v $tool >/dev/null 2>&1; then
        echo "skip: no $tool"
        exit 0
    fi
done
mkdir -p "$work/bin" "$work/build/release"
cat >"$work/bin/lfm" <<END
#!/bin/sh
case "\$*" in
run*--schema* | run*-j\ * | run*--tool-choice*) set -- "\$@" --temp 2 --top-k 0 -s 6 -l 17+20 ;; # 17 is "
run*-n\ * | run*--choices* | run*--grammar* | run*--dry-run*) ;;
run*) set -- "\$@" -n 16 ;;
bench\ compare* | bench*--tune*) ;;
bench*--sustain*) set -- "\$@" --sustain 1s -n 8 -t 1 ;;
bench*--ab* | bench*--text*) set -- "\$@" --no-probe -p 16 -r 2 ;;
bench*-n\ *) set -- "\$@" --no-probe -r 2 ;;
bench*) set -- "\$@" --no-probe -p 64 -n 16 -r 2 ;;
esac
exec "$root/${bin#"$root"/}" "\$@"
END
chmod +x "$work/bin/lfm"
ln -s "$work/bin/lfm" "$work/build/release/lfm"
ln -s "$root/${maker#"$root"/}" "$work/build/release/mkmodel"
cp "$root/models/lfm-stories-Q4_0.gguf" "$work/model.gguf"
cp "$root/models/lfm-stories-F16.gguf" "$work/model-F16.gguf"
cd "$work" || exit 1
git init -q . 2>/dev/null && echo change >file && git add file 2>/dev/null
echo 'Peter Rabbit sat in the sun.' | tee page.txt prompt.txt files.txt book.txt mail.txt bill.txt manual.txt lines.txt >/dev/null
echo page.txt >files.txt
echo '{"id": 1, "prompt": "Hello", "n": 4}' >questions.jsonl
printf '1\tfox\n2\then\n' >words.tsv
echo '{"key": 1, "body": "It is slow."}' >tickets.json

awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/README.md" |
    grep -v -e '^make' -e 'lfm chat' -e 'lfm2-8b-a1b' >commands.sh
n=$(grep -c 'lfm\|mkmodel' commands.sh)
[ "$n" -ge 25 ] || { echo "FAIL: only $n commands found"; exit 1; }
export XDG_STATE_HOME="$work" XDG_CONFIG_HOME="$work" PATH="$work/bin:$PATH"
unset LFM_MODEL
if ! bash -e -o pipefail -x commands.sh </dev/null >out 2>err; then
    echo "FAIL: this command of README.md:"
    grep '^+' err | tail -n 2
    grep -v '^+' err | tail -n 5
    exit 1
fi
if grep -v '^+' err | grep 'lfm:'; then
    echo "FAIL: a command of README.md complains"
    exit 1
fi
echo "$n lines of commands run"
