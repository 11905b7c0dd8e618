/*
 * automaton.c - states, and the memory they live in.
 *
 * The computation of one state from another is in closure.c.
 */
#include "constrain/engine/automaton.h"

#include "constrain/engine/closure.h"
#include "constrain/engine/grow.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BUDGET = 32 << 20,
    LAST_BUDGET = 512 << 20,
    FIRST_HEADS = 1024
};

/* ---- Interning ------------------------------------------------------------------------------ */

static uint64_t mix(uint64_t h, uint64_t v) {
    h = (h ^ v) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t hash_frames(const automaton_frame *f, size_t n, bool wide) {
    uint64_t h = 2 * n + wide;
    for (size_t i = 0; i < n; i++) {
        h = mix(h, (uint64_t)f[i].to << 32 | f[i].below);
        h = mix(h, f[i].count);
    }
    return h;
}

static uint64_t hash_threads(const automaton_thread *t, size_t n, uint32_t bits) {
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) {
        h = mix(h, (uint64_t)t[i].step << 32 | t[i].stack);
    }
    return mix(h, bits);
}

/* Longer chains are made shorter. */
static lfm_status grow_heads(automaton *a) {
    const size_t n = a->n_heads ? 2 * a->n_heads : FIRST_HEADS;
    uint32_t *stacks = calloc(n, sizeof *stacks);
    uint32_t *states = calloc(n, sizeof *states);
    if (!stacks || !states) {
        free(stacks);
        free(states);
        return LFM_ERR_MEMORY;
    }
    for (size_t i = 0; i < a->n_stacks; i++) {
        automaton_stack *s = &a->stacks[i];
        uint32_t *head = &stacks[hash_frames(a->frames + s->first, s->n, s->wide) & (n - 1)];
        s->chain = *head;
        *head = (uint32_t)i + 1;
    }
    for (size_t i = 0; i < a->n_states; i++) {
        automaton_state *s = &a->states[i];
        uint32_t *head = &states[hash_threads(a->threads + s->first, s->n, s->bits) & (n - 1)];
        s->chain = *head;
        *head = (uint32_t)i + 1;
    }
    free(a->stack_heads);
    free(a->state_heads);
    a->stack_heads = stacks;
    a->state_heads = states;
    a->n_heads = n;
    return LFM_OK;
}

/* Room for one more entry in the tables. */
static lfm_status make_room(automaton *a, size_t n_frames, size_t n_threads) {
    if (a->n_stacks + a->n_states + 1 > a->n_heads && grow_heads(a) != LFM_OK) {
        return LFM_ERR_MEMORY;
    }
    automaton_frame *frames =
        grow_array(a->frames, &a->frames_cap, a->n_frames + n_frames, sizeof *frames);
    a->frames = frames ? frames : a->frames;
    automaton_thread *threads =
        grow_array(a->threads, &a->threads_cap, a->n_threads + n_threads, sizeof *threads);
    a->threads = threads ? threads : a->threads;
    automaton_stack *stacks =
        grow_array(a->stacks, &a->stacks_cap, a->n_stacks + 1, sizeof *stacks);
    a->stacks = stacks ? stacks : a->stacks;
    automaton_state *states =
        grow_array(a->states, &a->states_cap, a->n_states + 1, sizeof *states);
    a->states = states ? states : a->states;
    return frames && threads && stacks && states ? LFM_OK : LFM_ERR_MEMORY;
}

lfm_status automaton_intern_stack(automaton *a, const automaton_frame *frames, size_t n, bool wide,
                                  uint32_t *id) {
    if (make_room(a, n, 0) != LFM_OK) {
        return LFM_ERR_MEMORY;
    }
    uint32_t *head = &a->stack_heads[hash_frames(frames, n, wide) & (a->n_heads - 1)];
    for (uint32_t i = *head; i != 0; i = a->stacks[i - 1].chain) {
        const automaton_stack *s = &a->stacks[i - 1];
        if (s->n == n && s->wide == wide &&
            memcmp(a->frames + s->first, frames, n * sizeof *frames) == 0) {
            *id = i - 1;
            return LFM_OK;
        }
    }
    memcpy(a->frames + a->n_frames, frames, n * sizeof *frames);
    a->stacks[a->n_stacks] = (automaton_stack){
        .first = (uint32_t)a->n_frames, .n = (uint32_t)n, .returned = STATE_UNKNOWN,
        .chain = *head, .wide = wide,
    };
    a->n_frames += n;
    *id = (uint32_t)a->n_stacks++;
    *head = *id + 1;
    return LFM_OK;
}

