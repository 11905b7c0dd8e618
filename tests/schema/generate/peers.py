"""Random answers of other engines' grammars, in the lines of schema_walk (for judge.py --walks).

    peers.py llguidance|llguidance-lenient|xgrammar FILE [--answers=N] [--seed=N] [--room=N] [--every=N]

The vocabulary is the 256 bytes and an end.  Each schema has a process of its own, and 10 seconds.
"""

import json
import os
import random
import select
import signal
import sys
import time

END = 256
LIMIT_S = 10


class Tokens:
    eos_token_id, bos_token_id, special_token_ids = END, None, [END]
    tokens = [bytes([i]) for i in range(256)] + [b"<end>"]

    def __call__(self, text):
        return list(text.encode() if isinstance(text, str) else text)


def bits_of(data):
    n = int.from_bytes(data[:36].ljust(36, b"\0"), "little")
    return [i for i in range(257) if n >> i & 1]


class Llguidance:
    lenient = False

    def __init__(self):
        import llguidance

        self.lib = llguidance
        self.tokens = llguidance.LLTokenizer(llguidance.TokenizerWrapper(Tokens()), slices=[])

    def compile(self, schema):
        options = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "coerce_one_of": True,
                   "lenient": self.lenient}
        grammar = self.lib.LLMatcher.grammar_from_json_schema(schema, overrides=options)
        m = self.lib.LLMatcher(self.tokens, grammar, log_level=0)
        if m.is_error():
            raise ValueError(m.get_error())
        return m

    def start(self, made):
        made.reset()
        return made

    def mask(self, m):
        data = m.compute_bitmask()
        if m.is_error():
            raise ValueError("mask: " + m.get_error())
        return data

    def accept(self, m, token):
        return m.consume_token(token)


class Lenient(Llguidance):
    lenient = True


class Xgrammar:
    def __init__(self):
        import torch
        import xgrammar

        torch.set_num_threads(1)
        self.lib = xgrammar
        info = xgrammar.TokenizerInfo(Tokens.tokens, stop_token_ids=[END])
        self.compiler = xgrammar.GrammarCompiler(info, max_threads=1, cache_enabled=False)
        self.bits = xgrammar.allocate_token_bitmask(1, 257)

    def compile(self, schema):
        return self.compiler.compile_json_schema(json.dumps(schema), any_whitespace=False)

    def start(self, made):
        return self.lib.GrammarMatcher(made)

    def mask(self, m):
        self.bits.fill_(-1)
        m.fill_next_token_bitmask(self.bits)
        return self.bits.numpy().tobytes()

    def accept(self, m, token):
        return m.accept_token(token)


def kind_of(b):
    if b >= 0x80:
        return 0
    c = chr(b)
    return (1 if "a" <= c <= "z" else 2 if "A" <= c <= "Z" else 3 if "0" <= c <= "9" else 4 if c in '"}])' else
            5 if c == "\\" else 6 if c in ",:" else 7)


KINDS = [kind_of(b) for b in range(256)]


def choose(r, allowed, closing):
    if closing:
        for c in b'"}])':
            if c in allowed:
                return c
    kinds = {}
    for b in allowed:
        kinds.setdefault(KINDS[b], []).append(b)
    return r.choice(kinds[r.choice(sorted(kinds))])


def walk(engine, schema, given):
    started = time.process_time()
    try:
        made = engine.compile(schema)
        engine.start(made)
    except Exception as e:
        return {"refused": f"{type(e).__name__}: {str(e)[:200]}", "compile_ms": (time.process_time() - started) * 1e3}
    out = {"compile_ms": (time.process_time() - started) * 1e3, "answers": [], "open": 0, "masks": 0, "mask_us": 0,
           "worst_mask_ms": 0}
    spent = worst = 0
    for i in range(given["answers"]):
        r = random.Random(f"{given['seed']}/{i}")
        m = engine.start(made)
        text = bytearray()
        while len(text) < given["room"]:
            began = time.process_time()
            try:
                data = engine.mask(m)
            except Exception as e:
                return {**out, "fault": str(e)[:200], "after": text.decode(errors="replace")}
            took = time.process_time() - began
            spent, worst, out["masks"] = spent + took, max(worst, took), out["masks"] + 1
            allowed = bits_of(data)
            ends = END in allowed
            allowed = [b for b in allowed if b < 256]
            closing = len(text) >= given["room"] / 2
            if ends and (closing or not allowed or r.random() < 0.25):
                out["answers"].append(text.decode(errors="replace"))
                break
            if not allowed:
                out.setdefault("fault", "no token can follow")
                out.setdefault("after", text.decode(errors="replace"))
                break
            token = choose(r, allowed, closing)
            if not engine.accept(m, token):
                out.setdefault("fault", "the mask allows what is not accepted")
                out.setdefault("after", text.decode(errors="replace") + chr(token))
                break
            text.append(token)
        else:
            out["open"] += 1
    out["mask_us"] = spent * 1e6 / max(1, out["masks"])
    out["worst_mask_ms"] = worst * 1e3
    return out


def apart(engine, schema, given):
    """The same in a child, which may crash or hang."""
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(there)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with os.fdopen(here, "w") as f:
            json.dump(walk(engine, schema, given), f)
        os._exit(0)
    os.close(here)
    text = b""
    until = time.monotonic() + LIMIT_S
    while True:
        ready, _, _ = select.select([there], [], [], max(0, until - time.monotonic()))
        part = os.read(there, 1 << 16) if ready else b""
        text += part
        if not part:
            break
    os.close(there)
    hung = not text
    if hung and time.monotonic() >= until:
        os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if not text:
        return {"refused": f"ended by signal {status & 127}" if time.monotonic() < until else "longer than 10 s",
                "compile_ms": 0}
    return json.loads(text)


def main():
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    given = {"answers": 15, "seed": 1, "room": 400, "every": 1}
    given.update((k, int(v)) for k, v in (a[2:].split("=") for a in sys.argv[1:] if a.startswith("--")))
    engine = {"llguidance": Llguidance, "llguidance-lenient": Lenient, "xgrammar": Xgrammar}[words[0]]()
    walk(engine, {"type": "object", "properties": {"a": {"type": "string", "pattern": "a+"}}}, given)  # what is lazy
    for i, line in enumerate(open(words[1])):
        if i % given["every"] == 0:
            source = json.loads(line)
            print(json.dumps({"case": source["case"], **apart(engine, source["schema"], given)}), flush=True)


main()
