/*
 * regular.c - a store of expressions, each in one form only.
 *
 * Unions and intersections are sorted lists without doubles, and concatenations lean to the right:
 * so an expression has finitely many derivatives.
 */
#include "constrain/regular/regular_internal.h"

#include "base/grow.h"
#include "base/utf8.h"

#include <string.h>

enum { MAX_NODES = 400000, MAX_PARTS = 4096 };

static bool same_node(const regular_node *x, const regular_node *y) {
    return x->kind == y->kind && x->a == y->a && x->b == y->b && x->min == y->min &&
           x->max == y->max;
}

static size_t hash_node(const regular_node *x) {
    uint64_t h = x->kind;
    const uint32_t parts[] = {x->a, x->b, x->min, x->max};
    for (size_t i = 0; i < 4; i++) {
        h = (h ^ parts[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return (size_t)h;
}

static bool grow_slots(regular_store *s) {
    const size_t n = s->n_slots ? 2 * s->n_slots : 1024;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < s->n_nodes; i++) {
        size_t at = hash_node(&s->nodes[i]) & (n - 1);
        while (slots[at]) {
            at = (at + 1) & (n - 1);
        }
        slots[at] = (uint32_t)i + 1;
    }
    free(s->slots);
    s->slots = slots;
    s->n_slots = n;
    return true;
}

static bool is_plain(const regular_store *s, const regular_node *node) {
    switch ((regular_kind)node->kind) {
    case R_MARK:
    case R_NOT:
    case R_VEIL: return false;
    case R_CAT:
    case R_OR: return s->nodes[node->a].plain && s->nodes[node->b].plain;
    case R_AND: return s->nodes[node->a].plain || s->nodes[node->b].plain;
    case R_LOOP: return s->nodes[node->a].plain;
    default: return true;
    }
}

regular_id regular_intern(regular_store *s, regular_node node) {
    if (s->failed) return REGULAR_NONE;
    node.plain = is_plain(s, &node);
    if (2 * (s->n_nodes + 1) > s->n_slots && !grow_slots(s)) {
        s->failed = true;
        return REGULAR_NONE;
    }
    size_t at = hash_node(&node) & (s->n_slots - 1);
    for (; s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
        if (same_node(&s->nodes[s->slots[at] - 1], &node)) return s->slots[at] - 1;
    }
    regular_node *grown = s->n_nodes < MAX_NODES
                        ? grow_array(s->nodes, &s->nodes_cap, s->n_nodes + 1, sizeof *grown) : NULL;
    if (!grown) {
        s->failed = true;
        return REGULAR_NONE;
    }
    s->nodes = grown;
    s->nodes[s->n_nodes] = node;
    s->slots[at] = (uint32_t)s->n_nodes + 1;
    return (regular_id)s->n_nodes++;
}

regular_store *regular_new(void) {
    regular_store *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    regular_intern(s, (regular_node){.kind = R_NONE});
    regular_intern(s, (regular_node){.kind = R_EMPTY, .nullable = true});
    regular_intern(s, (regular_node){.kind = R_NOT, .a = REGULAR_NONE, .nullable = true});
    regular_set(s, (char_range[]){{0, 0xd7ff}, {0xe000, 0x10ffff}}, 2);
    regular_loop(s, REGULAR_ANY, 0, REGULAR_ENDLESS);
    if (s->failed) {
        regular_free(s);
        return NULL;
    }
    return s;
}

void regular_free(regular_store *s) {
    if (!s) return;
    free(s->nodes);
    free(s->slots);
    free(s->sets);
    free(s->ranges);
    free(s->keys);
    free(s->found);
    free(s->stack);
    free(s);
}

bool regular_failed(const regular_store *s) {
    return s->failed;
}

/* ---- Characters ----------------------------------------------------------------------------- */

bool regular_has(const regular_store *s, uint32_t set, uint32_t code) {
    const char_range *ranges = s->ranges + s->sets[set].first;
    size_t lo = 0;
    size_t hi = s->sets[set].n;
    while (lo < hi) {
        const size_t mid = (lo + hi) / 2;
        if (ranges[mid].hi < code) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo < s->sets[set].n && ranges[lo].lo <= code;
}

regular_id regular_set(regular_store *s, const char_range *ranges, size_t n) {
    if (n == 0) return REGULAR_NONE;
    size_t set = 0;
    for (; set < s->n_sets; set++) {
        if (s->sets[set].n == n &&
            memcmp(s->ranges + s->sets[set].first, ranges, n * sizeof *ranges) == 0) {
            break;
        }
    }
    if (set == s->n_sets) {
        regular_chars *sets = grow_array(s->sets, &s->sets_cap, s->n_sets + 1, sizeof *sets);
        s->sets = sets ? sets : s->sets;
        char_range *room = grow_array(s->ranges, &s->ranges_cap, s->n_ranges + n, sizeof *room);
        s->ranges = room ? room : s->ranges;
        if (!sets || !room) {
            s->failed = true;
            return REGULAR_NONE;
        }
        memcpy(s->ranges + s->n_ranges, ranges, n * sizeof *ranges);
        s->sets[s->n_sets++] = (regular_chars){s->n_ranges, n};
        s->n_ranges += n;
    }
    return regular_intern(s, (regular_node){.kind = R_SET, .a = (uint32_t)set});
}

regular_id regular_mark(regular_store *s, uint32_t mark) {
    return regular_intern(s, (regular_node){.kind = R_MARK, .a = mark});
}

regular_id regular_text(regular_store *s, const char *utf8, size_t n) {
    regular_id text = REGULAR_EMPTY;
    while (n > 0) { /* from the end, because concatenations lean to the right */
        size_t at = n - 1;
        uint32_t code = 0;
        while (at > 0 && ((unsigned char)utf8[at] & 0xc0) == 0x80) {
            at--;
        }
        if (utf8_decode(utf8 + at, n - at, &code) == 0) return REGULAR_NONE;
        text = regular_cat(s, regular_set(s, &(char_range){code, code}, 1), text);
        n = at;
    }
    return text;
}

/* ---- Expressions ---------------------------------------------------------------------------- */

static bool nullable(const regular_store *s, regular_id a) {
    return s->nodes[a].nullable;
}

regular_id regular_cat(regular_store *s, regular_id a, regular_id b) {
    const size_t base = s->n_stack;
    /* What stands left of the last part of `a`, so that the result leans to the right. */
    for (;;) {
        if (s->failed || a == REGULAR_NONE || b == REGULAR_NONE) {
            s->n_stack = base;
            return REGULAR_NONE;
        }
        const regular_node node = s->nodes[a];
        if (node.kind != R_CAT) break;
        regular_id *grown = grow_array(s->stack, &s->stack_cap, s->n_stack + 1, sizeof *grown);
        if (!grown) {
            s->failed = true;
            continue;
        }
        s->stack = grown;
        s->stack[s->n_stack++] = node.a;
        a = node.b;
    }
    regular_id all = a == REGULAR_EMPTY ? b
                   : b == REGULAR_EMPTY ? a
                   : regular_intern(s, (regular_node){.kind = R_CAT, .a = a, .b = b,
                                              .nullable = nullable(s, a) && nullable(s, b)});
    while (s->n_stack > base) {
        const regular_id left = s->stack[--s->n_stack];
        all = s->failed ? REGULAR_NONE
                        : regular_intern(s, (regular_node){.kind = R_CAT, .a = left, .b = all,
                                                   .nullable = nullable(s, left) &&
                                                               nullable(s, all)});
    }
    return all;
}

/* Drop parts that say nothing beside REGULAR_TEXT, or it beside them. */
static size_t drop_parts(const regular_store *s, regular_kind kind, regular_id *parts, size_t n) {
    bool has_text = false;
    bool has_plain = false;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        has_text = has_text || parts[i] == REGULAR_TEXT;
        has_plain = has_plain || (parts[i] != REGULAR_TEXT && s->nodes[parts[i]].plain);
    }
    for (size_t i = 0; i < n; i++) {
        const bool dropped = !has_text ? false
                           : kind == R_OR ? parts[i] != REGULAR_TEXT && s->nodes[parts[i]].plain
                                          : parts[i] == REGULAR_TEXT && has_plain;
        if (!dropped) {
            parts[kept++] = parts[i];
        }
    }
    return kept;
}

/* Merge two sorted lists of parts, and build the list again, from its end. */
static regular_id join(regular_store *s, regular_kind kind, regular_id a, regular_id b) {
    regular_id parts[MAX_PARTS];
    size_t n = 0;
    while (a != UINT32_MAX || b != UINT32_MAX) {
        const bool has_a = a != UINT32_MAX;
        const bool has_b = b != UINT32_MAX;
        const bool list_a = has_a && s->nodes[a].kind == kind;
        const bool list_b = has_b && s->nodes[b].kind == kind;
        const regular_id x = list_a ? s->nodes[a].a : a; /* UINT32_MAX sorts last */
        const regular_id y = list_b ? s->nodes[b].a : b;
        if (n == MAX_PARTS) {
            s->failed = true;
            return REGULAR_NONE;
        }
        parts[n++] = x < y ? x : y;
        if (x <= y) {
            a = list_a ? s->nodes[a].b : UINT32_MAX;
        }
        if (y <= x) {
            b = list_b ? s->nodes[b].b : UINT32_MAX;
        }
    }
    n = drop_parts(s, kind, parts, n);
    regular_id all = parts[n - 1];
    for (size_t i = n - 1; i-- > 0 && !s->failed;) {
        const bool null = kind == R_OR ? nullable(s, parts[i]) || nullable(s, all)
                                       : nullable(s, parts[i]) && nullable(s, all);
        all = regular_intern(s, (regular_node){.kind = (uint8_t)kind, .a = parts[i], .b = all,
                                       .nullable = null});
    }
    return all;
}

regular_id regular_or(regular_store *s, regular_id a, regular_id b) {
    if (s->failed || a == REGULAR_NONE || a == b) return b;
    if (b == REGULAR_NONE) return a;
    if (a == REGULAR_ALL || b == REGULAR_ALL) return REGULAR_ALL;
    return join(s, R_OR, a, b);
}

regular_id regular_and(regular_store *s, regular_id a, regular_id b) {
    if (s->failed || a == REGULAR_NONE || b == REGULAR_NONE) return REGULAR_NONE;
    if (a == REGULAR_ALL || a == b) return b;
    if (b == REGULAR_ALL) return a;
    return join(s, R_AND, a, b);
}

regular_id regular_not(regular_store *s, regular_id a) {
    if (s->failed) return REGULAR_NONE;
    if (s->nodes[a].kind == R_NOT) return s->nodes[a].a;
    return regular_intern(s, (regular_node){.kind = R_NOT, .a = a, .nullable = !nullable(s, a)});
}

regular_id regular_loop(regular_store *s, regular_id a, uint32_t min, uint32_t max) {
    if (max == 0 || a == REGULAR_EMPTY) return REGULAR_EMPTY;
    if (s->failed || (min == 1 && max == 1)) return a;
    if (a == REGULAR_NONE) return min == 0 ? REGULAR_EMPTY : REGULAR_NONE;
    if (s->nodes[a].kind == R_LOOP && s->nodes[a].min == 0 &&
        s->nodes[a].max == REGULAR_ENDLESS) {
        return a;
    }
    return regular_intern(s, (regular_node){.kind = R_LOOP, .a = a, .min = min, .max = max,
                                    .nullable = min == 0 || nullable(s, a)});
}

regular_id regular_veil(regular_store *s, regular_id a) {
    if (s->failed || a == REGULAR_NONE || a == REGULAR_ALL) return a;
    return regular_intern(s, (regular_node){.kind = R_VEIL, .a = a, .nullable = nullable(s, a)});
}
