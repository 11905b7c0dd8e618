/*
 * grammar_walk.c - random texts that a grammar allows.
 */
#include "grammar_walk.h"

#include "base/rng.h"

#include <string.h>

enum { MAX_WORK = 4 << 20 }; /* threads and frames that one walk may look at */

typedef struct {
    automaton *a;
    uint32_t state;
    automaton_pin pin;
    uint64_t seed, n_drawn;
    bool gave_up;
} walker;

/* Take a byte if the grammar does. */
static bool try_byte(walker *w, uint8_t byte) {
    uint32_t to = STATE_DEAD;
    if (automaton_step(w->a, &w->state, byte, &to, NULL) != LFM_OK) {
        w->gave_up = true;
        return false;
    }
    if (to == STATE_DEAD) {
        return false;
    }
    w->state = to;
    return true;
}

/* Any byte that can follow, each class of bytes with the same chance; -1 when there is none. */
static int next_byte(walker *w, bool closing) {
    static const char closers[] = "\"}])";
    const uint64_t dice = rng_at(w->seed, w->n_drawn++);
    const uint32_t n = w->a->g->n_classes;
    for (const char *c = closers; closing && *c && !w->gave_up; c++) {
        if (try_byte(w, (uint8_t)*c)) {
            return *c;
        }
    }
    for (uint32_t i = 0; i < n && !w->gave_up; i++) {
        const uint8_t byte = w->a->g->class_byte[((uint32_t)dice + i) % n];
        const uint8_t other = (uint8_t)(dice >> 32); /* another byte of the class, if it is one */
        const bool same = w->a->g->byte_class[other] == w->a->g->byte_class[byte];
        const uint8_t chosen = same ? other : byte;
        if (try_byte(w, chosen)) {
            return chosen;
        }
    }
    return -1;
}

walk_end grammar_walk(automaton *a, uint64_t seed, char *text, size_t cap, size_t *n) {
    walker w = {.a = a, .state = a->start, .seed = seed};
    const uint64_t work = a->work;
    walk_end end = WALK_OPEN;
    automaton_hold(a, &w.pin, &w.state, 1);
    *n = 0;
    while (end == WALK_OPEN && *n < cap) {
        const bool accepts = automaton_bits(a, w.state) & STATE_ACCEPTS;
        const bool closing = *n >= cap / 2;
        if (accepts && (closing || rng_at(seed, w.n_drawn++) % 4 == 0)) {
            end = WALK_COMPLETE;
            break;
        }
        const int byte = next_byte(&w, closing);
        if (w.gave_up || a->work - work > MAX_WORK) {
            end = WALK_GAVE_UP;
        } else if (byte >= 0) {
            text[(*n)++] = (char)byte;
        } else if (accepts) {
            end = WALK_COMPLETE;
        } else if (a->g->n_tokens > 0) {
            break;
        } else {
            end = WALK_STUCK;
        }
    }
    automaton_release(a, &w.pin);
    return end;
}

bool grammar_accepts(automaton *a, const char *text, size_t n, size_t *bytes_read) {
    walker w = {.a = a, .state = a->start};
    size_t i = 0;
    automaton_hold(a, &w.pin, &w.state, 1);
    while (i < n && try_byte(&w, (uint8_t)text[i])) {
        i++;
    }
    const bool accepts = i == n && (automaton_bits(a, w.state) & STATE_ACCEPTS);
    automaton_release(a, &w.pin);
    if (bytes_read) {
        *bytes_read = i;
    }
    return accepts;
}
