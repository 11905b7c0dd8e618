/*
 * checked.c - texts that a grammar and the checks beside it allow.
 */
#include "checked.h"

#include "base/rng.h"

#include <string.h>

typedef struct {
    automaton *a;
    ahead *h; /* NULL: only what repeats is refused */
    uint32_t state;
    automaton_pin pin;
    keys_open keys;
    bool failed;
} walker;

static void begin(walker *w) {
    w->state = w->a->start;
    automaton_hold(w->a, &w->pin, &w->state, 1);
}

static void end(walker *w) {
    automaton_release(w->a, &w->pin);
    keys_drop(&w->keys);
}

/* Take a byte that is allowed. */
static bool try_byte(walker *w, char byte) {
    bool allowed = true;
    uint32_t to = STATE_DEAD;
    if (automaton_step(w->a, &w->state, (uint8_t)byte, &to, NULL) != LFM_OK) {
        w->failed = true;
    }
    if (w->failed || to == STATE_DEAD) {
        return false;
    }
    if (w->h &&
        ahead_allows(w->h, &w->keys, &w->state, &byte, 1, &allowed, NULL) != LFM_OK) {
        w->failed = true;
    }
    if (w->failed || !allowed ||
        automaton_step(w->a, &w->state, (uint8_t)byte, &w->state, NULL) != LFM_OK) {
        return false;
    }
    const bool marked = automaton_bits(w->a, w->state) & STATE_MARKED;
    return keys_byte(&w->keys, byte, marked) == KEYS_FINE;
}

static bool reads(automaton *a, ahead *h, const char *text, size_t n) {
    walker w = {.a = a, .h = h};
    size_t i = 0;
    begin(&w);
    while (i < n && try_byte(&w, text[i])) {
        i++;
    }
    const bool good = i == n && (automaton_bits(a, w.state) & STATE_ACCEPTS);
    end(&w);
    return good;
}

bool checked_accepts(automaton *a, const char *text, size_t n) {
    return reads(a, NULL, text, n);
}

bool checked_reaches(automaton *a, ahead *h, const char *text, size_t n) {
    return reads(a, h, text, n);
}

walk_end checked_walk(automaton *a, ahead *h, uint64_t seed, char *text, size_t cap, size_t *n) {
    static const char closers[] = "\"}])";
    walker w = {.a = a, .h = h};
    walk_end result = WALK_OPEN;
    uint64_t n_drawn = 0;
    begin(&w);
    *n = 0;
    while (result == WALK_OPEN && *n < cap) {
        const bool accepts = automaton_bits(a, w.state) & STATE_ACCEPTS;
        const bool closing = *n >= cap / 2;
        const uint64_t dice = rng_at(seed, n_drawn++);
        char found = 0;
        if (accepts && (closing || dice % 4 == 0)) {
            result = WALK_COMPLETE;
            break;
        }
        for (const char *c = closers; closing && *c && !found; c++) {
            found = try_byte(&w, *c) ? *c : 0;
        }
        for (uint64_t i = 0; i < 256 && !found && !w.failed; i++) {
            const char byte = (char)(uint8_t)((dice >> 8) + i * 37);
            found = try_byte(&w, byte) ? byte : 0;
        }
        if (found) {
            text[(*n)++] = found;
        } else {
            result = w.failed ? WALK_GAVE_UP : accepts ? WALK_COMPLETE : WALK_STUCK;
        }
    }
    end(&w);
    return result;
}
