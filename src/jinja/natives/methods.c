/*
 * methods.c - the methods of strings, dicts and lists.
 */
#include "jinja/natives/native.h"

#include "base/unicode/unicode.h"
#include "base/utf8.h"

#include <string.h>

/* ---- Strings -------------------------------------------------------------------------------- */

static bool text_is_space(uint32_t c) {
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 ||
           c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool text_is_letter(uint32_t code) {
    return unicode_class_of(code) == UNICODE_LETTER;
}

static bool text_is_number(uint32_t code) {
    return unicode_class_of(code) == UNICODE_NUMBER;
}

bool text_is_word(text c) {
    uint32_t code = 0;
    utf8_decode(c.ptr, c.len, &code);
    return text_is_letter(code) || text_is_number(code) || code == '_';
}

/* Length of the character at `at` when it is to be stripped, else 0. */
static size_t strips(run *r, text t, size_t at, text chars) {
    uint32_t code = 0xfffd;
    const size_t n = text_char_bytes(t, at);
    utf8_decode(t.ptr + at, t.len - at, &code);
    const bool is =
        chars.ptr ? text_find(r, chars, text_part(t, at, n), 0) != SIZE_MAX : text_is_space(code);
    return is ? n : 0;
}

text text_strip(run *r, text t, text chars, int sides) {
    size_t begin = 0;
    while ((sides & 1) && begin < t.len && !r->failed) {
        const size_t n = strips(r, t, begin, chars);
        if (n == 0) break;
        begin += n;
    }
    size_t end = t.len;
    while ((sides & 2) && end > begin && !r->failed) {
        size_t last = end - 1; /* begin of the last character */
        while (last > begin && end - last < 4 && ((unsigned char)t.ptr[last] & 0xc0) == 0x80) {
            last--;
        }
        if (strips(r, text_part(t, 0, end), last, chars) == 0) break;
        end = last;
    }
    run_charge(r, (t.len - (end - begin)) / 2);
    return text_part(t, begin, end - begin);
}

static value strip(run *r, value self, value chars, int sides) {
    const bool none = chars.kind == VALUE_ABSENT || chars.kind == VALUE_NONE;
    const text set = none ? (text){0} : argument_text(r, chars, "the characters to strip");
    return value_string(text_strip(r, self.string, set, sides));
}

static value str_strip(run *r, value self, const value *a) {
    return strip(r, self, a[0], 3);
}

static value str_lstrip(run *r, value self, const value *a) {
    return strip(r, self, a[0], 1);
}

static value str_rstrip(run *r, value self, const value *a) {
    return strip(r, self, a[0], 2);
}

static value str_upper(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, self.string, CASE_UPPER));
}

static value str_lower(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, self.string, CASE_LOWER));
}

static value str_title(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, self.string, CASE_TITLE));
}

static value str_capitalize(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_capitalize(r, self.string));
}

/* The part of the string from a[1] to a[2], in characters, as find, count and startswith have them.
 * *skipped: its offset in characters.  ptr == NULL: nothing can be found in it, not even "". */
static text searched(run *r, value self, const value *a, int64_t *skipped) {
    const int64_t n = (int64_t)text_chars(r, self.string);
    const bool has_from = a[1].kind != VALUE_ABSENT && a[1].kind != VALUE_NONE;
    const bool has_to = a[2].kind != VALUE_ABSENT && a[2].kind != VALUE_NONE;
    int64_t from = has_from ? argument_int(r, a[1], "the start") : 0;
    int64_t to = has_to ? argument_int(r, a[2], "the end") : n;
    from = from < 0 ? (from + n < 0 ? 0 : from + n) : from;
    to = to < 0 ? (to + n < 0 ? 0 : to + n) : to > n ? n : to;
    *skipped = from;
    if (from > to) return (text){0};
    const size_t begin = text_offset(r, self.string, (size_t)from);
    return text_part(self.string, begin, text_offset(r, self.string, (size_t)to) - begin);
}

