#!/bin/sh
# @huggingface/jinja 0.5.11 (npm) prints values as JavaScript does, so tool calls in chat templates render otherwise than in
# Jinja2 3.1.6, for which the templates were written and the models trained.
#
# LFM2.5 templates write an argument that is no string and no mapping with `value | string`.  Seen on 1 December 2026:
#   template                      Jinja2                          @huggingface/jinja
#   {{ true }}                    True                            true
#   {{ [1, 'a', true] | string }} [1, 'a', True]                  [1, "a", true]
#   {{ none | string }}           None                            an error
#   {{ 12345678901234567890 }}    12345678901234567890            12345678901234567000
#   {{ 'a😀' | length }}          2                               3
#   {{ -7 % 3 }}                  2                               -1
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/templates.json" <<'END'
["{{ true }}", "{{ [1, 'a', true] | string }}", "{{ none | string }}", "{{ 12345678901234567890 }}",
 "{{ 'a\ud83d\ude00' | length }}", "{{ -7 % 3 }}"]
END
cat >"$folder/show.py" <<'END'
import json
import sys

import jinja2

for template in json.load(open(sys.argv[1])):
    print(jinja2.Environment().from_string(template).render())
END
cat >"$folder/show.mjs" <<'END'
import { readFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";

for (const template of JSON.parse(readFileSync(process.argv[2]))) {
    try {
        console.log(new Template(template).render({}));
    } catch {
        console.log("an error");
    }
}
END
python3 -m venv "$folder/v"
"$folder/v/bin/pip" -q install jinja2==3.1.6
(cd "$folder" && npm --silent init -y >/dev/null && npm --silent install @huggingface/jinja@0.5.11 >/dev/null)
python=$("$folder/v/bin/python" "$folder/show.py" "$folder/templates.json")
javascript=$(cd "$folder" && node show.mjs templates.json)
printf '%s\n--\n%s\n' "$python" "$javascript"
[ "$python" = "$(printf '%s\n' True "[1, 'a', True]" None 12345678901234567890 2 2)" ]
[ "$javascript" = "$(printf '%s\n' true '[1, "a", true]' 'an error' 12345678901234567000 3 -1)" ]
echo "as described"
