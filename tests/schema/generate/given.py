"""Values that both judges call valid or invalid, from answers of other engines: cases for `schema_walk check`.

    given.py WALKS FILE... [--pin=N]        lines {"case", "schema", "yes", "no"} on standard output

WALKS are lines of peers.py for the schemas of FILE.  Invalid values are answers that both judges refuse, and valid ones
with a small change.  --pin=N writes N small schemas only, which together hold as many keywords as can be.
"""

import decimal
import json
import random
import re
import sys

import judge

MOST = 4  # values of a kind


def changed(r, value):
    """The value with one change somewhere in it."""
    if isinstance(value, dict) and value:
        key = r.choice(list(value))
        which = r.randrange(4)
        if which == 0:
            return {k: v for k, v in value.items() if k != key}
        if which == 1:
            return {**value, "zzz": 1}
        return {k: changed(r, v) if k == key else v for k, v in value.items()}
    if isinstance(value, list) and value:
        which = r.randrange(4)
        if which == 0:
            return value[:-1]
        if which == 1:
            return value + value[-1:]
        at = r.randrange(len(value))
        return [changed(r, v) if i == at else v for i, v in enumerate(value)]
    if isinstance(value, bool) or value is None:
        return r.choice(["true", 0, 7])
    if isinstance(value, (int, decimal.Decimal)):
        return r.choice([value * -1 - 1, value + decimal.Decimal("0.5"), value * 1000003, str(value)])
    if isinstance(value, str):
        return r.choice([value + "!", value[:-1], value * 20, "", 5, value.upper(), value + " x"])
    return r.choice([None, 1, "a"])


def plain(value):
    """As our grammars write it: no exponents, no -0, integers without a fraction."""
    if isinstance(value, decimal.Decimal):
        if not value.is_finite() or abs(value.adjusted()) > 15 or len(value.as_tuple().digits) > 15:
            raise ValueError("a number that readers differ about")
        text = format(value.normalize() if value else decimal.Decimal(0), "f")
        return int(text) if "." not in text else float(text)
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**15:
        raise ValueError("a number that readers differ about")
    if isinstance(value, str):
        value.encode()  # no lone surrogates
    return value


def candidates(r, answers):
    found = {}
    for text in answers:
        try:
            value = json.loads(text, parse_float=decimal.Decimal)
            plain(value)
            for v in [value] + [changed(r, value) for _ in range(4)]:
                p = plain(v)
                if len(json.dumps(p)) < 300:
                    found.setdefault(json.dumps(p, sort_keys=True), p)
        except (ValueError, ArithmeticError, RecursionError):
            continue
    return list(found.values())


def names(schema, found):
    """The keys that some `properties` name."""
    if isinstance(schema, dict):
        found |= set(schema["properties"]) if isinstance(schema.get("properties"), dict) else set()
    for s in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []:
        names(s, found)
    return found


def is_narrow(value, known, free):
    """Grammars write no other members where `properties` names some, and T and Z in capitals."""
    if isinstance(value, list):
        return any(is_narrow(v, known, free) for v in value)
    if isinstance(value, dict):
        return any(k not in known and not free for k in value) or any(is_narrow(v, known, free) for v in value.values())
    return isinstance(value, str) and bool(re.search(r"\d[tz]|\d{2}:\d{2}:60", value))


def keywords(schema, found):
    if isinstance(schema, list):
        for s in schema:
            keywords(s, found)
    elif isinstance(schema, dict):
        for k, v in schema.items():
            found.add(k + " " + v if k == "format" and isinstance(v, str) else k)
            if k in ("properties", "$defs", "definitions", "patternProperties"):
                for s in v.values() if isinstance(v, dict) else []:
                    keywords(s, found)
            elif k not in ("enum", "const", "default", "examples", "example"):
                keywords(v, found)
    return found


def pinned(cases, n):
    """Schemas that add the most keywords for their size, then small ones of every source in turn."""
    cases = [c for c in cases if len(json.dumps(c["schema"])) < 700 and c["yes"] and c["no"]]
    chosen, seen = [], {}
    words = {c["case"]: keywords(c["schema"], set()) for c in cases}
    while cases and len(chosen) < n:
        best = max(cases, key=lambda c: (sum(1 / (1 + seen.get(w, 0)) ** 2 for w in words[c["case"]])
                                         / (200 + len(json.dumps(c["schema"])))))
        cases.remove(best)
        chosen.append(best)
        for w in words[best["case"]]:
            seen[w] = seen.get(w, 0) + 1
    return sorted(chosen, key=lambda c: c["case"])


def main():
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    pin = [int(a[6:]) for a in sys.argv[1:] if a.startswith("--pin=")]
    walks = {}
    for line in open(paths[0]):
        w = json.loads(line)
        walks.setdefault(w["case"], []).extend(w.get("answers", []))
    sources = [json.loads(line) for p in paths[1:] for line in open(p)]
    sources = [s for s in sources if walks.get(s["case"])]
    made = [candidates(random.Random(s["case"]), walks[s["case"]]) for s in sources]
    ajv = judge.ajv_verdicts([{"schema": judge.for_judges(s), "answers": [json.dumps(v) for v in values]}
                              for s, values in zip(sources, made)])
    cases = []
    for source, values, says in zip(sources, made, ajv):
        if "verdicts" not in says:
            continue
        validator = judge.validator_of(judge.for_judges(source))
        case = {"case": source["case"], "schema": source["schema"], "yes": [], "no": []}
        text = json.dumps(source["schema"])
        free = '"properties"' not in text
        known = names(source["schema"], set())
        for value, first in zip(values, says["verdicts"]):
            if first is None and is_narrow(value, known, free):
                continue
            second = judge.python_verdict(validator, json.dumps(value))
            if (first is None) == (second is None) and not str(second).startswith("?") and \
                    not str(second).startswith("multipleOf"):
                case["yes" if first is None else "no"].append(value)
        case["yes"], case["no"] = case["yes"][:MOST], case["no"][:MOST]
        cases.append(case)
    for case in pinned(cases, pin[0]) if pin else cases:
        print(json.dumps(case, ensure_ascii=False))


if __name__ == "__main__":
    main()
