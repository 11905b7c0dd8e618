/*
 * ahead.c - looking ahead: texts after which a marked bracket can still be closed.
 *
 * The search follows the bytes that lead to the end of the text on the shortest way, and where that
 * repeats something goes back to the last place with another choice.  Only as many ways fail as
 * there are elements to repeat, so it seldom takes long.  What was found for a state serves the
 * next token that leads there.
 */
#include "constrain/checks/ahead.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_PATH = 3000,    /* bytes that a search looks ahead */
    MAX_TRIES = 30000,  /* bytes that it tries */
    MAX_KNOWN = 1000,   /* bytes of a text that is remembered */
    N_SETS = 64, N_WAYS = 4, N_ORDERS = 256, N_FREE = 16,
    MAX_INSIDE = 600,   /* states within a string that are looked at */
    MORE_BYTES = 8,     /* an escape, and a letter or two */
    MANY_ENDS = 1 << 30
};
#define FAR (UINT32_MAX / 4)

/* A text that may follow in a state. */
typedef struct {
    uint32_t state;
    uint64_t generation; /* + 1; 0 = empty */
    size_t n;
    char text[MAX_KNOWN];
    bool marks[MAX_KNOWN]; /* whether a byte opens a marked bracket */
} known_text;

typedef struct {
    uint32_t state;
    uint64_t generation; /* + 1; 0 = empty */
    bool escaped;
    uint64_t ends; /* strings that can be written from here on, after a few bytes */
} known_free;

/* The bytes that may follow in a state, those first from which the end is nearest. */
typedef struct {
    uint32_t state;
    uint64_t generation; /* + 1; 0 = empty */
    size_t n;
    uint8_t bytes[256];
} byte_order;

/* A place on the path of a search. */
typedef struct {
    keys_place held;
    size_t n_tried; /* of the bytes that may follow */
    char byte;
    bool marked;
} turn;

struct ahead {
    automaton *a;
    uint32_t *steps;      // [n_steps] bytes to the end of the rule, at least
    uint32_t *stacks;     /* bytes to the end of the text */
    size_t n_stacks, stacks_cap;
    uint64_t generation;  /* of the stacks */
    uint32_t *path;       // [MAX_PATH + 2] pinned
    automaton_pin path_pin;
    turn *turns;          // [MAX_PATH + 1]
    known_text known[N_SETS][N_WAYS];
    byte_order orders[N_ORDERS];
    known_free free[N_FREE];
    size_t clock;
    size_t n_path;        /* of them were used since they were last cleared */
};

/* ---- Distances ------------------------------------------------------------------------------ */

static uint32_t far_add(uint32_t a, uint32_t b) {
    return a + b < FAR ? a + b : FAR;
}

static uint32_t far_times(uint32_t n, uint32_t each) {
    const uint64_t all = (uint64_t)n * each;
    return all < FAR ? (uint32_t)all : FAR;
}

static uint32_t step_distance(const ahead *h, const grammar_step *s) {
    const grammar *g = h->a->g;
    uint32_t best = FAR;
    switch (s->kind) {
    case STEP_RETURN: return 0;
    case STEP_MATCH:
        for (uint32_t i = 0; i < s->n; i++) {
            const uint32_t d = h->steps[g->edges[s->first + i].next];
            best = d < best ? d : best;
        }
        return far_add(1, best);
    case STEP_TOKEN: return far_add(1, h->steps[s->next]);
    case STEP_SPLIT:
        for (uint32_t i = 0; i < s->n; i++) {
            const uint32_t d = h->steps[g->branches[s->first + i]];
            best = d < best ? d : best;
        }
        return best;
    case STEP_MARK: return h->steps[s->next];
    case STEP_CALL: return far_add(h->steps[g->rules[s->first].start], h->steps[s->next]);
    case STEP_REPEAT: {
        const grammar_repeat *r = &g->repeats[s->first];
        return far_add(far_times(r->min, h->steps[g->rules[r->rule].start]), h->steps[s->next]);
    }
    default: return FAR;
    }
}

/* Steps come after those that follow them, so few rounds are needed. */
static void measure_steps(ahead *h) {
    const grammar *g = h->a->g;
    for (size_t i = 0; i < g->n_steps; i++) {
        h->steps[i] = FAR;
    }
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < g->n_steps; i++) {
            const uint32_t d = step_distance(h, &g->steps[i]);
            changed = changed || d < h->steps[i];
            h->steps[i] = d < h->steps[i] ? d : h->steps[i];
        }
    }
}

