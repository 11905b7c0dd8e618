#!/bin/sh
# Random schemas as people's tools write them; random answers of our grammars, judged by ajv and python-jsonschema.
#
#     SEED=2        other schemas and answers (1)
#     MANY=10       ten times as many (1)
#     PEERS=1       llguidance and xgrammar on every 4th of them, too; a table of all three
#     KEEP=FOLDER   where packages and reports stay (a temporary folder)
#
# Needs Python 3.10 with venv, Node.js with npm, the Python Package Index and the npm registry.  LFM_BIN says where
# schema_walk is: beside it, in tests.
set -u
here=tests/schema/generate
walk=$(dirname "${LFM_BIN:-build/release/lfm}")/tests/schema_walk
seed=${SEED:-1}
many=${MANY:-1}
dir=${KEEP:-$(mktemp -d)}
[ -n "${KEEP:-}" ] || trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/node"

if [ ! -x "$walk" ]; then
    echo "FAIL: $walk is missing; run make $walk"
    exit 1
fi
python=$dir/venv/bin/python
if ! "$python" -c 'import pydantic, fastapi, jsonschema' 2>/dev/null; then
    if ! python3 -m venv "$dir/venv" >"$dir/log" 2>&1 ||
        ! "$python" -m pip install -q --disable-pip-version-check -r $here/versions.txt >>"$dir/log" 2>&1; then
        tail -n 3 "$dir/log"
        echo "skip: pydantic, FastAPI and jsonschema cannot be installed"
        exit 0
    fi
fi
export NODE_MODULES="$dir/node/node_modules"
if [ ! -d "$NODE_MODULES/zod3" ] &&
    ! npm install --prefix "$dir/node" --no-audit --no-fund --ignore-scripts ajv@8.20.0 ajv-formats@3.0.1 zod@4.6.7 \
        zod3@npm:zod@3.25.76 zod-to-json-schema@3.25.2 >"$dir/log" 2>&1; then
    tail -n 3 "$dir/log"
    echo "skip: ajv and zod cannot be installed"
    exit 0
fi

# make NAME PROGRAM ARGUMENTS...: a file of schemas
files=""
make_schemas() {
    name=$1
    shift
    "$@" >"$dir/$name.jsonl" 2>"$dir/$name.err" || {
        tail -n 3 "$dir/$name.err"
        echo "FAIL: the schemas of $name could not be made"
        exit 1
    }
    files="$files $dir/$name.jsonl"
}
make_schemas pydantic "$python" $here/pydantic_schemas.py pydantic $((600 * many)) "$seed"
make_schemas fastapi "$python" $here/pydantic_schemas.py fastapi $((150 * many)) "$seed"
make_schemas zod4 node $here/zod_schemas.mjs zod4 $((500 * many)) "$seed"
make_schemas zod3 node $here/zod_schemas.mjs zod3 $((400 * many)) "$seed"
for dialect in openapi30 openapi31 mcp; do
    make_schemas $dialect "$python" $here/by_hand.py $dialect $((400 * many)) "$seed"
done

# shellcheck disable=SC2086 # names without blanks
says=$("$python" $here/judge.py "$walk" $files --answers=15 --seed="$seed" --least="${LEAST:-95}" --out="$dir/report.txt")
status=$?
if [ -n "${PEERS:-}" ] && "$python" -m pip install -q --disable-pip-version-check llguidance xgrammar >"$dir/log" 2>&1; then
    for peer in llguidance llguidance-lenient xgrammar; do
        for file in $files; do
            "$python" $here/peers.py $peer "$file" --every=4 --answers=8
        done >"$dir/$peer.walks"
        # shellcheck disable=SC2086
        "$python" $here/judge.py "$walk" $files --walks="$dir/$peer.walks" --title=$peer --out="$dir/$peer.txt" >/dev/null
        sed -n '/^## /,/^compile/p' "$dir/$peer.txt"
    done
fi
if [ $status -ne 0 ]; then
    cat "$dir/report.txt"
    echo "FAIL: seed $seed: $says"
    exit 1
fi
echo "$says (seed $seed)"
