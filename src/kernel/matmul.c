/*
 * matmul.c - dividing matrix products into pieces.
 *
 * A piece is a run of rows with all its tokens: the reduction along a row is never divided, so the
 * result does not depend on who computes what.  Small pieces let a slow core do less than the
 * others.  While the last rows of a piece are computed, the first of the worker's next one are
 * fetched, across the end of a step too where the next step's matrices are known.
 */
#include "kernel/matmul.h"

enum {
    PIECES_EACH = 16,           /* per worker and step, when the step is large enough */
    PIECES_EACH_OF_MANY = 8,    /* of many tokens, because each piece packs them anew */
    MANY_TOKENS = 4,
    MIN_PIECE_BYTES = 32 * 1024,
    MAX_PIECE_BYTES = 2048 * 1024,
    PIECE_ALIGN = 64,           /* rows: whole tiles and prefetch windows of every kernel */
    FEW_ROWS_ALIGN = 16,        /* for matrices that would not make a piece for each worker */
    TOKEN_TILE = 128            /* tokens per call */
};

size_t jobs_plan(matmul_job *jobs, size_t n_jobs, size_t n_workers) {
    size_t bytes = 0;
    size_t tokens = 0;
    for (size_t i = 0; i < n_jobs; i++) {
        bytes += jobs[i].rows * jobs[i].row_bytes;
        tokens = jobs[i].n > tokens ? jobs[i].n : tokens;
    }
    const size_t each = tokens < MANY_TOKENS ? PIECES_EACH : PIECES_EACH_OF_MANY;
    size_t piece_bytes = bytes / (n_workers * each);
    piece_bytes = piece_bytes < MIN_PIECE_BYTES ? MIN_PIECE_BYTES
                : piece_bytes > MAX_PIECE_BYTES ? MAX_PIECE_BYTES : piece_bytes;
    size_t total = 0;
    for (size_t i = 0; i < n_jobs; i++) {
        matmul_job *j = &jobs[i];
        const size_t align = j->rows < n_workers * PIECE_ALIGN ? FEW_ROWS_ALIGN : PIECE_ALIGN;
        const size_t rows = piece_bytes / j->row_bytes / align * align;
        j->piece_rows = rows < align ? align : rows;
        j->n_pieces = j->n == 0 ? 0 : (j->rows + j->piece_rows - 1) / j->piece_rows;
        total += j->n_pieces;
    }
    return total;
}

/* Where a piece begins. */
typedef struct {
    const matmul_job *job;
    size_t row;
} place;

static place place_of(const matmul_job *jobs, size_t piece) {
    while (piece >= jobs->n_pieces) {
        piece -= jobs->n_pieces;
        jobs++;
    }
    return (place){jobs, piece * jobs->piece_rows};
}

static const uint8_t *place_bytes(place p) {
    return p.job->w + p.row * p.job->row_bytes;
}

static void run_piece(place p, const uint8_t *next) {
    const matmul_job *j = p.job;
    const size_t rows = j->rows - p.row < j->piece_rows ? j->rows - p.row : j->piece_rows;
    const size_t passes = (j->n + TOKEN_TILE - 1) / TOKEN_TILE;
    const size_t tile = (j->n + passes - 1) / passes; /* an even division: no small rest */
    for (size_t at = 0; at < j->n; at += tile) {
        const size_t n = j->n - at < tile ? j->n - at : tile;
        float *y[TOKEN_TILE];
        for (size_t t = 0; t < n; t++) {
            y[t] = (j->y0 ? j->y0 + (at + t) * j->rows : j->y[at + t]) + p.row;
        }
        j->mul(y, place_bytes(p), j->x + at, n, rows, j->k, next);
    }
}

const uint8_t *jobs_start(const team *t, const matmul_job *jobs, size_t n_pieces) {
    const size_t piece = team_share_start(t, n_pieces);
    return piece < team_share_end(t, n_pieces) ? place_bytes(place_of(jobs, piece)) : NULL;
}

void jobs_run(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after) {
    const size_t start = team_share_start(t, n_pieces);
    const size_t end = team_share_end(t, n_pieces);
    size_t piece = 0;
    while (team_take(t, n_pieces, &piece)) {
        /* Nobody knows what comes after a piece of somebody else's share. */
        const uint8_t *next = piece < start || piece >= end ? NULL
                            : piece + 1 < end ? place_bytes(place_of(jobs, piece + 1)) : after;
        run_piece(place_of(jobs, piece), next);
    }
}