/* Is one of a[0] (a string or a tuple of strings) at this side of what is searched? */
static value at_side(run *r, value self, const value *a, bool (*is)(text, text)) {
    int64_t skipped = 0;
    const text t = searched(r, self, a, &skipped);
    if (a[0].kind == VALUE_STRING) {
        run_charge(r, a[0].string.len / 64);
        return value_bool(t.ptr && is(t, a[0].string));
    }
    if (a[0].kind != VALUE_TUPLE) {
        argument_text(r, a[0], "the text to look for");
        return value_none;
    }
    bool found = false;
    for (uint32_t i = 0; i < a[0].n && !found && !r->failed; i++) {
        const text with = argument_text(r, a[0].items->items[i], "the text to look for");
        found = t.ptr && is(t, with);
        run_charge(r, 1 + with.len / 64);
    }
    return value_bool(found);
}

static value str_startswith(run *r, value self, const value *a) {
    return at_side(r, self, a, text_starts);
}

static value str_endswith(run *r, value self, const value *a) {
    return at_side(r, self, a, text_ends);
}

/* Split at white space, from the left. */
static value split_words(run *r, text t, int64_t limit) {
    value out = value_list(r, VALUE_LIST, 0);
    const text none = {0};
    text rest = text_strip(r, t, none, 1);
    while (rest.len > 0 && !r->failed) {
        size_t end = 0;
        while (end < rest.len && (limit < 0 || (int64_t)out.n < limit) &&
               strips(r, rest, end, none) == 0) {
            end += text_char_bytes(rest, end);
        }
        if (limit >= 0 && (int64_t)out.n >= limit) {
            end = rest.len; /* what is left keeps its inner white space */
        }
        const text word = text_part(rest, 0, end);
        list_add(r, &out, value_string(end == rest.len ? text_strip(r, word, none, 0) : word));
        run_charge(r, 1 + end / 2);
        rest = text_strip(r, text_part(rest, end, rest.len - end), none, 1);
    }
    return out;
}

static void reverse(value v) {
    for (uint32_t i = 0; i < v.n / 2; i++) {
        const value swap = v.items->items[i];
        v.items->items[i] = v.items->items[v.n - 1 - i];
        v.items->items[v.n - 1 - i] = swap;
    }
}

/* Split at white space, from the right. */
static value rsplit_words(run *r, text t, int64_t limit) {
    value out = value_list(r, VALUE_LIST, 0);
    const text none = {0};
    text rest = text_strip(r, t, none, 2);
    while (rest.len > 0 && !r->failed) {
        size_t begin = rest.len;
        while (begin > 0 && (limit < 0 || (int64_t)out.n < limit)) {
            size_t last = begin - 1;
            while (last > 0 && ((unsigned char)rest.ptr[last] & 0xc0) == 0x80) {
                last--;
            }
            if (strips(r, rest, last, none) > 0) break;
            begin = last;
        }
        if (limit >= 0 && (int64_t)out.n >= limit) {
            begin = 0;
        }
        list_add(r, &out, value_string(text_part(rest, begin, rest.len - begin)));
        run_charge(r, 1 + (rest.len - begin) / 2);
        rest = text_strip(r, text_part(rest, 0, begin), none, 2);
    }
    if (!r->failed) reverse(out);
    return out;
}

static value split_at(run *r, text t, text at, int64_t limit) {
    value out = value_list(r, VALUE_LIST, 0);
    size_t begin = 0;
    while (!r->failed) {
        const bool more = limit < 0 || (int64_t)out.n < limit;
        const size_t found = more ? text_find(r, t, at, begin) : SIZE_MAX;
        if (found == SIZE_MAX) break;
        list_add(r, &out, value_string(text_part(t, begin, found - begin)));
        run_charge(r, 1);
        begin = found + at.len;
    }
    list_add(r, &out, value_string(text_part(t, begin, t.len - begin)));
    return out;
}

/* The last place of `what` in t, or SIZE_MAX. */
static size_t find_last(run *r, text t, text what) {
    if (what.len == 0 || what.len > t.len) return what.len == 0 ? t.len : SIZE_MAX;
    size_t end = t.len - what.len + 1; /* it may begin before this */
    while (!r->failed && end > 0) {
        const char *first = memrchr(t.ptr, what.ptr[0], end);
        const size_t at = first ? (size_t)(first - t.ptr) : 0;
        run_charge(r, 1 + (end - at + what.len) / 64);
        if (!first) break;
        if (memcmp(first, what.ptr, what.len) == 0) return at;
        end = at;
    }
    return SIZE_MAX;
}