static uint32_t frame_distance(const ahead *h, const automaton_frame *f) {
    const grammar *g = h->a->g;
    if (f->to >= FRAME_END) return 0;
    if (f->count == FRAME_CALL) return far_add(h->steps[f->to], h->stacks[f->below]);
    const grammar_step *s = &g->steps[f->to];
    const grammar_repeat *r = &g->repeats[s->first];
    const uint32_t left = r->min > f->count + 1 ? r->min - f->count - 1 : 0;
    const uint32_t more = far_times(left, h->steps[g->rules[r->rule].start]);
    return far_add(far_add(more, h->steps[s->next]), h->stacks[f->below]);
}

/* Measure new stacks; each stands on one with a lower number. */
static bool measure_stacks(ahead *h) {
    const automaton *a = h->a;
    if (h->generation != a->generation) {
        h->generation = a->generation;
        h->n_stacks = 0;
    }
    uint32_t *stacks = grow_array(h->stacks, &h->stacks_cap, a->n_stacks, sizeof *stacks);
    if (!stacks) return false;
    h->stacks = stacks;
    for (; h->n_stacks < a->n_stacks; h->n_stacks++) {
        const automaton_stack *s = &a->stacks[h->n_stacks];
        uint32_t best = FAR;
        for (uint32_t i = 0; i < s->n; i++) {
            const uint32_t d = frame_distance(h, &a->frames[s->first + i]);
            best = d < best ? d : best;
        }
        stacks[h->n_stacks] = best;
    }
    return true;
}

/* Bytes to the end of the text; measure_stacks first. */
static uint32_t state_distance(const ahead *h, uint32_t state) {
    const automaton *a = h->a;
    const automaton_state *s = &a->states[state];
    uint32_t best = s->bits & STATE_ACCEPTS ? 0 : FAR;
    for (uint32_t i = 0; i < s->n; i++) {
        const automaton_thread t = a->threads[s->first + i];
        const uint32_t d = far_add(h->steps[t.step], h->stacks[t.stack]);
        best = d < best ? d : best;
    }
    return best;
}

/* ---- Lifecycle ------------------------------------------------------------------------------ */

lfm_status ahead_new(ahead **out, automaton *a, lfm_error *err) {
    ahead *h = calloc(1, sizeof *h);
    *out = NULL;
    if (!h) return automaton_no_memory(err);
    h->a = a;
    h->steps = calloc(a->g->n_steps + 1, sizeof *h->steps);
    h->path = calloc(MAX_PATH + 2, sizeof *h->path);
    h->turns = calloc(MAX_PATH + 1, sizeof *h->turns);
    if (!h->steps || !h->path || !h->turns) {
        ahead_free(h);
        return automaton_no_memory(err);
    }
    measure_steps(h);
    automaton_hold(a, &h->path_pin, h->path, MAX_PATH + 2);
    *out = h;
    return LFM_OK;
}

void ahead_free(ahead *h) {
    if (h) {
        automaton_release(h->a, &h->path_pin);
        free(h->steps);
        free(h->stacks);
        free(h->path);
        free(h->turns);
        free(h);
    }
}

/* ---- Known texts ---------------------------------------------------------------------------- */

/* Read a text; true when it repeats nothing and closes every marked bracket. */
static lfm_status try_known(keys_open *k, const known_text *t, bool *good) {
    const keys_place held = keys_hold(k);
    keys_result result = KEYS_FINE;
    for (size_t i = 0; i < t->n && result == KEYS_FINE; i++) {
        result = keys_byte(k, t->text[i], t->marks[i]);
    }
    *good = result == KEYS_FINE && k->at.n_marked == 0;
    keys_back(k, &held);
    return result == KEYS_NO_MEMORY ? LFM_ERR_MEMORY : LFM_OK;
}

static lfm_status find_known(ahead *h, keys_open *k, uint32_t state, bool *good) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < N_WAYS && st == LFM_OK && !*good; i++) {
        const known_text *t = &h->known[state % N_SETS][i];
        if (t->generation == h->a->generation + 1 && t->state == state) {
            st = try_known(k, t, good);
        }
    }
    return st;
}

