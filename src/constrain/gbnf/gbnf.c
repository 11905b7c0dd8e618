/*
 * gbnf.c - the text of a GBNF grammar -> a syntax tree.
 *
 * Rules, their names, groups and alternatives; gbnf_items.c reads what is inside them.
 */
#include "constrain/gbnf/gbnf.h"

#include "base/grow.h"
#include "base/utf8.h"
#include "constrain/gbnf/gbnf_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- Groups --------------------------------------------------------------------------------- */

static lfm_status new_sequence(gbnf_parser *p, gbnf_group *g) {
    const gbnf_node empty = {
        .kind = GBNF_SEQUENCE, .first = GBNF_NONE, .at = (uint32_t)p->pos,
    };
    const lfm_status st = gbnf_new_node(p->tree, empty, &g->sequence, p->err);
    if (st == LFM_OK) {
        gbnf_adopt(p->tree, g->alternatives, g->sequence);
    }
    return st;
}

static lfm_status open_one(gbnf_parser *p) {
    gbnf_group *groups = grow_array(p->groups, &p->groups_cap, p->n_groups + 1, sizeof *groups);
    if (!groups) return gbnf_no_memory(p->tree, p->err);
    p->groups = groups;
    gbnf_group *g = &groups[p->n_groups++];
    g->at = (uint32_t)p->pos;
    const gbnf_node empty = {
        .kind = GBNF_ALTERNATIVES, .first = GBNF_NONE, .at = (uint32_t)p->pos,
    };
    const lfm_status st = gbnf_new_node(p->tree, empty, &g->alternatives, p->err);
    return st == LFM_OK ? new_sequence(p, g) : st;
}

/* The innermost sequence is complete: add its size to the group. */
static void close_sequence(gbnf_parser *p) {
    gbnf_tree *t = p->tree;
    const gbnf_group *g = &p->groups[p->n_groups - 1];
    uint32_t size = 1;
    for (uint32_t i = t->nodes[g->sequence].first; i != GBNF_NONE; i = t->nodes[i].next) {
        size = gbnf_add_sizes(size, t->nodes[i].size);
    }
    t->nodes[g->alternatives].size = gbnf_add_sizes(t->nodes[g->alternatives].size, size);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static uint64_t hash_name(const char *name, size_t len) { /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    }
    return h ^ h >> 29;
}

static lfm_status grow_names(gbnf_parser *p) {
    const size_t cap = p->names_cap ? 2 * p->names_cap : 64;
    uint32_t *names = calloc(cap, sizeof *names);
    if (!names) return gbnf_no_memory(p->tree, p->err);
    for (size_t i = 0; i < p->tree->n_rules; i++) {
        const gbnf_rule *r = &p->tree->rules[i];
        size_t slot = (size_t)hash_name(p->text + r->at, r->len) & (cap - 1);
        while (names[slot] != 0) {
            slot = (slot + 1) & (cap - 1);
        }
        names[slot] = (uint32_t)i + 1;
    }
    free(p->names);
    p->names = names;
    p->names_cap = cap;
    return LFM_OK;
}

/* The rule that is named at `at`; a new one is added. */
static lfm_status find_rule(gbnf_parser *p, size_t at, size_t len, uint32_t *index) {
    gbnf_tree *t = p->tree;
    if (2 * (t->n_rules + 1) > p->names_cap) {
        const lfm_status st = grow_names(p);
        if (st != LFM_OK) return st;
    }
    assert(p->names);
    size_t slot = (size_t)hash_name(p->text + at, len) & (p->names_cap - 1);
    for (; p->names[slot] != 0; slot = (slot + 1) & (p->names_cap - 1)) {
        const gbnf_rule *r = &t->rules[p->names[slot] - 1];
        if (r->len == len && memcmp(p->text + r->at, p->text + at, len) == 0) {
            *index = p->names[slot] - 1;
            return LFM_OK;
        }
    }
    gbnf_rule *rules = grow_array(t->rules, &t->rules_cap, t->n_rules + 1, sizeof *rules);
    if (!rules) return gbnf_no_memory(p->tree, p->err);
    t->rules = rules;
    t->rules[t->n_rules] = (gbnf_rule){(uint32_t)at, (uint32_t)len, GBNF_NONE};
    *index = (uint32_t)t->n_rules;
    p->names[slot] = (uint32_t)++t->n_rules;
    return LFM_OK;
}

