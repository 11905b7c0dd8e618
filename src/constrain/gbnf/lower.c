/*
 * lower.c - a syntax tree -> the steps of a grammar.
 *
 * Steps are made from the end of a rule to its beginning, so that each knows what follows it, and
 * equal matches with equal followers share one step.  A stack of tasks replaces recursion.
 */
#include "constrain/gbnf/lower.h"

#include "base/grow.h"

#include <string.h>

/* A node whose steps are being made. */
typedef struct {
    uint32_t node;
    uint32_t next;     /* the step after it */
    uint32_t child;    /* current or next child node */
    uint32_t step;     /* where the sequence so far begins; REPEAT: the loop */
    uint32_t done;     /* copies made, alternatives done */
    bool begun;
} task;

/* Edges for one byte position of a character set. */
typedef struct {
    grammar_edge edges[256];
    size_t n;
} spelling;

typedef struct {
    grammar *g;
    const gbnf_tree *tree;
    uint32_t *body_of;    // [n_nodes] rule of a counted repetition's body; 0 = none yet
    uint32_t *bodies;     /* nodes of those bodies, by rule - tree->n_rules */
    size_t n_bodies, bodies_cap;
    task *tasks;
    size_t n_tasks, tasks_cap;
    uint32_t *found;      /* first steps of alternatives that are finished */
    size_t n_found, found_cap;
    uint32_t *matches;    // [matches_cap] STEP_MATCH + 1 by hash; 0 = free
    size_t n_matches, matches_cap;
    lfm_error *err;
} lowering;

static lfm_status no_memory(const lowering *l) {
    return err_set(l->err, LFM_ERR_MEMORY, "out of memory for a grammar of %zu rules",
                   l->tree->n_rules);
}

static lfm_status new_step(lowering *l, grammar_step step, uint32_t *index) {
    grammar *g = l->g;
    grammar_step *steps = grow_array(g->steps, &g->steps_cap, g->n_steps + 1, sizeof *steps);
    if (!steps || g->n_steps >= UINT32_MAX / 2) return no_memory(l);
    g->steps = steps;
    g->steps[g->n_steps] = step;
    *index = (uint32_t)g->n_steps++;
    return LFM_OK;
}

/* ---- Matches -------------------------------------------------------------------------------- */

static uint64_t hash_edges(const grammar_edge *e, size_t n) {
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ e[i].next) * 0x9e3779b97f4a7c15u;
        h = (h ^ (h >> 29) ^ ((uint64_t)e[i].lo << 8 | e[i].hi)) * 0xbf58476d1ce4e5b9u;
    }
    return h ^ h >> 31;
}

static bool same_edges(const grammar_edge *a, const grammar_edge *b, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (a[i].lo != b[i].lo || a[i].hi != b[i].hi || a[i].next != b[i].next) return false;
    }
    return true;
}

static lfm_status grow_matches(lowering *l) {
    const size_t cap = l->matches_cap ? 2 * l->matches_cap : 256;
    uint32_t *matches = calloc(cap, sizeof *matches);
    if (!matches) return no_memory(l);
    for (size_t i = 0; i < l->matches_cap; i++) {
        if (l->matches[i] != 0) {
            const grammar_step *s = &l->g->steps[l->matches[i] - 1];
            size_t slot = (size_t)hash_edges(l->g->edges + s->first, s->n) & (cap - 1);
            while (matches[slot] != 0) {
                slot = (slot + 1) & (cap - 1);
            }
            matches[slot] = l->matches[i];
        }
    }
    free(l->matches);
    l->matches = matches;
    l->matches_cap = cap;
    return LFM_OK;
}

/* The step that matches these edges; a new one is added. */
static lfm_status make_match(lowering *l, const grammar_edge *edges, size_t n, uint32_t *index) {
    grammar *g = l->g;
    if (2 * (l->n_matches + 1) > l->matches_cap) {
        const lfm_status st = grow_matches(l);
        if (st != LFM_OK) return st;
    }
    size_t slot = (size_t)hash_edges(edges, n) & (l->matches_cap - 1);
    for (; l->matches[slot] != 0; slot = (slot + 1) & (l->matches_cap - 1)) {
        const grammar_step *s = &g->steps[l->matches[slot] - 1];
        if (s->n == n && same_edges(g->edges + s->first, edges, n)) {
            *index = l->matches[slot] - 1;
            return LFM_OK;
        }
    }
    grammar_edge *grown = grow_array(g->edges, &g->edges_cap, g->n_edges + n, sizeof *grown);
    if (!grown) return no_memory(l);
    g->edges = grown;
    memcpy(g->edges + g->n_edges, edges, n * sizeof *edges);
    const grammar_step step = {
        .kind = STEP_MATCH, .first = (uint32_t)g->n_edges, .n = (uint32_t)n,
    };
    g->n_edges += n;
    const lfm_status st = new_step(l, step, index);
    if (st == LFM_OK) {
        l->matches[slot] = *index + 1;
        l->n_matches++;
    }
    return st;
}