static value rsplit_at(run *r, text t, text at, int64_t limit) {
    value out = value_list(r, VALUE_LIST, 0);
    while (!r->failed && (limit < 0 || (int64_t)out.n < limit)) {
        const size_t found = find_last(r, t, at);
        if (found == SIZE_MAX) break;
        const size_t begin = found + at.len;
        list_add(r, &out, value_string(text_part(t, begin, t.len - begin)));
        run_charge(r, 1);
        t = text_part(t, 0, found);
    }
    list_add(r, &out, value_string(t));
    if (!r->failed) reverse(out);
    return out;
}

static value split(run *r, value self, const value *a, bool from_right) {
    const int64_t limit = a[1].kind == VALUE_ABSENT ? -1 : argument_int(r, a[1], "maxsplit");
    if (a[0].kind == VALUE_ABSENT || a[0].kind == VALUE_NONE) {
        return from_right ? rsplit_words(r, self.string, limit)
                          : split_words(r, self.string, limit);
    }
    const text at = argument_text(r, a[0], "the separator");
    if (r->failed) return value_none;
    if (at.len == 0) return run_fail(r, NULL, "the separator is empty");
    return from_right ? rsplit_at(r, self.string, at, limit) : split_at(r, self.string, at, limit);
}

static value str_split(run *r, value self, const value *a) {
    return split(r, self, a, false);
}

static value str_rsplit(run *r, value self, const value *a) {
    return split(r, self, a, true);
}

value native_split_lines(run *r, value self, const value *a) {
    const bool keep = a[0].kind != VALUE_ABSENT && value_truth(a[0]);
    const text t = self.string;
    value out = value_list(r, VALUE_LIST, 0);
    size_t begin = 0;
    for (size_t i = 0; i < t.len && !r->failed;) {
        uint32_t c = 0xfffd;
        size_t n = text_char_bytes(t, i);
        utf8_decode(t.ptr + i, t.len - i, &c);
        const bool ends = (c >= 0x0a && c <= 0x0d) || (c >= 0x1c && c <= 0x1e) || c == 0x85 ||
                          c == 0x2028 || c == 0x2029;
        n += c == '\r' && i + 1 < t.len && t.ptr[i + 1] == '\n';
        if (ends) {
            list_add(r, &out, value_string(text_part(t, begin, i - begin + (keep ? n : 0))));
            run_charge(r, 1);
            begin = i + n;
        }
        i += n;
    }
    if (begin < t.len) {
        list_add(r, &out, value_string(text_part(t, begin, t.len - begin)));
    }
    run_charge(r, t.len / 4);
    return out;
}

text text_replace(run *r, text t, text old, text with, int64_t count) {
    buffer *out = run_get(r, sizeof *out);
    size_t begin = 0;
    while (!r->failed && count != 0) {
        /* An empty text is found before every character, and at the end. */
        const size_t found = old.len > 0     ? text_find(r, t, old, begin)
                             : begin == 0    ? 0
                             : begin < t.len ? begin + text_char_bytes(t, begin)
                                             : SIZE_MAX;
        if (found == SIZE_MAX) break;
        if (old.len == 0 && begin == 0 && found == 0) {
            buffer_add(r, out, with);
            if (--count == 0 || t.len == 0) break;
            const size_t first = text_char_bytes(t, 0);
            buffer_add(r, out, text_part(t, 0, first));
            buffer_add(r, out, with);
            begin = first;
        } else {
            buffer_add(r, out, text_part(t, begin, found - begin));
            buffer_add(r, out, with);
            begin = found + old.len;
        }
        run_charge(r, 1);
        count -= count > 0;
    }
    if (r->failed || (begin == 0 && out->used == 0)) return t;
    buffer_add(r, out, text_part(t, begin, t.len - begin));
    return buffer_text(out);
}

