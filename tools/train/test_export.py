#!/usr/bin/python3
"""test_export.py - the quantisers of export.py.

Decoding is compared with the shared reference blocks (../shared/golden/blocks beside the
repository, or $LFM_SHARED/golden/blocks), encoding with them (Q4_0) and with checksums of what
ggml's quantisers made of the same numbers.
"""
import os
import sys
import zlib

import numpy as np

import export

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SHARED = os.environ.get("LFM_SHARED", os.path.join(ROOT, "..", "shared"))
CRC = {"Q4_0": 0x3358e8fc, "Q8_0": 0x523e0a33, "Q6_K": 0x3bbabbde}


def noise(n):
    """Uneven pseudo-random values, the same everywhere: sums of a linear congruential generator."""
    x, out = 12345, np.empty(n, np.float32)
    for i in range(n):
        x = (x * 1664525 + 1013904223) % 2 ** 32
        y = (x >> 8) / 2 ** 23 - 1
        out[i] = y * y * y * (1 + i % 97)
    out[256:512] = 0
    return out


def main():
    failed = 0
    for kind, want in CRC.items():
        got = zlib.crc32(export.ENCODE[kind](noise(4096)).tobytes())
        print(f"{kind}: encodes to {got:#010x}, expected {want:#010x}")
        failed += got != want
    blocks = os.path.join(SHARED, "golden", "blocks")
    if not os.path.isdir(blocks):
        print("skip: no reference blocks at", blocks)
        return failed > 0

    def read(name, kind):
        return np.fromfile(os.path.join(blocks, name), kind)

    for name, kind in (("q4_0", "Q4_0"), ("q8_0", "Q8_0"), ("q6_K", "Q6_K")):
        same = np.array_equal(export.DECODE[kind](read(name + ".raw", np.uint8)).reshape(-1),
                              read(name + ".f32", np.float32))
        print(f"{kind}: decodes {'exactly' if same else 'WRONGLY'}")
        failed += not same
    same = np.array_equal(export.quantize_q4_0(read("source.f32", np.float32)).reshape(-1),
                          read("q4_0.q", np.uint8))
    print(f"Q4_0: encodes the reference source {'exactly' if same else 'WRONGLY'}")
    return failed > 0 or not same


if __name__ == "__main__":
    sys.exit(main())
