/*
 * closure.c - from the threads after a byte to the next state.
 *
 * Threads run through branches, calls and returns until each waits for a byte.  All calls of a rule
 * at the same place in the text share one stack, whose frames are gathered while the threads run
 * (it is "open"); afterwards the open stacks get their numbers, callers first.  Such an order
 * exists because no rule begins with itself (grammar_rule.order).
 *
 * A call of a rule that matches the empty text also continues after it (grammar_step.skip), so
 * returning from an open stack adds nothing and is ignored; this also makes empty repetitions
 * harmless.
 *
 * Sources: graph-structured stacks, Tomita 1986; the treatment of calls follows the generalised LL
 * parsers of Scott and Johnstone, 2010.
 */
#include "constrain/engine/closure.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

/* Limits of computing one state; MAX_WORK is a second or two. */
enum { MAX_THREADS = 1 << 22, MAX_FRAMES = 1 << 23, MAX_WORK = 100000000 };

#define OPEN 0x80000000u       /* an open stack: OPEN | rule */
#define ALL_OF (UINT32_MAX - 1) /* gathered.to: all frames of the stack `below` */

lfm_status closure_new(closure **out, const grammar *g) {
    closure *c = calloc(1, sizeof *c);
    *out = c;
    if (!c) return LFM_ERR_MEMORY;
    c->rules = calloc(g->n_rules + 1, sizeof *c->rules);
    c->open = calloc(g->n_rules + 1, sizeof *c->open);
    return c->rules && c->open ? LFM_OK : LFM_ERR_MEMORY;
}

void closure_free(closure *c) {
    if (c) {
        free(c->queue);
        free(c->seen_round);
        free(c->seen);
        free(c->waiting);
        free(c->rules);
        free(c->open);
        free(c->frames);
        free(c->sorted);
        free(c);
    }
}

void closure_begin(closure *c) {
    c->round++;
    c->n_queue = c->head = c->n_waiting = c->n_open = c->n_frames = 0;
    c->bits = 0;
    c->work = 0;
    c->failed = LFM_OK;
}

void closure_count_work(closure *c, size_t n) {
    c->work += n;
    if (c->work > MAX_WORK && c->failed == LFM_OK) {
        c->failed = LFM_ERR_UNSUPPORTED;
    }
}

/* ---- Threads that run ----------------------------------------------------------------------- */

static size_t hash_thread(automaton_thread t) {
    const uint64_t h = ((uint64_t)t.step << 32 | t.stack) * 0x9e3779b97f4a7c15u;
    return (size_t)(h >> 24 ^ h >> 48);
}

static bool grow_seen(closure *c) {
    const size_t cap = c->seen_cap ? 2 * c->seen_cap : 256;
    uint64_t *rounds = calloc(cap, sizeof *rounds);
    uint32_t *seen = calloc(cap, sizeof *seen);
    if (!rounds || !seen) {
        free(rounds);
        free(seen);
        return false;
    }
    for (size_t i = 0; i < c->n_queue; i++) {
        size_t slot = hash_thread(c->queue[i]) & (cap - 1);
        while (rounds[slot] == c->round) {
            slot = (slot + 1) & (cap - 1);
        }
        rounds[slot] = c->round;
        seen[slot] = (uint32_t)i;
    }
    free(c->seen_round);
    free(c->seen);
    c->seen_round = rounds;
    c->seen = seen;
    c->seen_cap = cap;
    return true;
}

void closure_push(closure *c, uint32_t step, uint32_t stack) {
    const automaton_thread t = {step, stack};
    if (c->failed != LFM_OK) return;
    if (c->n_queue >= MAX_THREADS) {
        c->failed = LFM_ERR_UNSUPPORTED;
        return;
    }
    automaton_thread *queue =
        grow_array(c->queue, &c->queue_cap, c->n_queue + 1, sizeof *queue);
    c->queue = queue ? queue : c->queue;
    if (!queue || (2 * (c->n_queue + 1) > c->seen_cap && !grow_seen(c))) {
        c->failed = LFM_ERR_MEMORY;
        return;
    }
    size_t slot = hash_thread(t) & (c->seen_cap - 1);
    for (; c->seen_round[slot] == c->round; slot = (slot + 1) & (c->seen_cap - 1)) {
        const automaton_thread other = queue[c->seen[slot]];
        if (other.step == step && other.stack == stack) return;
    }
    c->seen_round[slot] = c->round;
    c->seen[slot] = (uint32_t)c->n_queue;
    queue[c->n_queue++] = t;
}

