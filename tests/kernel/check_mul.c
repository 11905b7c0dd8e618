/*
 * check_mul.c - cases for the products of weights with activations.
 */
#include "check.h"

#include "kernel/scalar.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WEIGHTS, TOKENS, MOST_ROWS = 72 };

static const size_t tokens[] = {1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 63, 64, 65, 130};

/* Blocks along a row, so that rows of 32 and of 256 weights per block reach 2048. */
static const size_t blocks32[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 64};
static const size_t blocks256[] = {1, 2, 3, 5, 8};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static size_t choose_k(kase *c, size_t unit) {
    if (unit == 1) {
        return 1 + (draw(c) & 3 ? draw_below(c, 100) : draw_below(c, 700));
    }
    return unit == 256 ? 256 * blocks256[draw_cycle(c, COUNT(blocks256))]
                       : unit * blocks32[draw_cycle(c, COUNT(blocks32))];
}

/* One row of activations, in the layout the weights want. */
static const char *fill_token(kase *c, uint8_t *to, size_t flavour) {
    static float x[2048 * 4];
    const char *name = fill_floats(c, x, c->k, flavour);
    if (c->block) {
        kern_quantize_scalar(to, x, c->k, c->block);
    } else {
        memcpy(to, x, c->k * sizeof *x);
    }
    return name;
}

static void prepare_mul(kase *c) {
    const qtype type = c->slot->type;
    const size_t unit = qtype_get(type)->block_weights;
    c->rows = 1 + draw_cycle(c, MOST_ROWS);
    c->n = tokens[draw_cycle(c, COUNT(tokens))];
    c->k = choose_k(c, unit);
    c->block = kern_act_block(unit);
    const size_t w_bytes = c->rows * qtype_row_bytes(type, c->k);
    uint8_t *w = place(c, WEIGHTS, w_bytes, 1);
    const char *pattern = fill_weights(c, w, w_bytes, type, draw_cycle(c, N_PATTERNS));
    const size_t x_bytes = c->block ? kern_act_bytes(c->k, c->block) : c->k * sizeof(float);
    uint8_t *x = place(c, TOKENS, c->n * x_bytes, c->block ? 64 : sizeof(float));
    const size_t drawn = draw_cycle(c, N_FLAVOURS);
    const size_t flavour = !c->block && c->index % 8 == 0 ? FLAVOUR_VANISHING : drawn;
    const char *name = NULL;
    for (size_t t = 0; t < c->n; t++) {
        /* The other tokens of a batch are ordinary, so that nothing of this one may reach them. */
        const char *this = fill_token(c, x + t * x_bytes, t % 3 == 0 ? flavour : 0);
        name = t == 0 ? this : name;
        c->x[t] = x + t * x_bytes;
        add_region(c, c->rows, sizeof(float), sizeof(float));
    }
    say(c, "rows %zu, n %zu, k %zu, weights '%s' at 64 i + %zu, activations '%s'", c->rows, c->n,
        c->k, pattern, (size_t)((uintptr_t)w & 63), name);
}

static void run_mul(const kase *c, const kern_table *t, uint8_t *out) {
    float *y[MAX_TOKENS];
    for (size_t i = 0; i < c->n; i++) {
        y[i] = (float *)(void *)(out + c->region[i].at);
    }
    /* Fetching ahead may touch what cannot be read: the page behind the weights is a guard. */
    const uint8_t *behind = (const uint8_t *)c->in[WEIGHTS] +
                            c->rows * qtype_row_bytes(c->slot->type, c->k);
    t->mul[c->slot->type](y, c->in[WEIGHTS], c->x, c->n, c->rows, c->k, c->n % 2 ? behind : NULL);
}

size_t slots_mul(slot *out) {
    for (size_t type = 0; type < QTYPE_COUNT; type++) {
        slot *s = &out[type];
        *s = (slot){.type = (qtype)type, .n_cases = 400, .prepare = prepare_mul, .run = run_mul};
        s->offset = offsetof(kern_table, mul) + type * sizeof(kern_mul_fn *);
        snprintf(s->name, sizeof s->name, "mul_%s", qtype_get((qtype)type)->name);
        for (char *p = s->name; *p; p++) {
            *p = (char)tolower((unsigned char)*p);
        }
    }
    return QTYPE_COUNT;
}
