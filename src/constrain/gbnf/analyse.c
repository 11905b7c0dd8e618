/*
 * analyse.c - properties of the steps of a grammar, computed once.
 *
 * Three facts about each step grow from the ends of the rules backwards until nothing changes:
 *
 *     live    a text leads from here to the end of the rule
 *     empty   even the empty one does
 *     reach   the longest such text in bytes, as far as WIDE
 *
 * Each fact is a small number that only grows, so the work is linear in the size of the grammar.
 */
#include "constrain/gbnf/analyse.h"

#include <stdlib.h>
#include <string.h>

enum { WIDE = 17 }; /* bytes; escapes such as \uXXXX and UTF-8 stay below, words do not */

typedef enum { FACT_LIVE, FACT_EMPTY, FACT_REACH } fact;

typedef struct {
    grammar *g;
    const gbnf_tree *tree;
    uint32_t *users;       // [n_uses] steps that depend on a step, by step
    uint32_t *users_of;    // [n_steps + 1] where those of a step begin
    uint32_t *callers;     // [n_calls] steps that run a rule, by rule
    uint32_t *callers_of;  // [n_rules + 1]
    uint32_t *rule_at;     // [n_steps] the rule that starts there + 1; 0 = none
    uint8_t *live, *empty, *reach; // [n_steps]
    uint32_t *queue;       // [n_steps] steps to visit again, a ring
    bool *queued;
    lfm_error *err;
} analysis;

/* ---- Who depends on whom -------------------------------------------------------------------- */

static uint32_t n_targets(const grammar_step *s) {
    switch (s->kind) {
    case STEP_MATCH: case STEP_SPLIT: return s->n;
    case STEP_TOKEN: case STEP_CALL: case STEP_REPEAT: case STEP_MARK: return 1;
    default: return 0;
    }
}

static uint32_t target(const grammar *g, const grammar_step *s, uint32_t i) {
    return s->kind == STEP_MATCH   ? g->edges[s->first + i].next
           : s->kind == STEP_SPLIT ? g->branches[s->first + i]
                                   : s->next;
}

/* The rule that a step runs; UINT32_MAX = none. */
static uint32_t callee(const grammar *g, const grammar_step *s) {
    return s->kind == STEP_CALL     ? s->first
           : s->kind == STEP_REPEAT ? g->repeats[s->first].rule
                                    : UINT32_MAX;
}

/* Turn counts (counts[i + 1] belongs to i) into the places where the lists begin. */
static void sum_up(uint32_t *counts, size_t n) {
    for (size_t i = 0; i < n; i++) {
        counts[i + 1] += counts[i];
    }
}

static lfm_status no_memory(const analysis *a) {
    return err_set(a->err, LFM_ERR_MEMORY, "out of memory for a grammar of %zu steps",
                   a->g->n_steps);
}

static lfm_status list_users(analysis *a) {
    const grammar *g = a->g;
    a->users_of = calloc(g->n_steps + 2, sizeof *a->users_of);
    a->callers_of = calloc(g->n_rules + 2, sizeof *a->callers_of);
    if (!a->users_of || !a->callers_of) return no_memory(a);
    /* Counted one place too high: filling the lists then moves every beginning to its final
     * place. */
    for (size_t i = 0; i < g->n_steps; i++) {
        const grammar_step *s = &g->steps[i];
        for (uint32_t k = 0; k < n_targets(s); k++) {
            a->users_of[target(g, s, k) + 2]++;
        }
        if (callee(g, s) != UINT32_MAX) {
            a->callers_of[callee(g, s) + 2]++;
        }
    }
    sum_up(a->users_of + 1, g->n_steps);
    sum_up(a->callers_of + 1, g->n_rules);
    a->users = calloc(a->users_of[g->n_steps + 1] + 1, sizeof *a->users);
    a->callers = calloc(a->callers_of[g->n_rules + 1] + 1, sizeof *a->callers);
    if (!a->users || !a->callers) return no_memory(a);
    for (size_t i = 0; i < g->n_steps; i++) {
        const grammar_step *s = &g->steps[i];
        for (uint32_t k = 0; k < n_targets(s); k++) {
            a->users[a->users_of[target(g, s, k) + 1]++] = (uint32_t)i;
        }
        if (callee(g, s) != UINT32_MAX) {
            a->callers[a->callers_of[callee(g, s) + 1]++] = (uint32_t)i;
        }
    }
    return LFM_OK;
}

