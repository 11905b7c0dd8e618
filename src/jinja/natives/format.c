/*
 * format.c - "%s" % x and "{}".format(x).
 */
#include "jinja/natives/native.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* How to write one value. */
typedef struct {
    char fill, align; /* align: < > ^ = or 0 */
    char sign;        /* + or blank, 0: only minus */
    bool alternative; /* # */
    int width;
    int precision; /* -1 = none */
    char type;     /* s r d i u f F e E g G x X o c %, or 0 */
} format_spec;

enum { MAX_WIDTH = JINJA_MAX_OUTPUT + 1, MAX_PRECISION = 100 }; /* what is wider is refused */

static void add_fill(run *r, buffer *out, const format_spec *s, int64_t n) {
    char fill[64];
    memset(fill, s->fill, sizeof fill);
    run_charge(r, (size_t)n / sizeof fill);
    for (; n > 0 && !r->failed; n -= (int64_t)sizeof fill) {
        buffer_add_data(r, out, fill, (size_t)n < sizeof fill ? (size_t)n : sizeof fill);
    }
}

static void add_padded(run *r, buffer *out, text t, const format_spec *s, char align) {
    const int64_t n = (int64_t)text_chars(r, t);
    const int64_t pad = s->width > n ? s->width - n : 0;
    const int64_t before = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
    size_t head = 0; /* a sign, which stays in front of the padding */
    if (align == '=' && t.len > 0 && text_byte_in(t.ptr[0], "+- ")) {
        head = 1;
    }
    buffer_add(r, out, text_part(t, 0, head));
    add_fill(r, out, s, before);
    buffer_add(r, out, text_part(t, head, t.len - head));
    add_fill(r, out, s, pad - before);
}

static void format_int(run *r, buffer *out, value v, const format_spec *s) {
    char word[MAX_PRECISION + 60];
    const uint64_t size = v.integer < 0 ? 0 - (uint64_t)v.integer : (uint64_t)v.integer;
    const char sign = v.integer < 0 ? '-' : s->sign;
    int n = sign ? snprintf(word, sizeof word, "%c", sign) : 0;
    const char *prefix = !s->alternative  ? ""
                         : s->type == 'x' ? "0x"
                         : s->type == 'X' ? "0X"
                         : s->type == 'o' ? "0o"
                                          : "";
    n += snprintf(word + n, sizeof word - (size_t)n, "%s", prefix);
    char plain[32];
    const int n_plain = s->type == 'x'   ? snprintf(plain, sizeof plain, "%" PRIx64, size)
                        : s->type == 'X' ? snprintf(plain, sizeof plain, "%" PRIX64, size)
                        : s->type == 'o' ? snprintf(plain, sizeof plain, "%" PRIo64, size)
                                         : snprintf(plain, sizeof plain, "%" PRIu64, size);
    for (int i = n_plain; i < s->precision; i++) {
        word[n++] = '0';
    }
    memcpy(word + n, plain, (size_t)n_plain);
    const size_t len = (size_t)n + (size_t)n_plain;
    add_padded(r, out, text_data(word, len), s, s->align ? s->align : '>');
}

static void format_real(run *r, buffer *out, double d, const format_spec *s) {
    char pattern[16];
    char word[512]; /* the largest double has 309 digits before the point */
    const bool percent = s->type == '%';
    const int precision = s->precision < 0 ? 6 : s->precision;
    snprintf(pattern, sizeof pattern, "%%%s%s.%d%c",
             s->sign == '+' ? "+"
             : s->sign      ? " "
                            : "",
             s->alternative ? "#" : "", precision, percent ? 'f' : s->type);
    /* The pattern is made of the constants above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    int n = snprintf(word, sizeof word - 1, pattern, percent ? 100 * d : d);
#pragma GCC diagnostic pop
    run_charge(r, 80); /* digits of doubles are slow */
    if (percent) {
        word[n++] = '%';
    }
    add_padded(r, out, text_data(word, (size_t)n), s, s->align ? s->align : '>');
}

