/*
 * digits.c - the digits of numbers as rules: within limits, multiples, not too many.
 *
 * The digits of a number are read by an automaton: how they compare with the limits so far, what
 * remains of them modulo the multiple, how many more there may be.  It has no cycles, because the
 * digits are counted, so equal states are found from the end to the beginning; each becomes a rule.
 */
#include "constrain/digits/digits.h"

#include "base/grow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINT = 10, N_EDGES = 11, N_RANKS = 256, MAX_STATES = 200000, MAX_NODES = 100000 };

/* ---- Nodes: states without equals ----------------------------------------------------------- */

struct digits_node {
    uint32_t to[N_EDGES]; /* node after a digit or the point, + 1; 0 = nothing */
    bool ends;            /* the number may end here */
};

static uint64_t hash_words(const uint32_t *words, size_t n, uint64_t h) {
    for (size_t i = 0; i < n; i++) {
        h = (h ^ words[i]) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    return h;
}

static bool grow_node_slots(digits_table *d) {
    const size_t n = d->n_slots ? 2 * d->n_slots : 256;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < d->n; i++) {
        size_t slot = (size_t)hash_words(d->at[i].to, N_EDGES, d->at[i].ends) & (n - 1);
        while (slots[slot]) {
            slot = (slot + 1) & (n - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    free(d->slots);
    d->slots = slots;
    d->n_slots = n;
    return true;
}

/* The number of a node, + 1; 0 for one that no text satisfies, or when memory is missing. */
static uint32_t find_node(digits_table *d, const digits_node *node) {
    bool any = node->ends;
    for (size_t i = 0; i < N_EDGES; i++) {
        any = any || node->to[i];
    }
    if (!any) return 0;
    if (2 * (d->n + 1) > d->n_slots && !grow_node_slots(d)) {
        d->failed = true;
        return 0;
    }
    size_t slot = (size_t)hash_words(node->to, N_EDGES, node->ends) & (d->n_slots - 1);
    for (; d->slots[slot]; slot = (slot + 1) & (d->n_slots - 1)) {
        const digits_node *other = &d->at[d->slots[slot] - 1];
        if (other->ends == node->ends && memcmp(other->to, node->to, sizeof node->to) == 0) {
            return d->slots[slot];
        }
    }
    digits_node *grown = grow_array(d->at, &d->cap, d->n + 1, sizeof *grown);
    if (!grown) {
        d->failed = true;
        return 0;
    }
    d->at = grown;
    d->at[d->n] = *node;
    d->slots[slot] = (uint32_t)++d->n;
    return d->slots[slot];
}

static bool leads_on(const digits_table *d, uint32_t node) {
    for (size_t i = 0; i < N_EDGES; i++) {
        if (d->at[node].to[i]) return true;
    }
    return false;
}

static void write_node(json_out *out, const digits_table *d, uint32_t node) {
    char text[32];
    const digits_node *s = &d->at[node];
    size_t n = s->ends;
    snprintf(text, sizeof text, "n-%u ::= %s", (unsigned)node, s->ends ? "\"\"" : "");
    json_write_text(out, text);
    for (size_t i = 0, end; i < N_EDGES; i = end) {
        const uint32_t to = s->to[i];
        for (end = i + 1; end < POINT && s->to[end] == to; end++) {
        }
        if (!to) continue;
        json_write_text(out, n++ > 0 ? " | " : "");
        if (i == POINT) {
            snprintf(text, sizeof text, "\".\"");
        } else {
            snprintf(text, sizeof text, end == i + 1 ? "\"%zu\"" : "[%zu-%zu]", i, end - 1);
        }
        json_write_text(out, text);
        if (leads_on(d, to - 1)) {
            snprintf(text, sizeof text, " n-%u", (unsigned)to - 1);
            json_write_text(out, text);
        }
    }
    json_write_text(out, "\n");
}

void digits_write(const digits_table *d, json_out *out) {
    for (size_t i = 0; i < d->n; i++) {
        write_node(out, d, (uint32_t)i);
    }
}

void digits_drop(digits_table *d) {
    free(d->at);
    free(d->slots);
    *d = (digits_table){0};
}

/* ---- States --------------------------------------------------------------------------------- */

typedef enum { AT_START, IN_WHOLE, AFTER_ZERO, AFTER_POINT, IN_FRACTION } place;

typedef struct {
    uint8_t where;    /* place */
    uint8_t left;     /* further digits at most */
    uint8_t n;        /* digits so far, of the whole part or of the fraction */
    int8_t low, high; /* the digits so far, compared with as many of the limit */
    uint64_t rest;    /* of the digits, modulo the multiple */
    uint32_t chain;   /* the next one of the same rank, + 1 */
} state;

typedef struct {
    digits_table *d;
    const digits_number *of;
    state *at;
    uint32_t (*to)[N_EDGES]; // [n] state + 1
    size_t n, cap, to_cap;
    uint32_t *slots;
    size_t n_slots;
    bool full;               /* too many */
} states;

static uint64_t hash_state(const state *s) {
    const uint32_t words[] = {
        (uint32_t)s->where << 16 | (uint32_t)s->left << 8 | s->n,
        (uint32_t)(s->low + 1) << 8 | (uint32_t)(s->high + 1), (uint32_t)s->rest,
        (uint32_t)(s->rest >> 32),
    };
    return hash_words(words, 4, 1);
}

static bool same_state(const state *a, const state *b) {
    return a->where == b->where && a->left == b->left && a->n == b->n && a->low == b->low &&
           a->high == b->high && a->rest == b->rest;
}

static bool grow_state_slots(states *s) {
    const size_t n = s->n_slots ? 2 * s->n_slots : 256;
    uint32_t *slots = calloc(n, sizeof *slots);
    if (!slots) return false;
    for (size_t i = 0; i < s->n; i++) {
        size_t slot = (size_t)hash_state(&s->at[i]) & (n - 1);
        while (slots[slot]) {
            slot = (slot + 1) & (n - 1);
        }
        slots[slot] = (uint32_t)i + 1;
    }
    free(s->slots);
    s->slots = slots;
    s->n_slots = n;
    return true;
}

/* The number of a state, + 1; a new one is added to those that are still to be followed. */
static uint32_t find_state(states *s, state wanted) {
    if (2 * (s->n + 1) > s->n_slots && !grow_state_slots(s)) {
        s->d->failed = true;
        return 0;
    }
    size_t slot = (size_t)hash_state(&wanted) & (s->n_slots - 1);
    for (; s->slots[slot]; slot = (slot + 1) & (s->n_slots - 1)) {
        if (same_state(&s->at[s->slots[slot] - 1], &wanted)) return s->slots[slot];
    }
    s->full = s->full || s->n >= MAX_STATES;
    if (s->full) return 0;
    state *at = grow_array(s->at, &s->cap, s->n + 1, sizeof *at);
    s->at = at ? at : s->at;
    uint32_t(*to)[N_EDGES] = grow_array(s->to, &s->to_cap, s->n + 1, sizeof *to);
    s->to = to ? to : s->to;
    if (!at || !to) {
        s->d->failed = true;
        return 0;
    }
    s->at[s->n] = wanted;
    memset(s->to[s->n], 0, sizeof *s->to);
    s->slots[slot] = (uint32_t)++s->n;
    return s->slots[slot];
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

/* The comparison after one more digit, which is digit `at` of a part of the limit. */
static int8_t compare_digit(int8_t before, const char *part, size_t at, char digit) {
    const char other = at < strlen(part) ? part[at] : '0';
    return before ? before : (int8_t)sign(digit - other);
}

/* Compare the whole part with a limit, once it is complete. */
static int8_t compare_whole(const digits_limit *limit, const state *s, int8_t digits) {
    const size_t len = strlen(limit->whole);
    return s->n < len ? -1 : s->n > len ? 1 : digits;
}

/* Compare a number that ends here with a limit. */
static int compare_end(const digits_limit *limit, const state *s, int8_t digits) {
    const bool whole = s->where != IN_FRACTION;
    const int order = whole ? compare_whole(limit, s, digits) : digits;
    return order ? order : strlen(limit->fraction) > (whole ? 0u : s->n) ? -1 : 0;
}

static bool may_end(const digits_number *of, const state *s) {
    if (s->where == AT_START || s->where == AFTER_POINT) return false;
    const int low = of->low.given ? compare_end(&of->low, s, s->low) : 1;
    const int high = of->high.given ? compare_end(&of->high, s, s->high) : -1;
    uint64_t rest = s->rest;
    for (size_t i = s->where == IN_FRACTION ? s->n : 0; i < of->scale && rest; i++) {
        rest = 10 * rest % of->multiple;
    }
    return (low > 0 || (low == 0 && !of->low.exclusive)) &&
           (high < 0 || (high == 0 && !of->high.exclusive)) && rest == 0;
}

/* What more digits cannot change is forgotten. */
static uint32_t reach(states *s, state to) {
    const digits_number *of = s->of;
    const bool fraction = to.where == AFTER_POINT || to.where == IN_FRACTION;
    if (fraction && ((of->low.given && to.low < 0) || (of->high.given && to.high > 0))) return 0;
    if (fraction && of->multiple == 1 && (!of->low.given || to.low) &&
        (!of->high.given || to.high)) {
        to.n = 0;
    }
    return find_state(s, to);
}

static uint32_t after_digit(states *s, const state *from, char digit) {
    const digits_number *of = s->of;
    state to = *from;
    const bool fraction = from->where == AFTER_POINT || from->where == IN_FRACTION;
    const bool zero = from->where == AT_START && digit == '0';
    if ((from->left == 0 && !zero) || from->where == AFTER_ZERO) return 0;
    if (of->low.given && (fraction || from->n < strlen(of->low.whole))) {
        to.low = compare_digit(from->low, fraction ? of->low.fraction : of->low.whole, from->n,
                               digit);
    } else if (of->low.given) {
        to.low = 1;
    }
    if (of->high.given && !fraction && from->n >= strlen(of->high.whole)) return 0;
    if (of->high.given) {
        to.high = compare_digit(from->high, fraction ? of->high.fraction : of->high.whole, from->n,
                                digit);
    }
    to.where = fraction ? IN_FRACTION : zero ? AFTER_ZERO : IN_WHOLE;
    to.left -= !zero;
    to.n++;
    to.rest = (10 * from->rest + (uint64_t)(digit - '0')) % of->multiple;
    return reach(s, to);
}

static uint32_t after_point(states *s, const state *from) {
    const digits_number *of = s->of;
    state to = *from;
    if ((from->where != IN_WHOLE && from->where != AFTER_ZERO) || from->left == 0 || of->whole) {
        return 0;
    }
    to.low = of->low.given ? compare_whole(&of->low, from, from->low) : 0;
    to.high = of->high.given ? compare_whole(&of->high, from, from->high) : 0;
    to.where = AFTER_POINT;
    to.n = 0;
    if (of->multiple_given && to.left > of->scale) {
        to.left = (uint8_t)of->scale;
    }
    return to.left > 0 ? reach(s, to) : 0;
}

/* States lead only to those of lower rank. */
static size_t rank(const state *s) {
    const bool fraction = s->where == AFTER_POINT || s->where == IN_FRACTION;
    return s->where == AT_START ? N_RANKS - 1 : fraction ? s->left : N_RANKS / 2 + s->left;
}

/* Find all states that digits and points reach. */
static void follow(states *s) {
    find_state(s, (state){.where = AT_START, .left = (uint8_t)s->of->n_digits});
    for (size_t i = 0; i < s->n && !s->d->failed && !s->full; i++) { /* it grows */
        for (size_t k = 0; k < N_EDGES; k++) {
            const state from = s->at[i];
            const uint32_t to = k == POINT ? after_point(s, &from)
                                           : after_digit(s, &from, (char)('0' + k));
            s->to[i][k] = to;
        }
    }
}

/* Make the node of a state: its first edge then holds that, because no other is needed again. */
static void make_node(states *s, size_t i) {
    digits_node node = {.ends = may_end(s->of, &s->at[i])};
    for (size_t k = 0; k < N_EDGES; k++) {
        node.to[k] = s->to[i][k] ? s->to[s->to[i][k] - 1][0] : 0;
    }
    s->to[i][0] = find_node(s->d, &node);
    s->full = s->full || s->d->n > MAX_NODES;
}

uint32_t digits_find(digits_table *d, const digits_number *of, bool *fits) {
    states s = {.d = d, .of = of};
    uint32_t first[N_RANKS] = {0};
    follow(&s);
    for (size_t i = 0; i < s.n; i++) {
        s.at[i].chain = first[rank(&s.at[i])];
        first[rank(&s.at[i])] = (uint32_t)i + 1;
    }
    for (size_t r = 0; r < N_RANKS; r++) {
        for (uint32_t i = first[r]; i && !d->failed && !s.full; i = s.at[i - 1].chain) {
            make_node(&s, i - 1);
        }
    }
    *fits = !s.full;
    const uint32_t node = s.n > 0 && !s.full && !d->failed ? s.to[0][0] : 0;
    free(s.at);
    free(s.to);
    free(s.slots);
    return node;
}