/* ---- Facts ---------------------------------------------------------------------------------- */

static uint8_t at_least(uint8_t a, uint8_t b) {
    return a > b ? a : b;
}

static bool is_live(const analysis *a, const grammar_step *s) {
    const grammar *g = a->g;
    switch (s->kind) {
    case STEP_RETURN: return true;
    case STEP_CALL: return a->live[s->next] && a->live[g->rules[s->first].start];
    case STEP_REPEAT:
        return a->live[s->next] && (g->repeats[s->first].min == 0 ||
                                    a->live[g->rules[g->repeats[s->first].rule].start]);
    default:
        for (uint32_t i = 0; i < n_targets(s); i++) {
            if (a->live[target(g, s, i)]) return true;
        }
        return false;
    }
}

static bool is_empty(const analysis *a, const grammar_step *s) {
    const grammar *g = a->g;
    switch (s->kind) {
    case STEP_RETURN: return true;
    case STEP_MARK: return a->empty[s->next];
    case STEP_CALL: return a->empty[s->next] && a->empty[g->rules[s->first].start];
    case STEP_REPEAT:
        return a->empty[s->next] && (g->repeats[s->first].min == 0 ||
                                     a->empty[g->rules[g->repeats[s->first].rule].start]);
    case STEP_SPLIT:
        for (uint32_t i = 0; i < s->n; i++) {
            if (a->empty[g->branches[s->first + i]]) return true;
        }
        return false;
    default: return false;
    }
}

static uint8_t reach_of(const analysis *a, const grammar_step *s) {
    const grammar *g = a->g;
    unsigned best = 0;
    for (uint32_t i = 0; i < n_targets(s); i++) {
        best = at_least((uint8_t)best, a->reach[target(g, s, i)]);
    }
    switch (s->kind) {
    case STEP_MATCH: best += 1; break;
    case STEP_CALL: best += a->reach[g->rules[s->first].start]; break;
    case STEP_REPEAT: {
        const grammar_repeat *r = &g->repeats[s->first];
        const unsigned times = r->max < WIDE ? r->max : WIDE;
        best += times * a->reach[g->rules[r->rule].start];
        break;
    }
    default: break;
    }
    return best < WIDE ? (uint8_t)best : WIDE;
}

static bool update(analysis *a, fact f, uint32_t step) {
    const grammar_step *s = &a->g->steps[step];
    uint8_t *values = f == FACT_LIVE ? a->live : f == FACT_EMPTY ? a->empty : a->reach;
    const uint8_t now = f == FACT_LIVE    ? is_live(a, s)
                        : f == FACT_EMPTY ? is_empty(a, s)
                                          : reach_of(a, s);
    if (now <= values[step]) return false;
    values[step] = now;
    return true;
}

/* Visit every step, and again those that depend on one that changed. */
static void settle(analysis *a, fact f) {
    const grammar *g = a->g;
    size_t head = 0;
    size_t n = g->n_steps;
    for (size_t i = 0; i < n; i++) {
        a->queue[i] = (uint32_t)i;
        a->queued[i] = true;
    }
    while (n > 0) {
        const uint32_t step = a->queue[head];
        head = head + 1 == g->n_steps ? 0 : head + 1;
        n--;
        a->queued[step] = false;
        if (!update(a, f, step)) continue;
        const uint32_t rule = a->rule_at[step];
        const uint32_t *lists[2] = {a->users + a->users_of[step], NULL};
        size_t counts[2] = {a->users_of[step + 1] - a->users_of[step], 0};
        if (rule != 0) {
            lists[1] = a->callers + a->callers_of[rule - 1];
            counts[1] = a->callers_of[rule] - a->callers_of[rule - 1];
        }
        for (size_t k = 0; k < counts[0] + counts[1]; k++) {
            const uint32_t user = k < counts[0] ? lists[0][k] : lists[1][k - counts[0]];
            if (!a->queued[user]) {
                a->queued[user] = true;
                a->queue[(head + n++) % g->n_steps] = user;
            }
        }
    }
}

/* ---- Left recursion, and the order of rules ------------------------------------------------- */

/* A rule on the path, and its first steps that are still to be visited. */
typedef struct {
    uint32_t rule;
    uint32_t pending; /* where its steps begin in `steps` */
} visit;