lfm_status automaton_intern_state(automaton *a, const automaton_thread *threads, size_t n,
                                  uint32_t bits, uint32_t *id) {
    if (make_room(a, 0, n) != LFM_OK) {
        return LFM_ERR_MEMORY;
    }
    uint32_t *head = &a->state_heads[hash_threads(threads, n, bits) & (a->n_heads - 1)];
    for (uint32_t i = *head; i != 0; i = a->states[i - 1].chain) {
        const automaton_state *s = &a->states[i - 1];
        if (s->n == n && s->bits == bits &&
            (n == 0 || memcmp(a->threads + s->first, threads, n * sizeof *threads) == 0)) {
            *id = i - 1;
            return LFM_OK;
        }
    }
    if (n > 0) {
        memcpy(a->threads + a->n_threads, threads, n * sizeof *threads);
    }
    a->states[a->n_states] = (automaton_state){
        .first = (uint32_t)a->n_threads, .n = (uint32_t)n, .bits = bits, .row = UINT32_MAX,
        .chain = *head,
    };
    a->n_threads += n;
    *id = (uint32_t)a->n_states++;
    *head = *id + 1;
    return LFM_OK;
}

/* What is always there: the dead state, and the stacks that end a text or an outline. */
static lfm_status intern_basics(automaton *a) {
    uint32_t id = 0;
    lfm_status st = automaton_intern_state(a, NULL, 0, 0, &id);
    for (uint32_t i = 0; i <= OUTLINE_MAX && st == LFM_OK; i++) {
        const automaton_frame end = {.to = FRAME_END + i, .count = FRAME_CALL, .below = 0};
        st = automaton_intern_stack(a, &end, 1, false, &id);
    }
    return st;
}

/* ---- Forgetting ----------------------------------------------------------------------------- */

static size_t bytes_used(const automaton *a) {
    return a->n_threads * sizeof *a->threads + a->n_frames * sizeof *a->frames +
           a->n_stacks * sizeof *a->stacks + a->n_states * sizeof *a->states +
           a->n_rows * sizeof *a->rows;
}

static void drop_tables(automaton *a) {
    free(a->threads);
    free(a->frames);
    free(a->stacks);
    free(a->states);
    free(a->rows);
    free(a->stack_heads);
    free(a->state_heads);
}

/* Mark the stacks that pinned states need; a stack is older than those that stand on it. */
static void mark_stacks(const automaton *a, bool *needed) {
    for (const automaton_pin *p = a->pins; p; p = p->next) {
        for (size_t i = 0; i < p->n; i++) {
            const automaton_state *s = &a->states[p->states[i]];
            for (uint32_t k = 0; k < s->n; k++) {
                needed[a->threads[s->first + k].stack] = true;
            }
        }
    }
    for (size_t i = a->n_stacks; i-- > 0;) {
        const automaton_stack *s = &a->stacks[i];
        for (uint32_t k = 0; needed[i] && k < s->n; k++) {
            needed[a->frames[s->first + k].below] = true;
        }
    }
}

static int compare_frames(const void *x, const void *y) {
    const automaton_frame *a = x;
    const automaton_frame *b = y;
    return a->to != b->to         ? (a->to < b->to ? -1 : 1)
           : a->count != b->count ? (a->count < b->count ? -1 : 1)
           : a->below != b->below ? (a->below < b->below ? -1 : 1)
                                  : 0;
}

static int compare_threads(const void *x, const void *y) {
    const automaton_thread *a = x;
    const automaton_thread *b = y;
    return a->step != b->step     ? (a->step < b->step ? -1 : 1)
           : a->stack != b->stack ? (a->stack < b->stack ? -1 : 1)
                                  : 0;
}

size_t automaton_sort_frames(automaton_frame *f, size_t n) {
    size_t kept = 0;
    if (n > 1) {
        qsort(f, n, sizeof *f, compare_frames);
    }
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || compare_frames(&f[kept - 1], &f[i]) != 0) {
            f[kept++] = f[i];
        }
    }
    return kept;
}

size_t automaton_sort_threads(automaton_thread *t, size_t n) {
    size_t kept = 0;
    if (n > 1) {
        qsort(t, n, sizeof *t, compare_threads);
    }
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || compare_threads(&t[kept - 1], &t[i]) != 0) {
            t[kept++] = t[i];
        }
    }
    return kept;
}

/* Copy the needed stacks, oldest first; map[old] = new.  Order may change with the numbers. */
static lfm_status copy_stacks(const automaton *old, automaton *fresh, const bool *needed,
                              uint32_t *map) {
    automaton_frame *frames = NULL;
    size_t cap = 0;
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < old->n_stacks && st == LFM_OK; i++) {
        const automaton_stack *s = &old->stacks[i];
        if (i <= OUTLINE_MAX) {
            map[i] = (uint32_t)i;
            continue;
        }
        if (!needed[i]) {
            continue;
        }
        automaton_frame *grown = grow_array(frames, &cap, s->n, sizeof *grown);
        if (!grown) {
            st = LFM_ERR_MEMORY;
            break;
        }
        frames = grown;
        for (uint32_t k = 0; k < s->n; k++) {
            frames[k] = old->frames[s->first + k];
            frames[k].below = map[frames[k].below];
        }
        const size_t n = automaton_sort_frames(frames, s->n);
        st = automaton_intern_stack(fresh, frames, n, s->wide, &map[i]);
    }
    free(frames);
    return st;
}