static lfm_status lower_text(lowering *l, const gbnf_node *node, uint32_t next, uint32_t *entry) {
    lfm_status st = LFM_OK;
    for (uint32_t i = node->n; i > 0 && st == LFM_OK; i--) {
        const uint8_t byte = (uint8_t)l->tree->bytes[node->first + i - 1];
        const grammar_edge edge = {byte, byte, next};
        st = make_match(l, &edge, 1, &next);
    }
    *entry = next;
    return st;
}

static void add_edge(spelling *s, uint8_t lo, uint8_t hi, uint32_t next) {
    if (s->n > 0 && s->edges[s->n - 1].next == next && s->edges[s->n - 1].hi + 1 == lo) {
        s->edges[s->n - 1].hi = hi;
    } else {
        s->edges[s->n++] = (grammar_edge){lo, hi, next};
    }
}

/* The levels of `open` from `depth` on are complete: each becomes an edge of the one above it. */
static lfm_status close_levels(lowering *l, spelling *open, const char_bytes *path, size_t depth,
                               uint32_t next) {
    lfm_status st = LFM_OK;
    for (size_t level = path->n; level-- > depth && st == LFM_OK;) {
        uint32_t below = next;
        if (level + 1 < path->n) {
            st = make_match(l, open[level + 1].edges, open[level + 1].n, &below);
            open[level + 1].n = 0;
        }
        add_edge(&open[level], path->lo[level], path->hi[level], below);
    }
    return st;
}

/* One character of a set.  The spellings come in ascending order, so those that begin alike follow
 * each other: the bytes they share stay open, the others are closed from the end.  Two spellings
 * have equal or disjoint first bytes, and so on: edges of a step never overlap. */
static lfm_status lower_set(lowering *l, const gbnf_node *node, uint32_t next, uint32_t *entry) {
    spelling *open = calloc(4, sizeof *open);
    if (!open) return no_memory(l);
    char_bytes path = {.n = 0};
    lfm_status st = LFM_OK;
    for (uint32_t i = 0; i < node->n && st == LFM_OK; i++) {
        char_range rest = l->tree->ranges[node->first + i];
        for (bool more = true; more && st == LFM_OK;) {
            char_bytes bytes;
            const uint32_t upto = charset_spell(rest, &bytes);
            size_t same = 0;
            while (same < bytes.n && same + 1 < path.n && path.n == bytes.n &&
                   path.lo[same] == bytes.lo[same] && path.hi[same] == bytes.hi[same]) {
                same++;
            }
            st = close_levels(l, open, &path, same, next);
            path = bytes;
            more = upto < rest.hi;
            rest.lo = upto + 1;
        }
    }
    if (st == LFM_OK) st = close_levels(l, open, &path, 0, next);
    if (st == LFM_OK) st = make_match(l, open[0].edges, open[0].n, entry);
    free(open);
    return st;
}

/* ---- Branches ------------------------------------------------------------------------------- */

/* A step that continues at any of `n` others. */
static lfm_status make_split(lowering *l, const uint32_t *to, size_t n, uint32_t *index) {
    grammar *g = l->g;
    uint32_t *grown = grow_array(g->branches, &g->branches_cap, g->n_branches + n, sizeof *grown);
    if (!grown) return no_memory(l);
    g->branches = grown;
    memcpy(g->branches + g->n_branches, to, n * sizeof *to);
    const grammar_step step = {
        .kind = STEP_SPLIT, .first = (uint32_t)g->n_branches, .n = (uint32_t)n,
    };
    g->n_branches += n;
    return new_step(l, step, index);
}

static lfm_status push_task(lowering *l, uint32_t node, uint32_t next) {
    task *tasks = grow_array(l->tasks, &l->tasks_cap, l->n_tasks + 1, sizeof *tasks);
    if (!tasks) return no_memory(l);
    l->tasks = tasks;
    l->tasks[l->n_tasks++] = (task){
        .node = node, .next = next, .child = l->tree->nodes[node].first, .step = next,
    };
    return LFM_OK;
}

/* Make the children from the last to the first, each in front of what was made so far. */
static lfm_status lower_sequence(lowering *l, task *t, uint32_t *result, bool *finished) {
    if (t->begun) {
        t->step = *result;
        t->child = l->tree->nodes[t->child].next;
    }
    t->begun = true;
    if (t->child == GBNF_NONE) {
        *result = t->step;
        *finished = true;
        return LFM_OK;
    }
    return push_task(l, t->child, t->step);
}

