/*
 * states.c - the states of an automaton, and the memory they live in.
 */
#include "constrain/engine/states.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

enum {
    FIRST_BUDGET = 32 << 20,
    LAST_BUDGET = 512 << 20,
    FIRST_HEADS = 1024
};

lfm_status automaton_no_memory(lfm_error *err) {
    return err_no_memory(err, "the states of the grammar");
}

lfm_status automaton_too_much(lfm_error *err) {
    return err_set(err, LFM_ERR_UNSUPPORTED,
                   "the grammar is too ambiguous: there are too many ways to read the text so far; "
                   "rewrite it so that there is only one");
}

/* ---- Sorting --------------------------------------------------------------------------------- */

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

/* Double the tables of heads, so that chains stay short. */
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

/* Room for one more stack or state, with so many frames or threads. */
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
    if (make_room(a, n, 0) != LFM_OK) return LFM_ERR_MEMORY;
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
    if (make_room(a, 0, n) != LFM_OK) return LFM_ERR_MEMORY;
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

lfm_status automaton_init_states(automaton *a) {
    a->budget = FIRST_BUDGET;
    return intern_basics(a);
}

void automaton_drop_states(automaton *a) {
    free(a->threads);
    free(a->frames);
    free(a->stacks);
    free(a->states);
    free(a->rows);
    free(a->stack_heads);
    free(a->state_heads);
}

/* ---- Pins ------------------------------------------------------------------------------------ */

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
    if (!pin->states) return;
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

/* ---- Forgetting ----------------------------------------------------------------------------- */

static size_t bytes_used(const automaton *a) {
    return a->n_threads * sizeof *a->threads + a->n_frames * sizeof *a->frames +
           a->n_stacks * sizeof *a->stacks + a->n_states * sizeof *a->states +
           a->n_rows * sizeof *a->rows;
}

/* Mark the stacks that pinned states need.  A stack has a lower number than those that stand on
 * it. */
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

/* Copy the needed stacks, oldest first; map[old] = new.  New numbers may change the order of
 * frames, so they are sorted again. */
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
        if (!needed[i]) continue;
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
    if (!threads) return LFM_ERR_MEMORY;
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

/* Start over with only the pinned states.  When memory runs out nothing changes. */
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
        automaton_drop_states(a);
        *a = fresh;
        a->generation++;
        n = 0;
        for (automaton_pin *p = a->pins; p; p = p->next) { /* one of them is in *a */
            for (size_t i = 0; i < p->n; i++) {
                p->states[i] = moved[n++];
            }
        }
    } else {
        automaton_drop_states(&fresh);
    }
    free(needed);
    free(map);
    free(moved);
    return st;
}

lfm_status automaton_check_budget(automaton *a, lfm_error *err) {
    if (bytes_used(a) <= a->budget) return LFM_OK;
    if (forget(a) != LFM_OK) return automaton_no_memory(err);
    while (bytes_used(a) > a->budget / 2 && a->budget < LAST_BUDGET) {
        a->budget *= 2;
    }
    if (bytes_used(a) > a->budget) return automaton_too_much(err);
    return LFM_OK;
}
