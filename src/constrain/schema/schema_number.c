/*
 * schema_number.c - numbers: what limits, multipleOf and formats leave of them.
 *
 * What is written must mean the same to every reader, and most read numbers as doubles: these keep
 * 17 significant digits, and tell numbers of 15 apart.
 */
#include "constrain/schema/schema_internal.h"

#include "constrain/gbnf/gbnf_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DOUBLE_DIGITS = 17, EXACT_DIGITS = 15, INT64_DIGITS = 19 };
#define MAX_MULTIPLE 100000000000000000u /* ten times that fits in 64 bits */

/* ---- Rules of every grammar ----------------------------------------------------------------- */

/* Write the name of the rule of a node (+ 1). */
static void write_digits(json_out *out, uint32_t node) {
    char name[32];
    snprintf(name, sizeof name, "n-%" PRIu32, node - 1);
    json_write_text(out, name);
}

static uint32_t find_digits(schema_compiler *c, const digits_number *of, bool *fits) {
    const uint32_t node = digits_find(&c->digits, of, fits);
    if (c->digits.failed) {
        schema_fail_memory(c);
    }
    return node;
}

/* Numbers without limits.  17 digits before an exponent of 289, or one before 307, stay below
 * 1e308, which is a finite double; `single` stays below 1e38. */
void schema_write_number_rules(schema_compiler *c) {
    const digits_number any = {.n_digits = DOUBLE_DIGITS, .multiple = 1};
    const uint32_t node = find_digits(c, &any, &(bool){true});
    if (c->status != LFM_OK) return;
    json_write_text(&c->out, "integer ::= \"0\" | \"-\"? [1-9] [0-9]{0,16}\n"
                             "number ::= \"-\"? (");
    write_digits(&c->out, node);
    json_write_text(&c->out, " ([eE] [+-]? ([0-9] [0-9]? | [01] [0-9]{2} | \"2\" [0-8] [0-9]))?"
                             " | [1-9] (\".\" [0-9]{1,16})? [eE] [+-]? (\"29\" [0-9] | \"30\" "
                             "[0-7]) | \"1\" (\".\" [0-6] [0-9]{0,15})? [eE] \"+\"? \"308\")\n"
                             "single ::= \"-\"? ");
    write_digits(&c->out, node);
    json_write_text(&c->out, " ([eE] [+-]? ([01]? [0-9] | \"20\"))?\n");
}

/* ---- Limits --------------------------------------------------------------------------------- */

static schema_limit whole_limit(const char *digits) {
    schema_limit limit = {.given = true, .negative = digits[0] == '-'};
    snprintf(limit.whole, sizeof limit.whole, "%s", digits + limit.negative);
    return limit;
}

/* OpenAPI's formats of whole numbers. */
static const struct {
    const char *name, *low, *high;
} formats[] = {
    {"int8", "-128", "127"}, {"uint8", "0", "255"},
    {"int16", "-32768", "32767"}, {"uint16", "0", "65535"},
    {"int32", "-2147483648", "2147483647"}, {"uint32", "0", "4294967295"},
    {"int64", "-9223372036854775808", "9223372036854775807"},
    {"uint64", "0", "18446744073709551615"},
};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* What a format allows; false where it says nothing about limits. */
static bool limit_by_format(const json_value *format, schema_limit *low, schema_limit *high) {
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (json_is(format, formats[i].name)) {
            const schema_limit least = whole_limit(formats[i].low);
            const schema_limit most = whole_limit(formats[i].high);
            *low = low->given && schema_compare(low, &least) >= 0 ? *low : least;
            *high = high->given && schema_compare(high, &most) <= 0 ? *high : most;
            return true;
        }
    }
    return false;
}

bool schema_limits_numbers(const json_value *format) {
    schema_limit low = {0};
    schema_limit high = {0};
    return limit_by_format(format, &low, &high) || json_is(format, "float") ||
           json_is(format, "double");
}

