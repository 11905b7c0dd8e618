/*
 * matmul.c - dividing matrix products into pieces.
 *
 * A piece is a run of rows with all its tokens: the reduction along a row is never divided, so the
 * result does not depend on who computes what.  Small pieces let a slow core do less than the
 * others; long ones give the memory system long runs of lines (a piece's first rows come without
 * prefetch).
 */
#include "kernel/matmul.h"

enum {
    PIECES_EACH = 8,            /* per worker and step, when the step is large enough */
    MIN_PIECE_BYTES = 32 * 1024,
    MAX_PIECE_BYTES = 2048 * 1024,
    PIECE_ALIGN = 32,           /* rows: whole tiles of every kernel */
    TOKEN_TILE = 128            /* tokens per call */
};

size_t jobs_plan(matmul_job *jobs, size_t n_jobs, size_t n_workers) {
    size_t bytes = 0;
    for (size_t i = 0; i < n_jobs; i++) {
        bytes += jobs[i].rows * jobs[i].row_bytes;
    }
    size_t piece_bytes = bytes / (n_workers * PIECES_EACH);
    piece_bytes = piece_bytes < MIN_PIECE_BYTES ? MIN_PIECE_BYTES
                : piece_bytes > MAX_PIECE_BYTES ? MAX_PIECE_BYTES : piece_bytes;
    size_t total = 0;
    for (size_t i = 0; i < n_jobs; i++) {
        matmul_job *j = &jobs[i];
        const size_t rows = piece_bytes / j->row_bytes / PIECE_ALIGN * PIECE_ALIGN;
        j->piece_rows = rows < PIECE_ALIGN ? PIECE_ALIGN : rows;
        j->n_pieces = j->n == 0 ? 0 : (j->rows + j->piece_rows - 1) / j->piece_rows;
        total += j->n_pieces;
    }
    return total;
}

static void run_piece(const matmul_job *j, size_t piece) {
    const size_t first = piece * j->piece_rows;
    const size_t rows = j->rows - first < j->piece_rows ? j->rows - first : j->piece_rows;
    const size_t passes = (j->n + TOKEN_TILE - 1) / TOKEN_TILE;
    const size_t tile = (j->n + passes - 1) / passes; /* an even division: no small rest */
    for (size_t at = 0; at < j->n; at += tile) {
        const size_t n = j->n - at < tile ? j->n - at : tile;
        float *y[TOKEN_TILE];
        for (size_t t = 0; t < n; t++) {
            y[t] = (j->y0 ? j->y0 + (at + t) * j->rows : j->y[at + t]) + first;
        }
        j->mul(y, j->w + first * j->row_bytes, j->x + at, n, rows, j->k);
    }
}

void jobs_run(team *t, const matmul_job *jobs, size_t n_jobs, size_t n_pieces) {
    size_t piece = 0;
    size_t job = 0;
    size_t before = 0; /* pieces of the jobs before `job` */
    while (team_take(t, n_pieces, &piece)) {
        if (piece < before) { /* a share of an earlier worker */
            job = 0;
            before = 0;
        }
        while (job < n_jobs && piece - before >= jobs[job].n_pieces) {
            before += jobs[job].n_pieces;
            job++;
        }
        run_piece(&jobs[job], piece - before);
    }
}