static void format_value(run *r, buffer *out, value v, const format_spec *s) {
    if (r->failed) return;
    if (s->type == 's' || s->type == 'r' || s->type == 0) {
        buffer *repr = run_get(r, sizeof *repr);
        if (!repr) return;
        text t = s->type == 'r' ? (value_repr(r, repr, v), buffer_text(repr)) : value_str(r, v);
        if (s->precision >= 0) {
            t = text_part(t, 0, text_offset(r, t, (size_t)s->precision));
        }
        const char align = value_is_number(v) && v.kind != VALUE_BOOL ? '>' : '<';
        add_padded(r, out, t, s, s->align ? s->align : align);
    } else if (s->precision > MAX_PRECISION) {
        run_fail(r, NULL, "a number is formatted with %d digits at most", MAX_PRECISION);
    } else if (v.kind == VALUE_BIG && s->precision < 0 && text_byte_in(s->type, "diu")) {
        const bool needs_sign = s->sign && v.string.ptr[0] != '-';
        const text sign = text_data(&s->sign, needs_sign);
        add_padded(r, out, text_join(r, sign, v.string), s, s->align ? s->align : '>');
    } else if (text_byte_in(s->type, "diuxXo")) {
        if (v.kind == VALUE_FLOAT && text_byte_in(s->type, "diu") && fabs(v.real) < 0x1p62) {
            v = value_int((int64_t)v.real);
        }
        argument_int(r, v, "the value of an integer format");
        if (!r->failed) format_int(r, out, v, s);
    } else if (text_byte_in(s->type, "fFeEgG%")) {
        if (v.kind != VALUE_FLOAT) {
            v = value_float((double)argument_int(r, v, "the value of a number format"));
        }
        if (!r->failed) format_real(r, out, v.real, s);
    } else {
        run_fail(r, NULL, "the format '%c' is not supported", s->type);
    }
}

static size_t read_number(text t, size_t at, int *out) {
    *out = 0;
    while (at < t.len && t.ptr[at] >= '0' && t.ptr[at] <= '9') {
        *out = *out < MAX_WIDTH ? *out * 10 + (t.ptr[at] - '0') : *out;
        at++;
    }
    *out = *out < MAX_WIDTH ? *out : MAX_WIDTH;
    return at;
}

/* ---- "%s" % x ------------------------------------------------------------------------------- */

/* The specification behind a %; returns the place behind it.  *key: (name), if there is one. */
static size_t read_percent(run *r, text f, size_t at, format_spec *s, text *key) {
    *s = (format_spec){.fill = ' ', .precision = -1, .align = '>'};
    *key = (text){0};
    if (at < f.len && f.ptr[at] == '(') {
        const size_t end = text_find(r, f, text_word(")"), at);
        if (end == SIZE_MAX) return f.len;
        *key = text_part(f, at + 1, end - at - 1);
        at = end + 1;
    }
    for (; at < f.len && text_byte_in(f.ptr[at], "-+ #0"); at++) {
        const char c = f.ptr[at];
        s->align = c == '-' ? '<' : c == '0' && s->align != '<' ? '=' : s->align;
        s->fill = c == '0' && s->align == '=' ? '0' : s->fill;
        s->sign = c == '+' || (c == ' ' && !s->sign) ? c : s->sign;
        s->alternative = s->alternative || c == '#';
    }
    at = read_number(f, at, &s->width);
    if (at < f.len && f.ptr[at] == '.') {
        at = read_number(f, at + 1, &s->precision);
    }
    s->type = at < f.len ? f.ptr[at] : '\0';
    if (s->fill == '0' && text_byte_in(s->type, "sr")) {
        s->fill = ' ';
        s->align = '>';
    }
    return at + 1;
}

value native_percent(run *r, value format, value args) {
    const text f = format.string;
    buffer *out = run_get(r, sizeof *out);
    const bool tuple = args.kind == VALUE_TUPLE;
    const uint32_t n = tuple ? args.n : 1;
    uint32_t used = 0;
    bool by_key = false;
    size_t begin = 0;
    for (size_t at = 0; !r->failed && (at = text_find(r, f, text_word("%"), at)) != SIZE_MAX;) {
        buffer_add(r, out, text_part(f, begin, at - begin));
        format_spec s;
        text key;
        at = read_percent(r, f, at + 1, &s, &key);
        begin = at < f.len ? at : f.len;
        run_charge(r, 1);
        if (s.type == '\0') return run_fail(r, NULL, "a format ends too early");
        if (s.type == '%') {
            buffer_add_word(r, out, "%");
        } else if (key.ptr) {
            by_key = true;
            const value *v =
                args.kind == VALUE_DICT ? dict_find(r, args.members, value_string(key)) : NULL;
            if (!v) return run_fail(r, NULL, "a format names a value that is not there");
            format_value(r, out, *v, &s);
        } else {
            if (used == n) return run_fail(r, NULL, "there are fewer values than formats");
            format_value(r, out, tuple ? args.items->items[used] : args, &s);
            used++;
        }
    }
    if (r->failed) return value_none;
    const bool surplus = used < n && !by_key && args.kind != VALUE_DICT && args.kind != VALUE_LIST;
    if (surplus) return run_fail(r, NULL, "there are more values than formats");
    buffer_add(r, out, text_part(f, begin, f.len - begin));
    return value_string(buffer_text(out));
}

