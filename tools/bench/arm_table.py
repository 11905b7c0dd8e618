#!/usr/bin/env python3
"""arm_table.py - the speed of the kernels for 64-bit ARM by count, with llvm-mca.

    tools/bench/arm_table.py [OBJECTS] [LLAMA_CPP]

OBJECTS is the folder of dotprod.o and i8mm.o (build/release-aarch64-linux-gnu-gcc/src/kernel/arm);
LLAMA_CPP is a checkout of llama.cpp, whose repacked kernels are compiled and counted likewise.
tools/bench/ARM.md says how to read the table.
"""
import os
import re
import subprocess
import sys
import tempfile

VERSION = os.environ.get("LLVM_VERSION", "-19")
CORES = ["neoverse-n1", "neoverse-v2", "cortex-a76", "apple-m1"]
FEATURES = "-mattr=+dotprod,+i8mm,+fullfp16"
DOT = re.compile(r"(sdot|smmla) ")
PRODUCT = re.compile(r"(sdot|smmla|smull2?|smlal2?) ")
BRANCH = re.compile(r"(?:b\.\w+|b|cbn?z|tbn?z) .*?0x([0-9a-f]+) <")


def disassemble(obj, symbol):
    text = subprocess.run(
        ["llvm-objdump" + VERSION, "-d", "--no-show-raw-insn", "--mattr=+dotprod,+i8mm,+fullfp16",
         "--disassemble-symbols=" + symbol, obj], capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s*([0-9a-f]+):\s+(\S[^\n]*)$", text, re.M)
    return [(int(a, 16), re.sub(r"\s*//.*", "", t).replace("\t", " ").strip()) for a, t in lines]


class Loop:
    """Instructions first..last of a function, with the loops inside."""

    def __init__(self, code, first, last):
        self.code, self.first, self.last, self.inner = code, first, last, []

    def text(self):
        return [t for _, t in self.code[self.first:self.last + 1]]

    def count(self, pattern):
        return sum(1 for t in self.text() if re.match(pattern, t))

    def contains(self, other):
        return other is not self and self.first <= other.first and other.last <= self.last

    def cycles(self, core, trips):
        """Loops with products that lie inside run `trips` times; those without count once."""
        inner = [i for i in self.inner if i.count(PRODUCT) > 2]
        inner = [i for i in inner if not any(j.contains(i) for j in inner)]
        body = ["L:"]
        for i in range(self.first, self.last + 1):
            if not any(j.first <= i <= j.last for j in inner):
                body.append(re.sub(r"0x[0-9a-f]+ <.*", "L", self.code[i][1]))
        out = subprocess.run(
            ["llvm-mca" + VERSION, "-mtriple=aarch64", "-mcpu=" + core, FEATURES,
             "-iterations=200"], input="\n".join(body), capture_output=True, text=True).stdout
        return (int(re.search(r"Total Cycles:\s+(\d+)", out).group(1)) / 200 +
                sum(trips * j.cycles(core, 1) for j in inner))


def loops(obj, symbol):
    code = disassemble(obj, symbol)
    place = {a: i for i, (a, _) in enumerate(code)}
    spans = set()
    for i, (_, t) in enumerate(code):
        m = BRANCH.match(t)
        if m and place.get(int(m.group(1), 16), len(code)) <= i:
            spans.add((place[int(m.group(1), 16)], i))
    found = [Loop(code, a, b) for a, b in sorted(spans)]
    for l in found:
        l.inner = [m for m in found if l.contains(m)]
    return sorted((l for l in found if l.count(PRODUCT) > 2), key=lambda l: l.last - l.first)


def one_token(found, small):
    """The loop over blocks: pairwise adds, and the scales of its end."""
    return next(l for l in found if l.count("faddp" if small else "addp") and l.count("fcvtl"))


def many_tokens(found, small):
    """Likewise of the widest group of tokens: no pairwise adds."""
    found = [l for l in found if l.count(DOT) and not l.count("f?addp") and not l.count("fcvtl")]
    found = [l for l in found if l.count("fmla" if small else "scvtf") and
             sum(1 for i in l.inner if i.count(DOT)) <= 1 - small]
    return max(found, key=lambda l: (l.count("fmla"), l.first - l.last))


def macs(loop, trips):
    def own(l):
        return l.count("sdot ") * 16 + l.count("smmla ") * 32
    inner = [i for i in loop.inner if i.count(DOT)]
    return trips * max(own(i) for i in inner) if inner else own(loop)


def line(name, loop, work, trips=1):
    print("%-34s" % name + "".join("%12.1f" % (work / loop.cycles(c, trips)) for c in CORES))


def ours(folder):
    for isa in ["dotprod", "i8mm"]:
        obj = os.path.join(folder, isa + ".o")
        for name, small, bytes_, trips in [("q4_0", True, 8 * 18, 1), ("q4_k", False, 4 * 144, 4)]:
            found = loops(obj, "mul_%s__%s" % (name, isa))
            line("lfm %s %s, one token" % (name, isa), one_token(found, small), bytes_, trips)
            l = many_tokens(found, small)
            line("lfm %s %s, many" % (name, isa), l, macs(l, 8), 8)


PEER = [  # symbol, features, bytes (0: products are counted), trips of the inner loop
    ("gemv_q4_0_4x4_q8_0", "+dotprod", 72, 1), ("gemm_q4_0_4x4_q8_0", "+dotprod", 0, 1),
    ("gemv_q4_K_8x4_q8_K", "+dotprod", 1152, 4), ("gemm_q4_K_8x4_q8_K", "+dotprod", 0, 4),
    ("gemv_q4_0_4x8_q8_0", "+dotprod+i8mm", 72, 1), ("gemm_q4_0_4x8_q8_0", "+dotprod+i8mm", 0, 1),
    ("gemv_q4_K_8x8_q8_K", "+dotprod+i8mm", 1152, 4), ("gemm_q4_K_8x8_q8_K", "+dotprod+i8mm", 0, 4),
]


def peer(checkout):
    ggml = os.path.join(checkout, "ggml")
    flags = ["-I" + os.path.join(ggml, d) for d in ["include", "src", "src/ggml-cpu"]]
    host = "/usr/include/x86_64-linux-gnu/c++/"  # bits/c++config.h, where the cross one is missing
    if os.path.isdir(host):
        flags += ["-idirafter" + host + v for v in sorted(os.listdir(host))]
    with tempfile.TemporaryDirectory() as work:
        for symbol, features, bytes_, trips in PEER:
            obj = os.path.join(work, features + ".o")
            if not os.path.exists(obj):
                source = os.path.join(ggml, "src/ggml-cpu/arch/arm/repack.cpp")
                subprocess.run(["clang++" + VERSION, "--target=aarch64-linux-gnu", "-std=c++17",
                                "-O3", "-DNDEBUG", "-march=armv8.2-a" + features, *flags,
                                "-c", "-o", obj, source], check=True)
            found = loops(obj, "ggml_" + symbol)
            loop = found[0]
            if trips == 1:  # the widest group of tokens
                loop = max((l for l in found if not l.inner), key=lambda l: l.count(DOT))
            else:
                loop = next(l for l in found if loop in l.inner)
            name = "llama.cpp " + symbol.rsplit("_q8", 1)[0]
            line(name, loop, bytes_ or macs(loop, trips), trips)


def main():
    built = "build/release-aarch64-linux-gnu-gcc/src/kernel/arm"
    folder = sys.argv[1] if len(sys.argv) > 1 else built
    print("one token: bytes of weights a cycle; many: products a cycle")
    print("%-34s" % "" + "".join("%12s" % c for c in CORES))
    ours(folder)
    if len(sys.argv) > 2:
        peer(sys.argv[2])
    else:
        print("llama.cpp: skipped, no checkout was named")


main()