/* Remember the text of the first n turns. */
static void note_known(ahead *h, size_t n) {
    known_text *t = &h->known[h->path[0] % N_SETS][h->clock++ % N_WAYS];
    if (n > MAX_KNOWN) return;
    t->state = h->path[0];
    t->generation = h->a->generation + 1;
    t->n = n;
    for (size_t i = 0; i < n; i++) {
        t->text[i] = h->turns[i].byte;
        t->marks[i] = h->turns[i].marked;
    }
}

static void clear_path(ahead *h) { /* pin nothing between calls */
    memset(h->path, 0, (h->n_path + 1) * sizeof *h->path);
    h->path[MAX_PATH] = h->path[MAX_PATH + 1] = STATE_DEAD;
    h->n_path = 0;
}

/* ---- The search ----------------------------------------------------------------------------- */

/* The bytes for which some thread waits. */
static void live_bytes(const automaton *a, uint32_t state, bool live[256]) {
    const automaton_state *s = &a->states[state];
    memset(live, 0, 256 * sizeof *live);
    for (uint32_t i = 0; i < s->n; i++) {
        const grammar_step *step = &a->g->steps[a->threads[s->first + i].step];
        for (uint32_t k = 0; step->kind == STEP_MATCH && k < step->n; k++) {
            const grammar_edge *e = &a->g->edges[step->first + k];
            memset(live + e->lo, 1, (size_t)(e->hi - e->lo) + 1);
        }
    }
}

static int compare_far(const void *x, const void *y) {
    const uint64_t a = *(const uint64_t *)x;
    const uint64_t b = *(const uint64_t *)y;
    return a < b ? -1 : a > b;
}

/* The choices in the state path[at]. */
static lfm_status find_order(ahead *h, size_t at, const byte_order **out, lfm_error *err) {
    automaton *a = h->a;
    uint32_t *const next = &h->path[MAX_PATH + 1];
    byte_order *order = &h->orders[h->path[at] % N_ORDERS];
    uint64_t found[256];
    size_t n = 0;
    bool live[256];
    *out = order;
    if (order->generation == a->generation + 1 && order->state == h->path[at]) return LFM_OK;
    live_bytes(a, h->path[at], live);
    for (unsigned byte = 0; byte < 256; byte++) {
        if (!live[byte]) continue;
        const lfm_status st = automaton_step(a, &h->path[at], (uint8_t)byte, next, err);
        if (st != LFM_OK) return st;
        if (!measure_stacks(h)) return automaton_no_memory(err);
        found[n++] = (uint64_t)state_distance(h, *next) << 8 | byte;
    }
    *next = STATE_DEAD;
    if (n > 1) {
        qsort(found, n, sizeof *found, compare_far);
    }
    order = &h->orders[h->path[at] % N_ORDERS]; /* numbers of states may have changed */
    *order = (byte_order){.state = h->path[at], .generation = a->generation + 1, .n = n};
    for (size_t i = 0; i < n; i++) {
        order->bytes[i] = (uint8_t)found[i];
    }
    *out = order;
    return LFM_OK;
}

typedef enum { SEARCH_FOUND, SEARCH_NOTHING, SEARCH_TOO_LONG } search_end;

/* Find a text that closes every marked bracket, or a whole text, from the state path[0] on.  Leaves
 * k held at turns[0]. */