static value str_replace(run *r, value self, const value *a) {
    const text old = argument_text(r, a[0], "the text to replace");
    const text with = argument_text(r, a[1], "the new text");
    const int64_t count = a[2].kind == VALUE_ABSENT ? -1 : argument_int(r, a[2], "count");
    return r->failed ? value_none : value_string(text_replace(r, self.string, old, with, count));
}

text text_concat_items(run *r, text between, value items) {
    text all = text_data("", 0);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        all = i > 0 ? text_join(r, all, between) : all;
        all = text_join(r, all, value_str(r, items.items->items[i]));
        run_charge(r, 1);
    }
    return all;
}

static value str_join(run *r, value self, const value *a) {
    const value items = value_items(r, a[0]);
    for (uint32_t i = 0; i < items.n && !r->failed; i++) {
        argument_text(r, items.items->items[i], "an item to join");
    }
    return r->failed ? value_none : value_string(text_concat_items(r, self.string, items));
}

static int64_t find(run *r, value self, const value *a, bool last) {
    int64_t skipped = 0;
    const text what = argument_text(r, a[0], "the text to find");
    const text in = searched(r, self, a, &skipped);
    if (r->failed || !in.ptr) return -1;
    const size_t at = last ? find_last(r, in, what) : text_find(r, in, what, 0);
    return at == SIZE_MAX ? -1 : skipped + (int64_t)text_chars(r, text_part(in, 0, at));
}

static value str_find(run *r, value self, const value *a) {
    return value_int(find(r, self, a, false));
}

static value str_rfind(run *r, value self, const value *a) {
    return value_int(find(r, self, a, true));
}

static value str_index(run *r, value self, const value *a) {
    const int64_t at = find(r, self, a, false);
    return at < 0 ? run_fail(r, NULL, "the text to find is not there") : value_int(at);
}

static value str_count(run *r, value self, const value *a) {
    int64_t skipped = 0;
    const text what = argument_text(r, a[0], "the text to count");
    const text in = searched(r, self, a, &skipped);
    if (r->failed || !in.ptr) return value_int(0);
    if (what.len == 0) return value_int((int64_t)text_chars(r, in) + 1);
    int64_t n = 0;
    for (size_t at = 0; (at = text_find(r, in, what, at)) != SIZE_MAX; at += what.len) {
        n++;
    }
    return value_int(n);
}

/* The parts before, at and behind a separator: the first one, or the last one. */
static value partition(run *r, value self, value separator, bool last) {
    const text what = argument_text(r, separator, "the separator");
    const text t = self.string;
    if (!r->failed && what.len == 0) return run_fail(r, NULL, "the separator is empty");
    const size_t at = r->failed ? 0 : last ? find_last(r, t, what) : text_find(r, t, what, 0);
    value out = value_list(r, VALUE_TUPLE, 3);
    const text none = text_part(t, 0, 0);
    const bool found = at != SIZE_MAX;
    if (r->failed) return value_none;
    list_add(r, &out, value_string(found ? text_part(t, 0, at) : last ? none : t));
    list_add(r, &out, value_string(found ? text_part(t, at, what.len) : none));
    list_add(r, &out,
             value_string(found  ? text_part(t, at + what.len, t.len - at - what.len)
                          : last ? t
                                 : none));
    return out;
}

static value str_partition(run *r, value self, const value *a) {
    return partition(r, self, a[0], false);
}

static value str_rpartition(run *r, value self, const value *a) {
    return partition(r, self, a[0], true);
}

static value str_removeprefix(run *r, value self, const value *a) {
    const text what = argument_text(r, a[0], "the prefix");
    const size_t n = text_starts(self.string, what) ? what.len : 0;
    return value_string(text_part(self.string, n, self.string.len - n));
}

static value str_removesuffix(run *r, value self, const value *a) {
    const text what = argument_text(r, a[0], "the suffix");
    const size_t n = text_ends(self.string, what) ? what.len : 0;
    return value_string(text_part(self.string, 0, self.string.len - n));
}