schema_verdict schema_has_number_format(const json_value *format, const json_value *number) {
    schema_limit low = {0};
    schema_limit high = {0};
    schema_limit x;
    if (!limit_by_format(format, &low, &high)) return VERDICT_YES;
    if (!schema_read_limit(&x, number, false)) return VERDICT_OPEN;
    return !x.fraction[0] && schema_compare(&x, &low) >= 0 && schema_compare(&x, &high) <= 0
               ? VERDICT_YES : VERDICT_NO;
}

static bool is_zero(const schema_limit *limit) {
    return strcmp(limit->whole, "0") == 0 && !limit->fraction[0];
}

/* Is there no number between low and high? */
static bool is_empty(const schema_limit *low, const schema_limit *high) {
    if (!low->given || !high->given) return false;
    const int order = schema_compare(low, high);
    return order > 0 || (order == 0 && (low->exclusive || high->exclusive));
}

/* How many digits a number may have: 17, or as many as a limit; but a double must tell a fraction
 * from a limit that it may not reach. */
static unsigned count_digits(const schema_limit *low, const schema_limit *high, bool whole) {
    const schema_limit *limits[2] = {low, high};
    size_t n = DOUBLE_DIGITS;
    for (size_t i = 0; i < 2; i++) {
        const size_t len = limits[i]->given ? strlen(limits[i]->whole) : 0;
        const bool least = (i == 0) != limits[i]->negative; /* every number has as many digits */
        n = len > n && ((whole && len <= INT64_DIGITS && !limits[i]->exclusive) || least) ? len : n;
    }
    const bool close = (low->given && low->exclusive && !is_zero(low)) ||
                       (high->given && high->exclusive && !is_zero(high));
    return !whole && close && n == DOUBLE_DIGITS ? EXACT_DIGITS : (unsigned)n;
}

/* ---- Multiples ------------------------------------------------------------------------------ */

/* multiple / 10^scale. */
typedef struct {
    uint64_t multiple;
    unsigned scale;
} fraction;