/* ---- "{}".format(x) ------------------------------------------------------------------------- */

/* [[fill]align][sign][#][0][width][.precision][type] */
static bool read_spec(text t, format_spec *s) {
    size_t at = 0;
    *s = (format_spec){.fill = ' ', .precision = -1};
    if (t.len > 1 && text_byte_in(t.ptr[1], "<>^=")) {
        s->fill = t.ptr[0];
        s->align = t.ptr[1];
        at = 2;
    } else if (t.len > 0 && text_byte_in(t.ptr[0], "<>^=")) {
        s->align = t.ptr[0];
        at = 1;
    }
    if (at < t.len && text_byte_in(t.ptr[at], "+- ")) {
        s->sign = t.ptr[at] == '-' ? '\0' : t.ptr[at];
        at++;
    }
    if (at < t.len && t.ptr[at] == '#') {
        s->alternative = true;
        at++;
    }
    if (at < t.len && t.ptr[at] == '0' && !s->align) {
        s->fill = '0';
        s->align = '=';
    }
    at = read_number(t, at, &s->width);
    if (at < t.len && t.ptr[at] == '.') {
        at = read_number(t, at + 1, &s->precision);
    }
    if (at < t.len) {
        s->type = t.ptr[at++];
    }
    return at == t.len;
}

/* The value that a field names: {}, {0}, {name}. */
static value field_value(run *r, text name, const arguments *a, size_t *next) {
    const size_t n = a->n - a->n_keywords;
    int number = 0;
    value v = {.kind = VALUE_ABSENT};
    run_charge(r, a->n_keywords / 8);
    if (name.len == 0 && *next < n) {
        v = a->values[(*next)++];
    } else if (name.len > 0 && read_number(name, 0, &number) == name.len && (size_t)number < n) {
        v = a->values[number];
    }
    for (size_t k = 0; k < a->n_keywords && name.len > 0; k++) {
        if (text_equal(a->keywords[k], name)) {
            v = a->values[n + k];
        }
    }
    return v.kind == VALUE_ABSENT
               ? run_fail(r, NULL, "a format names a value that is not there")
               : v;
}

/* The field between braces: name[!r][:spec] */
static void format_field(run *r, buffer *out, text field, const arguments *a, size_t *next) {
    const size_t colon = text_find(r, field, text_word(":"), 0);
    const text spec =
        colon == SIZE_MAX ? text_data("", 0) : text_part(field, colon + 1, field.len - colon - 1);
    text name = text_part(field, 0, colon == SIZE_MAX ? field.len : colon);
    const size_t bang = text_find(r, name, text_word("!"), 0);
    const bool repr = bang != SIZE_MAX && bang + 2 == name.len && name.ptr[bang + 1] == 'r';
    format_spec s;
    if (!read_spec(spec, &s) || (bang != SIZE_MAX && !repr && name.ptr[bang + 1] != 's')) {
        run_fail(r, NULL, "the format '{%.*s}' is not supported",
                 (int)(field.len < 60 ? field.len : 60), field.ptr);
        return;
    }
    s.type = repr ? 'r' : s.type;
    name = text_part(name, 0, bang == SIZE_MAX ? name.len : bang);
    format_value(r, out, field_value(r, name, a, next), &s);
}

value native_format(run *r, value self, const arguments *a) {
    const text f = self.string;
    buffer *out = run_get(r, sizeof *out);
    size_t next = 0;
    for (size_t at = 0; at < f.len && !r->failed;) {
        const char c = f.ptr[at];
        const bool twice = (c == '{' || c == '}') && at + 1 < f.len && f.ptr[at + 1] == c;
        if (twice || (c != '{' && c != '}')) {
            buffer_add(r, out, text_part(f, at, 1));
            at += twice ? 2 : 1;
            continue;
        }
        const size_t end = c == '{' ? text_find(r, f, text_word("}"), at) : SIZE_MAX;
        if (end == SIZE_MAX) return run_fail(r, NULL, "a format has a brace without its partner");
        run_charge(r, 1);
        format_field(r, out, text_part(f, at + 1, end - at - 1), a, &next);
        at = end + 1;
    }
    run_charge(r, f.len / 16);
    return r->failed ? value_none : value_string(buffer_text(out));
}
