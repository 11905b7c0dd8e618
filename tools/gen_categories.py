#!/usr/bin/env python3
"""Make src/base/unicode/category_tables.c: the general category of every code point.

    tools/gen_categories.py > src/base/unicode/category_tables.c

Unicode 15.1, which Python 3.13 carries; another Python is refused.
"""
import sys
import unicodedata

NAMES = ["Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
         "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"]
PAIRS = len(NAMES)  # Lu and Ll in turn

HEAD = """\
/*
 * category_tables.c - general categories of Unicode 15.1, as ranges.
 *
 * Made by tools/gen_categories.py; do not edit.
 */
#include "base/unicode/category_tables.h"

const uint32_t unicode_category_starts[] = {
"""


def runs():
    """(first code point, category) where a category begins; pairs of letters become one."""
    found = []
    for c in range(0x110000):
        kind = NAMES.index(unicodedata.category(chr(c)))
        if not found or found[-1][1] != kind:
            found.append((c, kind))
    found.append((0x110000, -1))
    i = 0
    while i < len(found) - 1:
        n = 0  # runs of one code point, upper and lower case in turn
        while (i + n < len(found) - 1 and found[i + n][1] == n % 2
               and found[i + n + 1][0] - found[i + n][0] == 1):
            n += 1
        n -= n % 2
        yield (found[i][0], PAIRS if n >= 4 else found[i][1])
        i += n if n >= 4 else 1


if unicodedata.unidata_version != "15.1.0":
    sys.exit("this needs Python 3.13: it knows Unicode 15.1")
cells = ["0x%x" % (first << 5 | kind) for first, kind in runs()]
print(HEAD, end="")
line = "   "
for cell in cells:
    if len(line) + len(cell) + 2 > 100:
        print(line)
        line = "   "
    line += " " + cell + ","
print(line + "\n};\n")
print("const size_t unicode_n_category_starts =")
print("    sizeof unicode_category_starts / sizeof *unicode_category_starts;")