/* ---- Rules ---------------------------------------------------------------------------------- */

static bool is_word(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || gbnf_is_digit(c) || c == '-' ||
           c == '_';
}

/* End of the word at `pos`, which may be the same place. */
static size_t word_end(const gbnf_parser *p) {
    size_t end = p->pos;
    while (end < p->len && is_word((unsigned char)p->text[end])) {
        end++;
    }
    return end;
}

/* Is the word at the current place the head of a rule, "name ::="? */
static bool at_rule_head(const gbnf_parser *p) {
    gbnf_parser ahead = *p;
    ahead.pos = word_end(p);
    gbnf_skip_space(&ahead, false);
    return ahead.len - ahead.pos >= 3 && memcmp(ahead.text + ahead.pos, "::=", 3) == 0;
}

static lfm_status read_reference(gbnf_parser *p) {
    const size_t end = word_end(p);
    gbnf_node node = {.kind = GBNF_RULE, .at = (uint32_t)p->pos, .size = 2};
    const lfm_status st = find_rule(p, p->pos, end - p->pos, &node.first);
    p->pos = end;
    return st == LFM_OK ? gbnf_add_item(p, node) : st;
}

static lfm_status close_group(gbnf_parser *p) {
    if (p->n_groups == 1) return gbnf_fail(p->tree, p->pos, p->err, "')' without '('");
    close_sequence(p);
    const uint32_t group = p->groups[--p->n_groups].alternatives;
    gbnf_adopt(p->tree, p->groups[p->n_groups - 1].sequence, group);
    p->pos++;
    return LFM_OK;
}

static lfm_status next_alternative(gbnf_parser *p) {
    p->pos++;
    close_sequence(p);
    return new_sequence(p, &p->groups[p->n_groups - 1]);
}

/* Read one item, parenthesis, bar or repetition; *done when the rule ends here. */
static lfm_status read_item(gbnf_parser *p, bool *done) {
    const bool nested = p->n_groups > 1;
    lfm_status st = LFM_OK;
    bool newline_ok = nested;
    switch (gbnf_peek(p)) {
    case '"': st = gbnf_read_literal(p); break;
    case '[': st = gbnf_read_class(p); break;
    case '.': st = gbnf_read_dot(p); break;
    case '<': case '!': st = gbnf_read_token(p); break;
    case '@': st = gbnf_read_mark(p); break;
    case '*': case '+': case '?': case '{': st = gbnf_read_repeat(p, nested); break;
    case '|':
        st = next_alternative(p);
        newline_ok = true;
        break;
    case '(':
        st = open_one(p);
        p->pos++;
        newline_ok = true;
        break;
    case ')':
        st = close_group(p);
        newline_ok = p->n_groups > 1;
        break;
    default:
        if (!is_word(gbnf_peek(p))) {
            *done = true;
            return LFM_OK;
        }
        st = read_reference(p);
    }
    if (st == LFM_OK) {
        gbnf_skip_space(p, newline_ok);
    }
    return st;
}

