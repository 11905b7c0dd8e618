/*
 * test_model_forward.c - whole synthetic models through the public interface, against ref_forward.
 *
 * The models are made by mkmodel ($LFM_MKMODEL) with random weights in a temporary folder.  Float
 * weights: logits and layers equal the mathematics to 2e-5.  Quantised ones: they equal what the
 * mathematics gives when activations are rounded as kernel/kernel.h promises.  For all of them
 * the bits do not depend on batches, on how a text is cut into calls, on threads, or on what the
 * session did before.
 */
#include "lfm_tools.h"

#include "../support/golden.h"
#include "../support/hurry.h"
#include "../support/ref_forward.h"
#include "../support/rounding.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_TOKENS = 48, N_TEXT = 4 };

#define FLOAT_BAR 2e-5

/* Squared error, normalised, between our logits and their repetition in double precision, at half
 * of the positions at least.  They differ by single precision only, some 1e-14.  But where an
 * activation lies in the middle between two integers (common in Q8_0 and MXFP4, whose embeddings
 * are fractions of their largest value), the two may round it differently; then this position and
 * those after it differ by 1e-4 or more.  Without the right rounding, all differ by 1e-3. */
#define SAME_BAR 1e-12

/* ---- Models --------------------------------------------------------------------------------- */

/* One synthetic model, its tokens, and the folder that it lies in. */
typedef struct {
    char folder[200], path[240];
    lfm_model *model;
    size_t n_vocab, n_layer, n_embd;
    int32_t tokens[N_TOKENS];
} fixture;

