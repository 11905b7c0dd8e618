/*
 * session.c - sessions: timelines of tokens, and what those of a family share.
 */
#include "api/internal.h"

#include "base/system/cores.h"
#include "base/system/memory.h"
#include "base/versioned.h"
#include "model/forward.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_BATCH = 512, MAX_BATCH = 65536 };

/* ---- Options -------------------------------------------------------------------------------- */

/* The caller's options, NULL for all defaults, checked. */
static lfm_status read_options(lfm_session_options *opt, const lfm_model *m,
                               const lfm_session_options *theirs, lfm_error *err) {
    const lfm_status st = versioned_read(opt, sizeof *opt, theirs, "lfm_session_options", err);
    if (st != LFM_OK) return st;
    if (m->vocab_only) {
        return err_set(err, LFM_ERR_ARG, "the model was opened for its vocabulary only");
    }
    if (opt->n_batch > MAX_BATCH) {
        return err_set(err, LFM_ERR_ARG, "batches of %" PRIu32 " tokens are too large (at most %d)",
                       opt->n_batch, MAX_BATCH);
    }
    if (opt->n_ctx > m->shape.n_ctx) {
        return err_set(err, LFM_ERR_ARG, "a context of %" PRIu32 " tokens is more than the %" PRIu32
                       " that the model was made for", opt->n_ctx, m->shape.n_ctx);
    }
    return LFM_OK;
}

static timeline_options timeline_options_of(const lfm_model *m, const lfm_session_options *opt) {
    return (timeline_options){
        .n_ctx = opt->n_ctx == 0 ? m->shape.n_ctx : opt->n_ctx,
        .kv = opt->kv == LFM_KV_F32 ? KERN_KV_F32 : opt->kv == LFM_KV_Q8 ? KERN_KV_Q8 : KERN_KV_F16,
    };
}

static state_options state_options_of(const lfm_model *m, const lfm_session_options *opt) {
    const uint32_t batch = opt->n_batch == 0 ? DEFAULT_BATCH : opt->n_batch;
    const uint32_t n_ctx = timeline_options_of(m, opt).n_ctx;
    return (state_options){.n_ctx = n_ctx, .n_batch = batch < n_ctx ? batch : n_ctx};
}

lfm_status lfm_session_plan(const lfm_model *m, const lfm_session_options *opt, uint32_t n_tokens,
                            uint64_t *kv_bytes, uint64_t *scratch_bytes, lfm_error *err) {
    lfm_session_options o;
    err_clear(err);
    lfm_status st = read_options(&o, m, opt, err);
    if (st == LFM_OK) {
        st = timeline_bytes(&m->shape, timeline_options_of(m, &o), n_tokens, kv_bytes, err);
    }
    if (st == LFM_OK) {
        st = state_bytes(&m->shape, &m->weights, state_options_of(m, &o), scratch_bytes, err);
    }
    return st;
}

/* ---- Lifecycle ------------------------------------------------------------------------------ */

static void shared_drop(session_shared *shared) {
    if (shared && --shared->n_sessions == 0) {
        pool_free(shared->batch_threads);
        pool_free(shared->threads);
        state_close(&shared->state);
        free(shared);
    }
}

static lfm_status shared_new(session_shared **out, const lfm_model *m,
                             const lfm_session_options *opt, lfm_error *err) {
    session_shared *shared = calloc(1, sizeof *shared);
    if (!shared) return err_no_memory(err, "a session");
    shared->model = m;
    shared->n_sessions = 1;
    shared->memory = memory_available("");
    lfm_status st =
        state_open(&shared->state, &m->shape, &m->weights, &m->kern, state_options_of(m, opt), err);
    const size_t n_threads = opt->n_threads ? opt->n_threads : cores_default();
    if (st == LFM_OK) st = pool_new(&shared->threads, n_threads, err);
    if (st == LFM_OK && opt->n_threads_batch && opt->n_threads_batch != n_threads) {
        st = pool_new(&shared->batch_threads, opt->n_threads_batch, err);
    }
    if (st != LFM_OK) {
        shared_drop(shared);
        return st;
    }
    *out = shared;
    return LFM_OK;
}