/* Call a rule: its open stack gets one more frame. */
static void enter(const automaton *a, uint32_t rule, uint32_t to, uint32_t count, uint32_t below) {
    closure *c = a->closure;
    closure_opened *r = &c->rules[rule];
    closure_gathered *frames =
        grow_array(c->frames, &c->frames_cap, c->n_frames + 1, sizeof *frames);
    if (!frames) {
        c->failed = LFM_ERR_MEMORY;
        return;
    }
    c->frames = frames;
    if (c->n_frames >= MAX_FRAMES) {
        c->failed = LFM_ERR_UNSUPPORTED;
        return;
    }
    if (r->round != c->round) {
        r->round = c->round;
        r->frames = 0;
        c->open[c->n_open++] = rule;
        closure_push(c, a->g->rules[rule].start, OPEN | rule);
    }
    frames[c->n_frames++] = (closure_gathered){to, count, below, r->frames};
    r->frames = (uint32_t)c->n_frames;
}

void closure_return_from(const automaton *a, uint32_t stack) {
    closure *c = a->closure;
    const automaton_stack *s = &a->stacks[stack];
    closure_count_work(c, s->n);
    for (uint32_t i = 0; i < s->n && c->failed == LFM_OK; i++) {
        const automaton_frame f = a->frames[s->first + i];
        if (f.to >= FRAME_END) {
            c->bits |= 1u << (f.to - FRAME_END);
        } else if (f.count == FRAME_CALL) {
            closure_push(c, f.to, f.below);
        } else {
            const grammar_step *step = &a->g->steps[f.to];
            const grammar_repeat *r = &a->g->repeats[step->first];
            const uint32_t done = f.count + 1;
            if (done >= r->min) {
                closure_push(c, step->next, f.below);
            }
            if (r->max == UINT32_MAX) { /* beyond min the number does not matter */
                enter(a, r->rule, f.to, done < r->min ? done : r->min, f.below);
            } else if (done < r->max) {
                enter(a, r->rule, f.to, done, f.below);
            }
        }
    }
}

/* Advance one thread by one step. */
static void advance(const automaton *a, automaton_thread t) {
    closure *c = a->closure;
    const grammar_step *s = &a->g->steps[t.step];
    closure_count_work(c, 1);
    switch (s->kind) {
    case STEP_MATCH:
    case STEP_TOKEN: {
        automaton_thread *waiting =
            grow_array(c->waiting, &c->waiting_cap, c->n_waiting + 1, sizeof *waiting);
        if (!waiting) {
            c->failed = LFM_ERR_MEMORY;
            return;
        }
        c->waiting = waiting;
        waiting[c->n_waiting++] = t;
        break;
    }
    case STEP_SPLIT:
        closure_count_work(c, s->n);
        for (uint32_t i = 0; i < s->n; i++) {
            closure_push(c, a->g->branches[s->first + i], t.stack);
        }
        break;
    case STEP_CALL:
        if (s->skip) {
            closure_push(c, s->next, t.stack);
        }
        enter(a, s->first, s->tail ? ALL_OF : s->next, FRAME_CALL, t.stack);
        break;
    case STEP_REPEAT:
        if (s->skip) {
            closure_push(c, s->next, t.stack);
        }
        if (a->g->repeats[s->first].max > 0) {
            enter(a, a->g->repeats[s->first].rule, t.step, 0, t.stack);
        }
        break;
    case STEP_MARK:
        c->bits |= STATE_MARKED;
        closure_push(c, s->next, t.stack);
        break;
    case STEP_RETURN:
        if (!(t.stack & OPEN)) {
            closure_return_from(a, t.stack);
        }
        break;
    default: break; /* STEP_DEAD */
    }
}

/* ---- Numbers for open stacks ---------------------------------------------------------------- */

static uint32_t resolve(const closure *c, uint32_t stack) {
    return stack & OPEN ? c->rules[stack & ~OPEN].stack : stack;
}

bool closure_room_for(closure *c, size_t n) {
    automaton_frame *sorted = grow_array(c->sorted, &c->sorted_cap, n, sizeof *sorted);
    c->sorted = sorted ? sorted : c->sorted;
    return sorted != NULL;
}