/* Run mkmodel; returns its exit status. */
static int run_maker(const char *maker, const char *preset, const char *type, const char *path) {
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        execl(maker, maker, preset, type, "-o", path, "-t", "1", (char *)NULL);
        _exit(127);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Skip when there is no model maker; fail when one is named but does not work. */
static void fixture_open(fixture *f, const char *preset, const char *type) {
    const char *named = getenv("LFM_MKMODEL");
    const char *maker = named ? named : "build/release/mkmodel";
    if (!named && access(maker, X_OK) != 0) {
        print_message("skip: %s is not here; make tools\n", maker);
        skip();
    }
    lfm_error err = {0};
    const char *tmp = getenv("TMPDIR");
    memset(f, 0, sizeof *f);
    snprintf(f->folder, sizeof f->folder, "%s/lfm-forward-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/model.gguf", f->folder);
    if (run_maker(maker, preset, type, f->path) != 0) {
        fail_msg("%s %s %s did not work", maker, preset, type);
    }
    if (lfm_model_open(&f->model, f->path, NULL, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    const lfm_model_info *info = lfm_model_get_info(f->model);
    f->n_vocab = info->n_vocab;
    f->n_layer = info->n_layer;
    f->n_embd = info->n_embd;
    for (size_t i = 0; i < N_TOKENS; i++) {
        f->tokens[i] = (int32_t)(rng_at(7, i) % f->n_vocab);
    }
}

static void fixture_close(fixture *f) {
    lfm_model_close(f->model);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(rmdir(f->folder), 0);
}

/* ---- Runs ----------------------------------------------------------------------------------- */

static void *make(size_t n, size_t size) {
    void *p = calloc(n + 1, size);
    assert_non_null(p);
    return p;
}

static lfm_session *new_session(const fixture *f, lfm_session_options opt) {
    lfm_error err = {0};
    lfm_session *s = NULL;
    if (lfm_session_new(&s, f->model, &opt, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return s;
}

/* Logits of all tokens of the fixture in an empty session, `step` tokens per call. */
static float *eval_steps(const fixture *f, lfm_session *s, size_t step) {
    lfm_error err = {0};
    float *logits = make(N_TOKENS * f->n_vocab, sizeof *logits);
    for (size_t at = 0; at < N_TOKENS; at += step) {
        const size_t n = N_TOKENS - at < step ? N_TOKENS - at : step;
        assert_int_equal(lfm_session_pos(s), at);
        if (lfm_eval_all(s, f->tokens + at, n, logits + at * f->n_vocab, &err) != LFM_OK) {
            fail_msg("%s", err.text);
        }
        const float *last = logits + (at + n - 1) * f->n_vocab;
        assert_memory_equal(lfm_logits(s), last, f->n_vocab * sizeof *last);
    }
    return logits;
}

static float *eval_new(const fixture *f, lfm_session_options opt, size_t step) {
    lfm_session *s = new_session(f, opt);
    float *logits = eval_steps(f, s, step);
    lfm_session_free(s);
    return logits;
}

static float *to_floats(const double *x, size_t n) {
    float *y = make(n, sizeof *y);
    for (size_t i = 0; i < n; i++) {
        y[i] = (float)x[i];
    }
    return y;
}

/* ---- Float weights: the mathematics --------------------------------------------------------- */

typedef struct {
    const char *preset, *type;
} subject;

typedef struct {
    const fixture *f;
    float *x;        /* [n_layer][N_TOKENS][n_embd] */
    size_t done[64]; /* tokens seen per layer */
} layer_log;

static void log_layer(void *ctx, uint32_t layer, const float *x, size_t n) {
    layer_log *log = ctx;
    assert_true(layer < 64 && n <= N_TOKENS - log->done[layer]);
    memcpy(log->x + (layer * (size_t)N_TOKENS + log->done[layer]) * log->f->n_embd, x,
           n * log->f->n_embd * sizeof *x);
    log->done[layer] += n;
}

static void test_exact(void **state) {
    const subject *s = *state;
    fixture f;
    fixture_open(&f, s->preset, s->type);
    const size_t n_logits = N_TOKENS * f.n_vocab;
    const size_t n_layers = f.n_layer * N_TOKENS * f.n_embd;
    double *want_logits = make(n_logits, sizeof *want_logits);
    double *want_layers = make(n_layers, sizeof *want_layers);
    ref_model *ref = ref_open_file(f.path);
    ref_eval(ref, f.tokens, N_TOKENS, &(ref_run){.logits = want_logits, .layers = want_layers});
    ref_free(ref);

    layer_log log = {.f = &f, .x = make(n_layers, sizeof *log.x)};
    lfm_session *session = new_session(&f, (lfm_session_options){.kv = LFM_KV_F32, .n_batch = 20});
    lfm_session_on_layer(session, log_layer, &log);
    float *logits = eval_steps(&f, session, N_TOKENS);
    lfm_session_free(session);

    float *want = to_floats(want_logits, n_logits);
    const double logits_max = golden_compare(logits, want, n_logits).max;
    free(want);
    want = to_floats(want_layers, n_layers);
    const double layers_max = golden_compare(log.x, want, n_layers).max;
    free(want);
    for (size_t i = 0; i < f.n_layer; i++) {
        assert_int_equal(log.done[i], N_TOKENS);
    }
    print_message("%s %s: largest difference %.2e in logits, %.2e in layers\n", s->preset, s->type,
                  logits_max, layers_max);
    free(want_logits);
    free(want_layers);
    free(log.x);
    free(logits);
    fixture_close(&f);
    assert_true(logits_max <= FLOAT_BAR);
    assert_true(layers_max <= FLOAT_BAR);
}

/* ---- Quantised weights: the mathematics of rounded activations ------------------------------ */

/* Positions among the first n, in short texts that keep a different rounding from spreading, where
 * `logits` are the repetition with our rounding. */
static size_t count_same(const fixture *f, const ref_model *ref, const float *logits, size_t n) {
    size_t n_same = 0;
    double *repeated = make(N_TEXT * f->n_vocab, sizeof *repeated);
    for (size_t t = 0; t < n; t++) {
        if (t % N_TEXT == 0) {
            ref_eval(ref, f->tokens + t, N_TEXT,
                     &(ref_run){.round = rounding_lfm, .kv_f16 = true, .logits = repeated});
        }
        float *want = to_floats(repeated + t % N_TEXT * f->n_vocab, f->n_vocab);
        n_same += golden_compare(logits + t * f->n_vocab, want, f->n_vocab).nmse <= SAME_BAR;
        free(want);
    }
    free(repeated);
    return n_same;
}

/* The logits of the fixture's first n tokens as short texts. */
static float *eval_texts(const fixture *f, size_t n) {
    lfm_error err = {0};
    lfm_session *s = new_session(f, (lfm_session_options){.kv = LFM_KV_F16, .n_threads = 1});
    float *logits = make(N_TOKENS * f->n_vocab, sizeof *logits);
    for (size_t at = 0; at < n; at += N_TEXT) {
        lfm_session_reset(s);
        assert_int_equal(
            lfm_eval_all(s, f->tokens + at, N_TEXT, logits + at * f->n_vocab, &err), LFM_OK);
    }
    lfm_session_free(s);
    return logits;
}

static void test_rounded(void **state) {
    (void)state;
    /* The repetition is slow. */
    const size_t n = test_all() ? N_TOKENS : is_sanitized() ? N_TOKENS / 6 : N_TOKENS / 2;
    for (int type = 0; type < QTYPE_COUNT; type++) {
        const qtype_info *info = qtype_get((qtype)type);
        if (info->block_weights == 1) {
            continue;
        }
        fixture f;
        fixture_open(&f, "kq-moe", info->name);
        ref_model *ref = ref_open_file(f.path);
        float *logits = eval_texts(&f, n);
        const size_t n_same = count_same(&f, ref, logits, n);
        print_message("%-8s %zu of %zu positions repeated\n", info->name, n_same, n);
        free(logits);
        ref_free(ref);
        fixture_close(&f);
        assert_true(n_same >= n / 2);
    }
}

/* ---- Equal bits ------------------------------------------------------------------------------ */

/* Fails unless the logits are the wanted ones to the last bit; frees `logits`. */
static void check_bits(const fixture *f, const float *want, float *logits, const char *what,
                       size_t number) {
    const bool same = memcmp(logits, want, N_TOKENS * f->n_vocab * sizeof *want) == 0;
    free(logits);
    if (!same) {
        fail_msg("other bits with %s %zu", what, number);
    }
}

static void test_same_bits(void **state) {
    const subject *s = *state;
    static const size_t steps[] = {1, 7, 47, 2, 17};
    static const uint32_t threads[] = {3, 2, 8};
    const size_t n_steps = test_hurries() ? 3 : sizeof steps / sizeof steps[0];
    const int last_kv = test_hurries() ? LFM_KV_F16 : LFM_KV_F32;
    const size_t n_threads = test_hurries() ? 1 : sizeof threads / sizeof threads[0];
    fixture f;
    fixture_open(&f, s->preset, s->type);
    for (int kv = LFM_KV_F16; kv <= last_kv; kv++) {
        lfm_session_options opt = {.kv = (lfm_kv_type)kv, .n_threads = 1};
        float *want = eval_new(&f, opt, N_TOKENS);
        for (size_t i = 0; i < n_steps; i++) {
            check_bits(&f, want, eval_new(&f, opt, steps[i]), "calls of", steps[i]);
            opt.n_batch = (uint32_t)steps[i];
            check_bits(&f, want, eval_new(&f, opt, N_TOKENS), "batches of", steps[i]);
            check_bits(&f, want, eval_new(&f, opt, 13), "calls of 13 in batches of", steps[i]);
            opt.n_batch = 0;
        }
        for (size_t i = 0; i < n_threads; i++) {
            opt.n_threads = threads[i];
            check_bits(&f, want, eval_new(&f, opt, 24), "threads:", threads[i]);
            opt.n_threads_batch = 4; /* the last call, of one token, is no batch */
            check_bits(&f, want, eval_new(&f, opt, 47), "and four for batches:", threads[i]);
            opt.n_threads_batch = 0;
        }
        free(want);
    }
    fixture_close(&f);
}

/* A session that was reset gives what it gave before, whatever it did in between; two sessions
 * of one model do not disturb each other; a growing cache keeps what it holds. */
static void test_replay(void **state) {
    const subject *s = *state;
    fixture f;
    lfm_error err = {0};
    fixture_open(&f, s->preset, s->type);
    float *want = eval_new(&f, (lfm_session_options){.n_threads = 1}, N_TOKENS);
    lfm_session *one = new_session(&f, (lfm_session_options){.n_threads = 1});
    lfm_session *two = new_session(&f, (lfm_session_options){.n_threads = 2, .n_ctx = 64});
    for (size_t round = 0; round < 3; round++) {
        check_bits(&f, want, eval_steps(&f, one, 5 + 19 * round), "reset number", round);
        for (size_t at = 0; at < 3 * N_TOKENS; at += N_TOKENS) { /* far past what it had held */
            assert_int_equal(lfm_eval(one, f.tokens, N_TOKENS, &err), LFM_OK);
        }
        check_bits(&f, want, eval_steps(&f, two, 9), "the other session", round);
        lfm_session_reset(one);
        lfm_session_reset(two);
        assert_int_equal(lfm_session_pos(one), 0);
    }
    lfm_session_free(one);
    lfm_session_free(two);
    free(want);
    fixture_close(&f);
}

/* A call that does not fit changes nothing. */
static void test_full(void **state) {
    const subject *s = *state;
    fixture f;
    lfm_error err = {0};
    fixture_open(&f, s->preset, s->type);
    float *want = eval_new(&f, (lfm_session_options){.n_threads = 1}, N_TOKENS);
    float *logits = make(N_TOKENS * f.n_vocab, sizeof *logits);
    const lfm_session_options opt = {.n_threads = 1, .n_ctx = N_TOKENS};
    lfm_session *session = new_session(&f, opt);
    assert_int_equal(lfm_eval_all(session, f.tokens, 40, logits, &err), LFM_OK);
    assert_int_equal(lfm_eval(session, f.tokens, 9, &err), LFM_ERR_FULL);
    assert_int_equal(lfm_session_pos(session), 40);
    err = (lfm_error){0};
    assert_int_equal(
        lfm_eval_all(session, f.tokens + 40, N_TOKENS - 40, logits + 40 * f.n_vocab, &err), LFM_OK);
    assert_int_equal(lfm_eval(session, f.tokens, 1, &err), LFM_ERR_FULL);
    assert_int_equal(lfm_session_pos(session), N_TOKENS);
    lfm_session_free(session);
    check_bits(&f, want, logits, "a refused call at", 40);
    free(want);
    fixture_close(&f);
}

#define CASE(test, preset, type) \
    {preset " " type ": " #test, test_##test, NULL, NULL, &(subject){preset, type}}

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(exact, "nano-moe", "F32"),      CASE(exact, "odd-moe", "F32"),
        CASE(exact, "nano-dense", "F32"),    CASE(exact, "kq-moe", "F16"),
        CASE(exact, "odd-moe", "BF16"),      CASE(same_bits, "nano-moe", "F32"),
        CASE(same_bits, "odd-moe", "F32"),   CASE(same_bits, "nano-dense", "F32"),
        CASE(same_bits, "odd-moe", "F16"),   CASE(same_bits, "odd-moe", "Q4_0"),
        CASE(same_bits, "kq-moe", "Q4_K_M"), CASE(same_bits, "nano-moe", "Q8_0"),
        CASE(replay, "nano-moe", "F32"),     CASE(replay, "odd-moe", "Q8_0"),
        CASE(replay, "kq-moe", "Q6_K"),      CASE(replay, "nano-dense", "Q4_0"),
        CASE(full, "odd-moe", "Q4_0"),       cmocka_unit_test(test_rounded),
    };
    return cmocka_run_group_tests_name("forward", tests, NULL, NULL);
}