/* An empty timeline.  The caller has counted it in shared->n_sessions; a failure uncounts it. */
static lfm_status session_new(lfm_session **out, session_shared *shared, timeline_options opt,
                              lfm_error *err) {
    const lfm_model *m = shared->model;
    lfm_session *s = calloc(1, sizeof *s);
    float *logits = calloc(m->shape.n_vocab, sizeof *logits);
    if (!s || !logits) {
        free(s);
        free(logits);
        shared_drop(shared);
        return err_no_memory(err, "a session");
    }
    s->shared = shared;
    s->logits = logits;
    const lfm_status st = timeline_open(&s->line, &m->shape, opt, err);
    if (st != LFM_OK) {
        lfm_session_free(s);
        return st;
    }
    *out = s;
    return LFM_OK;
}

lfm_status lfm_session_new(lfm_session **out, const lfm_model *m, const lfm_session_options *opt,
                           lfm_error *err) {
    lfm_session_options o;
    session_shared *shared = NULL;
    *out = NULL;
    err_clear(err);
    lfm_status st = read_options(&o, m, opt, err);
    if (st == LFM_OK) st = shared_new(&shared, m, &o, err);
    return st == LFM_OK ? session_new(out, shared, timeline_options_of(m, &o), err) : st;
}

lfm_status lfm_session_fork(lfm_session **out, lfm_session *s, lfm_error *err) {
    *out = NULL;
    err_clear(err);
    s->shared->n_sessions++;
    return session_new(out, s->shared, s->line.opt, err);
}

void lfm_session_free(lfm_session *s) {
    if (s) {
        timeline_close(&s->line);
        shared_drop(s->shared);
        free(s->logits);
        free(s);
    }
}

void lfm_session_reset(lfm_session *s) {
    timeline_reset(&s->line);
    s->has_logits = false;
    s->broken = false;
}

lfm_status lfm_session_copy(lfm_session *to, const lfm_session *from, lfm_error *err) {
    err_clear(err);
    if (to->shared->model != from->shared->model || to->line.opt.kv != from->line.opt.kv) {
        return err_set(err, LFM_ERR_ARG,
                       "sessions can be copied only within one model and one type of cache");
    }
    const lfm_status st = timeline_copy(&to->line, &from->line, err);
    if (st == LFM_OK) {
        memcpy(to->logits, from->logits, from->shared->model->shape.n_vocab * sizeof *to->logits);
        to->has_logits = from->has_logits;
        to->broken = from->broken;
    }
    return st;
}

/* ---- Evaluation ----------------------------------------------------------------------------- */

/* The system provides memory page by page and kills the program when none is left, so refuse a text
 * that cannot fit before evaluating it. */
static lfm_status check_memory(const lfm_session *s, size_t n, lfm_error *err) {
    const double gib = 1.0 / (1 << 30);
    uint64_t bytes = 0;
    const uint32_t all = s->line.pos + (uint32_t)n;
    const lfm_status st = timeline_bytes(s->line.shape, s->line.opt, all, &bytes, err);
    if (st == LFM_OK && bytes > s->shared->memory) {
        return err_set(err, LFM_ERR_MEMORY,
                       "%" PRIu32 " tokens need %.2f GiB for keys and values, "
                       "but %.2f GiB of memory is available; use a shorter text, or an 8-bit "
                       "cache, which takes half",
                       all, (double)bytes * gib, (double)s->shared->memory * gib);
    }
    return st;
}