/* Has the string characters, and all of them the property? */
static value all_are(run *r, value self, bool (*is)(uint32_t)) {
    bool good = self.string.len > 0;
    run_charge(r, self.string.len / 2);
    for (size_t i = 0; i < self.string.len && good; i += text_char_bytes(self.string, i)) {
        uint32_t c = 0xfffd;
        utf8_decode(self.string.ptr + i, self.string.len - i, &c);
        good = is(c);
    }
    return value_bool(good);
}

static bool is_digit(uint32_t c) {
    return c >= '0' && c <= '9';
}

static value str_isdigit(run *r, value self, const value *a) {
    (void)a;
    return all_are(r, self, is_digit);
}

static value str_isspace(run *r, value self, const value *a) {
    (void)a;
    return all_are(r, self, text_is_space);
}

static value str_isalpha(run *r, value self, const value *a) {
    (void)a;
    return all_are(r, self, text_is_letter);
}

static bool is_letter_or_number(uint32_t c) {
    return text_is_letter(c) || text_is_number(c);
}

static value str_isalnum(run *r, value self, const value *a) {
    (void)a;
    return all_are(r, self, is_letter_or_number);
}

static value str_isnumeric(run *r, value self, const value *a) {
    (void)a;
    return all_are(r, self, text_is_number);
}

static value str_islower(run *r, value self, const value *a) {
    (void)a;
    run_charge(r, self.string.len / 8);
    return value_bool(text_has_case(self.string, CASE_LOWER));
}

static value str_isupper(run *r, value self, const value *a) {
    (void)a;
    run_charge(r, self.string.len / 8);
    return value_bool(text_has_case(self.string, CASE_UPPER));
}

static const native string_methods[] = {
    {.name = "strip", .function = str_strip, .parameters = {"chars"}},
    {.name = "lstrip", .function = str_lstrip, .parameters = {"chars"}},
    {.name = "rstrip", .function = str_rstrip, .parameters = {"chars"}},
    {.name = "upper", .function = str_upper},
    {.name = "lower", .function = str_lower},
    {.name = "title", .function = str_title},
    {.name = "capitalize", .function = str_capitalize},
    {.name = "startswith",
     .function = str_startswith,
     .parameters = {"prefix", "start", "end"},
     .required = 1},
    {.name = "endswith",
     .function = str_endswith,
     .parameters = {"suffix", "start", "end"},
     .required = 1},
    {.name = "split", .function = str_split, .parameters = {"sep", "maxsplit"}},
    {.name = "rsplit", .function = str_rsplit, .parameters = {"sep", "maxsplit"}},
    {.name = "splitlines", .function = native_split_lines, .parameters = {"keepends"}},
    {.name = "replace",
     .function = str_replace,
     .parameters = {"old", "new", "count"},
     .required = 2},
    {.name = "join", .function = str_join, .parameters = {"iterable"}, .required = 1},
    {.name = "find", .function = str_find, .parameters = {"sub", "start", "end"}, .required = 1},
    {.name = "rfind", .function = str_rfind, .parameters = {"sub", "start", "end"}, .required = 1},
    {.name = "index", .function = str_index, .parameters = {"sub", "start", "end"}, .required = 1},
    {.name = "count", .function = str_count, .parameters = {"sub", "start", "end"}, .required = 1},
    {.name = "partition", .function = str_partition, .parameters = {"sep"}, .required = 1},
    {.name = "rpartition", .function = str_rpartition, .parameters = {"sep"}, .required = 1},
    {.name = "removeprefix", .function = str_removeprefix, .parameters = {"prefix"}, .required = 1},
    {.name = "removesuffix", .function = str_removesuffix, .parameters = {"suffix"}, .required = 1},
    {.name = "isdigit", .function = str_isdigit},
    {.name = "isdecimal", .function = str_isdigit},
    {.name = "isnumeric", .function = str_isnumeric},
    {.name = "isspace", .function = str_isspace},
    {.name = "isalpha", .function = str_isalpha},
    {.name = "isalnum", .function = str_isalnum},
    {.name = "islower", .function = str_islower},
    {.name = "isupper", .function = str_isupper},
    {.name = "format", .any = native_format},
};

