/*
 * outline.c - what a state looks like to a short text (automaton_outline).
 *
 * Stacks far below matter only once a rule returns to them.  An outline cuts them off, and gives
 * counters that a short text cannot tell apart a common value.  So many states have the same
 * outline, and what is computed for one serves them all.
 */
#include "constrain/engine/outline.h"

#include "base/grow.h"
#include "constrain/engine/closure.h"

#include <stdlib.h>
#include <string.h>

/* The state after the rule of `stack` is done. */
static lfm_status after_return(automaton *a, uint32_t stack, uint32_t *to, lfm_error *err) {
    if (a->stacks[stack].returned == STATE_UNKNOWN) {
        uint32_t state = STATE_DEAD;
        closure_begin(a->closure);
        closure_return_from(a, stack);
        const lfm_status st = closure_finish(a, &state, err);
        if (st != LFM_OK) return st;
        a->stacks[stack].returned = state;
    }
    *to = a->stacks[stack].returned;
    return LFM_OK;
}

/* A count that max_bytes bytes, each ending at most one repetition, cannot distinguish from that of
 * `f`. */
static uint32_t plain_count(const grammar *g, automaton_frame f, uint32_t max_bytes) {
    if (f.count == FRAME_CALL) { /* or the end of all stacks */
        return f.count;
    }
    const grammar_repeat *r = &g->repeats[g->steps[f.to].first];
    const uint64_t furthest = (uint64_t)f.count + max_bytes;
    const uint32_t enough = r->min > 0 ? r->min - 1 : 0; /* one more, and it may end */
    if (furthest < r->min) return 0;
    if (f.count >= enough && (r->max == UINT32_MAX || furthest < r->max)) return enough;
    return f.count;
}

/* An outline under construction: the stacks and their replacements, in ascending order of their
 * numbers. */
typedef struct {
    automaton *a;
    uint32_t max_bytes;
    uint32_t *old, *new; // [n]
    size_t n;
    uint32_t cut[OUTLINE_MAX + 1]; /* the stack behind each cut */
    uint32_t n_cut;
} outline;

/* The replacement of a stack; false when there are too many to cut. */
static bool outlined(outline *o, uint32_t stack, uint32_t *as) {
    if (stack <= OUTLINE_MAX) {
        *as = stack;
        return true;
    }
    if (o->a->stacks[stack].wide) {
        uint32_t i = 1;
        while (i <= o->n_cut && o->cut[i] != stack) {
            i++;
        }
        if (i > OUTLINE_MAX) return false;
        o->cut[i] = stack;
        o->n_cut = i > o->n_cut ? i : o->n_cut;
        *as = i;
        return true;
    }
    size_t lo = 0;
    for (size_t n = o->n; n > 1; n -= n / 2) {
        lo = o->old[lo + n / 2] <= stack ? lo + n / 2 : lo;
    }
    *as = o->new[lo];
    return true;
}

static int compare_numbers(const void *x, const void *y) {
    const uint32_t a = *(const uint32_t *)x;
    const uint32_t b = *(const uint32_t *)y;
    return a < b ? -1 : a > b;
}

/* The stacks that are not cut, callers first. */
static lfm_status find_stacks(outline *o, uint32_t state) {
    const automaton *a = o->a;
    closure *c = a->closure;
    const automaton_state *s = &a->states[state];
    closure_begin(c);
    for (uint32_t i = 0; i < s->n; i++) {
        closure_push(c, 0, a->threads[s->first + i].stack);
    }
    for (; c->head < c->n_queue && c->failed == LFM_OK; c->head++) {
        const uint32_t stack = c->queue[c->head].stack;
        const automaton_stack *k = &a->stacks[stack];
        const uint32_t n = stack > OUTLINE_MAX && !k->wide ? k->n : 0;
        closure_count_work(c, CLOSURE_SORT_WORK * (size_t)n); /* copy_stack sorts them */
        for (uint32_t i = 0; i < n; i++) {
            closure_push(c, 0, a->frames[k->first + i].below);
        }
    }
    o->a->work += c->work;
    if (c->failed != LFM_OK) return c->failed;
    o->old = calloc(c->n_queue + 1, sizeof *o->old);
    o->new = calloc(c->n_queue + 1, sizeof *o->new);
    if (!o->old || !o->new) return LFM_ERR_MEMORY;
    for (size_t i = 0; i < c->n_queue; i++) {
        const uint32_t stack = c->queue[i].stack;
        if (stack > OUTLINE_MAX && !a->stacks[stack].wide) {
            o->old[o->n++] = stack;
        }
    }
    qsort(o->old, o->n, sizeof *o->old, compare_numbers);
    return LFM_OK;
}

/* Make the replacement of stack number `i`; *fits is false when there are too many to cut. */
static lfm_status copy_stack(outline *o, size_t i, bool *fits) {
    automaton *a = o->a;
    closure *c = a->closure;
    const automaton_stack s = a->stacks[o->old[i]];
    if (!closure_room_for(c, s.n)) return LFM_ERR_MEMORY;
    for (uint32_t k = 0; k < s.n && *fits; k++) {
        automaton_frame f = a->frames[s.first + k];
        f.count = plain_count(a->g, f, o->max_bytes);
        *fits = outlined(o, f.below, &f.below);
        c->sorted[k] = f;
    }
    const size_t n = automaton_sort_frames(c->sorted, s.n);
    return *fits ? automaton_intern_stack(a, c->sorted, n, false, &o->new[i]) : LFM_OK;
}

static lfm_status draw(outline *o, uint32_t state, uint32_t *top, bool *fits) {
    automaton *a = o->a;
    closure *c = a->closure;
    lfm_status st = find_stacks(o, state);
    for (size_t i = 0; i < o->n && st == LFM_OK && *fits; i++) {
        st = copy_stack(o, i, fits);
    }
    if (st != LFM_OK) return st;
    const automaton_state s = a->states[state];
    automaton_thread *threads = grow_array(c->waiting, &c->waiting_cap, s.n, sizeof *threads);
    if (!threads) return LFM_ERR_MEMORY;
    c->waiting = threads;
    for (uint32_t i = 0; i < s.n && *fits; i++) {
        const automaton_thread t = a->threads[s.first + i];
        threads[i].step = t.step;
        *fits = outlined(o, t.stack, &threads[i].stack);
    }
    if (!*fits) return LFM_OK;
    return automaton_intern_state(a, threads, automaton_sort_threads(threads, s.n), 0, top);
}

lfm_status automaton_outline(automaton *a, const uint32_t *state, uint32_t max_bytes,
                             automaton_view *out, lfm_error *err) {
    memset(out, 0, sizeof *out);
    lfm_status st = automaton_check_budget(a, err);
    if (st != LFM_OK) return st;
    outline o = {.a = a, .max_bytes = max_bytes};
    bool fits = true;
    uint32_t top = *state;
    st = draw(&o, *state, &top, &fits);
    free(o.old);
    free(o.new);
    if (st != LFM_OK) return closure_report(st, err);
    if (!fits) {
        out->states[0] = *state;
        return LFM_OK;
    }
    out->states[0] = top;
    out->n = o.n_cut;
    for (uint32_t i = 1; i <= o.n_cut && st == LFM_OK; i++) {
        st = after_return(a, o.cut[i], &out->states[i], err);
    }
    return st;
}
