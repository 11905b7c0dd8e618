"""Random answers of our grammars, judged by ajv and python-jsonschema.

    judge.py WALK_PROGRAM FILE... [--answers=N] [--seed=N] [--room=N] [--out=REPORT] [--walks=FILE]
        [--title=NAME] [--least=PERCENT]

Prints a report.  Exit status 1 when an answer is invalid, when the judges disagree and no choice of ours (CHOICES) says
why, when a walk met a dead end, or when less than --least (0) of the schemas compile.  --walks reads the lines of another program (peers.py) instead of running ours.
"""

import collections
import decimal
import json
import os
import re
import subprocess
import sys

import jsonschema

HERE = os.path.dirname(os.path.abspath(__file__))

# Where the judges disagree, and the reason for our choice: (who refuses the answer, what, why it is let through).
CHOICES = [
    ("py", r"^pattern ", "ECMAScript: blanks, digits and ends of lines are not Python's"),
    ("ajv", r"^multipleOf", "divided as doubles; it is one in decimals"),
]
# Where one judge's word is enough: the other one does not follow the specification.
DECISIVE = [("ajv", r"^pattern "), ("py", r"^multipleOf")]


def exact_multiple_of(validator, divisor, value, schema):
    """In decimals, as the texts of the numbers say."""
    if not validator.is_type(value, "number"):
        return
    with decimal.localcontext() as c:
        c.prec = 700
        if not abs(value) < float("inf") or decimal.Decimal(repr(value)) % decimal.Decimal(repr(divisor)) != 0:
            yield jsonschema.ValidationError(f"{value!r} is not a multiple of {divisor!r}")


def exact(kind):
    return jsonschema.validators.extend(kind, {"multipleOf": exact_multiple_of})


KINDS = {kind: exact(kind) for kind in (jsonschema.Draft202012Validator, jsonschema.Draft7Validator,
                                        jsonschema.Draft201909Validator)}


def for_judges(source):
    """The schema in the drafts that judges know: limits that are true or false (draft 4, OpenAPI 3.0, zod-to-json-schema),
    and `nullable` and what stands beside a $ref in OpenAPI 3.0."""
    openapi = source.get("dialect") == "openapi30"

    def modern(s):
        if isinstance(s, list):
            return [modern(x) for x in s]
        if not isinstance(s, dict):
            return s
        if openapi and "$ref" in s:
            return {"$ref": s["$ref"], **{k: modern(v) for k, v in s.items() if k in ("components", "$defs")}}
        s = {k: v if k in ("enum", "const", "default", "example") else modern(v) for k, v in s.items()}
        for side in ("Minimum", "Maximum"):
            if s.get("exclusive" + side) in (True, False) and isinstance(s["exclusive" + side], bool):
                if s.pop("exclusive" + side) and side.lower() in s:
                    s["exclusive" + side] = s.pop(side.lower())
        if openapi and s.pop("nullable", False) is True and isinstance(s.get("type"), str):
            s["type"] = [s["type"], "null"]
        return s

    return modern(source["schema"])


def validator_of(schema):
    text = str(schema.get("$schema", "")) if isinstance(schema, dict) else ""
    kind = jsonschema.Draft202012Validator
    if "draft-07" in text or "draft-06" in text:
        kind = jsonschema.Draft7Validator
    elif "2019-09" in text:
        kind = jsonschema.Draft201909Validator
    return KINDS[kind](schema, format_checker=kind.FORMAT_CHECKER)


def below(error):
    """The errors of the branches of anyOf and oneOf, however deep."""
    for e in error.context or []:
        yield e
        yield from below(e)


def python_verdict(validator, text):
    try:
        value = json.loads(text)
    except ValueError as e:
        return f"JSON {e}"
    try:
        for e in validator.iter_errors(value):
            e = next((x for x in below(e) if x.validator in ("format", "pattern", "multipleOf")), e)
            detail = e.validator_value if e.validator in ("format", "pattern") else ""
            return f"{e.validator} {detail} at {e.json_path}"
    except re.error as e:
        return f"?cannot: {e}"
    except Exception as e:  # references, recursion
        return f"?cannot: {type(e).__name__} {str(e)[:80]}"
    return None


def walks_of(program, path, options):
    done = subprocess.run([program, "walk", *options, path], capture_output=True, text=True, errors="replace")
    if done.returncode < 0 or not done.stdout:
        raise SystemExit(f"{program} ended with {done.returncode} on {path}: {done.stderr[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def ajv_verdicts(lines):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    done = subprocess.run(["node", os.path.join(HERE, "ajv_judge.mjs")], input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"ajv: {done.stderr[-500:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def matches(table, judge, verdict):
    return next((row for row in table if row[0] == judge and re.search(row[1], verdict)), None)


def reason_of(refusal):
    """The kind of a refusal, without its place."""
    text = re.sub(r"^#\S*: ?", "", refusal)
    word = re.search(r"^#\S*/([^/:]+): ", refusal)
    text = re.sub(r"'[^']*'", "'..'", text)
    return (f"{word.group(1)}: " if word and not word.group(1).isdigit() else "") + text[:90]


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))] if values else 0