static lfm_status lower_alternatives(lowering *l, task *t, uint32_t *result, bool *finished) {
    if (t->begun) {
        uint32_t *grown = grow_array(l->found, &l->found_cap, l->n_found + 1, sizeof *grown);
        if (!grown) return no_memory(l);
        l->found = grown;
        l->found[l->n_found++] = *result;
        t->done++;
        t->child = l->tree->nodes[t->child].next;
    }
    t->begun = true;
    if (t->child != GBNF_NONE) return push_task(l, t->child, t->next);
    *finished = true;
    l->n_found -= t->done;
    if (t->done == 1) {
        *result = l->found[l->n_found];
        return LFM_OK;
    }
    return make_split(l, l->found + l->n_found, t->done, result);
}

/* ---- Repetitions ---------------------------------------------------------------------------- */

/* The rule of the body of a counted repetition; its steps are made later. */
static lfm_status body_rule(lowering *l, uint32_t node, uint32_t *rule) {
    grammar *g = l->g;
    if (l->body_of[node] == 0) {
        grammar_rule *rules = grow_array(g->rules, &g->rules_cap, g->n_rules + 1, sizeof *rules);
        g->rules = rules ? rules : g->rules;
        uint32_t *bodies =
            grow_array(l->bodies, &l->bodies_cap, l->n_bodies + 1, sizeof *bodies);
        l->bodies = bodies ? bodies : l->bodies;
        if (!rules || !bodies) return no_memory(l);
        g->rules[g->n_rules] = (grammar_rule){.at = l->tree->nodes[node].at};
        l->bodies[l->n_bodies++] = l->tree->nodes[node].first;
        l->body_of[node] = (uint32_t)g->n_rules++;
    }
    *rule = l->body_of[node];
    return LFM_OK;
}

/* Too many copies to write out: make a step that counts. */
static lfm_status make_counter(lowering *l, const task *t, uint32_t *result) {
    grammar *g = l->g;
    const gbnf_node *node = &l->tree->nodes[t->node];
    grammar_repeat repeat = {.min = node->min, .max = node->max};
    const lfm_status st = body_rule(l, t->node, &repeat.rule);
    if (st != LFM_OK) return st;
    grammar_repeat *grown =
        grow_array(g->repeats, &g->repeats_cap, g->n_repeats + 1, sizeof *grown);
    if (!grown) return no_memory(l);
    g->repeats = grown;
    g->repeats[g->n_repeats] = repeat;
    const grammar_step step = {
        .kind = STEP_REPEAT, .first = (uint32_t)g->n_repeats++, .next = t->next,
    };
    return new_step(l, step, result);
}

/* x{m,} is m - 1 copies and a loop that runs at least once (for m = 0: at all); made from the
 * end. */
static lfm_status lower_unlimited(lowering *l, task *t, uint32_t *result, bool *finished) {
    const gbnf_node *node = &l->tree->nodes[t->node];
    const uint32_t copies = node->min > 1 ? node->min : 1;
    if (!t->begun) {
        t->begun = true;
        const uint32_t ways[2] = {t->next, t->next}; /* the first will be the body */
        const lfm_status st = make_split(l, ways, 2, &t->step);
        return st == LFM_OK ? push_task(l, node->first, t->step) : st;
    }
    if (t->done++ == 0) {
        l->g->branches[l->g->steps[t->step].first] = *result;
        *result = node->min == 0 ? t->step : *result;
    }
    *finished = t->done == copies;
    return *finished ? LFM_OK : push_task(l, node->first, *result);
}

/* x{m,n} is m copies, and n - m more that may end after each: (x (x (x)?)?)?. */
static lfm_status lower_limited(lowering *l, task *t, uint32_t *result, bool *finished) {
    const gbnf_node *node = &l->tree->nodes[t->node];
    if (t->begun) {
        t->step = *result;
        if (t->done++ < node->max - node->min) {
            const uint32_t ways[2] = {*result, t->next};
            const lfm_status st = make_split(l, ways, 2, &t->step);
            if (st != LFM_OK) return st;
        }
    }
    t->begun = true;
    *finished = t->done == node->max;
    *result = t->step;
    return *finished ? LFM_OK : push_task(l, node->first, t->step);
}

static lfm_status lower_repeat(lowering *l, task *t, uint32_t *result, bool *finished) {
    const gbnf_node *node = &l->tree->nodes[t->node];
    const bool unlimited = node->max == GBNF_NONE;
    const uint64_t copies = !unlimited ? node->max : node->min > 1 ? node->min : 1;
    const uint64_t size = l->tree->nodes[node->first].size;
    if (copies > 1 && copies * size + 1 > GBNF_COPY_LIMIT) {
        *finished = true;
        return make_counter(l, t, result);
    }
    return unlimited ? lower_unlimited(l, t, result, finished)
                     : lower_limited(l, t, result, finished);
}

