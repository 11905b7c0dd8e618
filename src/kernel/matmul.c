/*
 * matmul.c - dividing matrix products into pieces.
 *
 * A piece is a run of rows with all its tokens: the reduction along a row is never divided, so the
 * result does not depend on who computes what.  Small pieces let a slow core do less than the
 * others.  While the last rows of a piece are computed, the first rows of the worker's next piece
 * are prefetched, also across the end of a step when the matrices of the next step are known.
 */
#include "kernel/matmul.h"

enum {
    PIECES_EACH = 16,           /* per worker and step, when the step is large enough */
    PIECES_EACH_OF_MANY = 8,    /* with many tokens, because each piece packs them again */
    MANY_TOKENS = 4,
    MIN_PIECE_BYTES = 32 * 1024,
    MAX_PIECE_BYTES = 2048 * 1024,
    PIECE_ALIGN = 64,           /* rows: whole tiles and prefetch windows of every kernel */
    FEW_ROWS_ALIGN = 16         /* for matrices too small to give each worker a piece */
};

/* All of these are powers of two: the largest is a multiple of the others. */
static size_t align_of(const matmul_job *j, size_t n_workers) {
    const size_t usual = j->rows < n_workers * PIECE_ALIGN ? FEW_ROWS_ALIGN : PIECE_ALIGN;
    return j->align > usual ? j->align : usual;
}

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
        const size_t align = align_of(j, n_workers);
        const size_t most = j->most_rows > 0 ? j->most_rows : j->rows + align;
        const size_t wanted = piece_bytes / j->row_bytes;
        const size_t rows = (wanted < most ? wanted : most) / align * align;
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

size_t jobs_tile(size_t n) {
    const size_t passes = (n + JOB_TOKENS - 1) / JOB_TOKENS;
    return (n + passes - 1) / passes;
}

void jobs_scale(const matmul_job *j, float *const *y, size_t n, size_t rows) {
    for (size_t t = 0; j->scale && t < n; t++) {
        for (size_t r = 0; r < rows; r++) {
            y[t][r] *= *j->scale;
        }
    }
}

static void multiply(void *ctx, const matmul_job *j, size_t row, size_t rows,
                     const uint8_t *next) {
    (void)ctx;
    const size_t tile = jobs_tile(j->n);
    for (size_t at = 0; at < j->n; at += tile) {
        const size_t n = j->n - at < tile ? j->n - at : tile;
        float *y[JOB_TOKENS];
        for (size_t t = 0; t < n; t++) {
            y[t] = (j->y0 ? j->y0 + (at + t) * j->rows : j->y[at + t]) + row;
        }
        j->mul(y, j->w + row * j->row_bytes, j->x + at, n, rows, j->k, next);
        jobs_scale(j, y, n, rows);
    }
}

const uint8_t *jobs_start(const team *t, const matmul_job *jobs, size_t n_pieces) {
    const size_t piece = team_share_start(t, n_pieces);
    return piece < team_share_end(t, n_pieces) ? place_bytes(place_of(jobs, piece)) : NULL;
}

void jobs_run(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after) {
    jobs_run_with(t, jobs, n_pieces, after, multiply, NULL);
}

void jobs_run_with(team *t, const matmul_job *jobs, size_t n_pieces, const uint8_t *after,
                   jobs_piece_fn *run, void *ctx) {
    const size_t start = team_share_start(t, n_pieces);
    const size_t end = team_share_end(t, n_pieces);
    size_t piece = 0;
    while (team_take(t, n_pieces, &piece)) {
        /* A stolen piece has no predictable successor: no prefetch. */
        const uint8_t *next = piece < start || piece >= end ? NULL
                            : piece + 1 < end ? place_bytes(place_of(jobs, piece + 1)) : after;
        const place p = place_of(jobs, piece);
        const size_t left = p.job->rows - p.row;
        run(ctx, p.job, p.row, left < p.job->piece_rows ? left : p.job->piece_rows, next);
    }
}
