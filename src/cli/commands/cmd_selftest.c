/*
 * cmd_selftest.c - lfm selftest: does this machine compute the right bits?
 *
 * And the same bits for any threads, batches, instruction set and history of a session.
 */
#include "cli/shared/common.h"
#include "cli/shared/crash.h"
#include "cli/shared/term.h"
#include "lfm_tools.h"

#include "base/rng.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_TOKENS = 16, N_FIRST = 7 }; /* N_FIRST: length of the prefix to return to */

typedef struct {
    const cli_options *o;
    int32_t tokens[N_TOKENS];
    float *logits;  /* [N_TOKENS][n_vocab] */
    size_t n_vocab;
    uint64_t hash;  /* of the first way; the others must equal it */
    size_t n_ways, n_wrong;
} selftest;

/* ---- Hashes --------------------------------------------------------------------------------- */

/* FNV-1a over the bits of all logits. */
static uint64_t hash_logits(const selftest *t) {
    const uint8_t *p = (const uint8_t *)t->logits;
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < N_TOKENS * t->n_vocab * sizeof(float); i++) {
        h = (h ^ p[i]) * 0x100000001b3u;
    }
    return h;
}

static void report(selftest *t, const char *isa, const char *way) {
    const uint64_t h = hash_logits(t);
    t->hash = t->n_ways == 0 ? h : t->hash;
    t->n_ways++;
    t->n_wrong += h != t->hash;
    if (!t->o->quiet || h != t->hash) {
        printf("  %-11s %-42s %016" PRIx64 "%s\n", isa, way, h, h == t->hash ? "" : "  DIFFERS");
        fflush(stdout);
    }
}

/* ---- Ways to the same logits ---------------------------------------------------------------- */

/* Keep the logits of token i. */
static void keep_logits(selftest *t, const lfm_session *s, size_t i) {
    memcpy(t->logits + i * t->n_vocab, lfm_logits(s), t->n_vocab * sizeof(float));
}

/* Evaluate tokens [from, to), one after the other, and keep the logits of each. */
static lfm_status eval_singly(selftest *t, lfm_session *s, size_t from, size_t to, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = from; i < to && st == LFM_OK && !term_stopped(); i++) {
        st = lfm_eval(s, &t->tokens[i], 1, err);
        if (st == LFM_OK) keep_logits(t, s, i);
    }
    return st;
}

static lfm_status way_batches(selftest *t, const lfm_model *m, uint32_t n_threads, uint32_t n_batch,
                              lfm_error *err) {
    const lfm_session_options opt = {.n_threads = n_threads, .n_batch = n_batch};
    char way[64];
    lfm_session *s = NULL;
    lfm_status st = lfm_session_new(&s, m, &opt, err);
    if (st == LFM_OK) {
        snprintf(way, sizeof way, "%u thread%s, batches of %u",
                 (unsigned)lfm_session_n_threads(s), n_threads > 1 ? "s" : "", (unsigned)n_batch);
        st = lfm_eval_all(s, t->tokens, N_TOKENS, t->logits, err);
    }
    if (st == LFM_OK) report(t, lfm_model_get_info(m)->isa, way);
    lfm_session_free(s);
    return st;
}

/* Three sessions are decoded together, each a token ahead of the next. */
static lfm_status way_together(selftest *t, lfm_session *s, lfm_error *err) {
    enum { N = 3 };
    lfm_session *each[N] = {s};
    lfm_status st = LFM_OK;
    for (size_t i = 1; i < N && st == LFM_OK; i++) {
        st = lfm_session_fork(&each[i], s, err);
    }
    for (size_t i = 0; i < N && st == LFM_OK; i++) {
        lfm_session_reset(each[i]);
        st = eval_singly(t, each[i], 0, N - i, err);
    }
    for (size_t at = N; at < N_TOKENS && st == LFM_OK; at++) {
        const int32_t next[N] = {t->tokens[at], t->tokens[at - 1], t->tokens[at - 2]};
        st = lfm_eval_each(each, next, N, err);
        for (size_t i = 0; i < N && st == LFM_OK; i++) {
            keep_logits(t, each[i], at - i);
        }
    }
    for (size_t i = 1; i < N; i++) {
        lfm_session_free(each[i]);
    }
    return st;
}

/* Evaluate other tokens after a prefix, and return to the prefix. */
static lfm_status way_back(selftest *t, lfm_session *s, lfm_error *err) {
    const int32_t other[3] = {t->tokens[3], t->tokens[1], t->tokens[2]};
    size_t n_reused = 0;
    lfm_session_reset(s);
    lfm_status st = eval_singly(t, s, 0, N_FIRST - 1, err);
    if (st == LFM_OK) st = lfm_session_sync(s, t->tokens, N_FIRST, &n_reused, err);
    if (st == LFM_OK) {
        keep_logits(t, s, N_FIRST - 1);
        st = lfm_eval(s, other, 3, err);
    }
    if (st == LFM_OK) st = lfm_session_sync(s, t->tokens, N_FIRST + 1, &n_reused, err);
    if (st == LFM_OK) {
        keep_logits(t, s, N_FIRST);
        st = eval_singly(t, s, N_FIRST + 1, N_TOKENS, err);
    }
    return st;
}

