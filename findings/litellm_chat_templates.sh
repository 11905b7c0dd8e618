#!/bin/sh
# litellm 1.110.2 (PyPI) renders a chat template otherwise than transformers 5.24.0 does.
#
# hf_chat_template() runs the template in a plain Jinja2 sandbox:
#   - raise_exception() makes an exception and does not raise it: its text becomes a part of the prompt;
#   - tojson is Jinja2's own: keys sorted, ' < > & written as \u0027 and so on (transformers: json.dumps without both);
#   - without trim_blocks and lstrip_blocks, the line breaks and blanks around tags stay in the prompt.
#
# Seen on 1 December 2026 with Jinja2 3.1.6:
#   litellm      'Error message - no|{"content": "it\\u0027s \\u003cb\\u003e", "role": "user"}|\n  \nx\n  \n'
#   transformers '{"role": "user", "content": "it\'s <b>"}|x\n'; raise_exception raises
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"
"$folder/v/bin/pip" -q install litellm==1.110.2 transformers==5.24.0 jinja2==3.1.6
cat >"$folder/show.py" <<'END'
import litellm.litellm_core_utils.prompt_templates.factory as litellm_templates
from transformers.utils import chat_template_utils as transformers_templates

messages = [{"role": "user", "content": "it's <b>"}]
body = "{{ messages[0] | tojson }}|{% for m in messages %}\n  {% if true %}\nx\n  {% endif %}\n{% endfor %}"
raises = "{{ raise_exception('no') }}|"


def by_transformers(template):
    return transformers_templates.render_jinja_template(conversations=[messages], chat_template=template)[0][0]


got = litellm_templates.hf_chat_template("some/model", messages, chat_template=raises + body)
print(repr(got))
assert got == ('Error message - no|{"content": "it\\u0027s \\u003cb\\u003e", "role": "user"}|\n  \nx\n  \n'), got
got = by_transformers(body)
print(repr(got))
assert got == '{"role": "user", "content": "it\'s <b>"}|x\n', got
try:
    by_transformers(raises)
    raise SystemExit("transformers went on after raise_exception")
except Exception as error:
    print(type(error).__name__, error)
END
LITELLM_LOCAL_MODEL_COST_MAP=True "$folder/v/bin/python" "$folder/show.py" 2>"$folder/err" || { cat "$folder/err"; exit 1; }
echo "as described"
