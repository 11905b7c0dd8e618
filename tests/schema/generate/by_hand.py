"""Random schemas in the manner of people: OpenAPI 3.0, OpenAPI 3.1, tools of MCP servers.

    by_hand.py openapi30|openapi31|mcp COUNT SEED

JSON lines {"case", "schema"}, and "dialect" where it is not that of JSON Schema.
"""

import json
import random
import sys

NAMES = [
    "id", "petName", "photoUrls", "status", "category", "tags", "username", "email", "phone", "shipDate", "quantity",
    "complete", "amount", "currency", "createdAt", "updatedAt", "metadata", "links", "limit", "cursor", "path", "content",
    "owner", "repo", "branch", "labels", "message", "sha", "query", "page", "perPage", "start_line", "timezone", "url",
]
WORDS = ["available", "pending", "sold", "asc", "desc", "open", "closed", "all", "GET", "POST", "de-DE", "a b", "é"]
PATTERNS = ["^[a-z0-9-]+$", "^[A-Z]{3}$", "^\\d{4}-\\d{2}$", "^/.*", "^[^/]+/[^/]+$", "^[0-9a-f]{40}$", "^(?!-)[a-z-]+$",
            "^\\w+\\.(png|jpe?g)$", "\\.json$", "^(https?|ftp)://", "^\\+[1-9]\\d{1,14}$"]
FORMATS = ["date-time", "date", "uuid", "uri", "email", "hostname", "ipv4", "ipv6", "byte", "binary", "password", "duration",
           "uri-reference", "json-pointer", "time", "regex", "iri", "idn-email", "decimal", "phone", "objectid"]


