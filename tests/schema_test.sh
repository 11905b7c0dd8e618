#!/bin/sh
# Values that JSON schemas of pydantic, FastAPI, zod, OpenAPI and MCP call valid or invalid, against their grammars.
#
# tests/schema/pinned.jsonl was written by tests/schema/generate/given.py; ajv 8 and python-jsonschema agreed about
# every value.  OPEN lines are not as expected yet: the number only goes down.
set -u
OPEN=7
walk=$(dirname "${LFM_BIN:-build/release/lfm}")/tests/schema_walk
if [ ! -x "$walk" ]; then
    echo "FAIL: $walk is missing; run make $walk"
    exit 1
fi
says=$("$walk" check --may-fail=$OPEN tests/schema/pinned.jsonl) || {
    echo "$says"
    exit 1
}
faults=$("$walk" walk --answers=20 tests/schema/pinned.jsonl | grep '"fault"') && {
    echo "a walk met a dead end: $faults"
    exit 1
}
echo "$says" | tail -n 1
