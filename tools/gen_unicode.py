#!/usr/bin/env python3
"""Make src/base/unicode/unicode_tables.c: which code points are letters, numbers and white space.

    tools/gen_unicode.py > src/base/unicode/unicode_tables.c

The table follows Unicode 15.1.  Python 3.13 carries that version; Python 3.11 and 3.12 carry 14.0
and 15.0, and ADDED holds what came after them, so the output is the same with all three.
A later Python knows characters that 15.1 does not, and is refused.
"""
import sys
import unicodedata

# Letters (L) and numbers (N) of Unicode 15.0 and 15.1 that 14.0 does not have.
# Source: UnicodeData.txt of 15.1.0 against that of 14.0.0.
ADDED = [
    (0x1123F, 0x11240, "L"),  # Khojki
    (0x11F02, 0x11F02, "L"),  # Kawi
    (0x11F04, 0x11F10, "L"),
    (0x11F12, 0x11F33, "L"),
    (0x11F50, 0x11F59, "N"),
    (0x1342F, 0x1342F, "L"),  # Egyptian hieroglyphs
    (0x13441, 0x13446, "L"),
    (0x1B132, 0x1B132, "L"),  # small kana extension
    (0x1B155, 0x1B155, "L"),
    (0x1D2C0, 0x1D2D3, "N"),  # Kaktovik numerals
    (0x1DF25, 0x1DF2A, "L"),  # Latin extended G
    (0x1E030, 0x1E06D, "L"),  # Cyrillic extended D
    (0x1E4D0, 0x1E4EB, "L"),  # Nag Mundari
    (0x1E4F0, 0x1E4F9, "N"),
    (0x2B739, 0x2B739, "L"),  # CJK extension C
    (0x2EBF0, 0x2EE5D, "L"),  # CJK extension I
    (0x31350, 0x323AF, "L"),  # CJK extension H
]

# The White_Space property (PropList.txt); unchanged since Unicode 6.3.
SPACES = [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029,
          0x202F, 0x205F, 0x3000]

OTHER, LETTER, NUMBER, SPACE = range(4)  # unicode_class in unicode_tables.h

HEAD = """\
/*
 * unicode_tables.c - letters, numbers and white space of Unicode 15.1, as ranges.
 *
 * Made by tools/gen_unicode.py; do not edit.
 */
#include "base/unicode/unicode_tables.h"

const uint32_t unicode_starts[] = {
"""


def classes():
    """Class of every code point, as a list."""
    kinds = {"L": LETTER, "N": NUMBER}
    table = [kinds.get(unicodedata.category(chr(c))[0], OTHER) for c in range(0x110000)]
    for first, last, kind in ADDED:
        for c in range(first, last + 1):
            assert table[c] in (OTHER, kinds[kind]), hex(c)
            table[c] = kinds[kind]
    for c in SPACES:
        assert table[c] == OTHER, hex(c)
        table[c] = SPACE
    return table


def main():
    if unicodedata.unidata_version not in ("14.0.0", "15.0.0", "15.1.0"):
        sys.exit(f"gen_unicode.py: this Python knows Unicode {unicodedata.unidata_version}; "
                 "use Python 3.11, 3.12 or 3.13")
    table = classes()
    starts = [c << 2 | table[c] for c in range(0x110000) if c == 0 or table[c] != table[c - 1]]
    out = [HEAD]
    for i in range(0, len(starts), 9):
        out.append("    " + " ".join(f"0x{s:06x}," for s in starts[i:i + 9]) + "\n")
    out.append("};\n\nconst size_t unicode_n_starts =\n"
               "    sizeof unicode_starts / sizeof unicode_starts[0];\n")
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
