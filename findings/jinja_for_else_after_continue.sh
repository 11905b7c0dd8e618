#!/bin/sh
# Jinja2 3.1.6 (PyPI): with jinja2.ext.loopcontrols, which chat templates have, {% for %}..{% else %} runs the else branch
# although there were items, when every iteration ended in {% continue %} or {% break %}.  Python's for..else asks whether
# there was a break; Jinja's documentation says that else is for loops without an iteration.
#
# Seen on 1 December 2026, for {% for i in [1, 2] %}{{ i }}{% continue %}{% else %}else{% endfor %}: 12else
# One iteration that reaches its end is enough to leave the branch out.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/v"
"$folder/v/bin/pip" -q install jinja2==3.1.6
"$folder/v/bin/python" - <<'END'
import jinja2

environment = jinja2.Environment(extensions=["jinja2.ext.loopcontrols"])
for template, expected in (
        ("{% for i in [1, 2] %}{{ i }}{% continue %}{% else %}else{% endfor %}", "12else"),
        ("{% for i in [1, 2] %}{{ i }}{% break %}{% else %}else{% endfor %}", "1else"),
        ("{% for i in [1, 2] %}{{ i }}{% if i == 2 %}{% continue %}{% endif %}{% else %}else{% endfor %}", "12"),
        ("{% for i in [] %}{{ i }}{% else %}else{% endfor %}", "else")):
    got = environment.from_string(template).render()
    print(template, "->", got)
    assert got == expected, expected
END
echo "as described"
