#!/usr/bin/env python3
# reference.py - what Jinja2 renders, set up as transformers sets it up for chat templates.
#
#     reference.py render < cases                         the same cases with the text or error of Jinja2
#     reference.py official DIR --seed N --count N        random conversations for every *.jinja of DIR
#     reference.py programs --seed N --count N            random templates
#         --extra   also with what chat templates hardly use: with, call, filter blocks, %-formats, truncate ...
#         --broken  one mark of each is changed: most are no templates any more
#
# It needs jinja2 3.1.6.  A case is one line of JSON: "template" (the text, or the name of a file of DIR), "messages",
# "tools", "kwargs" (more variables), "add_generation_prompt" and the outcome, "text" or "error" ("class: message").
# The same seed gives the same cases.
#
# To add a case to cases.jsonl, append a line with a template, then
#     reference.py render <cases.jsonl >new && mv new cases.jsonl

import argparse
import datetime
import json
import os
import random
import re
import sys
import warnings

import jinja2
import jinja2.ext
import jinja2.nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime.datetime(2026, 11, 30)  # SOURCE_DATE_EPOCH=1795996800 (tests/template/template_check.c)
TOKENS = {"bos_token": "<|startoftext|>", "eos_token": "<|im_end|>"}


# ---- Jinja2 as transformers has it -------------------------------------------------------------


class Generation(jinja2.ext.Extension):
    """{% generation %}: marks what the model wrote, and prints its body.  It is a call block, thus a scope."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_same", []), [], [], body).set_lineno(line)

    def _same(self, caller):
        return caller()


def to_json(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.TemplateError(message)


def environment(**options):
    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols], **options
    )
    env.filters["tojson"] = to_json
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = NOW.strftime
    return env


ENV = environment()
# Here constants are computed when they are rendered, and not when the template is compiled.
PLAIN = environment(optimized=False, finalize=jinja2.pass_context(lambda context, value: value))
COMPILED = {}


def outcome(text, case, env=ENV):
    """{"text": ..} or {"error": ..} of a template's text with the variables of a case."""
    try:
        if (env, text) not in COMPILED:
            if len(COMPILED) > 100:
                COMPILED.clear()
            COMPILED[env, text] = env.from_string(text)
        variables = dict(TOKENS)
        variables.update(
            messages=case.get("messages", []),
            tools=case.get("tools"),
            add_generation_prompt=case.get("add_generation_prompt", False),
        )
        variables.update(case.get("kwargs") or {})
        return {"text": COMPILED[env, text].render(**variables)}
    except Exception as error:  # whatever it is, the engine has to refuse as well
        return {"error": "%s: %s" % (type(error).__name__, error)}


def write(case, result):
    case = {key: value for key, value in case.items() if key not in ("text", "error")}
    case.update(result)
    print(json.dumps(case, ensure_ascii=False))


def render_lines(lines):
    """The outcome is the last member; what comes before is kept as it is written, numbers such as 1E5 above all."""
    for line in lines:
        line = line.rstrip("\n")
        case = json.loads(line)
        head = line[: max(line.rfind(', "text": '), line.rfind(', "error": '))] + "}"
        if "text" not in case and "error" not in case:
            head = line
        print(head[:-1] + ", " + json.dumps(outcome(case["template"], case), ensure_ascii=False)[1:])


# ---- Random values -----------------------------------------------------------------------------

PIECES = [
    "", "a", "hello", "the fox", " ", "\n", "\t", "it's", '"quoted"', "\\", "b\\n", "a\nb", "  trailing  ", "\n\nlines\n\n",
    "\r\n", "0", "1.5", "-7", "None", "null", "{}", "[]", "{{ x }}", "{% if %}", "{# c #}", "%}", "}}", "<b>&amp;</b>",
    "<|im_start|>", "<|im_end|>", "<|im_end|>\n<|im_start|>system\n", "<|startoftext|>", "<|tool_call_start|>[f(a=1)]<|tool_call_end|>",
    "<|tool_list_start|>", "<think>", "</think>", "<think>why</think>", "a</think>b</think> c ", "<image>",
    "CONTINUE_FINAL_MESSAGE_TAG ", "<s>", "/no_think", "key: value", "a,b,,c", "%s %d", "{0}", "x" * 40,
]
CASELESS = [
    "\u4e2d\u6587", "\U0001f600", "e\u0301", "\u00a0", "\u2028", "\u2029", "\u200b", "\ufeff", "\ue000", "\U0001f468\u200d\U0001f469",
    "\u3000", "\x85", "\x1c", "\x00", "\x07", "\x7f", "\x0b", "\x0c", "\u0903", "\u05d0\u05d1", "\ufffd", "\U0010ffff",
]
CASED = ["\u00e9", "Gr\u00fc\u00dfe", "\u041f\u0440\u0438\u0432\u0435\u0442", "\u0391\u03a3", "\u00c4\u00d6", "\u0130", "\u01c6", "\ufb01"]

FLOATS = [
    0.0, -0.0, 1.0, -1.5, 0.1, 0.30000000000000004, 1e15, 1e16, 123456789012345680.0, 9999999999999998.0, 1e-4, 1e-5, 0.00012,
    1.5e-7, 1e22, 1e23, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 100.0, 3.141592653589793, 2.5, 1e100, 1e21,
]
INTEGERS = [
    0, 1, -1, 2, 3, 7, 10, 42, 255, -100, 2**31, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**20, -(10**20), 10**30 + 7, 3**100,
]