static lfm_status search(ahead *h, keys_open *k, bool whole, search_end *end, lfm_error *err) {
    size_t at = 0;
    h->turns[0].held = keys_hold(k);
    h->turns[0].n_tried = 0;
    *end = SEARCH_TOO_LONG;
    for (size_t n_tries = 0; n_tries < MAX_TRIES && at < MAX_PATH; n_tries++) {
        turn *t = &h->turns[at];
        const byte_order *order = NULL;
        lfm_status st = find_order(h, at, &order, err);
        if (st == LFM_OK && t->n_tried == order->n) { /* back to the turn before */
            if (at == 0) {
                *end = SEARCH_NOTHING;
                return LFM_OK;
            }
            at--;
            keys_back(k, &h->turns[at].held);
            keys_hold(k);
            continue;
        }
        if (st != LFM_OK) return st;
        t->byte = (char)order->bytes[t->n_tried++];
        st = automaton_step(h->a, &h->path[at], (uint8_t)t->byte, &h->path[at + 1], err);
        if (st != LFM_OK) return st;
        t->marked = automaton_bits(h->a, h->path[at + 1]) & STATE_MARKED;
        const keys_result result = keys_byte(k, t->byte, t->marked);
        if (result == KEYS_NO_MEMORY) return automaton_no_memory(err);
        if (result == KEYS_REPEATS) {
            keys_back(k, &t->held);
            keys_hold(k);
            continue;
        }
        at++;
        h->n_path = at > h->n_path ? at : h->n_path;
        if (k->at.n_marked == 0 && !whole) {
            note_known(h, at);
        }
        if (k->at.n_marked == 0 &&
            (!whole || automaton_bits(h->a, h->path[at]) & STATE_ACCEPTS)) {
            *end = SEARCH_FOUND;
            return LFM_OK;
        }
        h->turns[at].held = keys_hold(k);
        h->turns[at].n_tried = 0;
    }
    return LFM_OK;
}

/* Can the marked brackets be closed in the state path[0]? */
static lfm_status can_close(ahead *h, keys_open *k, bool *can, lfm_error *err) {
    *can = k->at.n_marked == 0;
    if (*can) return LFM_OK;
    lfm_status st = find_known(h, k, h->path[0], can);
    if (st != LFM_OK) return automaton_no_memory(err);
    if (!*can) {
        search_end end = SEARCH_NOTHING;
        st = search(h, k, false, &end, err);
        *can = st == LFM_OK && end == SEARCH_FOUND;
    }
    return st;
}

lfm_status ahead_has_text(ahead *h, bool *has, lfm_error *err) {
    keys_open k = {0};
    search_end end = SEARCH_FOUND;
    lfm_status st = LFM_OK;
    h->path[0] = h->a->start;
    if (h->a->g->n_tokens == 0) st = search(h, &k, true, &end, err);
    *has = end != SEARCH_NOTHING;
    clear_path(h);
    keys_drop(&k);
    return st;
}

lfm_status ahead_allows(ahead *h, keys_open *k, const uint32_t *state, const char *text, size_t n,
                        bool *allowed, lfm_error *err) {
    const keys_place held = keys_hold(k);
    keys_result result = KEYS_FINE;
    lfm_status st = LFM_OK;
    h->path[0] = *state;
    *allowed = false;
    for (size_t i = 0; i < n && st == LFM_OK && result == KEYS_FINE; i++) {
        st = automaton_step(h->a, &h->path[0], (uint8_t)text[i], &h->path[0], err);
        if (st == LFM_OK && h->path[0] == STATE_DEAD) {
            result = KEYS_REPEATS;
        } else if (st == LFM_OK) {
            result = keys_byte(k, text[i],
                               automaton_bits(h->a, h->path[0]) & STATE_MARKED);
        }
    }
    if (st == LFM_OK && result == KEYS_NO_MEMORY) st = automaton_no_memory(err);
    if (st == LFM_OK && result == KEYS_FINE) st = can_close(h, k, allowed, err);
    keys_back(k, &held);
    clear_path(h);
    return st;
}

/* ---- Strings -------------------------------------------------------------------------------- */

/* States within a string, path[0..n). */
typedef struct {
    size_t n;
    struct {
        uint64_t ends, next_ends; /* texts of a few bytes to the end of the string */
        size_t depth;             /* bytes from the first state */
        bool escaped, closes;
    } at[MAX_INSIDE];
    uint32_t to[MAX_INSIDE][256]; /* index of the state after a class of bytes, + 1; 0 = none */
} inside;

/* The index of a state, + 1; 0 when there are too many. */
static uint32_t find_inside(ahead *h, inside *s, bool escaped, size_t depth) {
    const uint32_t state = h->path[MAX_PATH + 1];
    for (size_t i = 0; i < s->n; i++) {
        if (h->path[i] == state && s->at[i].escaped == escaped) return (uint32_t)i + 1;
    }
    if (s->n == MAX_INSIDE) return 0;
    h->path[s->n] = state;
    s->at[s->n].escaped = escaped;
    s->at[s->n].depth = depth;
    return (uint32_t)++s->n;
}