class Maker:
    def __init__(self, seed, dialect):
        self.r = random.Random(seed)
        self.dialect = dialect
        self.shared = {}

    def chance(self, p):
        return self.r.random() < p

    def notes(self, s):
        r = self.r
        if self.chance(0.35):
            s["description"] = r.choice(["The thing.", "Number of `items`\nper page", "See https://example.org"])
        if self.chance(0.12):
            s["default"] = r.choice([None, 1, "x"])
        if self.dialect != "mcp" and self.chance(0.25):
            s["example"] = r.choice([10, "doggie", [1]])
        if self.chance(0.05):
            s["title"] = "Title"
        if self.chance(0.06):
            s[r.choice(["readOnly", "writeOnly", "deprecated"])] = True
        if self.dialect != "mcp" and self.chance(0.06):
            s.update(r.choice([{"xml": {"name": "tag"}}, {"x-go-name": "Id"}, {"externalDocs": {"url": "https://e.org"}},
                               {"x-enum-varnames": ["A"]}, {"examples": ["a"]}]))
        if self.dialect == "mcp" and self.chance(0.06):
            s.update(r.choice([{"markdownDescription": "**x**"}, {"$comment": "c"}, {"examples": ["a"]},
                               {"enumNames": ["A", "B"]}, {"x-ui": 1}]))
        if self.dialect == "openapi30" and self.chance(0.15):
            s["nullable"] = True
            if "enum" in s and None not in s["enum"] and self.chance(0.5):
                s["enum"] = s["enum"] + [None]
        if self.dialect == "openapi31" and self.chance(0.12) and isinstance(s.get("type"), str) and "enum" not in s:
            s["type"] = [s["type"], "null"]
        return s

    def string(self):
        r = self.r
        s = {"type": "string"}
        which = r.randrange(12)
        if which < 3:
            s["format"] = r.choice(FORMATS)
        elif which < 6:
            s["enum"] = r.sample(WORDS, r.randint(1, 5))
        elif which == 6:
            s["pattern"] = r.choice(PATTERNS)
        elif which == 7 and self.dialect != "openapi30":
            s["const"] = r.choice(WORDS)
        if which > 5 and self.chance(0.35):
            s["minLength"] = r.randint(0, 3)
        if which > 5 and self.chance(0.35):
            s["maxLength"] = r.choice([5, 10, 64, 255, 1000])
        if which < 3 and self.chance(0.1):
            s["minLength"] = 1
        return s

    def number(self):
        r = self.r
        whole = self.chance(0.7)
        s = {"type": "integer" if whole else "number"}
        if self.chance(0.4):
            s["format"] = r.choice(["int32", "int64"] if whole else ["float", "double"])
        low = r.choice([0, 1, -100, 10]) if whole else r.choice([0, -1.5, 0.01, 100])
        if self.chance(0.45):
            s["minimum"] = low
            if self.chance(0.2):
                s["exclusiveMinimum"] = True if self.dialect == "openapi30" else s.pop("minimum")
        if self.chance(0.35):
            s["maximum"] = low + r.choice([1, 10, 100, 1000, 65535])
            if self.chance(0.15):
                s["exclusiveMaximum"] = True if self.dialect == "openapi30" else s.pop("maximum")
        if self.chance(0.1):
            s["multipleOf"] = r.choice([2, 5, 10, 100]) if whole else r.choice([0.01, 0.5, 0.1, 0.25, 5])
        return s

    def array(self, depth):
        r = self.r
        s = {"type": "array", "items": self.schema(depth - 1)}
        if self.chance(0.3):
            s["minItems"] = r.randint(0, 2)
        if self.chance(0.3):
            s["maxItems"] = s.get("minItems", 0) + r.randint(1, 10)
        if self.chance(0.2):
            s["uniqueItems"] = True
        if self.dialect != "openapi30" and self.chance(0.1):
            s["prefixItems"] = [self.schema(0), self.schema(0)]
            if self.chance(0.5):
                s["items"] = False
        if self.dialect == "mcp" and self.chance(0.05):
            s["contains"] = self.schema(0)
        return s

    def object(self, depth):
        r = self.r
        names = r.sample(NAMES, r.randint(1, 6))
        s = {"type": "object", "properties": {n: self.schema(depth - 1) for n in names}}
        if self.chance(0.7):
            s["required"] = r.sample(names, r.randint(1, len(names)))
        if self.chance(0.4):
            s["additionalProperties"] = r.choice([False, False, True, {"type": "string"}])
        if self.chance(0.06):
            s["minProperties"] = 1
        if self.chance(0.04):
            s["maxProperties"] = len(names)
        if self.dialect != "openapi30":
            if self.chance(0.04):
                s["patternProperties"] = {"^x-": r.choice([{}, {"type": "string"}])}
            if self.chance(0.04) and len(names) > 1:
                s["dependentRequired"] = {names[0]: [names[1]]}
            if self.chance(0.03):
                s["if"] = {"properties": {names[0]: s["properties"][names[0]]}, "required": [names[0]]}
                s["then"] = {"required": [names[-1]]}
            if self.chance(0.04):
                s["unevaluatedProperties"] = False
            if self.chance(0.03) and len(names) > 1:
                s["not"] = {"required": names[:2]}
            if self.chance(0.03) and len(names) > 1:
                s[r.choice(["oneOf", "anyOf"])] = [{"required": [n]} for n in names[:2]]
        if self.chance(0.1) and depth > 0:
            s = {"type": "object", "additionalProperties": self.schema(depth - 1)}
            if self.dialect != "openapi30" and self.chance(0.3):
                s["propertyNames"] = r.choice([{"type": "string"}, {"pattern": "^[a-z]+$"}, {"maxLength": 5}])
        return s

    def reference(self, depth):
        if not self.shared or self.chance(0.3):
            name = f"Part{len(self.shared)}"
            self.shared[name] = {}  # so that it can name itself
            made = self.object(depth)
            if self.chance(0.15):
                made.setdefault("properties", {})["next"] = {"$ref": self.place() + name}
            self.shared[name] = made
        return {"$ref": self.place() + self.r.choice(list(self.shared))}

    def place(self):
        return "#/$defs/" if self.dialect == "mcp" else "#/components/schemas/"

    def choice(self, depth):
        r = self.r
        word = r.choice(["oneOf", "oneOf", "anyOf", "allOf"])
        if word == "allOf":
            parts = [self.object(depth - 1), self.object(depth - 1)]
            for p in parts:
                p.pop("additionalProperties", None) if "properties" in p else None
            if self.chance(0.5):
                parts[0] = self.reference(depth - 1)
            return {"allOf": parts}
        if self.chance(0.4):
            kinds = r.sample(["cat", "dog", "fish"], 2)
            branches = []
            for k in kinds:
                o = self.object(depth - 1)
                o.setdefault("properties", {})["kind"] = (
                    {"type": "string", "enum": [k]} if self.dialect == "openapi30" else {"const": k})
                o["required"] = sorted({*o.get("required", []), "kind"})
                branches.append(o)
            s = {word: branches}
            if self.dialect != "mcp":
                s["discriminator"] = {"propertyName": "kind"}
            return s
        return {word: [self.schema(depth - 1) for _ in range(r.randint(2, 3))]}

    def schema(self, depth):
        which = self.r.randrange(20)
        if which < 8:
            return self.notes(self.string())
        if which < 11:
            return self.notes(self.number())
        if which < 12:
            return self.notes({"type": "boolean"})
        if depth <= 0:
            return {} if which == 12 else self.string()
        if which < 15:
            return self.notes(self.array(depth))
        if which < 17:
            return self.notes(self.object(depth))
        if which < 18:
            return self.reference(depth - 1)
        return self.notes(self.choice(depth)) if which == 19 else self.choice(depth)

    def whole(self):
        s = self.object(self.r.randint(1, 3)) if self.chance(0.85) else self.choice(2)
        if self.dialect == "mcp":
            if self.chance(0.5):
                s["$schema"] = "http://json-schema.org/draft-07/schema#" if not uses_new(s, self.shared) \
                    else "https://json-schema.org/draft/2020-12/schema"
            if self.shared:
                s["$defs"] = self.shared
        elif self.shared:
            s["components"] = {"schemas": self.shared}
            if self.chance(0.6):  # as converters write it
                s["$defs"] = s.pop("components")["schemas"]
                s = json.loads(json.dumps(s).replace("#/components/schemas/", "#/$defs/"))
        return s


def uses_new(s, shared):
    text = json.dumps([s, shared])
    return any(f'"{w}"' in text for w in ("prefixItems", "dependentRequired", "unevaluatedProperties"))


def main():
    dialect, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for i in range(count):
        m = Maker(f"{dialect}/{seed}/{i}", dialect)
        line = {"case": f"{dialect} {seed}/{i}", "schema": m.whole()}
        if dialect == "openapi30":
            line["dialect"] = "openapi30"
        print(json.dumps(line, ensure_ascii=False))


main()