class Values:
    """Random values as a message can hold them."""

    def __init__(self, rng):
        self.rng = rng

    def chance(self, p):
        return self.rng.random() < p

    def string(self, alphabet=PIECES + CASELESS + CASED, most=3):
        if self.chance(0.05):
            return "".join(chr(self.codepoint()) for _ in range(self.rng.randint(1, 6)))
        return "".join(self.rng.choice(alphabet) for _ in range(self.rng.randint(0, most)))

    def codepoint(self):
        while True:
            code = self.rng.choice([self.rng.randint(0, 0x7F), self.rng.randint(0x4E00, 0x4FFF), self.rng.randint(0x1F300, 0x1F5FF)])
            if code < 0x7F or code > 0xFF:
                return code

    def integer(self):
        if self.chance(0.2):
            return self.rng.randint(-(10 ** self.rng.randint(1, 40)), 10 ** self.rng.randint(1, 40))
        return self.rng.choice(INTEGERS)

    def real(self):
        if self.chance(0.5):
            return self.rng.choice(FLOATS)
        return float("%.*e" % (self.rng.randint(0, 17), self.rng.uniform(-10, 10) * 10.0 ** self.rng.randint(-30, 30)))

    def key(self):
        return self.rng.choice(
            ["a", "b", "city", "n", "x y", "it's", "items", "keys", "get", "type", "text", "name", "", "\u00e9", "0", "class", "<|im_end|>"]
        )

    def value(self, depth=2):
        kind = self.rng.randrange(11 if depth > 0 else 8)
        if kind < 3:
            return self.string()
        if kind == 3:
            return self.integer()
        if kind == 4:
            return self.real()
        if kind == 5:
            return self.rng.choice([True, False])
        if kind == 6:
            return None
        if kind == 7:
            return self.rng.choice([[], {}, ""])
        if kind == 8:
            return [self.value(depth - 1) for _ in range(self.rng.randint(0, 3))]
        return {self.key(): self.value(depth - 1) for _ in range(self.rng.randint(0, 3))}


# ---- Random conversations ----------------------------------------------------------------------


class Conversation(Values):
    """What a client may send: half of them hold a field or another that templates may choke on."""

    wild = False

    def odd(self, p):
        return self.wild and self.chance(p)

    def part(self):
        kind = self.rng.randrange(12 if self.wild else 8)
        if kind < 6:
            return {"type": "text", "text": self.string()}
        if kind < 8:
            return {"type": "image", **({"image": "cat.png"} if self.chance(0.5) else {})}
        if kind == 8:
            return {"type": "text"}
        if kind == 9:
            return {"type": "text", "text": self.value(1)}
        if kind == 10:
            return self.string()
        return self.value(1)

    def content(self):
        kind = self.rng.randrange(20 if self.wild else 17)
        if kind < 13:
            return self.string(most=5)
        if kind < 17:
            return [self.part() for _ in range(self.rng.randint(0, 3))]
        if kind == 17:
            return None
        return self.value(2)

    def call(self):
        arguments = {self.key(): self.value(3) for _ in range(self.rng.randint(0, 4))}
        if self.odd(0.1):
            arguments = self.rng.choice([json.dumps(arguments), "", "{}", "null", " ", None, [], self.value(1)])
        function = {"name": self.rng.choice(["f", "get_weather", "a.b", self.string(most=1)]), "arguments": arguments}
        if self.odd(0.04):
            del function[self.rng.choice(["name", "arguments"])]
        if self.odd(0.1):
            return function
        call = {"type": "function", "id": "c%d" % self.rng.randrange(100), "function": function}
        if self.chance(0.3):
            call = {"function": function}
        return call

    def message(self, role):
        message = {"role": role}
        if not self.odd(0.08):
            message["content"] = self.content()
        if role == "assistant":
            for field in ("thinking", "reasoning", "reasoning_content"):
                if self.chance(0.2):
                    message[field] = self.value(1) if self.odd(0.15) else self.string()
            if self.chance(0.4):
                message["tool_calls"] = [self.call() for _ in range(self.rng.randint(0 if self.chance(0.2) else 1, 3))]
                if self.odd(0.04):
                    message["tool_calls"] = self.value(1)
            if self.chance(0.05):
                message["content"] = self.string() + "CONTINUE_FINAL_MESSAGE_TAG "
        if role == "tool" and self.chance(0.5):
            message["tool_call_id"] = "c1"
            message["name"] = "f"
        if self.chance(0.03):
            message[self.key()] = self.value(1)
        if self.odd(0.01):
            del message["role"]
        elif self.odd(0.02):
            message["role"] = self.rng.choice(["developer", "", "system", None, 5, "<|im_end|>"])
        return message

    def messages(self):
        messages = []
        if self.chance(0.4):
            messages.append(self.message("system"))
        for _ in range(self.rng.randint(0 if self.odd(0.1) else 1, 4)):
            messages.append(self.message("user"))
            if self.chance(0.8):
                messages.append(self.message("assistant"))
                while self.chance(0.3):
                    messages.append(self.message("tool"))
                    if self.chance(0.7):
                        messages.append(self.message("assistant"))
        return messages

    def tool(self):
        if self.chance(0.1):
            return self.string()
        properties = {
            self.key(): {"type": self.rng.choice(["string", "integer", "number"]), "description": self.string(), **(
                {"default": self.value(1)} if self.chance(0.3) else {})}
            for _ in range(self.rng.randint(0, 3))
        }
        function = {
            "name": self.rng.choice(["f", "get_weather", self.string(most=1)]),
            "description": self.string(),
            "parameters": {"type": "object", "properties": properties, "required": list(properties)[:1]},
        }
        if self.chance(0.1):
            return self.value(3)
        return {"type": "function", "function": function} if self.chance(0.8) else function

    def case(self, template):
        self.wild = self.chance(0.5)
        tools = None
        if self.chance(0.5):
            tools = [self.tool() for _ in range(self.rng.randint(0, 3))]
        kwargs = {}
        for name in ("preserve_thinking", "keep_past_thinking", "enable_thinking", "continue_final_message"):
            if self.chance(0.2):
                kwargs[name] = self.rng.choice([True, True, False, None, "yes", 0])
        return {
            "template": template,
            "messages": self.messages(),
            "tools": tools,
            "kwargs": kwargs,
            "add_generation_prompt": self.rng.choice([True, False]),
        }


def official(folder, seed, count):
    names = sorted(name for name in os.listdir(folder) if name.endswith(".jinja"))
    if not names:
        sys.exit("%s: no *.jinja" % folder)
    texts = {}
    for name in names:
        with open(os.path.join(folder, name), encoding="utf-8", newline="") as file:
            texts[name] = file.read()
    conversation = Conversation(random.Random(seed))
    for i in range(count):
        name = names[i % len(names)]
        case = json.loads(json.dumps(conversation.case(name)))
        write(case, outcome(texts[name], case))


# ---- Random programs ---------------------------------------------------------------------------

KINDS = ["str", "int", "float", "bool", "none", "ints", "strs", "list", "tuple", "dict", "dicts"]
NAMES = ["x", "y", "z", "acc", "item", "v"]
ODDS_OF_A_WRONG_KIND = 0.01
UNPRINTABLE = re.compile(r" at 0x|<LoopContext|<function|<built-in|<class |<bound|dict_(keys|values|items)|Markup\(|<Template|\dj\)")
TEXTS = ["a", "b ", " c", "\n", "\n", "\n  ", "\n    ", "  \n", "\n\n", "\t", " ", "\r\n", "x: ", "}}", "%}", "#}", "{ ", "'", "- ", "\u4e2d"]


