/*
 * properties.c - general categories and the common scripts of Unicode as ranges.
 */
#include "constrain/regular/properties.h"

#include "base/unicode/category_tables.h"

#include <string.h>

/* ---- Scripts: Scripts.txt of Unicode -------------------------------------------------------- */

static const char_range latin[] = {
    {0x41, 0x5a}, {0x61, 0x7a}, {0xaa, 0xaa}, {0xba, 0xba}, {0xc0, 0xd6}, {0xd8, 0xf6},
    {0xf8, 0x2b8}, {0x2e0, 0x2e4}, {0x1d00, 0x1d25}, {0x1d2c, 0x1d5c}, {0x1d62, 0x1d65},
    {0x1d6b, 0x1d77}, {0x1d79, 0x1dbe}, {0x1e00, 0x1eff}, {0x2071, 0x2071}, {0x207f, 0x207f},
    {0x2090, 0x209c}, {0x212a, 0x212b}, {0x2132, 0x2132}, {0x214e, 0x214e}, {0x2160, 0x2188},
    {0x2c60, 0x2c7f}, {0xa722, 0xa787}, {0xa78b, 0xa7dc}, {0xa7f1, 0xa7ff}, {0xab30, 0xab5a},
    {0xab5c, 0xab64}, {0xab66, 0xab69}, {0xfb00, 0xfb06}, {0xff21, 0xff3a}, {0xff41, 0xff5a},
    {0x10780, 0x10785}, {0x10787, 0x107b0}, {0x107b2, 0x107ba}, {0x1df00, 0x1df1e},
    {0x1df25, 0x1df2a},
};
static const char_range greek[] = {
    {0x370, 0x373}, {0x375, 0x377}, {0x37a, 0x37d}, {0x37f, 0x37f}, {0x384, 0x384}, {0x386, 0x386},
    {0x388, 0x38a}, {0x38c, 0x38c}, {0x38e, 0x3a1}, {0x3a3, 0x3e1}, {0x3f0, 0x3ff},
    {0x1d26, 0x1d2a}, {0x1d5d, 0x1d61}, {0x1d66, 0x1d6a}, {0x1dbf, 0x1dbf}, {0x1f00, 0x1f15},
    {0x1f18, 0x1f1d}, {0x1f20, 0x1f45}, {0x1f48, 0x1f4d}, {0x1f50, 0x1f57}, {0x1f59, 0x1f59},
    {0x1f5b, 0x1f5b}, {0x1f5d, 0x1f5d}, {0x1f5f, 0x1f7d}, {0x1f80, 0x1fb4}, {0x1fb6, 0x1fc4},
    {0x1fc6, 0x1fd3}, {0x1fd6, 0x1fdb}, {0x1fdd, 0x1fef}, {0x1ff2, 0x1ff4}, {0x1ff6, 0x1ffe},
    {0x2126, 0x2126}, {0xab65, 0xab65}, {0x10140, 0x1018e}, {0x101a0, 0x101a0}, {0x1d200, 0x1d245},
};
static const char_range cyrillic[] = {
    {0x400, 0x484}, {0x487, 0x52f}, {0x1c80, 0x1c8a}, {0x1d2b, 0x1d2b}, {0x1d78, 0x1d78},
    {0x2de0, 0x2dff}, {0xa640, 0xa69f}, {0xfe2e, 0xfe2f}, {0x1e030, 0x1e06d}, {0x1e08f, 0x1e08f},
};
static const char_range hebrew[] = {
    {0x591, 0x5c7}, {0x5d0, 0x5ea}, {0x5ef, 0x5f4}, {0xfb1d, 0xfb36}, {0xfb38, 0xfb3c},
    {0xfb3e, 0xfb3e}, {0xfb40, 0xfb41}, {0xfb43, 0xfb44}, {0xfb46, 0xfb4f},
};
static const char_range arabic[] = {
    {0x600, 0x604}, {0x606, 0x60b}, {0x60d, 0x61a}, {0x61c, 0x61e}, {0x620, 0x63f}, {0x641, 0x64a},
    {0x656, 0x66f}, {0x671, 0x6dc}, {0x6de, 0x6ff}, {0x750, 0x77f}, {0x870, 0x891}, {0x897, 0x8e1},
    {0x8e3, 0x8ff}, {0xfb50, 0xfd3d}, {0xfd40, 0xfdcf}, {0xfdf0, 0xfdff}, {0xfe70, 0xfe74},
    {0xfe76, 0xfefc}, {0x10e60, 0x10e7e}, {0x10ec2, 0x10ec7}, {0x10ed0, 0x10ed8},
    {0x10efa, 0x10eff}, {0x1ee00, 0x1ee03}, {0x1ee05, 0x1ee1f}, {0x1ee21, 0x1ee22},
    {0x1ee24, 0x1ee24}, {0x1ee27, 0x1ee27}, {0x1ee29, 0x1ee32}, {0x1ee34, 0x1ee37},
    {0x1ee39, 0x1ee39}, {0x1ee3b, 0x1ee3b}, {0x1ee42, 0x1ee42}, {0x1ee47, 0x1ee47},
    {0x1ee49, 0x1ee49}, {0x1ee4b, 0x1ee4b}, {0x1ee4d, 0x1ee4f}, {0x1ee51, 0x1ee52},
    {0x1ee54, 0x1ee54}, {0x1ee57, 0x1ee57}, {0x1ee59, 0x1ee59}, {0x1ee5b, 0x1ee5b},
    {0x1ee5d, 0x1ee5d}, {0x1ee5f, 0x1ee5f}, {0x1ee61, 0x1ee62}, {0x1ee64, 0x1ee64},
    {0x1ee67, 0x1ee6a}, {0x1ee6c, 0x1ee72}, {0x1ee74, 0x1ee77}, {0x1ee79, 0x1ee7c},
    {0x1ee7e, 0x1ee7e}, {0x1ee80, 0x1ee89}, {0x1ee8b, 0x1ee9b}, {0x1eea1, 0x1eea3},
    {0x1eea5, 0x1eea9}, {0x1eeab, 0x1eebb}, {0x1eef0, 0x1eef1},
};
static const char_range devanagari[] = {
    {0x900, 0x950}, {0x955, 0x963}, {0x966, 0x97f}, {0xa8e0, 0xa8ff}, {0x11b00, 0x11b09},
};
static const char_range thai[] = {
    {0xe01, 0xe3a}, {0xe40, 0xe5b},
};
static const char_range hangul[] = {
    {0x1100, 0x11ff}, {0x302e, 0x302f}, {0x3131, 0x318e}, {0x3200, 0x321e}, {0x3260, 0x327e},
    {0xa960, 0xa97c}, {0xac00, 0xd7a3}, {0xd7b0, 0xd7c6}, {0xd7cb, 0xd7fb}, {0xffa0, 0xffbe},
    {0xffc2, 0xffc7}, {0xffca, 0xffcf}, {0xffd2, 0xffd7}, {0xffda, 0xffdc},
};
static const char_range hiragana[] = {
    {0x3041, 0x3096}, {0x309d, 0x309f}, {0x1b001, 0x1b11f}, {0x1b132, 0x1b132}, {0x1b150, 0x1b152},
    {0x1f200, 0x1f200},
};
static const char_range katakana[] = {
    {0x30a1, 0x30fa}, {0x30fd, 0x30ff}, {0x31f0, 0x31ff}, {0x32d0, 0x32fe}, {0x3300, 0x3357},
    {0xff66, 0xff6f}, {0xff71, 0xff9d}, {0x1aff0, 0x1aff3}, {0x1aff5, 0x1affb}, {0x1affd, 0x1affe},
    {0x1b000, 0x1b000}, {0x1b120, 0x1b122}, {0x1b155, 0x1b155}, {0x1b164, 0x1b167},
};
static const char_range han[] = {
    {0x2e80, 0x2e99}, {0x2e9b, 0x2ef3}, {0x2f00, 0x2fd5}, {0x3005, 0x3005}, {0x3007, 0x3007},
    {0x3021, 0x3029}, {0x3038, 0x303b}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff}, {0xf900, 0xfa6d},
    {0xfa70, 0xfad9}, {0x16fe2, 0x16fe3}, {0x16ff0, 0x16ff6}, {0x20000, 0x2a6df},
    {0x2a700, 0x2b81d}, {0x2b820, 0x2cead}, {0x2ceb0, 0x2ebe0}, {0x2ebf0, 0x2ee5d},
    {0x2f800, 0x2fa1d}, {0x30000, 0x3134a}, {0x31350, 0x33479},
};

