/*
 * block_conv.c - the gated short convolution of LFM2.
 *
 * 18 of the 24 layers of the 8B model mix positions with this instead of attention.  It remembers
 * only the last two inputs per channel, so its state does not grow with the context.
 *
 * Source: MODEL.md, "Short convolution".
 */
#include "model/block.h"

#include <string.h>

enum { CHANNELS = 512 }; /* per piece: a channel's tokens depend on each other, channels do not */

/* Copy channels first..first+n of the history after `pos` tokens, if a copy is wanted there. */
static void keep_history(const timeline *line, uint32_t pos, size_t at, size_t first, size_t n) {
    float *copy = timeline_copy_at(line, pos);
    if (copy) {
        const size_t n_embd = line->shape->n_embd;
        memcpy(copy + at + first, line->history + at + first, n * sizeof *copy);
        memcpy(copy + at + n_embd + first, line->history + at + n_embd + first, n * sizeof *copy);
    }
}

static void convolve(pass *b, const layer_weights *l, uint32_t conv_index, const float *bcv) {
    model_state *st = b->st;
    const size_t n_embd = st->shape->n_embd;
    const size_t at = 2 * (size_t)conv_index * n_embd;
    const size_t n_pieces = (n_embd + CHANNELS - 1) / CHANNELS;
    size_t piece = 0;
    while (team_take(b->t, n_pieces, &piece)) {
        const size_t first = piece * CHANNELS;
        const size_t n = n_embd - first < CHANNELS ? n_embd - first : CHANNELS;
        for (size_t i = 0; i < b->n; i++) {
            const float *row = bcv + i * 3 * n_embd + first;
            const timeline *line = pass_line(b, i);
            float *history = line->history + at + first;
            st->kern->conv(act_floats(&st->in, i) + first, row, row + n_embd, row + 2 * n_embd,
                           l->conv.taps + 3 * first, history, history + n_embd, n);
            keep_history(line, pass_pos(b, i) + 1, at, first, n);
        }
    }
    team_sync(b->t);
}

void block_conv(pass *b, const layer_weights *l, uint32_t conv_index) {
    model_state *st = b->st;
    const size_t n_embd = st->shape->n_embd;
    pass_enter(b, l->norm_in);
    pass_multiply(b, &st->wide); /* b, c and v */
    convolve(b, l, conv_index, st->wide);
    pass_fill(b, n_embd);
    pass_multiply(b, &st->delta); /* the output projection */
    b->waiting = PENDING_DELTA;
}