/* The frames that were gathered for a rule, as a stack. */
static lfm_status close_stack(automaton *a, uint32_t rule) {
    closure *c = a->closure;
    c->n_sorted = 0;
    for (uint32_t i = c->rules[rule].frames; i != 0; i = c->frames[i - 1].next) {
        const closure_gathered *f = &c->frames[i - 1];
        const uint32_t below = resolve(c, f->below);
        const automaton_stack *all = &a->stacks[below];
        const size_t n = f->to == ALL_OF ? all->n : 1;
        closure_count_work(c, CLOSURE_SORT_WORK * n);
        if (c->failed != LFM_OK || c->n_sorted + n > MAX_FRAMES) return LFM_ERR_UNSUPPORTED;
        if (!closure_room_for(c, c->n_sorted + n)) return LFM_ERR_MEMORY;
        if (f->to == ALL_OF) {
            memcpy(c->sorted + c->n_sorted, a->frames + all->first, n * sizeof *c->sorted);
        } else {
            c->sorted[c->n_sorted] = (automaton_frame){f->to, f->count, below};
        }
        c->n_sorted += n;
    }
    const size_t n = automaton_sort_frames(c->sorted, c->n_sorted);
    return automaton_intern_stack(a, c->sorted, n, a->g->rules[rule].wide, &c->rules[rule].stack);
}

static int compare_keys(const void *x, const void *y) {
    const uint64_t a = *(const uint64_t *)x;
    const uint64_t b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

/* Sort callers first: the keys are order and rule. */
static void sort_open(closure *c, const grammar *g) {
    for (size_t i = 0; i < c->n_open; i++) {
        const uint32_t rule = (uint32_t)c->open[i];
        c->open[i] = (uint64_t)g->rules[rule].order << 32 | rule;
    }
    if (c->n_open > 1) {
        qsort(c->open, c->n_open, sizeof *c->open, compare_keys);
    }
}

lfm_status closure_report(lfm_status st, lfm_error *err) {
    return st == LFM_OK           ? st
           : st == LFM_ERR_MEMORY ? automaton_no_memory(err)
                                  : automaton_too_much(err);
}

lfm_status closure_finish(automaton *a, uint32_t *to, lfm_error *err) {
    closure *c = a->closure;
    while (c->head < c->n_queue && c->failed == LFM_OK) {
        advance(a, c->queue[c->head++]);
    }
    lfm_status st = c->failed;
    sort_open(c, a->g);
    for (size_t i = 0; i < c->n_open && st == LFM_OK; i++) {
        st = close_stack(a, (uint32_t)c->open[i]);
    }
    for (size_t i = 0; i < c->n_waiting && st == LFM_OK; i++) {
        c->waiting[i].stack = resolve(c, c->waiting[i].stack);
    }
    if (st == LFM_OK) {
        const size_t n = automaton_sort_threads(c->waiting, c->n_waiting);
        st = automaton_intern_state(a, c->waiting, n, c->bits, to);
    }
    a->work += c->work;
    return closure_report(st, err);
}

/* ---- From where the threads come ------------------------------------------------------------ */

lfm_status closure_start(automaton *a, uint32_t *to, lfm_error *err) {
    closure_begin(a->closure);
    closure_push(a->closure, a->g->rules[a->g->root].start, 0);
    return closure_finish(a, to, err);
}

/* Where a byte leads from a step; NULL = nowhere. */
static const grammar_edge *find_edge(const grammar *g, const grammar_step *s, uint8_t byte) {
    const grammar_edge *e = g->edges + s->first;
    uint32_t lo = 0;
    uint32_t hi = s->n;
    while (lo < hi) { /* the first edge that does not end before the byte */
        const uint32_t middle = lo + (hi - lo) / 2;
        if (e[middle].hi < byte) {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    return lo < s->n && e[lo].lo <= byte ? &e[lo] : NULL;
}

lfm_status closure_after_byte(automaton *a, uint32_t from, uint8_t byte, uint32_t *to,
                              lfm_error *err) {
    closure_begin(a->closure);
    const automaton_state s = a->states[from];
    for (uint32_t i = 0; i < s.n; i++) {
        const automaton_thread t = a->threads[s.first + i];
        const grammar_step *step = &a->g->steps[t.step];
        const grammar_edge *e = step->kind == STEP_MATCH ? find_edge(a->g, step, byte) : NULL;
        if (e) {
            closure_push(a->closure, e->next, t.stack);
        }
    }
    a->work += s.n;
    return closure_finish(a, to, err);
}

lfm_status closure_after_token(automaton *a, uint32_t from, const bool *matches, uint32_t *to,
                               lfm_error *err) {
    closure_begin(a->closure);
    const automaton_state s = a->states[from];
    for (uint32_t i = 0; i < s.n; i++) {
        const automaton_thread t = a->threads[s.first + i];
        const grammar_step *step = &a->g->steps[t.step];
        if (step->kind == STEP_TOKEN && matches[step->first]) {
            closure_push(a->closure, step->next, t.stack);
        }
    }
    return closure_finish(a, to, err);
}
