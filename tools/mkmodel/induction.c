/*
 * induction.c - the weights of an induction head, matrix by matrix.
 *
 * The residual stream is [code of the token, 16 unused | code of the previous token, 16 unused].
 * A head has 32 pairs that turn with the position.  The 8 fastest carry nothing, so with the theta
 * of the preset no pair in use turns by more than 0.02 over 128,000 tokens.
 *
 * Source: the formulas of src/model/MODEL.md.
 */
#include "induction.h"

#include "base/rng.h"

#include <assert.h>
#include <string.h>

enum { WIDTH = 128, HEAD = 64, N_HEAD = 2, N_FAST = 8 };
enum { PAIRS = HEAD / 2, CODE = 2 * (PAIRS - N_FAST), CONSTANT = CODE - 1, PREVIOUS = 64 };

/* A match scores 8 * 8.  The codes of two tokens agree by chance in up to 42 of 48 places; such a
 * position scores 16 less, and 128,000 of them make up for 12: log(128,000). */
static const float sharpness = 8.0f;

/* What both heads together write of a code, beside 1 of the current token's own. */
static const float loudness = 8.0f;

/* sqrt(CODE / WIDTH): the convolution sees values of 1 and -1 after its norm. */
static const float input_norm = 0.61237244f;

/* Value `i` of the code of a token: random, but for one that tells the gates of the convolution
 * what 1 is. */
static float code(uint64_t seed, uint64_t token, uint64_t i) {
    if (i >= CODE) return 0.0f;
    return i == CONSTANT || (rng_at(seed, token) >> i & 1) != 0 ? 1.0f : -1.0f;
}

/* The value of the code that a place in a head carries; WIDTH, which no column has: none. */
static uint64_t carried(uint64_t place) {
    const uint64_t pair = place % PAIRS;
    return pair < N_FAST ? WIDTH : place / PAIRS * (CODE / 2) + pair - N_FAST;
}

float induction_weight(const tensor *t, uint64_t seed, uint64_t i) {
    const uint64_t col = i % t->dim[0];
    const uint64_t row = i / t->dim[0];
    const char *dot = strncmp(t->name, "blk.", 4) == 0 ? strchr(t->name + 4, '.') : NULL;
    const char *name = dot ? dot + 1 : t->name;
    assert(t->dim[0] == WIDTH || t->role != ROLE_MATRIX || strcmp(name, "ffn_down.weight") == 0);
    if (strcmp(name, "token_embd.weight") == 0) return code(seed, row, col);
    if (strcmp(name, "attn_norm.weight") == 0) return input_norm;
    if (strcmp(name, "attn_q_norm.weight") == 0) return sharpness;
    if (t->role == ROLE_NORM) return 1.0f;

    /* Both gates are 1; of the three taps only that of the previous token is. */
    if (strcmp(name, "shortconv.in_proj.weight") == 0) {
        return col == (row < 2 * WIDTH ? CONSTANT : row - 2 * WIDTH);
    }
    if (strcmp(name, "shortconv.conv.weight") == 0) return col == 1;
    if (strcmp(name, "shortconv.out_proj.weight") == 0) return row == col + PREVIOUS;

    /* The two query heads are the same. */
    if (strcmp(name, "attn_q.weight") == 0) return col == carried(row % HEAD);
    if (strcmp(name, "attn_k.weight") == 0) return col == carried(row) + PREVIOUS;
    if (strcmp(name, "attn_v.weight") == 0) return col == row;
    if (strcmp(name, "attn_output.weight") == 0) return row == col % HEAD ? loudness / N_HEAD : 0;
    return 0.0f;
}
