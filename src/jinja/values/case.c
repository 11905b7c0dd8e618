/*
 * case.c - changing the case of letters.
 */
#include "jinja/values/case.h"

#include "base/utf8.h"

static bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

text text_to_case(run *r, text t, letter_case to) {
    buffer *out = run_get(r, sizeof *out);
    bool inside = false; /* a word */
    for (size_t i = 0; i < t.len && !r->failed; i++) {
        const char c = t.ptr[i];
        const bool upper = to == CASE_UPPER || (to == CASE_TITLE && !inside);
        text one = text_part(t, i, 1);
        const char other = (char)(c ^ 0x20);
        if ((upper && is_lower(c)) || (!upper && is_upper(c))) {
            one.ptr = &other;
        }
        buffer_add(r, out, one);
        inside = is_upper(c) || is_lower(c);
    }
    run_charge(r, t.len / 8);
    return r->failed ? t : buffer_text(out);
}

text text_capitalize(run *r, text t) {
    if (t.len == 0) return t;
    const size_t first = text_char_bytes(t, 0);
    return text_join(r, text_to_case(r, text_part(t, 0, first), CASE_TITLE),
                     text_to_case(r, text_part(t, first, t.len - first), CASE_LOWER));
}

bool text_has_case(text t, letter_case wanted) {
    bool has = false;
    for (size_t i = 0; i < t.len; i++) {
        if (wanted == CASE_UPPER ? is_lower(t.ptr[i]) : is_upper(t.ptr[i])) return false;
        has = has || is_lower(t.ptr[i]) || is_upper(t.ptr[i]);
    }
    return has;
}