class Program(Values):
    """One random template.  Expressions are built by the kind of their value, so that most of them have one."""

    def __init__(self, rng, extra):
        super().__init__(rng)
        self.extra = extra
        self.cased = self.chance(0.2)  # letters that have two cases; then no rule may depend on the case
        self.alphabet = PIECES + (CASELESS if self.chance(0.5) else []) + (CASED if self.cased else [])
        self.scopes = [{}]
        self.macros = [{}]
        self.spaces = []
        self.loops = 0
        self.lines = rng.choice([0.1, 0.5])  # how often tags control the blanks around them

    # -- Data --

    def data(self):
        record = lambda: {"a": self.rng.choice(INTEGERS[:10]), "b": self.short(), **({"c": self.value(1)} if self.chance(0.6) else {})}
        values = {
            "s": self.short(), "t": self.short(), "i": self.integer(), "j": self.rng.randint(-5, 5), "f": self.real(), "n": None,
            "flag": self.rng.choice([True, False]), "ints": [self.rng.randint(-9, 9) for _ in range(self.rng.randint(0, 5))],
            "strs": [self.short() for _ in range(self.rng.randint(0, 4))], "mixed": [self.value(1) for _ in range(self.rng.randint(0, 4))],
            "d": {self.key(): self.value(2) for _ in range(self.rng.randint(0, 4))}, "rows": [record() for _ in range(self.rng.randint(0, 4))],
        }
        if self.chance(0.3):
            values["d"]["items"] = 1
        kinds = dict(s="str", t="str", i="int", j="int", f="float", n="none", flag="bool", ints="ints", strs="strs", mixed="list",
                     d="dict", rows="dicts")
        self.scopes[0].update(kinds)
        return values

    def short(self):
        return self.string(self.alphabet, 2)

    def value(self, depth=2):
        if depth == 2 or self.chance(0.5):
            return {"k": self.short(), "l": [self.rng.randint(0, 9)]} if self.chance(0.2) else self.short()
        return super().value(depth)

    def string(self, alphabet=None, most=3):
        return "".join(self.rng.choice(alphabet or self.alphabet) for _ in range(self.rng.randint(0, most)))

    def key(self):
        return self.rng.choice(["a", "b", "k", "x y", "it's", "type", "text", "name", "role", "", "0", "\u4e2d"])

    # -- Literals --

    def quote(self, text):
        mark = self.rng.choice("'\"")
        out = ""
        for c in text:
            if c == mark or c == "\\":
                out += "\\" + c
            elif c == "\n" and self.chance(0.8):
                out += "\\n"
            elif c == "\r":
                out += "\\r"
            elif c == "\t" and self.chance(0.5):
                out += "\\t"
            elif ord(c) < 0x80 and self.chance(0.01):
                out += self.rng.choice(["\\x%02x", "\\u%04x", "\\U%08x", "\\%03o"]) % ord(c)
            elif 0x80 <= ord(c) < 0x10000 and self.chance(0.2):
                out += "\\u%04x" % ord(c)
            else:
                out += c
        return mark + out + mark

    def small(self):
        return str(self.rng.randint(-3, 4))

    def index(self):
        return self.rng.choice(["0", "0", "-1", "1", "2", "-2", "9", "j"])

    def bounds(self):
        bound = lambda: "" if self.chance(0.35) else self.rng.choice(["0", "1", "2", "3", "-1", "-2", "100", "-100", "j", "n"])
        step = self.rng.choice(["", "", "", ":", ":-1", ":2", ":-2", ":1"])
        return "[" + bound() + ":" + bound() + step + "]"

    # -- Expressions --

    def expr(self, kind=None, depth=3):
        if kind is None or self.chance(ODDS_OF_A_WRONG_KIND):
            kind = self.rng.choice(KINDS)
        if depth <= 0:
            return self.leaf(kind)
        common = self.rng.randrange(24)
        if common == 0:
            form = "((%s) if %s else %s)" if kind == "bool" else "(%s if %s else %s)"  # `a is odd if` takes `if` for an argument
            return form % (self.expr(kind, depth - 1), self.expr("bool", depth - 1), self.expr(kind, depth - 1))
        if common == 1:
            return "(%s %s %s)" % (self.expr(kind, depth - 1), self.rng.choice(["or", "and"]), self.expr(kind, depth - 1))
        if common == 2:
            return "(%s)" % self.expr(kind, depth - 1)
        if common == 3:
            lost = self.rng.choice(["nope", "d.nope", "d['nope']", "rows[99]", "(1 if false)", "n.nope"])
            return "(%s|%s(%s))" % (lost, self.rng.choice(["default", "d"]), self.expr(kind, depth - 1))
        if common == 4:
            return "[%s]|%s" % (self.expr(kind, depth - 1), self.rng.choice(["first", "last"]))
        if common == 5:
            return "{'a': %s}%s" % (self.expr(kind, depth - 1), self.rng.choice([".a", "['a']", ".get('a')"]))
        return getattr(self, "expr_" + kind)(lambda k=None: self.expr(k, depth - 1))

    def leaf(self, kind):
        known = [name for scope in self.scopes for name in scope if self.kind_of(name) == kind]
        if known and self.chance(0.6):
            return self.rng.choice(known)
        if kind == "str":
            return self.quote(self.short())
        if kind == "int":
            if self.loops and self.chance(0.3):
                return "loop." + self.rng.choice(["index", "index0", "length", "revindex", "revindex0"])
            return self.rng.choice([self.small(), self.small(), str(self.integer()), "1_000", "0x1F", "0b101"])
        if kind == "float":
            return self.rng.choice([repr(self.real()), "1.5", "2e3", "0.25", "1_0.5"])
        if kind == "bool":
            if self.loops and self.chance(0.3):
                return "loop." + self.rng.choice(["first", "last"])
            return self.rng.choice(["true", "false", "True", "False"])
        if kind == "none":
            return self.rng.choice(["none", "None"])
        if kind == "ints":
            return "[%s]" % ", ".join(self.small() for _ in range(self.rng.randint(0, 4)))
        if kind == "strs":
            return "[%s]" % ", ".join(self.quote(self.short()) for _ in range(self.rng.randint(0, 3)))
        if kind == "list":
            return "[%s]" % ", ".join(self.leaf(self.rng.choice(KINDS[:5])) for _ in range(self.rng.randint(0, 3)))
        if kind == "tuple":
            n = self.rng.randint(0, 3)
            return "(%s)" % ("".join(self.leaf(self.rng.choice(KINDS[:5])) + ", " for _ in range(n)) if n != 2 else "1, 'b'")
        if kind == "dict":
            return "{%s}" % ", ".join("%s: %s" % (self.quote(key), self.leaf(self.rng.choice(KINDS[:5])))
                                      for key in self.rng.sample(["a", "b", "k", "type"], self.rng.randint(0, 3)))
        return "[%s]" % ", ".join("{'a': %s, 'b': %s}" % (self.small(), self.quote(self.short())) for _ in range(self.rng.randint(0, 3)))

    def kind_of(self, name):
        for scope in reversed(self.scopes):
            if name in scope:
                return scope[name]
        return None

    def pick(self, *rules):
        return self.rng.choice(rules)()

    def piece(self):
        """A string that is likely to occur in others."""
        return self.quote(self.rng.choice([" ", "a", "b", ",", "\n", "</think>", "x", "l", "he", "aa", "<", "'"]))

    def expr_str(self, e):
        r = self.rng
        rules = [
            lambda: "%s + %s" % (e("str"), e("str")),
            lambda: "%s ~ %s" % (e(), e()),
            lambda: "(%s + %s)" % (e("str"), e("str")),
            lambda: "(%s ~ %s ~ %s)" % (e(), e("str"), e()),
            lambda: "%s * %d" % (self.leaf("str"), r.randint(-1, 3)),
            lambda: "(%s)%s" % (e("str"), self.bounds()),
            lambda: "(%s)[%s]" % (e("str"), self.index()),
            lambda: "(%s).%s(%s)" % (e("str"), r.choice(["strip", "lstrip", "rstrip"]), r.choice(["", "", "'ab '", "'\\n'", "none", self.piece()])),
            lambda: "(%s).replace(%s, %s%s)" % (e("str"), self.piece(), e("str"), r.choice(["", "", ", 1", ", -1", ", 0"])),
            lambda: "%s.join(%s)" % (self.piece(), e("strs")),
            lambda: "(%s).split(%s)[%s]" % (e("str"), self.piece(), r.choice(["0", "-1"])),
            lambda: "%s|trim" % e("str"),
            lambda: "%s|string" % e(),
            lambda: "(%s)|string" % e(),
            lambda: "(%s)|trim(%s)" % (e("str"), self.piece()),
            lambda: "(%s)|replace(%s, %s%s)" % (e("str"), self.piece(), e("str"), r.choice(["", "", ", 1", ", count=2"])),
            lambda: "(%s)|join(%s)" % (e(r.choice(["ints", "strs", "list", "tuple", "str"])), r.choice(["", "', '", "'\\n'", self.piece()])),
            lambda: "%s|join(',', attribute='%s')" % (e("dicts"), r.choice(["a", "b"])),
            lambda: "(%s)|tojson" % self.json_value(e),
            lambda: "(%s)|tojson(%s)" % (self.json_value(e), r.choice(["indent=2", "indent=4", "ensure_ascii=true", "sort_keys=true", "indent=0",
                                         "separators=(',', ':')", "ensure_ascii=false, indent=1", "indent=2, separators=(',', ': ')", "indent='\\t'"])),
            lambda: "(%s)|default(%s, true)" % (e("str"), e("str")),
            lambda: "(%s)|indent%s" % (e("str"), r.choice(["", "(2)", "(2, true)", "(first=true)", "(width=1, blank=true)", "('> ')"])),
            lambda: "%s %s" % (self.quote(self.short()), self.quote(self.short())),
            lambda: "(%s)|string|reverse" % e("str"),
            lambda: "strftime_now(%s)" % r.choice(["'%Y-%m-%d'", "'%d %B %Y'", "'%H:%M'", "'%A %d %b %y'", "'%j'", "'%%'"]),
        ]
        if not self.cased:
            rules += [
                lambda: "(%s)|%s" % (e("str"), r.choice(["upper", "lower", "title", "capitalize"])),
                lambda: "(%s).%s()" % (e("str"), r.choice(["upper", "lower", "title", "capitalize"])),
            ]
        if self.chance(0.15):
            macro = self.macro_call(e)
            if macro:
                return macro
        if self.spaces and self.chance(0.1):
            return "(%s.%s|string)" % (r.choice(self.spaces), r.choice(["a", "b"]))
        if self.loops and self.chance(0.1):
            return r.choice(["loop.cycle('a', 'b', 'c')", "(loop.previtem|default('-')|string)", "(loop.nextitem|default('-')|string)"])
        if self.extra:
            rules += [
                lambda: "'%%s-%%s' %% (%s, %s)" % (e(), e()),
                lambda: "'%%s|%%5s|%%r'|format(%s, %s, %s)" % (e(), e("int"), e("str")),
                lambda: "'{}-{}{{}}'.format(%s, %s)" % (e("str"), e("int")),
                lambda: "'{1}-{0:>4}'.format(%s, %s)" % (self.quote(self.short()), e("int")),
                lambda: "(%s)|truncate(%d, %s)" % (e("str"), r.randint(3, 12), r.choice(["true", "false", "true, '', 0"])),
                lambda: "(%s).partition(%s)[0]" % (e("str"), self.piece()),
                lambda: "(%s).removeprefix(%s).removesuffix(%s)" % (e("str"), self.piece(), self.piece()),
            ]
        return r.choice(rules)()

    def json_value(self, e):
        return e(self.rng.choice(["str", "int", "float", "bool", "none", "ints", "strs", "list", "tuple", "dict", "dict", "dicts", "dicts"]))

    def macro_call(self, e):
        known = {name: arguments for scope in self.macros for name, arguments in scope.items()}
        if not known:
            return None
        name = self.rng.choice(sorted(known))
        arguments = []
        named = False
        for argument in known[name]:
            if self.chance(0.15):
                named = True
                continue
            named = named or self.chance(0.3)
            arguments.append(("%s=" % argument if named else "") + e(self.rng.choice(["str", "int", None])))
        return "%s(%s)" % (name, ", ".join(arguments))

    def expr_int(self, e):
        r = self.rng
        rules = [
            lambda: "(%s %s %s)" % (e("int"), r.choice("+-*"), e("int")),
            lambda: "%s %s %s" % (e("int"), r.choice("+-*"), e("int")),
            lambda: "(%s %s %s)" % (e("int"), r.choice(["//", "%"]), r.choice(["2", "3", "-7", "10", "-1", "9007199254740993", e("int")])),
            lambda: "(%s) ** %d" % (self.small(), r.randint(0, 70)),
            lambda: "-%s" % r.choice(["i", "j", "3", "(%s)" % e("int")]),
            lambda: "+%s" % r.choice(["i", "j", "(%s)" % e("int")]),
            lambda: "(%s)|%s" % (e(r.choice(["str", "ints", "strs", "dict", "dicts", "tuple"])), r.choice(["length", "count"])),
            lambda: "(%s)|int" % e(r.choice(["int", "float", "bool"])) if self.chance(0.5) else "%s|int" % r.choice(
                ["'12'", "' 7 '", "'1.9'", "'x'", "'-3'", "'0x10'", "''", "none", "'1e3'", "1.9", "-1.9", "'12345678901234567890123'", "'0x1F'"]),
            lambda: "%s|int(%s)" % (r.choice(["'x'", "'5'", "none", "[]"]), self.small()),
            lambda: "(%s)|abs" % e("int"),
            lambda: "(%s)|sum" % e("ints"),
            lambda: "(%s)|sum(attribute='a')" % e("dicts"),
            lambda: "(%s)|%s|default(0)" % (e("ints"), r.choice(["min", "max", "first", "last"])),
            lambda: "(%s).%s(%s)" % (e("str"), r.choice(["count", "find", "rfind"]), self.piece()),
            lambda: "(%s).%s(%s)" % (e(r.choice(["ints", "tuple"])), "count", self.small()),
            lambda: "(%s + %s)" % (e("bool"), e("bool")),
            lambda: "(%s)[%s]|default(0)" % (e("ints"), self.index()),
        ]
        if self.extra:
            rules += [lambda: "(%s)|wordcount" % e("str")]
        return r.choice(rules)()

    def expr_float(self, e):
        r = self.rng
        return self.pick(
            lambda: "(%s / %s)" % (e("int"), r.choice(["2", "3", "7", "-4", "0.1", e("int")])),
            lambda: "(%s %s %s)" % (e("float"), r.choice("+-*"), e(r.choice(["int", "float"]))),
            lambda: "(%s %s %s)" % (self.leaf("float"), r.choice(["//", "%", "/"]), r.choice(["2", "0.5", "-1.5", "3"])),
            lambda: "2 ** %s" % r.choice(["-1", "0.5", "-3", "10.0"]),
            lambda: "(%s)|float" % e(r.choice(["int", "float", "bool"])),
            lambda: "%s|float" % r.choice(["'1.5'", "'x'", "' 2 '", "'1e3'", "none", "'-0.0'", "'12345678901234567890'"]),
            lambda: "%s|round" % r.choice(["2.5", "3.5", "-0.5", "1.25", "7", "0.4"]),
            lambda: "%s|round(%s)" % (r.choice(["2.567", "2.675", "1.005", "-3.14159", "1234.5"]), r.choice(["0", "1", "2", "3", "2, 'floor'", "1, 'ceil'", "0, 'common'"])),
            lambda: "-%s" % r.choice(["f", "1.5", "0.0", "(%s)" % e("float")]),
            lambda: "(%s)|abs" % e("float"),
            lambda: "(%s)|sum(start=0.5)" % e("ints"),
        )

    def expr_bool(self, e):
        r = self.rng
        compare = lambda: r.choice(["==", "!=", "<", ">", "<=", ">="])
        known = lambda: r.choice(["x", "y", "nope", "d.nope", "s", "messages", "loop", "d.a", "rows[0]", "n"])
        rules = [
            lambda: "%s %s %s" % (e("int"), compare(), e(r.choice(["int", "float", "bool"]))),
            lambda: "%s %s %s" % (e("str"), compare(), e("str")),
            lambda: "%s %s %s" % (e("ints"), compare(), e("ints")),
            lambda: "(%s %s %s %s %s)" % (e("int"), compare(), e("int"), compare(), e("int")),
            lambda: "(%s %s %s)" % (e(), r.choice(["==", "!="]), e()),
            lambda: "(%s %s %s)" % (e("str"), r.choice(["in", "not in"]), e(r.choice(["str", "strs", "dict", "list"]))),
            lambda: "(%s %s %s)" % (e(r.choice(["int", "float"])), r.choice(["in", "not in"]), e("ints")),
            lambda: "%s in %s" % (self.piece(), e("str")),
            lambda: "not %s" % e("bool"),
            lambda: "(not %s)" % e(),
            lambda: "(%s and %s)" % (e("bool"), e("bool")),
            lambda: "(%s or %s)" % (e("bool"), e("bool")),
            lambda: "%s %s %s" % (known(), r.choice(["is", "is not"]), r.choice(["defined", "undefined", "none"])),
            lambda: "(%s) %s %s" % (e(), r.choice(["is", "is", "is not"]), r.choice(
                ["none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "sequence", "iterable", "defined", "undefined", "callable"])),
            lambda: "%s is %s" % (r.choice(["nope", "d.nope"]), r.choice(["none", "string", "number", "mapping", "sequence", "iterable", "callable", "true"])),
            lambda: "(%s) is %s" % (e("int"), r.choice(["odd", "even", "divisibleby 3", "divisibleby(2)"])),
            lambda: "(%s) is %s" % (e("int"), r.choice(["eq 1", "ne(2)", "gt 0", "lt(j)", "ge 1", "le 3", "equalto 1", "in [1, 2]", "in(ints)", "greaterthan 1", "lessthan 1"])),
            lambda: "(%s) is sameas %s" % (e(r.choice(["bool", "none", "str"])), r.choice(["true", "none", "false"])),
            lambda: "(%s).%s(%s)" % (e("str"), r.choice(["startswith", "endswith"]), r.choice([self.piece(), self.piece(), "('a', 'x')", "('',)"])),
            lambda: "(%s).isspace()" % e("str"),
        ]
        if not self.cased:
            rules += [lambda: "(%s) is %s" % (e("str"), r.choice(["lower", "upper"])),
                      lambda: "%s.%s()" % (self.quote(r.choice(["", "12", "a", "a1", "aB", "AB", "1.5", " ", "A b", "-1"])), r.choice(
                          ["isdigit", "isalpha", "isalnum", "isupper", "islower", "isspace", "isdecimal", "isnumeric"]))]
        return r.choice(rules)()

    def expr_none(self, e):
        return self.pick(
            lambda: "n",
            lambda: "none",
            lambda: "(%s).get('nope')" % e("dict"),
            lambda: "(n|default(1))",
            lambda: "(%s and none)" % e("int"),
        )

    def expr_ints(self, e):
        r = self.rng
        rules = [
            lambda: "(%s + %s)" % (e("ints"), e("ints")),
            lambda: "(%s)%s" % (e("ints"), self.bounds()),
            lambda: "[%s, %s]" % (e("int"), e("int")),
            lambda: "(%s * %d)" % (e("ints"), r.randint(0, 2)),
            lambda: "range(%s)|list" % r.choice(["3", "0", "1, 4", "5, 0, -2", "j", "0, 10, 3", "-2, 2"]),
            lambda: "(%s)|sort" % e("ints"),
            lambda: "(%s)|sort(reverse=true)" % e("ints"),
            lambda: "(%s)|reverse|list" % e("ints"),
            lambda: "(%s)|unique|list" % e("ints"),
            lambda: "(%s)|list" % e("ints"),
            lambda: "(%s)|map('%s')|list" % (e("ints"), r.choice(["abs", "int"])),
            lambda: "(%s)|%s(%s)|list" % (e("ints"), r.choice(["select", "reject"]), r.choice(
                ["", "'odd'", "'even'", "'gt', 0", "'in', [1, 2]", "'divisibleby', 3", "'ne', 1", "'number'", "'equalto', 1", "'>', 1", "'<=', 2"])),
            lambda: "(%s)|map(attribute='a')|list" % e("dicts"),
            lambda: "(%s)|map('length')|list" % e("strs"),
        ]
        return r.choice(rules)()

    def expr_strs(self, e):
        r = self.rng
        rules = [
            lambda: "(%s).split(%s)" % (e("str"), r.choice(["", "", "' '", "','", "none", "none, 1", "',', 1", "'\\n', 2", "maxsplit=1", "sep=','", self.piece()])),
            lambda: "(%s).rsplit(%s)" % (e("str"), r.choice(["", "' '", "',', 1", "'\\n', 1", "none, 1", self.piece()])),
            lambda: "(%s).splitlines()" % e("str"),
            lambda: "(%s).splitlines(true)" % e("str"),
            lambda: "(%s)|list" % e("str"),
            lambda: "(%s).keys()|list" % e("dict"),
            lambda: "(%s)|list" % e("dict"),
            lambda: "(%s)%s" % (e("strs"), self.bounds()),
            lambda: "(%s + %s)" % (e("strs"), e("strs")),
            lambda: "[%s, %s]" % (e("str"), e("str")),
            lambda: "(%s)|map('%s')|list" % (e(r.choice(["ints", "strs", "list", "tuple"])), r.choice(["string", "trim", "tojson"])),
            lambda: "(%s)|map('replace', %s, %s)|list" % (e("strs"), self.piece(), e("str")),
            lambda: "(%s)|map(attribute='b')|list" % e("dicts"),
            lambda: "(%s)|%s('%s')|list" % (e("strs"), r.choice(["select", "reject"]), r.choice(["string", "defined", "none", "eq', 'a", "in', 'abc"])),
            lambda: "(%s)|select|list" % e("strs"),
            lambda: "(%s)|reverse|list" % e("strs"),
            lambda: "(%s)|unique(case_sensitive=true)|list" % e("strs"),
            lambda: "(%s)|sort(case_sensitive=true)" % e("strs"),
        ]
        if not self.cased:
            rules += [lambda: "(%s)|%s" % (e("strs"), r.choice(["sort", "unique|list", "sort(reverse=true)", "map('upper')|list", "map('title')|list"]))]
        return r.choice(rules)()

    def expr_list(self, e):
        r = self.rng
        rules = [
            lambda: "[%s]" % ", ".join(e() for _ in range(r.randint(0, 3))),
            lambda: "[%s,]" % e(),
            lambda: "(%s)|list" % e("tuple"),
            lambda: "(%s).values()|list" % e("dict"),
            lambda: "(%s).items()|list" % e("dict"),
            lambda: "(%s)|items|list" % e("dict"),
            lambda: "(%s + %s)" % (e("list"), e(r.choice(["list", "ints", "strs", "dicts"]))),
            lambda: "(%s)%s" % (e("list"), self.bounds()),
            lambda: "(%s)|map(attribute='%s'%s)|list" % (e("dicts"), r.choice(["a", "b", "c", "nope"]), r.choice([", default=0", ", default='-'", ", default=none"])),
            lambda: "(%s)|%s|list" % (e("list"), r.choice(["select", "reject", "select('string')", "reject('none')", "select('number')", "select('mapping')", "reverse"])),
            lambda: "(%s)|map('default', 1, true)|list" % e("list"),
            lambda: "(%s)|batch(%s)|list" % (e("ints"), r.choice(["2", "3", "2, 0"])),
            lambda: "(%s)|slice(%s)|list" % (e("ints"), r.choice(["2", "3", "2, '-'"])),
        ]
        if not self.cased:
            rules += [lambda: "(%s)|dictsort%s" % (e("dict") if self.chance(0.5) else "{'b': 1, 'A': 2, 'a': 3}", r.choice(["", "", "(true)", "(reverse=true)"]))]
        return r.choice(rules)()

    def expr_tuple(self, e):
        return self.pick(
            lambda: "(%s,)" % e(),
            lambda: "(%s, %s)" % (e(), e()),
            lambda: "(%s)%s" % (e("tuple"), self.bounds()),
            lambda: "(%s + %s)" % (e("tuple"), e("tuple")),
            lambda: "()",
        )

    def expr_dict(self, e):
        r = self.rng
        return self.pick(
            lambda: "{%s}" % ", ".join("%s: %s" % (self.quote(self.key()), e()) for _ in range(r.randint(0, 3))),
            lambda: "{%s: %s}" % (r.choice(["1", "none", "true", "1.5", "(1, 2)", "s"]), e()),
            lambda: "(%s)|first|default({})" % e("dicts"),
            lambda: "(%s)[%s]|default({})" % (e("dicts"), self.index()),
            lambda: "dict(a=%s, b=%s)" % (e(), e()),
            lambda: "dict(%s, k=%s)" % (e("dict"), e()),
            lambda: "d",
        )

    def expr_dicts(self, e):
        r = self.rng
        return self.pick(
            lambda: "rows",
            lambda: "(%s)|%s('%s')|list" % (e("dicts"), r.choice(["selectattr", "rejectattr"]), r.choice(
                ["a", "b", "c", "a', 'odd", "b', 'string", "c', 'defined", "c', 'undefined", "a', 'none"])),
            lambda: "(%s)|%s('%s', %s)|list" % (e("dicts"), r.choice(["selectattr", "rejectattr"]), *r.choice(
                [("a', 'eq", "1"), ("a', 'gt", "0"), ("a', 'in", "[0, 1]"), ("b', 'equalto", "s"), ("a', '==", "2"), ("b', 'ne", "''"), ("b', 'in", "strs")])),
            lambda: "(%s)%s" % (e("dicts"), self.bounds()),
            lambda: "[{'a': %s, 'b': %s}]" % (e("int"), e("str")),
            lambda: "(%s + %s)" % (e("dicts"), e("dicts")),
            lambda: "(%s)|reverse|list" % e("dicts"),
            lambda: "(%s)|sort(attribute='a')" % e("dicts"),
            lambda: "(%s)|unique(attribute='a')|list" % e("dicts"),
        )

    # -- Statements --

    def tag(self, body):
        left = self.rng.choice(["-", "-", "+"]) if self.chance(self.lines) else ""
        right = self.rng.choice(["-", "-", "+"]) if self.chance(self.lines) else ""
        return "{%" + left + " " + body + " " + right + "%}"

    def output(self, body):
        left = "-" if self.chance(self.lines) else ""
        right = "-" if self.chance(self.lines) else ""
        return "{{" + left + " " + body + " " + right + "}}"

    def text(self):
        return "".join(self.rng.choice(TEXTS) for _ in range(self.rng.randint(0, 3)))

    def inner(self, depth, names=None):
        self.scopes.append(dict(names or {}))
        self.macros.append({})
        body = self.block(depth - 1)
        self.scopes.pop()
        self.macros.pop()
        return body

    def block(self, depth, most=4):
        return "".join(self.text() + self.statement(depth) for _ in range(self.rng.randint(1, most))) + self.text()

    def statement(self, depth):
        r = self.rng
        simple = [self.print_value] * 6 + [self.print_name, self.set_value, self.set_value, self.set_space, self.comment, self.set_pair, self.jump]
        nested = [self.if_block] * 3 + [self.for_block] * 4 + [self.macro, self.set_block, self.generation, self.raw]
        if self.extra:
            nested += [self.with_block, self.filter_block, self.call_block]
        return r.choice(simple + (nested if depth > 0 else []))(depth)

    def print_value(self, depth):
        value = self.expr(None, self.rng.randint(0, 3))
        if self.extra and self.chance(0.05):
            value = "(%s)|%s" % (value, self.rng.choice(["e", "escape", "safe"]))
        return self.output(value)

    def print_name(self, depth):
        return self.output(self.rng.choice(NAMES + ["nope", "d.nope", "n.a", "loop.index"]) + "|default('?')" * self.chance(0.5)) if self.loops \
            else self.output(self.rng.choice(NAMES + ["nope", "d.nope", "s.nope", "n.a"]))

    def set_value(self, depth):
        name = self.rng.choice(NAMES)
        kind = self.kind_of(name) if self.chance(0.7) else None
        if len(self.scopes) > 1 and name not in self.scopes[-1] and self.kind_of(name):
            kind = self.kind_of(name)  # what an `if` sets must fit those who read it behind the `if`
        kind = kind or self.rng.choice(KINDS)
        value = self.expr(kind, 2)
        self.scopes[-1][name] = kind
        return self.tag("set %s = %s" % (name, value))

    def set_pair(self, depth):
        a, b = self.rng.sample(NAMES, 2)
        kinds = [self.kind_of(a) or "int", self.kind_of(b) or "str"]
        values = "%s, %s" % (self.expr(kinds[0], 1), self.expr(kinds[1], 1))
        self.scopes[-1].update({a: kinds[0], b: kinds[1]})
        return self.tag("set %s, %s = %s" % (a, b, self.rng.choice(["%s", "[%s]", "(%s)"]) % values))

    def set_block(self, depth):
        name = self.rng.choice(NAMES)
        if self.kind_of(name) not in (None, "str"):
            return self.print_value(depth)
        body = self.inner(depth)
        self.scopes[-1][name] = "str"
        pipe = self.rng.choice(["", "", "", " | trim", " | replace('a', 'b')", " | trim | length | string"])
        return self.tag("set " + name + pipe) + body + self.tag("endset")

    def set_space(self, depth):
        if not self.spaces or (len(self.scopes) == 1 and self.chance(0.2)):
            if len(self.scopes) > 1:
                return self.comment(depth)
            name = "ns%d" % len(self.spaces)
            out = self.tag("set %s = namespace(a=%s, b=%s)" % (name, self.expr("int", 1), self.expr("str", 1)))
            self.spaces.append(name)
            return out
        name = self.rng.choice(self.spaces)
        if self.chance(0.5):
            return self.tag("set %s.a = %s.a + %s" % (name, name, self.expr("int", 1)))
        return self.tag("set %s.b = %s" % (name, self.rng.choice(["%s.b ~ %s" % (name, self.expr(None, 1)), self.expr("str", 2)])))

    def comment(self, depth):
        left = self.rng.choice(["", "", "-", "+"])
        right = self.rng.choice(["", "", "-", "+"])
        return "{#" + left + self.rng.choice([" c ", " {{ x }} ", "\n long\n", " {% if %} ", "c"]) + right + "#}"

    def raw(self, depth):
        body = self.rng.choice(["{{ x }}", " {% if %} ", "\n  a\n  ", "{# c #}", "", "  ", "\n{{\n"])
        return self.tag("raw").replace("+%}", "%}") + body + self.tag("endraw")

    def jump(self, depth):
        if not self.loops or not self.jumps:
            return self.print_value(depth)
        return self.tag("if " + self.expr("bool", 1)) + self.text() + self.tag(self.rng.choice(["break", "continue"])) + self.text() + self.tag("endif")

    jumps = False  # inside a loop, with no scope between that a jump cannot leave

    def if_block(self, depth):
        """No scope, but what one branch sets may stay undefined: forget the names behind it."""
        out = self.tag("if " + self.condition()) + self.inner(depth)
        while self.chance(0.25):
            out += self.tag("elif " + self.condition()) + self.inner(depth)
        if self.chance(0.4):
            out += self.tag("else") + self.inner(depth)
        return out + self.tag("endif")

    def condition(self):
        return self.expr("bool" if self.chance(0.8) else None, 2)

    def for_block(self, depth):
        r = self.rng
        name = r.choice(NAMES)
        source = r.randrange(8)
        if source == 0:
            other = r.choice([other for other in NAMES if other != name])
            target, names = "%s, %s" % (name, other), {name: "str"}
            over = "(%s)%s" % (self.expr("dict", 1), r.choice([".items()", "|items"]))
        elif source == 1:
            other = r.choice([other for other in NAMES if other != name])
            target, over, names = r.choice(["%s, %s", "(%s, %s)"]) % (name, other), "[(1, 'a'), [2, 'b']]", {name: "int", other: "str"}
        else:
            kind, item = r.choice([("ints", "int"), ("strs", "str"), ("str", "str"), ("dict", "str"), ("dicts", "dict"), ("ints", "int")])
            target, over, names = name, self.expr(kind, 2), {name: item}
            if kind == "ints" and r.random() < 0.3:
                over = "range(%d)" % r.randint(0, 4)
        self.loops += 1
        jumps, self.jumps = self.jumps, True
        test = ""
        if self.chance(0.2):
            self.scopes.append(dict(names))
            loops, self.loops = self.loops, 0
            test = " if " + self.expr("bool", 1)
            self.loops = loops
            self.scopes.pop()
        body = self.inner(depth, names)
        self.jumps = jumps
        self.loops -= 1
        out = self.tag("for %s in %s%s" % (target, over, test)) + body
        if self.chance(0.2):
            outer, self.loops = self.loops, 0
            out += self.tag("else") + self.inner(depth)
            self.loops = outer
        return out + self.tag("endfor")

    def macro(self, depth):
        name = "m%d" % self.rng.randrange(3)
        arguments = self.rng.sample(["p", "q", "r"], self.rng.randint(0, 3))
        head = []
        defaults = False
        for argument in arguments:
            defaults = defaults or self.chance(0.3)
            head.append(argument + ("=" + self.leaf("str") if defaults else ""))
        known = {argument: "any" for argument in arguments}
        outer = self.loops, self.jumps, self.macros
        self.loops, self.jumps = 0, False
        self.macros = [{key: value for key, value in scope.items() if key < name} for scope in self.macros]  # no recursion
        body = self.inner(depth, known)
        for argument in arguments:
            body += self.output(self.rng.choice(["%s|default('none')", "%s", "%s ~ 'x'", "%s is defined"]) % argument)
        self.loops, self.jumps, self.macros = outer
        self.macros[-1][name] = arguments
        call = self.output(self.macro_call(lambda kind=None: self.expr(kind, 1))) if self.chance(0.7) else ""
        return self.tag("macro %s(%s)" % (name, ", ".join(head))) + body + self.tag("endmacro") + self.text() + call

    def scope_block(self, depth, head, end, names=None):
        jumps, self.jumps = self.jumps, False
        body = self.inner(depth, names)
        self.jumps = jumps
        return self.tag(head) + body + self.tag(end)

    def generation(self, depth):
        return self.scope_block(depth, "generation", "endgeneration")

    def with_block(self, depth):
        return self.scope_block(depth, "with x = %s, y = %s" % (self.expr("int", 1), self.expr("str", 1)), "endwith", {"x": "int", "y": "str"})

    def filter_block(self, depth):
        return self.scope_block(depth, "filter " + self.rng.choice(["trim", "string", "replace('a', 'b')", "indent(2)"]), "endfilter")

    def call_block(self, depth):
        return self.tag("macro wrap(k=1)") + "[{{ caller() }}{{ k }}]" + self.tag("endmacro") + self.scope_block(
            depth, "call wrap(%s)" % self.leaf("int"), "endcall")


def broken(rng, text):
    """One mark or blank more, less or another; names stay as they are."""
    marks = "()[]{},:|~+-*/%=<>'\"\\# \n!"
    places = [i for i, c in enumerate(text) if c in marks]
    at = rng.choice(places)
    return text[:at] + rng.choice(["", "", text[at] * 2, rng.choice(marks)]) + text[at + 1 :]


def program(rng, options):
    made = Program(rng, options.extra)
    kwargs = json.loads(json.dumps(made.data()))
    text = made.block(3, most=rng.choice([2, 5, 8]))
    if options.broken:
        text = broken(rng, text + " ")
    case = {"template": text, "messages": [{"role": "user", "content": "hi"}], "kwargs": kwargs}
    result = outcome(text, case)
    if result.get("text") != outcome(text, case, PLAIN).get("text"):
        return None  # Jinja2 disagrees with itself: {{ 5[1:] }} is empty, {{ x[1:] }} with x = 5 raises an error
    shown = result["text"] if "text" in result else result["error"]
    if re.match("Template[A-Z][a-z]+Error: No (filter|test) named", shown):
        return None  # of broken programs; an engine may say so later than Jinja2 does, or earlier
    if len(shown) > 20000 or UNPRINTABLE.search(shown) or re.match("RecursionError|MemoryError|SyntaxError", shown):
        return None
    try:
        shown.encode()
    except UnicodeEncodeError:
        return None
    return case, result


def programs(options):
    rng = random.Random(options.seed)
    count = options.count
    while count > 0:
        made = program(rng, options)
        if made is not None:
            write(*made)
            count -= 1


# ---- The command -------------------------------------------------------------------------------


def main():
    warnings.simplefilter("ignore")  # of Python, about the code that Jinja2 makes of a template
    sys.stdin.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    parser = argparse.ArgumentParser(description="Cases for tests/template/template_check.c, rendered by Jinja2.")
    parser.add_argument("what", choices=["render", "official", "programs"])
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--extra", action="store_true")
    parser.add_argument("--broken", action="store_true")
    options = parser.parse_args()
    if options.what == "render":
        render_lines(sys.stdin)
    elif options.what == "programs":
        programs(options)
    elif options.folder is None:
        parser.error("official needs a folder")
    else:
        official(options.folder, options.seed, options.count)


if __name__ == "__main__":
    main()
