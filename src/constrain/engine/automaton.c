/*
 * automaton.c - walking the states of a grammar, byte by byte.
 *
 * states.c keeps the states; closure.c computes one from another.
 */
#include "constrain/engine/automaton.h"

#include "base/grow.h"
#include "constrain/engine/closure.h"

#include <stdlib.h>
#include <string.h>

lfm_status automaton_new(automaton **out, const grammar *g, lfm_error *err) {
    *out = NULL;
    automaton *a = calloc(1, sizeof *a);
    if (!a) return automaton_no_memory(err);
    a->g = g;
    lfm_status st = automaton_init_states(a) == LFM_OK ? LFM_OK : automaton_no_memory(err);
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
        automaton_drop_states(a);
        closure_free(a->closure);
        free(a);
    }
}

/* Remember that `byte` leads from one state to another.  When memory runs out the step is only
 * computed again later. */
static void note_step(automaton *a, uint32_t from, uint8_t byte, uint32_t to) {
    automaton_state *s = &a->states[from];
    if (s->row == UINT32_MAX) {
        uint32_t *rows =
            grow_array(a->rows, &a->rows_cap, a->n_rows + a->g->n_classes, sizeof *rows);
        if (!rows) return;
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
    if (!threads) return automaton_no_memory(err);
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