static uint64_t common_divisor(uint64_t a, uint64_t b) {
    while (b) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool scale_up(fraction *f, unsigned scale) {
    for (; f->scale < scale; f->scale++) {
        if (f->multiple > MAX_MULTIPLE / 10) return false;
        f->multiple *= 10;
    }
    return true;
}

static bool read_multiple(schema_compiler *c, fraction *f, const json_value *v) {
    schema_limit digits;
    if (v->kind != JSON_NUMBER || v->number <= 0) {
        schema_fail(c, v, "multipleOf must be a number above 0");
        return false;
    }
    if (!schema_read_limit(&digits, v, false)) return false;
    *f = (fraction){.scale = (unsigned)strlen(digits.fraction)};
    const char *const parts[2] = {digits.whole, digits.fraction};
    for (size_t i = 0; i < 2; i++) {
        for (const char *p = parts[i]; *p && f->multiple <= MAX_MULTIPLE; p++) {
            f->multiple = 10 * f->multiple + (uint64_t)(*p - '0');
        }
    }
    return f->multiple <= MAX_MULTIPLE;
}

/* What all multipleOf of the set say together: *all stays at multiple 0 when there is none. */
static void read_multiples(schema_compiler *c, const schema_facts *f, fraction *all) {
    for (size_t i = 0; i < f->n && c->status == LFM_OK; i++) {
        const json_value *v = json_get(f->items[i].node, "multipleOf");
        fraction one = {0};
        if (!v) continue;
        bool fits = read_multiple(c, &one, v);
        if (fits && all->multiple) {
            fits = scale_up(&one, all->scale) && scale_up(all, one.scale);
            one.multiple /= fits ? common_divisor(one.multiple, all->multiple) : 1;
            fits = fits && one.multiple <= MAX_MULTIPLE / all->multiple;
            one.multiple *= fits ? all->multiple : 1;
        }
        if (!fits) {
            schema_fail(c, v, "multipleOf has too many digits");
        }
        *all = one;
    }
}

/* The limit divided by 10^zeros; false when that has too many digits. */
static bool divide_limit(schema_limit *limit, size_t zeros) {
    const size_t len = strlen(limit->fraction);
    if (!limit->given || is_zero(limit)) return true;
    if (len + zeros > MAX_DIGITS) return false;
    for (size_t i = 0; i < zeros; i++) {
        const size_t n = strlen(limit->whole);
        memmove(limit->fraction + 1, limit->fraction, strlen(limit->fraction) + 1);
        limit->fraction[0] = limit->whole[n - 1];
        limit->whole[n - 1] = n > 1 ? '\0' : '0';
    }
    for (size_t i = len + zeros; i > 0 && limit->fraction[i - 1] == '0'; i--) {
        limit->fraction[i - 1] = '\0';
    }
    return true;
}

/* Write numbers of one sign that end with so many zeros: magnitudes from `low` to `high`. */
static void write_magnitudes(schema_compiler *c, const schema_facts *f, digits_number of,
                             schema_limit low, schema_limit high, size_t zeros, size_t *n,
                             const char *sign) {
    static const char end[] = "00000000000000000";
    bool fits = divide_limit(&low, zeros) && divide_limit(&high, zeros);
    uint32_t node = 0;
    of.low = (digits_limit){low.given, low.exclusive, low.whole, low.fraction};
    of.high = (digits_limit){high.given, high.exclusive, high.whole, high.fraction};
    of.n_digits = of.n_digits > zeros ? of.n_digits - (unsigned)zeros : 1;
    if (fits) {
        node = find_digits(c, &of, &fits);
    }
    while (!fits && c->status == LFM_OK && of.n_digits > 8) {
        of.n_digits -= 3; /* with many remainders, fewer digits need fewer rules */
        node = find_digits(c, &of, &fits);
    }
    if (!fits) {
        schema_fail(c, f->items[0].node,
                    "multipleOf needs too many rules here; closer limits would help");
    }
    if (node) {
        json_write_text(&c->out, (*n)++ > 0 ? " | " : "");
        json_write_text(&c->out, sign);
        write_digits(&c->out, node);
        if (zeros > 0) {
            json_write_text(&c->out, " ");
            gbnf_write_literal(&c->out, end, zeros);
        }
    }
}

/* Write all numbers from `low` to `high`. */
static void write_between(schema_compiler *c, const schema_facts *f, digits_number of,
                          const schema_limit *low, const schema_limit *high) {
    const schema_limit above_zero = {.given = true, .exclusive = true, .whole = "0"};
    const schema_limit none = {0};
    const bool below = !low->given || low->negative; /* negative numbers */
    size_t zeros = 0;
    size_t n = 0;
    for (; of.scale == 0 && of.multiple % 10 == 0; zeros++) {
        of.multiple /= 10;
    }
    if (!high->given || !high->negative) {
        schema_limit least = below ? none : *low;
        if (zeros > 0 && (below || is_zero(low))) { /* a zero ends with no other zeros */
            const bool zero = (below || !low->exclusive) &&
                              (!high->given || !is_zero(high) || !high->exclusive);
            json_write_text(&c->out, zero ? "\"0\"" : "never");
            n++;
            least = above_zero;
        }
        write_magnitudes(c, f, of, least, *high, zeros, &n, "");
    }
    if (below) { /* zero is written without a sign */
        const schema_limit least = high->given && high->negative ? *high : above_zero;
        write_magnitudes(c, f, of, least, low->given ? *low : none, zeros, &n, "\"-\" ");
    }
    if (n == 0) {
        json_write_text(&c->out, "never");
    }
}

void schema_write_number(schema_compiler *c, const schema_facts *f, bool whole) {
    schema_limit low = f->low;
    schema_limit high = f->high;
    fraction all = {0};
    whole = limit_by_format(f->number_format, &low, &high) || whole;
    read_multiples(c, f, &all);
    if (c->status != LFM_OK) return;
    if (!low.given && !high.given && !all.multiple) {
        json_write_text(&c->out, whole                         ? "integer"
                                 : json_is(f->number_format, "float") ? "single"
                                                               : "number");
    } else if (is_empty(&low, &high)) {
        json_write_text(&c->out, "never");
    } else {
        digits_number of = {
            .whole = whole || (all.multiple && all.scale == 0),
            .multiple_given = all.multiple > 0,
            .multiple = all.multiple ? all.multiple : 1, .scale = all.scale,
        };
        of.n_digits = count_digits(&low, &high, of.whole);
        write_between(c, f, of, &low, &high);
    }
}