typedef struct {
    visit *path;       // [n_rules]
    uint32_t *steps;   // [n_steps] first steps still to be visited
    uint8_t *state;    // [n_rules] 0 new, 1 on the path, 2 done
    bool *seen;        // [n_steps]
    size_t n_path, n_steps;
    uint32_t next_order;
} descent;

/* "rule 'a' begins with itself: a -> b -> a". */
static lfm_status left_recursion(const analysis *a, const descent *d, uint32_t rule) {
    const gbnf_tree *tree = a->tree;
    char way[160];
    size_t len = 0;
    size_t from = 0;
    while (d->path[from].rule != rule) {
        from++;
    }
    uint32_t named = rule; /* the body of a repetition has no name: use a rule that has one */
    for (size_t i = from; i < d->n_path && named >= tree->n_rules; i++) {
        named = d->path[i].rule;
    }
    for (size_t i = from; i <= d->n_path; i++) {
        const uint32_t r = i < d->n_path ? d->path[i].rule : rule;
        const char *const arrow = len > 0 ? " -> " : "";
        if (r >= tree->n_rules) continue;
        const gbnf_rule *name = &tree->rules[r];
        if (len + name->len + 12 > sizeof way) {
            memcpy(way + len, " -> ...", 8);
            len += 7;
            break;
        }
        memcpy(way + len, arrow, strlen(arrow));
        len += strlen(arrow);
        memcpy(way + len, tree->text + name->at, name->len);
        len += name->len;
    }
    const gbnf_rule *r = named < tree->n_rules ? &tree->rules[named] : NULL;
    const size_t at = r ? r->at : a->g->rules[rule].at;
    return gbnf_fail(tree, at, a->err, "rule '%.*s' begins with itself (%.*s): write the "
                     "repetition with * or +, or put the rule last",
                     r ? (int)(r->len > 60 ? 60 : r->len) : 3,
                     r ? tree->text + r->at : "...", (int)len, way);
}

static void look_at(descent *d, uint32_t step) {
    if (!d->seen[step]) {
        d->seen[step] = true;
        d->steps[d->n_steps++] = step;
    }
}

/* Follow one first step of the rule on top; push the rule that it calls. */
static lfm_status descend(analysis *a, descent *d) {
    const grammar *g = a->g;
    const visit *top = &d->path[d->n_path - 1];
    if (d->n_steps == top->pending) {
        d->state[top->rule] = 2;
        a->g->rules[top->rule].order = d->next_order--;
        d->n_path--;
        return LFM_OK;
    }
    const grammar_step *s = &g->steps[d->steps[--d->n_steps]];
    for (uint32_t i = 0; s->kind == STEP_SPLIT && i < s->n; i++) {
        look_at(d, g->branches[s->first + i]);
    }
    if (s->kind == STEP_MARK) {
        look_at(d, s->next);
    }
    const uint32_t rule = callee(g, s);
    if (rule == UINT32_MAX) return LFM_OK;
    if (s->skip) {
        look_at(d, s->next);
    }
    if (d->state[rule] == 1) return left_recursion(a, d, rule);
    if (d->state[rule] == 0) {
        d->state[rule] = 1;
        d->path[d->n_path++] = (visit){rule, (uint32_t)d->n_steps};
        look_at(d, g->rules[rule].start);
    }
    return LFM_OK;
}

static lfm_status order_rules(analysis *a) {
    const grammar *g = a->g;
    descent d = {
        .path = calloc(g->n_rules + 1, sizeof *d.path),
        .steps = calloc(g->n_steps + 1, sizeof *d.steps),
        .state = calloc(g->n_rules + 1, 1),
        .seen = calloc(g->n_steps + 1, sizeof *d.seen),
        .next_order = (uint32_t)g->n_rules,
    };
    lfm_status st = d.path && d.steps && d.state && d.seen ? LFM_OK : no_memory(a);
    for (size_t i = 0; i < g->n_rules && st == LFM_OK; i++) {
        if (d.state[i] == 0) {
            d.state[i] = 1;
            d.path[0] = (visit){(uint32_t)i, 0};
            d.n_path = 1;
            look_at(&d, g->rules[i].start);
        }
        while (st == LFM_OK && d.n_path > 0) {
            st = descend(a, &d);
        }
    }
    free(d.path);
    free(d.steps);
    free(d.state);
    free(d.seen);
    return st;
}

