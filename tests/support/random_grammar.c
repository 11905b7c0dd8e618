/*
 * random_grammar.c - small random grammars, and a slow matcher that shares nothing with ours.
 *
 * The matcher answers, for a node and a place in the text, with the set of places where a match
 * can end, as bits; it tries everything.
 */
#include "random_grammar.h"

#include "base/rng.h"

#include <stdio.h>
#include <string.h>

/* ---- Making --------------------------------------------------------------------------------- */

static int draw(random_grammar *g, int n) {
    return (int)(rng_at(g->seed, g->n_drawn++) % (uint64_t)n);
}

static int new_node(random_grammar *g, rg_kind kind) {
    g->nodes[g->n_nodes] = (rg_node){.kind = kind};
    return g->n_nodes++;
}

static int make_leaf(random_grammar *g) {
    static const char *const texts[] = {
        "a", "b", "c", "ab", "bc", "\xc3\xa9", "a\xc3\xa9", "", "cab",
    };
    static const char *const sets[] = {"a", "ab", "ac", "e", "abe", "bce", "c"};
    const int which = draw(g, 10);
    if (which < 5) {
        const int i = new_node(g, RG_TEXT);
        strcpy(g->nodes[i].text, texts[draw(g, 9)]);
        return i;
    }
    if (which < 7) {
        const int i = new_node(g, RG_CLASS);
        strcpy(g->nodes[i].text, sets[draw(g, 7)]);
        g->nodes[i].negated = draw(g, 4) == 0;
        return i;
    }
    const int i = new_node(g, RG_RULE);
    g->nodes[i].rule = draw(g, g->n_rules);
    return i;
}

static void make_counts(random_grammar *g, rg_node *node) {
    const int kind = draw(g, 8);
    node->min = kind == 0 || kind == 1 ? 0 : kind == 2 ? 1 : draw(g, 4);
    node->max = kind == 0 ? 1 : kind <= 2 ? -1 : node->min + draw(g, 3);
    if (kind == 6) {
        node->min = draw(g, 30);
        node->max = node->min + draw(g, 60);
    } else if (kind == 7) {
        node->min = draw(g, 20);
        node->max = -1;
    }
}

static int make_node(random_grammar *g, int depth) {
    const int which = draw(g, 10);
    if (depth == 0 || which < 3 || g->n_nodes > RG_MAX_NODES - 40) {
        return make_leaf(g);
    }
    const int i = new_node(g, which < 6 ? RG_SEQUENCE : which < 8 ? RG_CHOICE : RG_REPEAT);
    const int n = g->nodes[i].kind == RG_REPEAT ? 1 : 2 + draw(g, 2);
    for (int k = 0; k < n; k++) {
        const int child = make_node(g, depth - 1);
        g->nodes[i].child[k] = child;
    }
    g->nodes[i].n = n;
    if (g->nodes[i].kind == RG_REPEAT) {
        make_counts(g, &g->nodes[i]);
    }
    return i;
}

void rg_make(random_grammar *g, uint64_t seed) {
    memset(g, 0, sizeof *g);
    g->seed = seed;
    g->n_rules = 1 + draw(g, RG_MAX_RULES);
    for (int r = 0; r < g->n_rules; r++) {
        g->rules[r] = make_node(g, 3);
    }
}

/* ---- Printing ------------------------------------------------------------------------------- */

static size_t put(char *out, size_t cap, size_t at, const char *text) {
    const size_t n = strlen(text);
    if (at + n < cap) {
        memcpy(out + at, text, n + 1);
    }
    return at + n;
}

static size_t print_node(const random_grammar *g, int i, char *out, size_t cap, size_t at) {
    const rg_node *node = &g->nodes[i];
    char number[40];
    switch (node->kind) {
    case RG_TEXT:
        at = put(out, cap, at, "\"");
        at = put(out, cap, at, node->text);
        return put(out, cap, at, "\"");
    case RG_CLASS:
        at = put(out, cap, at, node->negated ? "[^" : "[");
        for (const char *c = node->text; *c; c++) {
            const char one[2] = {*c, '\0'};
            at = put(out, cap, at, *c == 'e' ? "\\u00e9" : one);
        }
        return put(out, cap, at, "]");
    case RG_RULE:
        snprintf(number, sizeof number, node->rule ? "r%d" : "root", node->rule);
        return put(out, cap, at, number);
    default: break;
    }
    at = put(out, cap, at, "(");
    for (int k = 0; k < node->n; k++) {
        at = put(out, cap, at, k == 0 ? "" : node->kind == RG_CHOICE ? " | " : " ");
        at = print_node(g, node->child[k], out, cap, at);
    }
    at = put(out, cap, at, ")");
    if (node->kind == RG_REPEAT) {
        if (node->max < 0) {
            snprintf(number, sizeof number, node->min == 0 ? "*" : node->min == 1 ? "+" : "{%d,}",
                     node->min);
        } else if (node->min == node->max) {
            snprintf(number, sizeof number, "{%d}", node->min);
        } else {
            snprintf(number, sizeof number, node->min == 0 && node->max == 1 ? "?" : "{%d,%d}",
                     node->min, node->max);
        }
        at = put(out, cap, at, number);
    }
    return at;
}

