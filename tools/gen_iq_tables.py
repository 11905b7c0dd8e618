#!/usr/bin/env python3
"""Write src/kernel/codebooks/iq_tables.c, the code books of the IQ types, packed our way.

    tools/gen_iq_tables.py path/to/ggml-common.h > src/kernel/codebooks/iq_tables.c

The code books are part of the file format: an index stored in a block stands for 8 (or 4) values.
The only public statement of them is the arrays of ggml-common.h (ggml, MIT), where every value
takes a whole byte.  This script reads those numbers and nothing else.  It replaces each value by
its place among the few values (`levels`) that the book uses, and packs the places into 16 bits,
the first value in the lowest bits.  tests/unit/test_kernel_unpack.c checks the result.
"""
import re
import sys

# ours, ggml's, entries, values per entry, bits per value, levels
BOOKS = [
    ("iq2_xxs", "iq2xxs_grid", 256, 8, 2, [8, 25, 43]),
    ("iq2_xs", "iq2xs_grid", 512, 8, 2, [8, 25, 43]),
    ("iq2_s", "iq2s_grid", 1024, 8, 2, [8, 25, 43]),
    ("iq3_xxs", "iq3xxs_grid", 256, 4, 3, [4, 12, 20, 28, 36, 44, 52, 62]),
    ("iq3_s", "iq3s_grid", 512, 4, 3, [1, 3, 5, 7, 9, 11, 13, 15]),
    ("iq1", "iq1s_grid", 2048, 8, 2, [255, 0, 1]),  # 255 is -1
]

HEAD = """/*
 * iq_tables.c - the code books of the IQ types.  See iq_tables.h.
 *
 * Made by tools/gen_iq_tables.py; do not edit.
 */
#include "kernel/codebooks/iq_tables.h"
"""


def read_book(text, name, entries, n_values):
    found = re.search(r"GGML_TABLE_BEGIN\(\w+, %s, \w+\)(.*?)GGML_TABLE_END" % name, text, re.S)
    if not found:
        sys.exit("gen_iq_tables: no table '%s' in the input" % name)
    numbers = [int(n, 16) for n in re.findall(r"0x[0-9a-fA-F]+", found.group(1))]
    if len(numbers) != entries:
        sys.exit("gen_iq_tables: '%s' has %d entries, expected %d" % (name, len(numbers), entries))
    return [[n >> 8 * i & 255 for i in range(n_values)] for n in numbers]


def pack(values, bits, levels):
    return sum(levels.index(v) << bits * i for i, v in enumerate(values))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        text = f.read()
    print(HEAD, end="")
    for ours, theirs, entries, n_values, bits, levels in BOOKS:
        codes = [pack(v, bits, levels) for v in read_book(text, theirs, entries, n_values)]
        print("\nconst uint16_t kern_book_%s[%d] = {" % (ours, entries))
        for i in range(0, entries, 12):
            print("    " + " ".join("0x%04x," % c for c in codes[i:i + 12]))
        print("};")


main()
