#!/bin/sh
# Chat templates against Jinja2 itself: random conversations for the official templates, and random programs.
#
#     SEED=2     other cases (1)
#     MANY=10    ten times as many (1)
#
# Needs Python 3.9 with venv and, unless it has Jinja2 3.1.6 already, the Python Package Index.  LFM_BIN says where
# template_check is: beside it, in tests.
set -u
check=$(dirname "${LFM_BIN:-build/release/lfm}")/tests/template_check
reference=tests/template/reference.py
official=${LFM_SHARED:-../shared}/golden/chat
seed=${SEED:-1}
many=${MANY:-1}
. tests/support/expect.sh

if [ ! -x "$check" ]; then
    echo "FAIL: $check is missing; run make $check"
    exit 1
fi
python=python3
if ! $python -c 'import jinja2, sys; sys.exit(jinja2.__version__ != "3.1.6")' 2>/dev/null; then
    if ! python3 -m venv "$dir/venv" >"$dir/log" 2>&1 ||
        ! "$dir/venv/bin/pip" install -q --disable-pip-version-check jinja2==3.1.6 >>"$dir/log" 2>&1; then
        tail -n 3 "$dir/log"
        echo "skip: there is no Jinja2 3.1.6 here, and it cannot be installed"
        exit 0
    fi
    python=$dir/venv/bin/python
fi

# compare NAME ARGUMENTS...: what reference.py makes with them
compare() {
    name=$1
    shift
    checks=$((checks + 1))
    if ! "$python" $reference "$@" >"$dir/$name.jsonl"; then
        fail "$reference $*"
        return
    fi
    says=$("$check" --templates="$official" "$dir/$name.jsonl") || fail "$name, seed $seed: $says"
    total="${total:+$total, }$(wc -l <"$dir/$name.jsonl") $name"
}

total=""
"$python" $reference render <tests/template/cases.jsonl >"$dir/again.jsonl"
says=$("$check" "$dir/again.jsonl") || fail "cases.jsonl, rendered again: $says"
if [ -e "$official/cases.json" ]; then
    compare conversations official "$official" --seed "$seed" --count $((2400 * many))
else
    echo "$official is missing: no official templates"
fi
compare programs programs --seed "$seed" --count $((3000 * many))
compare "broken programs" programs --seed "$seed" --count $((1000 * many)) --broken

[ $failed -eq 0 ] || exit 1
echo "as Jinja2 renders them: $total (seed $seed)"