size_t rg_print(const random_grammar *g, char *out, size_t cap) {
    size_t at = 0;
    char head[40];
    for (int r = 0; r < g->n_rules; r++) {
        snprintf(head, sizeof head, r ? "r%d ::= " : "root ::= ", r);
        at = put(out, cap, at, head);
        at = print_node(g, g->rules[r], out, cap, at);
        at = put(out, cap, at, "\n");
    }
    return at;
}

/* ---- Matching ------------------------------------------------------------------------------- */

typedef struct {
    const random_grammar *g;
    const char *text;
    int n;
    uint64_t ends[RG_MAX_RULES][RG_MAX_TEXT + 2];
    bool known[RG_MAX_RULES][RG_MAX_TEXT + 2];
} slow;

static uint64_t ends_of(slow *s, int i, int at);

static uint64_t ends_of_all(slow *s, int i, uint64_t places) {
    uint64_t ends = 0;
    for (int at = 0; places != 0; at++, places >>= 1) {
        if (places & 1) {
            ends |= ends_of(s, i, at);
        }
    }
    return ends;
}

/* The length of the character at `at` if the class has it; 0 otherwise. */
static int class_length(const slow *s, const rg_node *node, int at) {
    if (at >= s->n) {
        return 0;
    }
    const bool accent = s->text[at] == '\xc3' && at + 1 < s->n && s->text[at + 1] == '\xa9';
    if (!accent && (unsigned char)s->text[at] >= 0x80) {
        return 0;
    }
    const bool member = strchr(node->text, accent ? 'e' : s->text[at]) != NULL;
    return member == node->negated ? 0 : accent ? 2 : 1;
}

static uint64_t ends_of_repeat(slow *s, const rg_node *node, int at) {
    uint64_t places = (uint64_t)1 << at;
    uint64_t ends = 0;
    const int most = node->max < 0 ? node->min + s->n + 1 : node->max;
    for (int k = 0; k <= most && places != 0; k++) {
        ends |= k >= node->min ? places : 0;
        places = k < most ? ends_of_all(s, node->child[0], places) : 0;
    }
    return ends;
}

static uint64_t ends_of(slow *s, int i, int at) {
    const rg_node *node = &s->g->nodes[i];
    uint64_t places = (uint64_t)1 << at;
    switch (node->kind) {
    case RG_TEXT: {
        const int len = (int)strlen(node->text);
        return at + len <= s->n && memcmp(s->text + at, node->text, (size_t)len) == 0
                   ? (uint64_t)1 << (at + len)
                   : 0;
    }
    case RG_CLASS: {
        const int step = class_length(s, node, at);
        return step ? (uint64_t)1 << (at + step) : 0;
    }
    case RG_RULE:
        if (!s->known[node->rule][at]) {
            const uint64_t ends = ends_of(s, s->g->rules[node->rule], at);
            s->ends[node->rule][at] = ends;
            s->known[node->rule][at] = true;
        }
        return s->ends[node->rule][at];
    case RG_SEQUENCE:
        for (int k = 0; k < node->n; k++) {
            places = ends_of_all(s, node->child[k], places);
        }
        return places;
    case RG_CHOICE:
        places = 0;
        for (int k = 0; k < node->n; k++) {
            places |= ends_of(s, node->child[k], at);
        }
        return places;
    default: return ends_of_repeat(s, node, at);
    }
}

bool rg_matches(const random_grammar *g, const char *text, size_t n) {
    slow s = {.g = g, .text = text, .n = (int)n};
    return ends_of(&s, g->rules[0], 0) >> n & 1;
}
