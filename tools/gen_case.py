#!/usr/bin/env python3
"""Make src/base/unicode/case_tables.c: letters with case, and what they become in the other cases.

    tools/gen_case.py > src/base/unicode/case_tables.c

The tables follow Unicode 15.1, as those of gen_unicode.py do.  Python 3.13 carries that version;
Python 3.11 and 3.12 carry 14.0 and 15.0, and ADDED holds what came after 14.0, so the output is the
same with all three.  A later Python knows characters that 15.1 does not, and is refused.

Everything is asked of Python's own strings, so the tables agree with them.
"""
import sys
import unicodedata

UNCASED, LOWER, UPPER, TITLE, PAIRS = range(5)  # unicode_case_kind in case_tables.h
NAMES = ["NONE", "LOWER", "UPPER", "TITLE", "PAIRS"]

# What 15.0 says of characters that 14.0 does not have, or has without a case: whether they are lower
# case, and whether they are ignored around a final sigma.  No mapping changed; 15.1 added nothing.
# Source: DerivedCoreProperties.txt of 15.1.0 against that of 14.0.0.
ADDED = [
    (0x00ECE, 0x00ECE, UNCASED, True),  # Lao
    (0x010FC, 0x010FC, LOWER, True),    # modifier letters, now lower case
    (0x0A7F2, 0x0A7F4, LOWER, True),
    (0x0AB69, 0x0AB69, LOWER, True),
    (0x10EFD, 0x10EFF, UNCASED, True),  # Arabic extended C
    (0x11241, 0x11241, UNCASED, True),  # Khojki
    (0x11F00, 0x11F01, UNCASED, True),  # Kawi
    (0x11F36, 0x11F3A, UNCASED, True),
    (0x11F40, 0x11F40, UNCASED, True),
    (0x11F42, 0x11F42, UNCASED, True),
    (0x13439, 0x13440, UNCASED, True),  # Egyptian hieroglyphs
    (0x13447, 0x13455, UNCASED, True),
    (0x1DF25, 0x1DF2A, LOWER, False),   # Latin extended G
    (0x1E030, 0x1E06D, LOWER, True),    # Cyrillic extended D
    (0x1E08F, 0x1E08F, UNCASED, True),
    (0x1E4EB, 0x1E4EF, UNCASED, True),  # Nag Mundari
]

HEAD = """\
/*
 * case_tables.c - the letters of Unicode 15.1 that have case, as ranges.
 *
 * Made by tools/gen_case.py; do not edit.
 */
#include "base/unicode/case_tables.h"

#define NONE UNICODE_UNCASED
#define LOWER UNICODE_LOWER
#define UPPER UNICODE_UPPER
#define TITLE UNICODE_TITLE
#define PAIRS UNICODE_PAIRS

/* first, last, kind, ignorable, special, and what to add for upper, lower and title case */
const unicode_case_range unicode_case_ranges[] = {
"""

FOOT = """\
};

const size_t unicode_n_case_ranges =
    sizeof unicode_case_ranges / sizeof unicode_case_ranges[0];

/* upper, lower and title case */
const unicode_special_case unicode_special_cases[] = {
"""

NOTHING = (UNCASED, False, 0, 0, 0, 0)


def kind_of(char):
    if char.islower():
        return LOWER
    if char.isupper():
        return UPPER
    return TITLE if unicodedata.category(char) == "Lt" else UNCASED


def is_ignorable(char):
    """Case_Ignorable: a sigma after it is final when there is a letter before it."""
    is_final = ("A" + char + "\u03a3").lower().endswith("\u03c2")
    is_letter = (char + "\u03a3").lower().endswith("\u03c2")
    return is_final and not is_letter


def forms(char):
    return char.upper(), char.lower(), char.title()


# Characters that become several.
SPECIAL = [c for c in map(chr, range(0x110000)) if max(map(len, forms(c))) > 1]


def properties():
    """(kind, ignorable, special, upper, lower, title) of every code point, as a list."""
    number = {c: 1 + i for i, c in enumerate(SPECIAL)}
    table = []
    for c in map(chr, range(0x110000)):
        deltas = [ord(form) - ord(c) if len(form) == 1 else 0 for form in forms(c)]
        table.append((kind_of(c), is_ignorable(c), number.get(c, 0), *deltas))
    for first, last, kind, ignorable in ADDED:
        for c in range(first, last + 1):
            new = (kind, ignorable, 0, 0, 0, 0)
            assert table[c] in (NOTHING, (UNCASED, True, 0, 0, 0, 0), new), hex(c)
            table[c] = new
    assert all(p[0] != UNCASED or not any(p[2:]) for p in table), "only letters with case change"
    return table


def is_pair(table, c):
    """An upper-case letter, followed by its lower-case letter?"""
    return table[c:c + 2] == [(UPPER, False, 0, 0, 1, 0), (LOWER, False, 0, -1, 0, -1)]


def ranges(table):
    c = 0
    while c < len(table):
        first = c
        if is_pair(table, c):
            while is_pair(table, c):
                c += 2
            yield first, c - 1, (PAIRS, False, 0, 0, 0, 0)
            continue
        while c < len(table) and table[c] == table[first] and not is_pair(table, c):
            c += 1
        if table[first] != NOTHING:
            yield first, c - 1, table[first]


def several(form):
    """A form of several characters as an initialiser; single ones are in the ranges."""
    return "{" + (", ".join(f"0x{ord(c):04x}" for c in form) if len(form) > 1 else "0") + "}"


def in_lines(cells):
    """As many on a line as fit into 100 columns."""
    line = ""
    for cell in cells:
        if line and len(line) + 1 + len(cell) > 96:
            yield f"    {line}\n"
            line = ""
        line += (" " if line else "") + cell
    yield f"    {line}\n"


def main():
    if unicodedata.unidata_version not in ("14.0.0", "15.0.0", "15.1.0"):
        sys.exit(f"gen_case.py: this Python knows Unicode {unicodedata.unidata_version}; "
                 "use Python 3.11, 3.12 or 3.13")
    out = [HEAD]
    out += in_lines(f"{{0x{first:05x}, 0x{last:05x}, {NAMES[kind]}, {int(ignorable)}, {special}, "
                    f"{{{upper}, {lower}, {title}}}}},"
                    for first, last, (kind, ignorable, special, upper, lower, title)
                    in ranges(properties()))
    out.append(FOOT)
    out += in_lines("{" + ", ".join(map(several, forms(c))) + "}," for c in SPECIAL)
    out.append("};\n")
    sys.stdout.write("".join(out))


if __name__ == "__main__":
    main()
