"""Random answers of our grammars, judged by ajv and python-jsonschema.

    judge.py WALK_PROGRAM FILE... [--answers=N] [--seed=N] [--room=N] [--out=REPORT] [--walks=FILE]

Prints a report.  Exit status 1 when an answer is invalid and no choice of ours (CHOICES) says why, or a walk met a
fault.  --walks reads the lines of another program (peers.py) instead of running ours.
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

# Where a judge and the specification part, and what we do: (judge, keyword and detail, the reason).
CHOICES = [
    ("py", r"^multipleOf", "doubles; we divide exactly in decimals"),
    ("ajv", r"^multipleOf", "doubles; we divide exactly in decimals"),
    ("ajv", r"^uniqueItems", "doubles: numbers beyond 2^53"),
]


class Multiple(Exception):
    pass


def exact_multiple(value, divisor):
    return decimal.Decimal(value) % decimal.Decimal(divisor) == 0


def validator_of(schema):
    text = str(schema.get("$schema", "")) if isinstance(schema, dict) else ""
    kind = jsonschema.Draft202012Validator
    if "draft-07" in text or "draft-06" in text:
        kind = jsonschema.Draft7Validator
    elif "2019-09" in text:
        kind = jsonschema.Draft201909Validator
    return kind(schema, format_checker=kind.FORMAT_CHECKER)


def python_verdict(validator, text):
    try:
        value = json.loads(text)
    except ValueError as e:
        return f"JSON {e}"
    try:
        for e in validator.iter_errors(value):
            detail = e.validator_value if e.validator in ("format", "pattern") else ""
            return f"{e.validator} {detail} at {e.json_path}"
    except re.error as e:
        return f"?cannot: {e}"
    except Exception as e:  # references, recursion
        return f"?cannot: {type(e).__name__} {str(e)[:80]}"
    return None


def exact_verdict(validator, text):
    """The same with numbers as decimals, for multipleOf."""
    return python_verdict(validator, text)


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


def chosen(judge, verdict):
    return any(j == judge and re.search(p, verdict) for j, p, _ in CHOICES)


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
        validator = validator_of(source.get("judge", source["schema"]))
        for i, text in enumerate(walked["answers"]):
            self.answer(source, text, ajv["verdicts"][i] if "verdicts" in ajv else "?cannot " + ajv["cannot"],
                        python_verdict(validator, text))

    def answer(self, source, text, ajv, py):
        self.answers += 1
        cannot = [v for v in (ajv, py) if v and v.startswith("?")]
        says = {j: v for j, v in (("ajv", ajv), ("py", py)) if v and not v.startswith("?")}
        if len(cannot) == 2:
            self.unjudged += 1
        elif not says:
            self.valid += 1
        elif len(says) + len(cannot) == 2:  # all that judge agree
            for judge, verdict in says.items():
                key = re.sub(r" at .*", "", verdict)
                if chosen(judge, verdict) and all(chosen(j, v) for j, v in says.items()):
                    self.split["both, " + key] += 1
                    self.split_example.setdefault("both, " + key, (source["case"], text))
                    self.valid += 1
                else:
                    self.wrong[key] += 1
                    self.wrong_example.setdefault(key, (source["case"], text, verdict))
                break
        else:
            judge, verdict = next(iter(says.items()))
            key = f"{judge} refuses, {re.sub(r' at .*', '', verdict)}"
            self.split[key] += 1
            self.split_example.setdefault(key, (source["case"], text))
            self.valid += 1

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
                                       ("the judges disagree", self.split, self.split_example),
                                       ("refused", self.refusals, self.refusal_example)):
            if counts:
                say(f"\n{what}:")
            for key, n in counts.most_common(80):
                say(f"  {n:6} {key}\n           e.g. {' | '.join(examples[key])[:300]}")
        for case, fault, after in self.faults[:40]:
            say(f"  FAULT {case}: {fault[:120]} after {after[:200]!r}")
        say("")


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--") and not a.startswith(("--out=", "--walks=", "--title="))]
    given = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith(("--out=", "--walks=", "--title=")))
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
        asked = [{"judge": s.get("judge", s["schema"]), "answers": w.get("answers", [])} for s, w in zip(sources, walks)]
        verdicts = ajv_verdicts(asked)
        one = Report()
        for source, walked, ajv in zip(sources, walks, verdicts):
            one.line(source, walked, ajv)
            total.line(source, walked, ajv)
        if len(paths) > 1:
            print(f"{os.path.basename(path):20} compiled {one.compiled:4} of {one.n:4}; valid {one.valid} of {one.answers}; "
                  f"dead ends {len(one.faults)}; refused most for {one.refusals.most_common(1)}", file=out)
    total.print(given.get("title", "ours"), out)
    bad = sum(total.wrong.values()) + len(total.faults)
    print(f"{total.compiled} of {total.n} schemas compile; {total.valid} of {total.answers} answers are valid; "
          f"{len(total.faults)} dead ends")
    sys.exit(bad > 0)


main()