/* Find the states within the string after up to AHEAD_FREE_BYTES and a few more bytes.  *good is
 * false when there are too many, or when ends of the string lead to different states. */
static lfm_status walk_inside(ahead *h, inside *s, bool *good, lfm_error *err) {
    const grammar *g = h->a->g;
    uint32_t *const end = &h->path[MAX_PATH];
    bool live[256];
    for (size_t at = 0; at < s->n && *good; at++) { /* it grows */
        if (s->at[at].depth >= AHEAD_FREE_BYTES + MORE_BYTES) continue;
        live_bytes(h->a, h->path[at], live);
        for (uint32_t c = 0; c < g->n_classes && *good; c++) {
            const uint8_t byte = g->class_byte[c];
            uint32_t *const next = &h->path[MAX_PATH + 1];
            if (!live[byte]) continue;
            const lfm_status st = automaton_step(h->a, &h->path[at], byte, next, err);
            if (st != LFM_OK) return st;
            if (byte == '"' && !s->at[at].escaped) {
                *good = *end == STATE_DEAD || *end == *next;
                *end = *next;
                s->at[at].closes = true;
            } else {
                const bool escapes = byte == '\\' && !s->at[at].escaped;
                s->to[at][c] = find_inside(h, s, escapes, s->at[at].depth + 1);
                *good = s->to[at][c] != 0;
            }
        }
    }
    return LFM_OK;
}

/* How many texts of at most MORE_BYTES bytes complete the string, at the least favourable of the
 * states that AHEAD_FREE_BYTES bytes reach. */
static uint64_t count_ends(const grammar *g, inside *s) {
    uint64_t size[256] = {0};
    uint64_t least = UINT64_MAX;
    for (unsigned byte = 0; byte < 256; byte++) {
        size[g->byte_class[byte]]++;
    }
    for (size_t round = 0; round < MORE_BYTES; round++) {
        for (size_t i = 0; i < s->n; i++) {
            uint64_t n = s->at[i].closes;
            for (uint32_t c = 0; c < g->n_classes; c++) {
                n += s->to[i][c] ? size[c] * s->at[s->to[i][c] - 1].ends : 0;
            }
            s->at[i].next_ends = n < MANY_ENDS ? n : MANY_ENDS;
        }
        for (size_t i = 0; i < s->n; i++) {
            s->at[i].ends = s->at[i].next_ends;
        }
    }
    for (size_t i = 0; i < s->n; i++) {
        const bool near = s->at[i].depth <= AHEAD_FREE_BYTES;
        least = near && s->at[i].ends < least ? s->at[i].ends : least;
    }
    return least;
}

static lfm_status find_ends(ahead *h, const keys_open *k, uint32_t state, uint64_t *ends,
                            lfm_error *err) {
    const grammar *g = h->a->g;
    bool good = g->class_byte[g->byte_class['"']] == '"' &&
                g->class_byte[g->byte_class['\\']] == '\\';
    inside *s = calloc(1, sizeof *s);
    if (!s) return automaton_no_memory(err);
    h->path[MAX_PATH + 1] = state;
    find_inside(h, s, k->at.escaped, 0);
    const lfm_status st = walk_inside(h, s, &good, err);
    *ends = good ? count_ends(g, s) : 0;
    h->n_path = s->n;
    clear_path(h);
    free(s);
    return st;
}

lfm_status ahead_is_free(ahead *h, const keys_open *k, const uint32_t *state, bool *is_free,
                         lfm_error *err) {
    /* Each key, each element so far, and each of those that a search wrote forbids one string. */
    const uint64_t enough = k->at.n_keys + MAX_PATH;
    uint64_t ends = 0;
    *is_free = false;
    if (!k->at.in_string) return LFM_OK;
    for (size_t i = 0; i < N_FREE; i++) {
        const known_free *f = &h->free[i];
        if (f->generation == h->a->generation + 1 && f->state == *state &&
            f->escaped == k->at.escaped) {
            *is_free = f->ends > enough;
            return LFM_OK;
        }
    }
    const lfm_status st = find_ends(h, k, *state, &ends, err);
    if (st != LFM_OK) return st;
    h->free[h->clock++ % N_FREE] =
        (known_free){*state, h->a->generation + 1, k->at.escaped, ends};
    *is_free = ends > enough;
    return LFM_OK;
}