/* ---- Dicts and lists ------------------------------------------------------------------------ */

static value dict_get(run *r, value self, const value *a) {
    if (!value_is_key(r, a[0])) return value_none;
    const value *found = dict_find(r, self.members, a[0]);
    return found ? *found : a[1].kind == VALUE_ABSENT ? value_none : a[1];
}

typedef enum { KEYS, VALUES, ITEMS } view_of;

static value view(run *r, value self, view_of what, const char *word) {
    const dict *d = self.members;
    value out = value_list(r, VALUE_VIEW, d->n);
    for (size_t i = 0; i < d->n && !r->failed; i++) {
        value item = what == KEYS ? d->members[i].key : d->members[i].value;
        if (what == ITEMS) {
            item = value_list(r, VALUE_TUPLE, 2);
            if (r->failed) break;
            list_add(r, &item, d->members[i].key);
            list_add(r, &item, d->members[i].value);
        }
        list_add(r, &out, item);
    }
    run_charge(r, d->n / 8);
    if (!r->failed) {
        out.items->word = word;
    }
    return out;
}

static value dict_keys(run *r, value self, const value *a) {
    (void)a;
    return view(r, self, KEYS, "dict_keys");
}

static value dict_values(run *r, value self, const value *a) {
    (void)a;
    return view(r, self, VALUES, "dict_values");
}

value native_items(run *r, value self, const value *a) {
    (void)a;
    return view(r, self, ITEMS, "dict_items");
}

static value same(run *r, value self, const value *a) { /* nothing can change it */
    (void)r;
    (void)a;
    return self;
}

static const native dict_methods[] = {
    {.name = "get", .function = dict_get, .parameters = {"key", "default"}, .required = 1},
    {.name = "keys", .function = dict_keys},
    {.name = "values", .function = dict_values},
    {.name = "items", .function = native_items},
    {.name = "copy", .function = same},
};

static value list_index(run *r, value self, const value *a) {
    for (uint32_t i = 0; i < self.n && !r->failed; i++) {
        if (value_equal(r, self.items->items[i], a[0])) return value_int(i);
    }
    return run_fail(r, NULL, "the value is not in the list");
}

static value list_count(run *r, value self, const value *a) {
    int64_t n = 0;
    for (uint32_t i = 0; i < self.n && !r->failed; i++) {
        n += value_equal(r, self.items->items[i], a[0]);
    }
    return value_int(n);
}

static const native list_methods[] = {
    {.name = "index", .function = list_index, .parameters = {"value"}, .required = 1},
    {.name = "count", .function = list_count, .parameters = {"value"}, .required = 1},
    {.name = "copy", .function = same}, /* the last one: tuples and ranges have no copy */
};

/* ---- Loops ---------------------------------------------------------------------------------- */

static value loop_cycle(run *r, value self, const arguments *a) {
    if (a->n_keywords > 0 || a->n == 0) {
        return run_fail(r, NULL, "loop.cycle needs values to choose from");
    }
    return a->values[self.loop->i % a->n];
}

static value loop_changed(run *r, value self, const arguments *a) {
    struct loop *l = self.loop;
    value now = value_list(r, VALUE_TUPLE, a->n);
    for (size_t i = 0; i < a->n && !r->failed; i++) {
        list_add(r, &now, a->values[i]);
    }
    if (r->failed) return value_none;
    const bool changed = l->changed.kind == VALUE_ABSENT || !value_equal(r, l->changed, now);
    l->changed = now;
    return value_bool(changed);
}

static const native loop_methods[] = {
    {.name = "cycle", .any = loop_cycle},
    {.name = "changed", .any = loop_changed},
};

natives native_methods(value_kind kind) {
    switch (kind) {
    case VALUE_STRING: return NATIVES(string_methods);
    case VALUE_DICT: return NATIVES(dict_methods);
    case VALUE_LIST: return NATIVES(list_methods);
    case VALUE_TUPLE:
    case VALUE_RANGE: return (natives){.list = list_methods, .n = 2};
    case VALUE_LOOP: return NATIVES(loop_methods);
    default: return (natives){0};
    }
}