/* Save the session to a file, and load it. */
static lfm_status way_file(selftest *t, lfm_session *s, lfm_error *err) {
    const char *folder = getenv("TMPDIR");
    char path[400];
    snprintf(path, sizeof path, "%.300s/lfm-selftest-%ld", folder && folder[0] ? folder : "/tmp",
             (long)getpid());
    lfm_session_reset(s);
    lfm_status st = eval_singly(t, s, 0, N_FIRST, err);
    if (st == LFM_OK) st = lfm_session_save(s, path, NULL, 0, err);
    if (st == LFM_OK) {
        lfm_session_reset(s);
        st = lfm_session_load(s, path, NULL, NULL, err);
        unlink(path);
    }
    return st == LFM_OK ? eval_singly(t, s, N_FIRST, N_TOKENS, err) : st;
}

static lfm_status try_ways_back(selftest *t, const lfm_model *m, lfm_error *err) {
    static const struct {
        const char *name;
        lfm_status (*go)(selftest *, lfm_session *, lfm_error *);
    } ways[] = {
        {"three texts decoded together", way_together},
        {"back to a prefix after another text", way_back},
        {"saved to a file and loaded", way_file},
    };
    const lfm_session_options opt = {.n_ctx = 64};
    lfm_session *s = NULL;
    lfm_status st = lfm_session_new(&s, m, &opt, err);
    for (size_t i = 0; i < sizeof ways / sizeof *ways && st == LFM_OK && !term_stopped(); i++) {
        memset(t->logits, 0, N_TOKENS * t->n_vocab * sizeof(float));
        st = ways[i].go(t, s, err);
        if (st == LFM_OK && !term_stopped()) {
            report(t, lfm_model_get_info(m)->isa, ways[i].name);
        }
    }
    lfm_session_free(s);
    return st;
}

/* ---- Kernels and model ---------------------------------------------------------------------- */

static lfm_status check_kernels(const selftest *t, lfm_error *err) {
    lfm_status st = LFM_OK;
    const char *isa = NULL;
    for (size_t i = 1; (isa = lfm_isa_name(i)) != NULL && st == LFM_OK && !term_stopped(); i++) {
        size_t n = 0;
        st = lfm_selftest(isa, &n, err);
        if (st == LFM_OK && !t->o->quiet) {
            printf("kernels %-11s %zu results, same bits as the scalar ones\n", isa, n);
        }
    }
    return st;
}

/* Test the model with one instruction set; vary threads and batches. */
static lfm_status check_isa(selftest *t, const char *isa, bool last, lfm_error *err) {
    const uint32_t some = t->o->n_threads.value > 0 ? (uint32_t)t->o->n_threads.value : 3;
    const lfm_model_options opt = {.isa = isa};
    lfm_model *m = NULL;
    lfm_status st = lfm_model_open(&m, t->o->model, &opt, err);
    if (st == LFM_OK && !t->logits) {
        t->n_vocab = lfm_model_get_info(m)->n_vocab;
        t->logits = calloc(N_TOKENS * t->n_vocab, sizeof(float));
        for (size_t i = 0; i < N_TOKENS; i++) {
            t->tokens[i] = (int32_t)(rng_at(1, i) % t->n_vocab);
        }
        if (!t->logits) st = err_no_memory(err, "the logits");
    }
    if (st == LFM_OK) st = way_batches(t, m, some, N_TOKENS, err);
    if (st == LFM_OK && strcmp(isa, "scalar") != 0 && !term_stopped()) { /* scalar is slow */
        st = way_batches(t, m, 1, 5, err);
    }
    if (st == LFM_OK && last && !term_stopped()) st = try_ways_back(t, m, err);
    lfm_model_close(m);
    return st;
}

static lfm_status check_model(selftest *t, lfm_error *err) {
    lfm_status st = LFM_OK;
    crash_name_file(t->o->model);
    if (!t->o->quiet) {
        printf("model   %s, logits of %d tokens\n", cli_base_name(t->o->model), N_TOKENS);
    }
    for (size_t i = 0; lfm_isa_name(i) && st == LFM_OK && !term_stopped(); i++) {
        st = check_isa(t, lfm_isa_name(i), lfm_isa_name(i + 1) == NULL, err);
    }
    if (st == LFM_OK && t->n_wrong == 0 && !term_stopped()) {
        printf("hash    %016" PRIx64 " in all of %zu ways; it is the same on every machine\n",
               t->hash, t->n_ways);
    }
    return st == LFM_OK && t->n_wrong > 0
               ? err_set(err, LFM_ERR_NUMERIC, "%zu of %zu ways give different bits from the first",
                         t->n_wrong, t->n_ways)
               : st;
}

int cmd_selftest(const cli_options *o) {
    lfm_error err = {0};
    selftest t = {.o = o};
    term_catch_stop(); /* so that way_file removes its file */
    lfm_status st = check_kernels(&t, &err);
    if (st == LFM_OK && o->model) {
        st = check_model(&t, &err);
    } else if (st == LFM_OK && !o->quiet) {
        puts("model   none given; with one, its logits are compared too: lfm selftest MODEL");
    }
    free(t.logits);
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