#define SCRIPT(name, ranges) {name, ranges, sizeof ranges / sizeof *ranges}
static const struct {
    const char *name;
    const char_range *ranges;
    size_t n;
} scripts[] = {
    SCRIPT("Latin", latin), SCRIPT("Greek", greek), SCRIPT("Cyrillic", cyrillic),
    SCRIPT("Hebrew", hebrew), SCRIPT("Arabic", arabic), SCRIPT("Devanagari", devanagari),
    SCRIPT("Thai", thai), SCRIPT("Hangul", hangul), SCRIPT("Hiragana", hiragana),
    SCRIPT("Katakana", katakana), SCRIPT("Han", han),
};

/* ---- General categories --------------------------------------------------------------------- */

#define BIT(name) (1u << UNICODE_##name)
#define CASED (BIT(LU) | BIT(LL) | BIT(LT))
#define LETTERS (CASED | BIT(LM) | BIT(LO))
#define MARKS (BIT(MN) | BIT(MC) | BIT(ME))
#define NUMBERS (BIT(ND) | BIT(NL) | BIT(NO))
#define PUNCTUATION                                                                                \
    (BIT(PC) | BIT(PD) | BIT(PS) | BIT(PE) | BIT(PI) | BIT(PF) | BIT(PO))
#define SYMBOLS (BIT(SM) | BIT(SC) | BIT(SK) | BIT(SO))
#define SEPARATORS (BIT(ZS) | BIT(ZL) | BIT(ZP))

