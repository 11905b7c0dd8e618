/*
 * same.c - are two values of JSON equal?
 */
#include "constrain/judge/same.h"

#include "constrain/judge/decimal.h"

#include <string.h>

static bool same_number(const json_value *a, const json_value *b) {
    schema_limit x;
    schema_limit y;
    if (!schema_read_limit(&x, a, false) || !schema_read_limit(&y, b, false)) {
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    }
    return schema_compare(&x, &y) == 0;
}

/* Are they equal, apart from what is inside? */
static bool same_outside(const json_value *a, const json_value *b) {
    if (!a || !b || a->kind != b->kind || a->n != b->n) return false;
    if (a->kind == JSON_NUMBER) return same_number(a, b);
    return a->kind != JSON_STRING || (a->len == b->len && memcmp(a->text, b->text, a->len) == 0);
}

bool schema_same(const json_value *a, const json_value *b) {
    struct {
        const json_value *a; /* the next element or member to compare */
        const json_value *b; /* array: its partner; object: the other object */
        bool keyed;
    } open[JSON_MAX_DEPTH + 1];
    size_t n = 0;
    while (same_outside(a, b)) {
        if (a->first && n <= JSON_MAX_DEPTH) {
            const bool keyed = a->kind == JSON_OBJECT;
            open[n].a = a->first;
            open[n].b = keyed ? b : b->first;
            open[n++].keyed = keyed;
        }
        while (n > 0 && !open[n - 1].a) {
            n--;
        }
        if (n == 0) return true;
        a = open[n - 1].a;
        b = open[n - 1].b;
        open[n - 1].a = a->next;
        if (open[n - 1].keyed) {
            b = json_get_n(b, a->key, a->key_len);
        } else {
            open[n - 1].b = b->next;
        }
    }
    return false;
}
