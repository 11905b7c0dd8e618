/*
 * filters_text.c - filters of texts.
 */
#include "jinja/natives/filters.h"

#include <string.h>

value filter_string(run *r, value self, const value *a) {
    (void)a;
    return value_string(value_str(r, self));
}

value filter_upper(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, value_str(r, self), CASE_UPPER));
}

value filter_lower(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_to_case(r, value_str(r, self), CASE_LOWER));
}

value filter_capitalize(run *r, value self, const value *a) {
    (void)a;
    return value_string(text_capitalize(r, value_str(r, self)));
}

/* Words begin behind white space, - ( { [ and <; unlike in str.title. */
value filter_title(run *r, value self, const value *a) {
    (void)a;
    const text t = value_str(r, self);
    const text none = {0};
    text all = text_data("", 0);
    for (size_t i = 0; i < t.len && !r->failed;) {
        const size_t first = text_char_bytes(t, i);
        size_t end = i;
        while (end < t.len) {
            const text c = text_part(t, end, text_char_bytes(t, end));
            if (memchr("-({[<", c.ptr[0], 5) || text_strip(r, c, none, 1).len == 0) break;
            end += c.len;
        }
        if (end == i) { /* between words */
            all = text_join(r, all, text_part(t, i, first));
            i += first;
            continue;
        }
        const text rest = text_part(t, i + first, end - i - first);
        all = text_join(r, all, text_to_case(r, text_part(t, i, first), CASE_UPPER));
        all = text_join(r, all, text_to_case(r, rest, CASE_LOWER));
        i = end;
        run_charge(r, 1);
    }
    run_charge(r, t.len);
    return value_string(all);
}

value filter_trim(run *r, value self, const value *a) {
    const bool all = !given(a[0]) || a[0].kind == VALUE_NONE;
    const text chars = all ? (text){0} : argument_text(r, a[0], "the characters to trim");
    return value_string(text_strip(r, value_str(r, self), chars, 3));
}

value filter_replace(run *r, value self, const value *a) {
    const bool all = !given(a[2]) || a[2].kind == VALUE_NONE;
    const int64_t count = all ? -1 : argument_int(r, a[2], "count");
    return value_string(
        text_replace(r, value_str(r, self), value_str(r, a[0]), value_str(r, a[1]), count));
}

value filter_indent(run *r, value self, const value *a) {
    const text t = argument_text(r, self, "the text to indent");
    text width = given(a[0]) && a[0].kind == VALUE_STRING ? a[0].string : text_data("", 0);
    const int64_t n = !given(a[0])                ? 4
                      : a[0].kind == VALUE_STRING ? 0
                                                  : argument_int(r, a[0], "width");
    for (int64_t i = 0; i < n && !r->failed; i++) {
        width = text_join(r, width, text_word(" "));
        run_charge(r, 1);
    }
    const value whole = value_string(text_join(r, t, text_word("\n")));
    const value nothing[] = {{0}};
    const value lines = native_split_lines(r, whole, nothing);
    text all = flag(a[1]) ? width : text_data("", 0);
    for (uint32_t i = 0; i < lines.n && !r->failed; i++) {
        const text line = lines.items->items[i].string;
        all = i > 0 ? text_join(r, all, text_word("\n")) : all;
        all = i > 0 && (line.len > 0 || flag(a[2])) ? text_join(r, all, width) : all;
        all = text_join(r, all, line);
    }
    return value_string(all);
}

value filter_truncate(run *r, value self, const value *a) {
    const text t = argument_text(r, self, "the text to truncate");
    const int64_t length = given(a[0]) ? argument_int(r, a[0], "length") : 255;
    const text end = given(a[2]) ? argument_text(r, a[2], "end") : text_word("...");
    const bool has_leeway = given(a[3]) && a[3].kind != VALUE_NONE;
    const int64_t leeway = has_leeway ? argument_int(r, a[3], "leeway") : 5;
    const int64_t n_end = (int64_t)text_chars(r, end);
    if (!r->failed && (length < n_end || leeway < 0)) {
        return run_fail(r, NULL, "the length is less than that of the end");
    }
    if (r->failed || (int64_t)text_chars(r, t) - leeway <= length) return value_string(t);
    text head = text_part(t, 0, text_offset(r, t, (size_t)(length - n_end)));
    run_charge(r, head.len / 64);
    for (size_t i = head.len; i > 0 && !flag(a[1]); i--) { /* up to the last blank */
        if (head.ptr[i - 1] == ' ') {
            head = text_part(head, 0, i - 1);
            break;
        }
    }
    return value_string(text_join(r, head, end));
}

value filter_wordcount(run *r, value self, const value *a) {
    (void)a;
    const text t = value_str(r, self);
    int64_t n = 0;
    bool inside = false;
    for (size_t i = 0; i < t.len; i += text_char_bytes(t, i)) {
        const bool word = text_is_word(text_part(t, i, text_char_bytes(t, i)));
        n += word && !inside;
        inside = word;
    }
    run_charge(r, t.len / 2);
    return value_int(n);
}

value filter_escape(run *r, value self, const value *a) {
    (void)a;
    const char *const names[][2] = {
        {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"'", "&#39;"}, {"\"", "&#34;"}};
    text t = value_str(r, self);
    for (size_t i = 0; i < 5; i++) {
        t = text_replace(r, t, text_word(names[i][0]), text_word(names[i][1]), -1);
    }
    return value_string(t);
}

value filter_format(run *r, value self, const arguments *a) {
    const text f = value_str(r, self);
    value args = value_list(r, VALUE_TUPLE, a->n);
    if (a->n_keywords > 0) {
        args = value_dict(r, VALUE_DICT);
    }
    for (size_t i = 0; i < a->n && !r->failed; i++) {
        if (a->n_keywords == 0) {
            list_add(r, &args, a->values[i]);
        } else if (i >= a->n - a->n_keywords) {
            dict_put(r, args.members, value_string(a->keywords[i - (a->n - a->n_keywords)]),
                     a->values[i]);
        } else {
            run_fail(r, NULL, "format takes values with names or without, not both");
        }
    }
    return r->failed ? value_none : native_percent(r, value_string(f), args);
}

value filter_tojson(run *r, value self, const value *a) {
    /* ensure_ascii, indent, separators, sort_keys, as transformers defines it */
    json_form form = {.ascii = flag(a[0]), .sort = flag(a[3])};
    const bool has_indent = given(a[1]) && a[1].kind != VALUE_NONE;
    if (has_indent && a[1].kind == VALUE_STRING) {
        form.indent = a[1].string;
    } else if (has_indent) {
        const int64_t n = argument_int(r, a[1], "indent");
        form.indent = text_word("");
        for (int64_t i = 0; i < n && !r->failed; i++) {
            form.indent = text_join(r, form.indent, text_word(" "));
            run_charge(r, 1);
        }
    }
    form.between = text_word(has_indent ? "," : ", ");
    form.colon = text_word(": ");
    if (given(a[2]) && a[2].kind != VALUE_NONE) {
        const value pair = value_items(r, a[2]);
        if (r->failed || pair.n != 2) {
            return run_fail(r, NULL, "separators must be two strings");
        }
        form.between = argument_text(r, pair.items->items[0], "a separator");
        form.colon = argument_text(r, pair.items->items[1], "a separator");
    }
    buffer *out = run_get(r, sizeof *out);
    if (r->failed) return value_none;
    value_json(r, out, self, &form);
    return value_string(buffer_text(out));
}