static lfm_status copy_state(const automaton *old, automaton *fresh, const uint32_t *map,
                             uint32_t *id) {
    const automaton_state *s = &old->states[*id];
    automaton_thread *threads = calloc(s->n + 1, sizeof *threads);
    if (!threads) {
        return LFM_ERR_MEMORY;
    }
    for (uint32_t k = 0; k < s->n; k++) {
        const automaton_thread t = old->threads[s->first + k];
        threads[k] = (automaton_thread){t.step, map[t.stack]};
    }
    const size_t n = automaton_sort_threads(threads, s->n);
    const lfm_status st = automaton_intern_state(fresh, threads, n, s->bits, id);
    free(threads);
    return st;
}

static size_t count_pinned(const automaton *a) {
    size_t n = 0;
    for (const automaton_pin *p = a->pins; p; p = p->next) {
        n += p->n;
    }
    return n;
}

/* Begin again with the pinned states only.  When memory runs out nothing has changed. */
static lfm_status forget(automaton *a) {
    automaton fresh = *a;
    fresh.threads = NULL;
    fresh.frames = NULL;
    fresh.stacks = NULL;
    fresh.states = NULL;
    fresh.rows = NULL;
    fresh.stack_heads = NULL;
    fresh.state_heads = NULL;
    fresh.n_threads = fresh.threads_cap = fresh.n_frames = fresh.frames_cap = 0;
    fresh.n_stacks = fresh.stacks_cap = fresh.n_states = fresh.states_cap = 0;
    fresh.n_rows = fresh.rows_cap = fresh.n_heads = 0;
    bool *needed = calloc(a->n_stacks, sizeof *needed);
    uint32_t *map = calloc(a->n_stacks, sizeof *map);
    uint32_t *moved = calloc(count_pinned(a) + 1, sizeof *moved);
    lfm_status st = needed && map && moved ? intern_basics(&fresh) : LFM_ERR_MEMORY;
    if (st == LFM_OK) {
        mark_stacks(a, needed);
        st = copy_stacks(a, &fresh, needed, map);
    }
    size_t n = 0;
    for (automaton_pin *p = a->pins; p; p = p->next) {
        for (size_t i = 0; i < p->n && st == LFM_OK; i++) {
            moved[n] = p->states[i];
            st = copy_state(a, &fresh, map, &moved[n++]);
        }
    }
    if (st == LFM_OK) {
        drop_tables(a);
        *a = fresh;
        a->generation++;
        n = 0;
        for (automaton_pin *p = a->pins; p; p = p->next) { /* one of them is in *a */
            for (size_t i = 0; i < p->n; i++) {
                p->states[i] = moved[n++];
            }
        }
    } else {
        drop_tables(&fresh);
    }
    free(needed);
    free(map);
    free(moved);
    return st;
}

lfm_status automaton_check_budget(automaton *a, lfm_error *err) {
    if (bytes_used(a) <= a->budget) {
        return LFM_OK;
    }
    if (forget(a) != LFM_OK) {
        return automaton_no_memory(err);
    }
    while (bytes_used(a) > a->budget / 2 && a->budget < LAST_BUDGET) {
        a->budget *= 2;
    }
    if (bytes_used(a) > a->budget) {
        return automaton_too_much(err);
    }
    return LFM_OK;
}

lfm_status automaton_no_memory(lfm_error *err) {
    return err_set(err, LFM_ERR_MEMORY, "out of memory for the states of the grammar");
}

lfm_status automaton_too_much(lfm_error *err) {
    return err_set(err, LFM_ERR_UNSUPPORTED, "the grammar is too ambiguous: there are too many "
                   "ways to read the text so far; write it so that it can be read in one way");
}

/* ---- Public --------------------------------------------------------------------------------- */

lfm_status automaton_new(automaton **out, const grammar *g, lfm_error *err) {
    *out = NULL;
    automaton *a = calloc(1, sizeof *a);
    if (!a) {
        return automaton_no_memory(err);
    }
    a->g = g;
    a->budget = FIRST_BUDGET;
    lfm_status st = intern_basics(a) == LFM_OK ? LFM_OK : automaton_no_memory(err);
    if (st == LFM_OK) {
        automaton_hold(a, &a->start_pin, &a->start, 1);
        st = closure_new(&a->closure, g) == LFM_OK ? LFM_OK : automaton_no_memory(err);
    }
    if (st == LFM_OK) st = closure_start(a, &a->start, err);
    if (st != LFM_OK) {
        automaton_free(a);
        return st;
    }
    *out = a;
    return LFM_OK;
}