static const struct {
    const char *name, *long_name;
    uint32_t categories;
} categories[] = {
    {"L", "Letter", LETTERS}, {"LC", "Cased_Letter", CASED}, {"Lu", "Uppercase_Letter", BIT(LU)},
    {"Ll", "Lowercase_Letter", BIT(LL)}, {"Lt", "Titlecase_Letter", BIT(LT)},
    {"Lm", "Modifier_Letter", BIT(LM)}, {"Lo", "Other_Letter", BIT(LO)}, {"M", "Mark", MARKS},
    {"Mn", "Nonspacing_Mark", BIT(MN)}, {"Mc", "Spacing_Mark", BIT(MC)},
    {"Me", "Enclosing_Mark", BIT(ME)}, {"N", "Number", NUMBERS}, {"Nd", "Decimal_Number", BIT(ND)},
    {"Nl", "Letter_Number", BIT(NL)}, {"No", "Other_Number", BIT(NO)},
    {"P", "Punctuation", PUNCTUATION}, {"Pc", "Connector_Punctuation", BIT(PC)},
    {"Pd", "Dash_Punctuation", BIT(PD)}, {"Ps", "Open_Punctuation", BIT(PS)},
    {"Pe", "Close_Punctuation", BIT(PE)}, {"Pi", "Initial_Punctuation", BIT(PI)},
    {"Pf", "Final_Punctuation", BIT(PF)}, {"Po", "Other_Punctuation", BIT(PO)},
    {"S", "Symbol", SYMBOLS}, {"Sm", "Math_Symbol", BIT(SM)}, {"Sc", "Currency_Symbol", BIT(SC)},
    {"Sk", "Modifier_Symbol", BIT(SK)}, {"So", "Other_Symbol", BIT(SO)},
    {"Z", "Separator", SEPARATORS}, {"Zs", "Space_Separator", BIT(ZS)},
    {"Zl", "Line_Separator", BIT(ZL)}, {"Zp", "Paragraph_Separator", BIT(ZP)},
    {"Cc", "Control", BIT(CC)}, {"Cf", "Format", BIT(CF)}, {"Co", "Private_Use", BIT(CO)},
};

/* The ranges of characters in these categories. */
static size_t of_categories(char_range *ranges, size_t cap, uint32_t wanted) {
    size_t n = 0;
    for (size_t i = 0; i < unicode_n_category_starts; i++) {
        const uint32_t category = unicode_category_starts[i] & 31;
        const uint32_t end = i + 1 < unicode_n_category_starts ? unicode_category_starts[i + 1] >> 5
                                                               : 0x110000;
        const bool in_turn = category == UNICODE_LU_LL;
        uint32_t lo = unicode_category_starts[i] >> 5;
        for (uint32_t turn = 0; lo < end; turn ^= 1) {
            const uint32_t hi = in_turn ? lo : end - 1;
            if (wanted >> (in_turn ? UNICODE_LU + turn : category) & 1) {
                if (n > 0 && ranges[n - 1].hi + 1 == lo) {
                    ranges[n - 1].hi = hi;
                } else if (n == cap) {
                    return 0;
                } else {
                    ranges[n++] = (char_range){lo, hi};
                }
            }
            lo = hi + 1;
        }
    }
    return n;
}

/* ---- Names ---------------------------------------------------------------------------------- */

static bool is_named(const char *name, size_t n, const char *other) {
    return strlen(other) == n && memcmp(name, other, n) == 0;
}

static bool skip(const char **name, size_t *n, const char *prefix) {
    const size_t len = strlen(prefix);
    if (*n < len || memcmp(*name, prefix, len) != 0) return false;
    *name += len;
    *n -= len;
    return true;
}

size_t regex_property(char_range *ranges, size_t cap, const char *name, size_t n, bool negated) {
    if (skip(&name, &n, "Script=") || skip(&name, &n, "sc=")) {
        for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
            if (!is_named(name, n, scripts[i].name) || scripts[i].n + 2 > cap) continue;
            memcpy(ranges, scripts[i].ranges, scripts[i].n * sizeof *ranges);
            return negated ? charset_normalise(ranges, scripts[i].n, true) : scripts[i].n;
        }
        return 0;
    }
    if (!skip(&name, &n, "General_Category=")) {
        skip(&name, &n, "gc=");
    }
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
        if (is_named(name, n, categories[i].name) || is_named(name, n, categories[i].long_name)) {
            /* A later Unicode decides about characters that are unassigned. */
            return of_categories(ranges, cap,
                                 negated ? ~categories[i].categories & ~(BIT(CN) | BIT(CS))
                                         : categories[i].categories);
        }
    }
    return 0;
}