/* ---- Conclusions ---------------------------------------------------------------------------- */

/* Drop the edges and branches that lead to dead steps. */
static void prune(analysis *a) {
    grammar *g = a->g;
    for (size_t i = 0; i < g->n_steps; i++) {
        grammar_step *s = &g->steps[i];
        uint32_t kept = 0;
        for (uint32_t k = 0; s->kind == STEP_MATCH && k < s->n; k++) {
            const grammar_edge e = g->edges[s->first + k];
            if (a->live[e.next]) {
                g->edges[s->first + kept++] = e;
            }
        }
        for (uint32_t k = 0; s->kind == STEP_SPLIT && k < s->n; k++) {
            const uint32_t to = g->branches[s->first + k];
            if (a->live[to]) {
                g->branches[s->first + kept++] = to;
            }
        }
        s->n = s->kind == STEP_MATCH || s->kind == STEP_SPLIT ? kept : s->n;
        if (!a->live[i]) {
            s->kind = STEP_DEAD;
        }
    }
}

static void note_facts(analysis *a) {
    grammar *g = a->g;
    for (size_t i = 0; i < g->n_steps; i++) {
        grammar_step *s = &g->steps[i];
        const uint32_t rule = callee(g, s);
        if (rule != UINT32_MAX) {
            s->skip = a->empty[g->rules[rule].start] ||
                      (s->kind == STEP_REPEAT && g->repeats[s->first].min == 0);
            s->tail = s->kind == STEP_CALL && g->steps[s->next].kind == STEP_RETURN;
            if (s->kind == STEP_REPEAT && s->skip) {
                g->repeats[s->first].min = 0; /* empty repetitions reach the minimum */
            }
        }
    }
    for (size_t i = 0; i < g->n_rules; i++) {
        g->rules[i].wide = a->reach[g->rules[i].start] >= WIDE;
    }
}

/* Bytes belong to one class if no edge begins or ends between them. */
static void classify_bytes(grammar *g) {
    bool begins[257] = {true};
    for (size_t i = 0; i < g->n_edges; i++) {
        begins[g->edges[i].lo] = true;
        begins[g->edges[i].hi + 1] = true;
    }
    for (int b = 0; b < 256; b++) {
        if (begins[b]) {
            g->class_byte[g->n_classes++] = (uint8_t)b;
        }
        g->byte_class[b] = (uint8_t)(g->n_classes - 1);
    }
}

static lfm_status conclude(analysis *a) {
    grammar *g = a->g;
    settle(a, FACT_LIVE);
    settle(a, FACT_EMPTY);
    settle(a, FACT_REACH);
    note_facts(a);
    const lfm_status st = order_rules(a);
    if (st != LFM_OK) return st;
    if (!a->live[g->rules[g->root].start]) {
        return gbnf_fail(a->tree, g->rules[g->root].at, a->err,
                         "no text satisfies 'root': every way through it needs a rule that never "
                         "ends");
    }
    prune(a);
    classify_bytes(g);
    return LFM_OK;
}

lfm_status grammar_analyse(grammar *g, const gbnf_tree *tree, lfm_error *err) {
    analysis a = {.g = g, .tree = tree, .err = err};
    lfm_status st = list_users(&a);
    a.rule_at = calloc(g->n_steps + 1, sizeof *a.rule_at);
    a.live = calloc(g->n_steps + 1, 1);
    a.empty = calloc(g->n_steps + 1, 1);
    a.reach = calloc(g->n_steps + 1, 1);
    a.queue = calloc(g->n_steps + 1, sizeof *a.queue);
    a.queued = calloc(g->n_steps + 1, sizeof *a.queued);
    if (st == LFM_OK && a.rule_at && a.live && a.empty && a.reach && a.queue && a.queued) {
        for (size_t i = 0; i < g->n_rules; i++) {
            a.rule_at[g->rules[i].start] = (uint32_t)i + 1;
        }
        st = conclude(&a);
    } else if (st == LFM_OK) {
        st = no_memory(&a);
    }
    free(a.users);
    free(a.users_of);
    free(a.callers);
    free(a.callers_of);
    free(a.rule_at);
    free(a.live);
    free(a.empty);
    free(a.reach);
    free(a.queue);
    free(a.queued);
    return st;
}
