/*
 * derive.c - derivatives of expressions.
 *
 * A derivative needs those of the parts, which are found first and remembered: so nothing recurses
 * (only regular_hide asks again, once for each lookahead inside a lookahead).
 */
#include "constrain/regular/regular_internal.h"

#include "base/grow.h"
#include "base/utf8.h"

enum { MAX_FOUND = 4 << 20 };

static uint64_t key_of(regular_id a, uint32_t letter) {
    return ((uint64_t)a << 32 | letter) + 1;
}

/* Where a derivative is, or belongs. */
static size_t slot_of(const regular_store *s, uint64_t key) {
    uint64_t h = key * 0x9e3779b97f4a7c15u;
    size_t at = (size_t)(h ^ h >> 31) & (s->n_found_slots - 1);
    while (s->keys[at] && s->keys[at] != key) {
        at = (at + 1) & (s->n_found_slots - 1);
    }
    return at;
}

static bool grow_found(regular_store *s) {
    const size_t n = s->n_found_slots ? 2 * s->n_found_slots : 4096;
    regular_store old = *s;
    if (n > MAX_FOUND) return false;
    s->keys = calloc(n, sizeof *s->keys);
    s->found = calloc(n, sizeof *s->found);
    s->n_found_slots = n;
    if (!s->keys || !s->found) {
        free(s->keys);
        free(s->found);
        *s = old;
        return false;
    }
    for (size_t i = 0; i < old.n_found_slots; i++) {
        if (old.keys[i]) {
            const size_t at = slot_of(s, old.keys[i]);
            s->keys[at] = old.keys[i];
            s->found[at] = old.found[i];
        }
    }
    free(old.keys);
    free(old.found);
    return true;
}

static void remember(regular_store *s, regular_id a, uint32_t letter, regular_id result) {
    if (2 * (s->n_found + 1) > s->n_found_slots && !grow_found(s)) {
        s->failed = true;
        return;
    }
    const size_t at = slot_of(s, key_of(a, letter));
    s->n_found += s->keys[at] == 0;
    s->keys[at] = key_of(a, letter);
    s->found[at] = result;
}

/* A derivative that is remembered; otherwise it becomes the next to be found. */
static bool recall(regular_store *s, regular_id a, uint32_t letter, regular_id *result) {
    if (s->n_found_slots > 0) {
        const size_t at = slot_of(s, key_of(a, letter));
        if (s->keys[at]) {
            *result = s->found[at];
            return true;
        }
    }
    regular_id *grown = grow_array(s->stack, &s->stack_cap, s->n_stack + 1, sizeof *grown);
    if (!grown) {
        s->failed = true;
        return false;
    }
    s->stack = grown;
    s->stack[s->n_stack++] = a;
    return false;
}

static bool has_second(const regular_store *s, const regular_node *node) {
    return node->kind == R_OR || node->kind == R_AND ||
           (node->kind == R_CAT && s->nodes[node->a].nullable);
}

/* The derivative of a node, from those of its parts. */
static regular_id combine(regular_store *s, const regular_node *node, regular_id self,
                          uint32_t letter, regular_id a, regular_id b) {
    const bool is_mark = letter >= REGULAR_FIRST_MARK;
    switch ((regular_kind)node->kind) {
    case R_SET: return !is_mark && regular_has(s, node->a, letter) ? REGULAR_EMPTY : REGULAR_NONE;
    case R_MARK: return letter == REGULAR_FIRST_MARK + node->a ? REGULAR_EMPTY : REGULAR_NONE;
    case R_CAT:
        a = regular_cat(s, a, node->b);
        return s->nodes[node->a].nullable ? regular_or(s, a, b) : a;
    case R_OR: return regular_or(s, a, b);
    case R_AND: return regular_and(s, a, b);
    case R_NOT: return regular_not(s, a);
    case R_LOOP: {
        const uint32_t min = node->min > 0 ? node->min - 1 : 0;
        const uint32_t max = node->max == REGULAR_ENDLESS ? node->max : node->max - 1;
        return regular_cat(s, a, regular_loop(s, node->a, min, max));
    }
    case R_VEIL: return is_mark ? self : regular_veil(s, a);
    case R_HIDE: return is_mark ? REGULAR_NONE : regular_hide(s, a);
    default: return REGULAR_NONE;
    }
}

regular_id regular_derive(regular_store *s, regular_id whole, uint32_t letter) {
    const size_t base = s->n_stack;
    regular_id result = REGULAR_NONE;
    while (!s->failed && !recall(s, whole, letter, &result)) {
        while (s->n_stack > base && !s->failed) {
            const regular_id self = s->stack[s->n_stack - 1];
            const regular_node node = s->nodes[self];
            const bool leaf = node.kind <= R_MARK;
            regular_id a = REGULAR_NONE;
            regular_id b = REGULAR_NONE;
            if (!leaf && !recall(s, node.a, letter, &a)) continue;
            if (has_second(s, &node) && !recall(s, node.b, letter, &b)) continue;
            remember(s, self, letter, combine(s, &node, self, letter, a, b));
            s->n_stack--;
        }
    }
    s->n_stack = base;
    return s->failed ? REGULAR_NONE : result;
}

/* Add what remains behind marks, until nothing is new. */
regular_id regular_hide(regular_store *s, regular_id a) {
    for (regular_id before = UINT32_MAX; before != a && !s->failed;) {
        before = a;
        for (uint32_t m = 0; m < REGULAR_MAX_MARKS; m++) {
            a = regular_or(s, a, regular_derive(s, a, REGULAR_FIRST_MARK + m));
        }
    }
    if (s->failed || a == REGULAR_NONE) return REGULAR_NONE;
    return regular_intern(s, (regular_node){.kind = R_HIDE, .a = a,
                                            .nullable = s->nodes[a].nullable});
}

bool regular_matches(regular_store *s, regular_id a, const char *utf8, size_t n) {
    for (size_t at = 0; at < n;) {
        uint32_t code = 0;
        const size_t len = utf8_decode(utf8 + at, n - at, &code);
        if (len == 0) return false;
        a = regular_derive(s, a, code);
        at += len;
    }
    return !s->failed && s->nodes[a].nullable;
}
