/*
 * pretend.c - sessions that claim to have read a long text, to measure evaluations at a depth.
 */
#include "api/internal.h"

#include "lfm_tools.h"

#include <inttypes.h>
#include <string.h>

lfm_status lfm_session_pretend(lfm_session *s, uint32_t n, lfm_error *err) {
    timeline *line = &s->line;
    uint64_t bytes = 0;
    err_clear(err);
    if (n > line->opt.n_ctx) {
        return err_set(err, LFM_ERR_FULL, "%" PRIu32 " tokens do not fit: the context holds "
                       "%" PRIu32, n, line->opt.n_ctx);
    }
    const lfm_status st = timeline_bytes(line->shape, line->opt, n, &bytes, err);
    if (st != LFM_OK) return st;
    if (bytes > s->shared->memory) {
        return err_set(err, LFM_ERR_MEMORY, "%" PRIu32 " tokens need more memory for keys and "
                       "values than is available", n);
    }
    lfm_session_reset(s);
    /* Write: pages that were never written would all be one page of zeros, always cached. */
    memset(line->cache, 0, timeline_chunks(n) * timeline_stride(line));
    memset(line->grid, 0,
           n / TIMELINE_GRID * timeline_history(line->shape) * sizeof *line->grid);
    memset(line->tokens, 0, n * sizeof *line->tokens);
    line->pos = n;
    return LFM_OK;
}
