#!/bin/sh
# transformers 5.24.0 (PyPI) changes messages before it renders them; 4.57.1 does not.
#
# A message that has "reasoning" gets "thinking" in front of its members and "reasoning_content" behind them.  So a template
# that asks `message.thinking is defined` (as those of LFM2.5 do) writes thoughts that it did not write before, and one that
# prints a message with tojson prints other text: the same model, messages and template give another prompt.
#
# Seen on 1 December 2026 with Jinja2 3.1.6:
#   4.57.1  {"role": "assistant", "content": "c", "reasoning": "r"}
#   5.24.0  {"thinking": "r", "role": "assistant", "content": "c", "reasoning": "r", "reasoning_content": "r"}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/show.py" <<'END'
from transformers.utils import chat_template_utils

rendered = chat_template_utils.render_jinja_template(
    conversations=[[{"role": "assistant", "content": "c", "reasoning": "r"}]],
    chat_template="{{ messages[0] | tojson }}")
print(rendered[0][0])
END
see() {
    python3 -m venv "$folder/$1"
    "$folder/$1/bin/pip" -q install "transformers==$1" jinja2==3.1.6 numpy
    got=$("$folder/$1/bin/python" "$folder/show.py" 2>/dev/null | tail -n 1)
    echo "$1  $got"
    [ "$got" = "$2" ] || { echo "expected $2"; exit 1; }
}
see 4.57.1 '{"role": "assistant", "content": "c", "reasoning": "r"}'
see 5.24.0 '{"thinking": "r", "role": "assistant", "content": "c", "reasoning": "r", "reasoning_content": "r"}'
echo "as described"