/* name ::= alternatives, up to the end of the line. */
static lfm_status read_rule(gbnf_parser *p) {
    gbnf_tree *t = p->tree;
    const size_t at = p->pos;
    const size_t end = word_end(p);
    uint32_t rule = 0;
    if (end == at) return gbnf_unexpected(p, "the name of a rule");
    lfm_status st = find_rule(p, at, end - at, &rule);
    if (st != LFM_OK) return st;
    const int len = end - at > 60 ? 60 : (int)(end - at);
    if (t->rules[rule].body != GBNF_NONE) {
        return gbnf_fail(t, at, p->err, "rule '%.*s' is defined twice", len, p->text + at);
    }
    t->rules[rule].at = (uint32_t)at;
    p->pos = end;
    gbnf_skip_space(p, false);
    if (p->len - p->pos < 3 || memcmp(p->text + p->pos, "::=", 3) != 0) {
        return gbnf_unexpected(p, "'::='");
    }
    p->pos += 3;
    gbnf_skip_space(p, true);
    if (p->pos >= p->len || (is_word(gbnf_peek(p)) && at_rule_head(p))) {
        return gbnf_fail(t, at, p->err, "rule '%.*s' is empty; write \"\" for the empty text", len,
                         p->text + at);
    }
    p->n_groups = 0;
    st = open_one(p);
    for (bool done = false; st == LFM_OK && !done;) {
        st = read_item(p, &done);
    }
    if (st != LFM_OK) return st;
    if (p->n_groups > 1) {
        if (p->pos < p->len) return gbnf_unexpected(p, "')' or an item");
        return gbnf_fail(t, p->groups[p->n_groups - 1].at, p->err, "this '(' is never closed");
    }
    if (p->pos < p->len && gbnf_peek(p) != '\n') {
        return gbnf_unexpected(p, "an item, '|' or the end of the line");
    }
    close_sequence(p);
    t->rules[rule].body = p->groups[0].alternatives;
    gbnf_skip_space(p, true);
    return LFM_OK;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* Edits (insert, delete, replace) from one short name to another. */
static size_t name_distance(const char *a, size_t n, const char *b, size_t m) {
    size_t row[33];
    for (size_t j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            const size_t other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[m];
}

static lfm_status undefined(const gbnf_parser *p, const gbnf_rule *missing) {
    const gbnf_tree *t = p->tree;
    const gbnf_rule *near = NULL;
    const int len = missing->len > 60 ? 60 : (int)missing->len;
    size_t best = missing->len > 2 ? 3 : 2; /* two edits at most */
    for (size_t i = 0; i < t->n_rules && i < 10000 && missing->len <= 32; i++) {
        const gbnf_rule *r = &t->rules[i];
        if (r->body != GBNF_NONE && r->len <= 32) {
            const size_t d = name_distance(p->text + missing->at, missing->len, p->text + r->at,
                                           r->len);
            near = d < best ? r : near;
            best = d < best ? d : best;
        }
    }
    if (near) {
        return gbnf_fail(t, missing->at, p->err, "rule '%.*s' is not defined. Did you mean '%.*s'?",
                         len, p->text + missing->at, (int)near->len, p->text + near->at);
    }
    return gbnf_fail(t, missing->at, p->err, "rule '%.*s' is not defined", len,
                     p->text + missing->at);
}

static lfm_status check_names(gbnf_parser *p) {
    gbnf_tree *t = p->tree;
    t->root = GBNF_NONE;
    for (size_t i = 0; i < t->n_rules; i++) {
        const gbnf_rule *r = &t->rules[i];
        if (r->len == 4 && memcmp(p->text + r->at, "root", 4) == 0) {
            t->root = (uint32_t)i;
        }
        if (r->body == GBNF_NONE) return undefined(p, r);
    }
    if (t->root == GBNF_NONE) {
        return err_set(p->err, LFM_ERR_ARG,
                       "the grammar has no rule 'root', which every answer must match");
    }
    return LFM_OK;
}

static lfm_status check_text(const gbnf_parser *p) {
    if (p->len > GBNF_MAX_BYTES) {
        return err_set(p->err, LFM_ERR_ARG,
                       "the grammar has %zu bytes; at most %d are allowed", p->len,
                       GBNF_MAX_BYTES);
    }
    uint32_t code = 0;
    for (size_t at = 0; at < p->len;) {
        const size_t n = utf8_decode(p->text + at, p->len - at, &code);
        if (n == 0) return gbnf_fail(p->tree, at, p->err, "this byte is not UTF-8");
        at += n;
    }
    return LFM_OK;
}

lfm_status gbnf_parse(gbnf_tree *tree, const char *text, size_t len, lfm_error *err) {
    *tree = (gbnf_tree){.text = text, .len = len};
    gbnf_parser p = {.tree = tree, .text = text, .len = len, .err = err};
    lfm_status st = check_text(&p);
    if (st == LFM_OK) {
        gbnf_skip_space(&p, true);
    }
    while (st == LFM_OK && p.pos < p.len) {
        st = read_rule(&p);
    }
    if (st == LFM_OK) st = check_names(&p);
    free(p.groups);
    free(p.names);
    if (st != LFM_OK) {
        gbnf_tree_free(tree);
    }
    return st;
}