static lfm_status check_tokens(const lfm_session *s, const int32_t *tokens, size_t n,
                               lfm_error *err) {
    const uint32_t n_vocab = s->shared->model->shape.n_vocab;
    const uint32_t room = s->line.opt.n_ctx - s->line.pos;
    if (n == 0) return err_set(err, LFM_ERR_ARG, "no tokens to evaluate");
    if (s->broken) {
        return err_set(err, LFM_ERR_NUMERIC,
                       "this session produced numbers that are not finite; reset it before you "
                       "continue");
    }
    if (n > room) {
        return err_set(err, LFM_ERR_FULL, "%zu tokens do not fit: the context holds %" PRIu32
                       " and %" PRIu32 " are used", n, s->line.opt.n_ctx, s->line.pos);
    }
    for (size_t i = 0; i < n; i++) {
        if (tokens[i] < 0 || (uint32_t)tokens[i] >= n_vocab) {
            return err_set(err, LFM_ERR_ARG, "token %" PRId32 " at index %zu is outside the "
                           "vocabulary of %" PRIu32, tokens[i], i, n_vocab);
        }
    }
    return n > 1 ? check_memory(s, n, err) : LFM_OK;
}

/* Run the model, then check that the file did not change while it was read: success proves that the
 * weights were intact, and a changed file explains numbers that are not finite. */
static lfm_status forward(session_shared *shared, const forward_request *rq, lfm_error *err) {
    lfm_error why = {0};
    const bool is_batch = rq->n > 1 && rq->n_lines == 1;
    pool *threads = is_batch && shared->batch_threads ? shared->batch_threads : shared->threads;
    const lfm_status st = model_forward(&shared->state, threads, rq, &why);
    const lfm_status unchanged = gguf_check_unchanged(&shared->model->file, err);
    if (unchanged != LFM_OK || st == LFM_OK) return unchanged;
    return err_set(err, why.status, "%s", why.text);
}

/* Evaluate batch by batch; `all` [n][n_vocab] receives the logits of every token unless NULL. */
static lfm_status evaluate(lfm_session *s, const int32_t *tokens, size_t n, float *all,
                           lfm_error *err) {
    const size_t n_vocab = s->shared->model->shape.n_vocab;
    const size_t n_batch = s->shared->state.n_batch;
    timeline *line = &s->line;
    lfm_status st = check_tokens(s, tokens, n, err);
    size_t done = 0;
    while (done < n && st == LFM_OK) {
        const size_t left = n - done;
        const size_t step = left < n_batch ? left : n_batch;
        const forward_request rq = {
            .lines = &line,
            .n_lines = 1,
            .tokens = tokens + done,
            .n = step,
            .logits = all ? all + done * n_vocab : step == left ? s->logits : NULL,
            .all_logits = all != NULL,
            .on_layer = s->on_layer,
            .on_layer_ctx = s->layer_ctx,
        };
        st = forward(s->shared, &rq, err);
        s->broken = st == LFM_ERR_NUMERIC;
        s->has_logits = st == LFM_OK && step == left;
        done += step;
        if (st == LFM_OK && s->on_progress && !s->on_progress(s->progress_ctx, done, n) &&
            done < n) {
            st = err_set(err, LFM_ERR_STOPPED, "stopped after %zu of %zu tokens", done, n);
        }
    }
    if (st == LFM_OK && all) {
        memcpy(s->logits, all + (n - 1) * n_vocab, n_vocab * sizeof *all);
    }
    return st;
}

lfm_status lfm_eval(lfm_session *s, const int32_t *tokens, size_t n, lfm_error *err) {
    err_clear(err);
    return evaluate(s, tokens, n, NULL, err);
}

lfm_status lfm_eval_all(lfm_session *s, const int32_t *tokens, size_t n, float *logits,
                        lfm_error *err) {
    err_clear(err);
    return evaluate(s, tokens, n, logits, err);
}

/* Check the sessions and tokens of lfm_eval_each before anything changes. */
static lfm_status check_each(lfm_session *const *s, const int32_t *tokens, size_t n,
                             lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = check_tokens(s[i], &tokens[i], 1, err);
        for (size_t j = 0; j < i && st == LFM_OK; j++) {
            if (s[j] == s[i] || s[j]->shared != s[i]->shared) {
                st = err_set(err, LFM_ERR_ARG,
                             "sessions that are evaluated together must be different, and forks of "
                             "each other");
            }
        }
    }
    return st;
}