class Report:
    def __init__(self):
        self.n = self.compiled = self.answers = self.valid = self.unjudged = self.opened = self.walked = 0
        self.refusals = collections.Counter()
        self.refusal_example = {}
        self.wrong = collections.Counter()
        self.wrong_example = {}
        self.split = collections.Counter()
        self.split_example = {}
        self.open_questions = collections.Counter()
        self.open_example = {}
        self.faults = []
        self.compile_ms, self.mask_us, self.worst_ms = [], [], []

    def line(self, source, walked, ajv):
        self.n += 1
        if "refused" in walked:
            reason = reason_of(walked["refused"])
            self.refusals[reason] += 1
            self.refusal_example.setdefault(reason, (source["case"], walked["refused"]))
            return
        self.compiled += 1
        self.compile_ms.append(walked["compile_ms"])
        self.mask_us.append(walked["mask_us"])
        self.worst_ms.append(walked["worst_mask_ms"])
        self.opened += walked["open"]
        if "fault" in walked:
            self.faults.append((source["case"], walked["fault"], walked["after"]))
        if not walked["answers"]:
            return
        self.walked += 1
        validator = validator_of(for_judges(source))
        for i, text in enumerate(walked["answers"]):
            self.answer(source, text, ajv["verdicts"][i] if "verdicts" in ajv else "?cannot " + ajv["cannot"],
                        python_verdict(validator, text))

    def answer(self, source, text, ajv, py):
        self.answers += 1
        cannot = [v for v in (ajv, py) if v and v.startswith("?")]
        says = {j: v for j, v in (("ajv", ajv), ("py", py)) if v and not v.startswith("?")}
        decisive = any(matches(DECISIVE, j, v) for j, v in says.items())
        if len(cannot) == 2:
            self.unjudged += 1
        elif not says:
            self.valid += 1
        elif len(says) + len(cannot) == 2 or decisive:  # all that judge agree
            verdict = next(iter(says.values()))
            key = re.sub(r" at .*", "", verdict)
            self.wrong[key] += 1
            self.wrong_example.setdefault(key, (source["case"], text, verdict))
        else:
            judge, verdict = next(iter(says.items()))
            choice = matches(CHOICES, judge, verdict)
            key = f"{judge} refuses, {re.sub(r' at .*', '', verdict)}"
            self.valid += choice is not None
            if choice:
                self.split[f"{key}: {choice[2]}"] += 1
                self.split_example.setdefault(f"{key}: {choice[2]}", (source["case"], text))
            else:
                self.open_questions[key] += 1
                self.open_example.setdefault(key, (source["case"], text))

    def print(self, title, out):
        def say(*words):
            print(*words, file=out)

        say(f"## {title}")
        say(f"schemas {self.n}, compiled {self.compiled} ({100 * self.compiled / max(1, self.n):.1f} %); answers "
            f"{self.answers} of {self.walked} schemas, valid {self.valid} "
            f"({100 * self.valid / max(1, self.answers):.3f} %), judged by none {self.unjudged}, not ended {self.opened}, "
            f"dead ends {len(self.faults)}")
        say(f"compile ms: median {percentile(self.compile_ms, .5):.3f}, 95 % {percentile(self.compile_ms, .95):.3f}, "
            f"worst {max(self.compile_ms, default=0):.3f}; mask us: median {percentile(self.mask_us, .5):.2f}, 95 % "
            f"{percentile(self.mask_us, .95):.2f}; worst mask {max(self.worst_ms, default=0):.3f} ms")
        for what, counts, examples in (("invalid by all judges", self.wrong, self.wrong_example),
                                       ("the judges disagree, without a choice of ours", self.open_questions,
                                        self.open_example),
                                       ("the judges disagree, with our choice", self.split, self.split_example),
                                       ("refused", self.refusals, self.refusal_example)):
            if counts:
                say(f"\n{what}:")
            for key, n in counts.most_common(80):
                say(f"  {n:6} {key}\n           e.g. {' | '.join(examples[key])[:300]}")
        for case, fault, after in self.faults[:40]:
            say(f"  FAULT {case}: {fault[:120]} after {after[:200]!r}")
        say("")


OWN = ("--out=", "--walks=", "--title=", "--least=")  # the other options are those of the walk


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--") and not a.startswith(OWN)]
    given = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith(OWN))
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    program, paths = words[0], words[1:]
    out = open(given["out"], "w") if "out" in given else sys.stdout
    total = Report()
    for path in paths:
        sources = [json.loads(line) for line in open(path) if line.strip()]
        if "walks" in given:
            by_case = {w["case"]: w for w in map(json.loads, open(given["walks"]))}
            pairs = [(s, by_case[s["case"]]) for s in sources if s["case"] in by_case]
            sources, walks = [p[0] for p in pairs], [p[1] for p in pairs]
        else:
            walks = walks_of(program, path, options)
        asked = [{"schema": for_judges(s), "answers": w.get("answers", [])} for s, w in zip(sources, walks)]
        verdicts = ajv_verdicts(asked)
        one = Report()
        for source, walked, ajv in zip(sources, walks, verdicts):
            one.line(source, walked, ajv)
            total.line(source, walked, ajv)
        if len(paths) > 1:
            print(f"{os.path.basename(path):20} compiled {one.compiled:4} of {one.n:4}; valid {one.valid} of {one.answers}; "
                  f"dead ends {len(one.faults)}; refused most for {one.refusals.most_common(1)}", file=out)
    total.print(given.get("title", "ours"), out)
    bad = sum(total.wrong.values()) + sum(total.open_questions.values()) + len(total.faults)
    print(f"{total.compiled} of {total.n} schemas compile; {total.valid} of {total.answers} answers are valid; "
          f"{len(total.faults)} dead ends")
    sys.exit(bad > 0 or 100 * total.compiled < float(given.get("least", 0)) * total.n)


if __name__ == "__main__":
    main()