/* ---- All ------------------------------------------------------------------------------------ */

static lfm_status lower_leaf(lowering *l, const gbnf_node *node, uint32_t next, uint32_t *result) {
    grammar_step step = {.first = node->first, .next = next};
    switch (node->kind) {
    case GBNF_TEXT: return lower_text(l, node, next, result);
    case GBNF_CHARACTER: return lower_set(l, node, next, result);
    case GBNF_TOKEN:
        step.kind = STEP_TOKEN;
        return new_step(l, step, result);
    case GBNF_MARK:
        step.kind = STEP_MARK;
        l->g->n_marks++;
        return new_step(l, step, result);
    default:
        step.kind = STEP_CALL;
        return new_step(l, step, result);
    }
}

/* Work on the task on top; when it is finished, *result is its first step. */
static lfm_status work(lowering *l, uint32_t *result) {
    task *t = &l->tasks[l->n_tasks - 1];
    const gbnf_node *node = &l->tree->nodes[t->node];
    const size_t level = l->n_tasks - 1;
    bool finished = false;
    task now = *t; /* the stack may move meanwhile */
    lfm_status st = LFM_OK;
    switch (node->kind) {
    case GBNF_SEQUENCE: st = lower_sequence(l, &now, result, &finished); break;
    case GBNF_ALTERNATIVES: st = lower_alternatives(l, &now, result, &finished); break;
    case GBNF_REPEAT: st = lower_repeat(l, &now, result, &finished); break;
    default:
        finished = true;
        st = lower_leaf(l, node, now.next, result);
    }
    l->tasks[level] = now;
    if (finished) {
        l->n_tasks = level;
    }
    return st;
}

static lfm_status lower_rule(lowering *l, uint32_t rule, uint32_t node) {
    uint32_t result = 0;
    const grammar_step end = {.kind = STEP_RETURN};
    lfm_status st = new_step(l, end, &result);
    if (st == LFM_OK) st = push_task(l, node, result);
    while (st == LFM_OK && l->n_tasks > 0) {
        st = work(l, &result);
    }
    l->g->rules[rule].start = result;
    return st;
}

static lfm_status copy_tokens(lowering *l) {
    grammar *g = l->g;
    const gbnf_tree *tree = l->tree;
    size_t n_bytes = 0;
    for (size_t i = 0; i < tree->n_tokens; i++) {
        n_bytes += tree->tokens[i].len;
    }
    g->tokens = calloc(tree->n_tokens + 1, sizeof *g->tokens);
    g->names = malloc(n_bytes + 1);
    if (!g->tokens || !g->names) return no_memory(l);
    uint32_t used = 0;
    for (size_t i = 0; i < tree->n_tokens; i++) {
        const gbnf_token *t = &tree->tokens[i];
        g->tokens[i] = (grammar_token){.id = t->id, .name = used, .len = t->len};
        memcpy(g->names + used, tree->text + t->at, t->len);
        used += t->len;
    }
    for (size_t i = 0; i < tree->n_nodes; i++) {
        if (tree->nodes[i].kind == GBNF_TOKEN) {
            g->tokens[tree->nodes[i].first].negated = tree->nodes[i].negated;
        }
    }
    g->n_tokens = tree->n_tokens;
    return LFM_OK;
}

static lfm_status lower_all(lowering *l) {
    grammar *g = l->g;
    const gbnf_tree *tree = l->tree;
    l->body_of = calloc(tree->n_nodes + 1, sizeof *l->body_of);
    g->rules = grow_array(NULL, &g->rules_cap, tree->n_rules + 1, sizeof *g->rules);
    if (!l->body_of || !g->rules) return no_memory(l);
    lfm_status st = copy_tokens(l);
    g->n_rules = tree->n_rules;
    g->root = tree->root;
    for (size_t i = 0; i < tree->n_rules; i++) {
        g->rules[i] = (grammar_rule){.at = tree->rules[i].at};
    }
    for (size_t i = 0; i < g->n_rules && st == LFM_OK; i++) { /* bodies are added meanwhile */
        st = lower_rule(l, (uint32_t)i, i < tree->n_rules ? tree->rules[i].body
                                                          : l->bodies[i - tree->n_rules]);
    }
    return st;
}

lfm_status grammar_lower(grammar *g, const gbnf_tree *tree, lfm_error *err) {
    lowering l = {.g = g, .tree = tree, .err = err};
    const lfm_status st = lower_all(&l);
    free(l.body_of);
    free(l.bodies);
    free(l.tasks);
    free(l.found);
    free(l.matches);
    return st;
}