lfm_status lfm_eval_each(lfm_session *const *s, const int32_t *tokens, size_t n, lfm_error *err) {
    err_clear(err);
    timeline *lines[LFM_MAX_EACH];
    if (n > LFM_MAX_EACH) {
        return err_set(err, LFM_ERR_ARG, "%zu sessions are too many to evaluate together (at most "
                       "%d)", n, LFM_MAX_EACH);
    }
    lfm_status st = check_each(s, tokens, n, err);
    if (st != LFM_OK || n == 0) return st;
    const size_t n_vocab = s[0]->shared->model->shape.n_vocab;
    const size_t n_batch = s[0]->shared->state.n_batch;
    float *logits = malloc((n < n_batch ? n : n_batch) * n_vocab * sizeof *logits);
    if (!logits) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the logits of %zu sessions", n);
    }
    for (size_t done = 0; done < n && st == LFM_OK; done += n_batch) {
        const size_t step = n - done < n_batch ? n - done : n_batch;
        for (size_t i = 0; i < step; i++) {
            lines[i] = &s[done + i]->line;
        }
        const forward_request rq = {
            .lines = lines, .n_lines = step, .tokens = tokens + done, .n = step, .logits = logits,
            .all_logits = true,
        };
        st = forward(s[0]->shared, &rq, err);
        for (size_t i = 0; i < step; i++) {
            s[done + i]->broken = st == LFM_ERR_NUMERIC;
            s[done + i]->has_logits = st == LFM_OK;
            if (st == LFM_OK) {
                memcpy(s[done + i]->logits, logits + i * n_vocab, n_vocab * sizeof *logits);
            }
        }
    }
    free(logits);
    return st;
}

/* ---- Reusing what is there ------------------------------------------------------------------ */

lfm_status lfm_session_sync(lfm_session *s, const int32_t *tokens, size_t n, size_t *n_reused,
                            lfm_error *err) {
    timeline *line = &s->line;
    err_clear(err);
    *n_reused = 0;
    if (n == 0) return err_set(err, LFM_ERR_ARG, "the prompt has no tokens");
    if (s->broken) {
        lfm_session_reset(s);
    }
    size_t same = 0;
    while (same < n && same < line->pos && line->tokens[same] == tokens[same]) {
        same++;
    }
    if (same == n && n == line->pos && s->has_logits) {
        *n_reused = n;
        return LFM_OK;
    }
    /* Always evaluate the last token, for its logits. */
    const uint32_t held = line->pos;
    const uint32_t start = timeline_rewind(line, (uint32_t)(same < n ? same : n - 1));
    s->has_logits = s->has_logits && start == held;
    const lfm_status st = check_tokens(s, tokens + start, n - start, err);
    if (st != LFM_OK) return st;
    *n_reused = start;
    s->has_logits = false;
    timeline_mark(line, (uint32_t)(n - 1));
    return evaluate(s, tokens + start, n - start, NULL, err);
}

/* ---- Facts ---------------------------------------------------------------------------------- */

const float *lfm_logits(const lfm_session *s) {
    return s->has_logits ? s->logits : NULL;
}

const int32_t *lfm_session_tokens(const lfm_session *s, size_t *n) {
    *n = s->line.pos;
    return s->line.tokens;
}

const lfm_model *lfm_session_model(const lfm_session *s) {
    return s->shared->model;
}

uint32_t lfm_session_pos(const lfm_session *s) {
    return s->line.pos;
}

uint32_t lfm_session_n_ctx(const lfm_session *s) {
    return s->line.opt.n_ctx;
}

uint32_t lfm_session_n_threads(const lfm_session *s) {
    return (uint32_t)pool_size(s->shared->threads);
}

uint32_t lfm_session_n_threads_batch(const lfm_session *s) {
    const session_shared *shared = s->shared;
    return (uint32_t)pool_size(shared->batch_threads ? shared->batch_threads : shared->threads);
}

void lfm_session_on_progress(lfm_session *s, lfm_progress_fn *fn, void *ctx) {
    s->on_progress = fn;
    s->progress_ctx = ctx;
}

void lfm_session_on_layer(lfm_session *s, lfm_layer_fn *fn, void *ctx) {
    s->on_layer = fn;
    s->layer_ctx = ctx;
}
