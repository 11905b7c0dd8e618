#!/bin/sh
# minijinja-js 2.11.0 (npm) forgets the order of keys: it prints mappings, and writes JSON, sorted by key.  A chat template
# that prints a list of tools with tojson therefore gives another prompt than Jinja2, which keeps the order: "type" comes
# behind "function", "name" behind "description".  It also escapes ' < > in JSON, as Jinja2's own tojson does and
# transformers' does not, and knows no methods of strings.
#
# Seen on 1 December 2026, for {"type": "function", "function": {"name": "f", "description": "it's"}}:
#   {"function":{"description":"it\u0027s","name":"f"},"type":"function"}
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/show.mjs" <<'END'
import { Environment } from "minijinja-js";

const environment = new Environment();
const tool = { type: "function", function: { name: "f", description: "it's" } };
console.log(environment.renderStr("{{ tool | tojson }}", { tool }));
try {
    console.log(environment.renderStr("{{ 'a</think>b'.split('</think>')[-1] }}", {}));
} catch {
    console.log("an error");
}
END
(cd "$folder" && npm --silent init -y >/dev/null && npm --silent install minijinja-js@2.11.0 >/dev/null)
got=$(cd "$folder" && node show.mjs)
echo "$got"
[ "$got" = "$(printf '%s\n' '{"function":{"description":"it\u0027s","name":"f"},"type":"function"}' 'an error')" ]
echo "as described"