void automaton_free(automaton *a) {
    if (a) {
        drop_tables(a);
        closure_free(a->closure);
        free(a);
    }
}

void automaton_hold(automaton *a, automaton_pin *pin, uint32_t *states, size_t n) {
    pin->states = states;
    pin->n = n;
    pin->before = NULL;
    pin->next = a->pins;
    if (a->pins) {
        a->pins->before = pin;
    }
    a->pins = pin;
}

void automaton_release(automaton *a, automaton_pin *pin) {
    if (!pin->states) {
        return;
    }
    if (pin->before) {
        pin->before->next = pin->next;
    } else {
        a->pins = pin->next;
    }
    if (pin->next) {
        pin->next->before = pin->before;
    }
    *pin = (automaton_pin){0};
}

/* Note that `byte` leads from one state to another.  Failing to note costs time, nothing else. */
static void note_step(automaton *a, uint32_t from, uint8_t byte, uint32_t to) {
    automaton_state *s = &a->states[from];
    if (s->row == UINT32_MAX) {
        uint32_t *rows =
            grow_array(a->rows, &a->rows_cap, a->n_rows + a->g->n_classes, sizeof *rows);
        if (!rows) {
            return;
        }
        a->rows = rows;
        s->row = (uint32_t)a->n_rows;
        memset(rows + a->n_rows, 0xff, a->g->n_classes * sizeof *rows); /* STATE_UNKNOWN */
        a->n_rows += a->g->n_classes;
    }
    a->rows[s->row + a->g->byte_class[byte]] = to;
}

lfm_status automaton_step(automaton *a, const uint32_t *from, uint8_t byte, uint32_t *to,
                          lfm_error *err) {
    const uint32_t known = automaton_look(a, *from, byte);
    if (known != STATE_UNKNOWN) {
        *to = known;
        return LFM_OK;
    }
    lfm_status st = automaton_check_budget(a, err);
    const uint32_t at = *from;
    uint32_t reached = STATE_DEAD;
    if (st == LFM_OK) st = closure_after_byte(a, at, byte, &reached, err);
    if (st == LFM_OK) {
        note_step(a, at, byte, reached);
        *to = reached;
    }
    return st;
}

lfm_status automaton_step_token(automaton *a, const uint32_t *from, const bool *matches,
                                uint32_t *to, lfm_error *err) {
    const lfm_status st = automaton_check_budget(a, err);
    return st == LFM_OK ? closure_after_token(a, *from, matches, to, err) : st;
}

lfm_status automaton_join(automaton *a, const uint32_t states[2], uint32_t *to, lfm_error *err) {
    if (states[0] == STATE_DEAD || states[1] == STATE_DEAD || states[0] == states[1]) {
        *to = states[0] == STATE_DEAD ? states[1] : states[0];
        return LFM_OK;
    }
    const automaton_state x = a->states[states[0]];
    const automaton_state y = a->states[states[1]];
    automaton_thread *threads = calloc((size_t)x.n + y.n + 1, sizeof *threads);
    if (!threads) {
        return automaton_no_memory(err);
    }
    for (uint32_t i = 0; i < x.n + y.n; i++) {
        threads[i] = a->threads[i < x.n ? x.first + i : y.first + i - x.n];
    }
    const size_t n = automaton_sort_threads(threads, (size_t)x.n + y.n);
    const lfm_status st = automaton_intern_state(a, threads, n, x.bits | y.bits, to);
    free(threads);
    return st == LFM_OK ? st : automaton_no_memory(err);
}

int automaton_only_byte(const automaton *a, uint32_t state) {
    const automaton_state *s = &a->states[state];
    int only = -1;
    for (uint32_t i = 0; i < s->n && !(s->bits & STATE_ACCEPTS); i++) {
        const grammar_step *step = &a->g->steps[a->threads[s->first + i].step];
        const grammar_edge *e = a->g->edges + step->first;
        if (step->kind != STEP_MATCH || step->n != 1 || e->lo != e->hi ||
            (only >= 0 && only != e->lo)) {
            return -1;
        }
        only = e->lo;
    }
    return only;
}

bool automaton_tokens(const automaton *a, uint32_t state, bool *allowed) {
    const automaton_state *s = &a->states[state];
    bool any = false;
    for (size_t i = 0; i < a->g->n_tokens; i++) {
        allowed[i] = false;
    }
    for (uint32_t i = 0; i < s->n && a->g->n_tokens > 0; i++) {
        const grammar_step *step = &a->g->steps[a->threads[s->first + i].step];
        if (step->kind == STEP_TOKEN) {
            allowed[step->first] = true;
            any = true;
        }
    }
    return any;
}
