/*
 * test_api_session.c - sessions that go back, are copied, work together, and are saved.
 *
 * Everything is compared bit for bit with a session that evaluates the same tokens afresh.  The
 * model is small, with random weights.
 */
#include "api/internal.h"

#include "../support/hurry.h"
#include "base/rng.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { N_TEXT = 1500 };

static lfm_model *model;
static int32_t text[N_TEXT]; /* any tokens will do */
static size_t n_vocab;

static int open_model(void **state) {
    lfm_error err = {0};
    (void)state;
    if (lfm_model_open(&model, "tests/golden/forward/nano32-Q4_0.gguf", NULL, &err) != LFM_OK) {
        fprintf(stderr, "%s; run from the repository's root\n", err.text);
        return 1;
    }
    n_vocab = lfm_model_get_info(model)->n_vocab;
    for (size_t i = 0; i < N_TEXT; i++) {
        text[i] = (int32_t)(rng_at(3, i) % n_vocab);
    }
    return 0;
}

static int close_model(void **state) {
    (void)state;
    lfm_model_close(model);
    return 0;
}

static void ok(lfm_status st, const lfm_error *err) {
    if (st != LFM_OK) {
        fail_msg("%s", err->text);
    }
}

/* One thread, where none is named: those of a small model wait for each other most of the time. */
static lfm_session *session_with(lfm_session_options opt) {
    lfm_error err = {0};
    lfm_session *s = NULL;
    opt.n_ctx = opt.n_ctx ? opt.n_ctx : N_TEXT + 100;
    opt.n_threads = opt.n_threads || test_all() ? opt.n_threads : 1;
    ok(lfm_session_new(&s, model, &opt, &err), &err);
    return s;
}

static void eval(lfm_session *s, const int32_t *tokens, size_t n) {
    lfm_error err = {0};
    ok(lfm_eval(s, tokens, n, &err), &err);
}

static size_t prompt(lfm_session *s, const int32_t *tokens, size_t n) {
    lfm_error err = {0};
    size_t reused = 0;
    ok(lfm_session_sync(s, tokens, n, &reused, &err), &err);
    size_t held = 0;
    const int32_t *all = lfm_session_tokens(s, &held);
    assert_int_equal(held, n);
    assert_memory_equal(all, tokens, n * sizeof *tokens);
    return reused;
}

/* The logits of `s` are those after `tokens`, and so are those after ten more tokens. */
static void assert_like_new(lfm_session *s, const int32_t *tokens, size_t n, lfm_kv_type kv) {
    lfm_session *fresh = session_with((lfm_session_options){.kv = kv});
    eval(fresh, tokens, n);
    assert_memory_equal(lfm_logits(s), lfm_logits(fresh), n_vocab * sizeof(float));
    eval(fresh, text, 10);
    eval(s, text, 10);
    assert_memory_equal(lfm_logits(s), lfm_logits(fresh), n_vocab * sizeof(float));
    lfm_session_free(fresh);
}

/* ---- Going back ----------------------------------------------------------------------------- */

static void test_prompt_reuses_what_is_the_same(void **state) {
    (void)state;
    static const struct {
        size_t held, same, asked; /* tokens read, how many of them begin the prompt, its length */
        size_t reused;
    } cases[] = {
        {0, 0, 40, 0},        {40, 40, 90, 40},      {40, 40, 40, 40},     {40, 39, 40, 0},
        {300, 290, 400, 256}, {300, 256, 400, 256},  {300, 255, 400, 0},   {600, 530, 531, 512},
        {600, 512, 513, 512}, {600, 600, 601, 600},  {600, 600, 550, 512}, {1024, 1024, 1024, 1024},
        {1024, 1024, 1023, 768}, {1300, 100, 1200, 0}, {1300, 1279, 1400, 1024},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t ask[N_TEXT];
        memcpy(ask, text, sizeof ask);
        for (size_t j = cases[i].same; j < N_TEXT; j++) {
            ask[j] = (text[j] + 1) % (int32_t)n_vocab;
        }
        const uint32_t batch = (i == 0 ? 1 : 9) + 37 * (uint32_t)(i % 5);
        lfm_session *s = session_with((lfm_session_options){.n_batch = batch});
        if (cases[i].held > 0) {
            eval(s, text, cases[i].held);
        }
        const size_t reused = prompt(s, ask, cases[i].asked);
        if (reused != cases[i].reused) {
            fail_msg("case %zu: %zu reused, wanted %zu", i, reused, cases[i].reused);
        }
        assert_like_new(s, ask, cases[i].asked, LFM_KV_F16);
        lfm_session_free(s);
    }
}

/* A conversation: prompt, answer, the same prompt with the answer changed, ... */
static void test_the_end_of_a_prompt_is_a_way_back(void **state) {
    (void)state;
    int32_t talk[N_TEXT];
    memcpy(talk, text, sizeof talk);
    lfm_session *s = session_with((lfm_session_options){.n_batch = 64});
    assert_int_equal(prompt(s, talk, 70), 0);
    eval(s, text + 70, 30);
    talk[71] = talk[71] == 5 ? 6 : 5;                /* a thought is stripped from the answer */
    assert_int_equal(prompt(s, talk, 150), 69);      /* the last token gave the logits */
    eval(s, text, 20);
    assert_int_equal(prompt(s, talk, 150), 149);     /* answer it again */
    eval(s, text + 20, 20);
    assert_int_equal(prompt(s, talk, 70), 69);       /* undo a turn */
    assert_like_new(s, talk, 70, LFM_KV_F16);
    lfm_session_free(s);
}

/* More prompts than there are marks: the oldest are forgotten, nothing else. */
static void test_many_prompts(void **state) {
    (void)state;
    lfm_session *s = session_with((lfm_session_options){0});
    for (size_t n = 5; n <= 250; n += 5) {
        prompt(s, text, n);
    }
    const size_t back = prompt(s, text, 103);
    assert_int_equal(back, 99);
    assert_int_equal(prompt(s, text, 20), 0); /* 14 is no longer marked */
    assert_like_new(s, text, 20, LFM_KV_F16);
    lfm_session_free(s);
}

static void test_random_walk(void **state) {
    (void)state;
    lfm_session *s = session_with((lfm_session_options){.n_batch = 100, .n_threads = 2});
    int32_t now[N_TEXT];
    memcpy(now, text, sizeof now);
    for (uint64_t step = 0; step < 25; step++) {
        const size_t from = rng_at(11, 2 * step) % 700;
        const size_t n = 1 + rng_at(11, 2 * step + 1) % 800;
        for (size_t i = from; i < N_TEXT; i++) { /* another continuation from here on */
            now[i] = (int32_t)(rng_at(step, i) % n_vocab);
        }
        prompt(s, now, n);
        if (step % 5 == 4) {
            assert_like_new(s, now, n, LFM_KV_F16);
        }
    }
    lfm_session_free(s);
}

static void test_prompt_errors(void **state) {
    (void)state;
    lfm_error err = {0};
    size_t reused = 0;
    lfm_session *s = session_with((lfm_session_options){.n_ctx = 50});
    const int32_t bad[2] = {1, -1};
    assert_int_equal(lfm_session_sync(s, text, 0, &reused, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_session_sync(s, text, 51, &reused, &err), LFM_ERR_FULL);
    assert_int_equal(lfm_session_sync(s, bad, 2, &reused, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_session_pos(s), 0);
    assert_int_equal(prompt(s, text, 50), 0);
    lfm_session_free(s);
}

static bool stop_at_once(void *ctx, size_t done, size_t total) {
    (void)ctx;
    (void)total;
    return done == 0;
}

/* An evaluation that was stopped leaves what it has done, and no more. */
static void test_stopped(void **state) {
    (void)state;
    lfm_error err = {0};
    size_t reused = 0;
    lfm_session *s = session_with((lfm_session_options){.n_batch = 32});
    lfm_session_on_progress(s, stop_at_once, NULL);
    assert_int_equal(lfm_session_sync(s, text, 100, &reused, &err), LFM_ERR_STOPPED);
    assert_int_equal(lfm_session_pos(s), 32);
    assert_null(lfm_logits(s));
    lfm_session_on_progress(s, NULL, NULL);
    assert_int_equal(prompt(s, text, 32), 0); /* its logits were never computed */
    assert_int_equal(prompt(s, text, 100), 32);
    assert_like_new(s, text, 100, LFM_KV_F16);
    lfm_session_free(s);
}

/* A prompt that is refused after the session went back for it leaves no logits of what it held. */
static void test_refused_prompt(void **state) {
    (void)state;
    lfm_error err = {0};
    size_t reused = 0;
    int32_t ask[550];
    lfm_session *s = session_with((lfm_session_options){0});
    eval(s, text, 600);
    memcpy(ask, text, sizeof ask);
    ask[549] = (int32_t)n_vocab;
    assert_int_equal(lfm_session_sync(s, ask, 550, &reused, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_session_pos(s), 512);
    assert_null(lfm_logits(s));
    prompt(s, text, 512);
    assert_like_new(s, text, 512, LFM_KV_F16);
    lfm_session_free(s);
}

/* ---- Families ------------------------------------------------------------------------------- */

static void test_copy(void **state) {
    (void)state;
    static const lfm_kv_type kinds[] = {LFM_KV_F16, LFM_KV_F32, LFM_KV_Q8};
    for (size_t i = 0; i < 3; i++) {
        lfm_error err = {0};
        lfm_session *a = session_with((lfm_session_options){.kv = kinds[i]});
        lfm_session *b = NULL;
        ok(lfm_session_fork(&b, a, &err), &err);
        assert_int_equal(lfm_session_pos(b), 0);
        prompt(a, text, 300);
        ok(lfm_session_copy(b, a, &err), &err);
        eval(a, text, 25); /* goes on without the other noticing */
        prompt(b, text, 300);
        lfm_session_free(a); /* in any order */
        assert_like_new(b, text, 300, kinds[i]);
        assert_int_equal(prompt(b, text, 301), 299); /* ten others came after 300 */
        assert_int_equal(prompt(b, text, 299), 256);
        lfm_session_free(b);
    }
}

static void test_copy_errors(void **state) {
    (void)state;
    lfm_error err = {0};
    lfm_session *small = session_with((lfm_session_options){.n_ctx = 20});
    lfm_session *other = session_with((lfm_session_options){.kv = LFM_KV_Q8});
    lfm_session *s = session_with((lfm_session_options){0});
    eval(s, text, 21);
    assert_int_equal(lfm_session_copy(small, s, &err), LFM_ERR_FULL);
    assert_int_equal(lfm_session_copy(other, s, &err), LFM_ERR_ARG);
    lfm_session_free(small);
    lfm_session_free(other);
    lfm_session_free(s);
}

/* Sessions at different places of different texts, evaluated together: the bits of each alone. */
static void test_eval_each(void **state) {
    (void)state;
    static const size_t counts[] = {1, 3, 8, 13};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        const size_t n = counts[c];
        lfm_error err = {0};
        lfm_session *s[13] = {session_with(
            (lfm_session_options){.n_batch = c == 3 ? 5 : 0, .n_threads = c == 2 ? 3 : 0})};
        for (size_t i = 0; i < n; i++) {
            if (i > 0) {
                ok(lfm_session_fork(&s[i], s[0], &err), &err);
            }
            eval(s[i], text + i, 100 * i % 270 + 1);
        }
        for (size_t step = 0; step < 12; step++) {
            int32_t tokens[13];
            for (size_t i = 0; i < n; i++) {
                tokens[i] = text[(step * 31 + i * 7) % N_TEXT];
            }
            ok(lfm_eval_each(s, tokens, n, &err), &err);
        }
        for (size_t i = 0; i < n; i++) {
            size_t held = 0;
            const int32_t *tokens = lfm_session_tokens(s[i], &held);
            assert_int_equal(held, 100 * i % 270 + 13);
            int32_t *copy = malloc(held * sizeof *copy);
            assert_non_null(copy);
            memcpy(copy, tokens, held * sizeof *copy);
            assert_like_new(s[i], copy, held, LFM_KV_F16);
            free(copy);
        }
        for (size_t i = 0; i < n; i++) {
            lfm_session_free(s[i]);
        }
    }
}

static void test_eval_each_errors(void **state) {
    (void)state;
    lfm_error err = {0};
    lfm_session *s = session_with((lfm_session_options){.n_ctx = 2});
    lfm_session *stranger = session_with((lfm_session_options){0});
    lfm_session *twice[2] = {s, s};
    lfm_session *strangers[2] = {s, stranger};
    lfm_session *many[LFM_MAX_EACH + 1] = {s};
    const int32_t tokens[LFM_MAX_EACH + 1] = {1, 2};
    assert_int_equal(lfm_eval_each(twice, tokens, 2, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_eval_each(strangers, tokens, 2, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_eval_each(many, tokens, LFM_MAX_EACH + 1, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_eval_each(many, tokens, 0, &err), LFM_OK);
    eval(s, text, 2);
    assert_int_equal(lfm_eval_each(&s, tokens, 1, &err), LFM_ERR_FULL);
    lfm_session_free(s);
    lfm_session_free(stranger);
}

/* ---- Long attention ------------------------------------------------------------------------- */

/* Spans of 1,024 positions are divided among workers for few tokens, and walked for many. */
static void test_spans(void **state) {
    (void)state;
    const size_t n = test_hurries() ? 1040 : 2060;
    int32_t *tokens = malloc(n * sizeof *tokens);
    assert_non_null(tokens);
    for (size_t i = 0; i < n; i++) {
        tokens[i] = (int32_t)(rng_at(5, i) % n_vocab);
    }
    for (int kv = LFM_KV_F16; kv <= LFM_KV_Q8; kv++) {
        static const struct {
            uint32_t threads, batch;
            size_t single; /* tokens, one at a time, at the end */
        } ways[] = {{1, 512, 0}, {4, 77, 30}, {3, 300, 0}, {2, 512, 9}};
        const size_t n_ways = test_hurries() ? 2 : sizeof ways / sizeof ways[0];
        float *want = NULL;
        for (size_t w = 0; w < n_ways; w++) {
            lfm_session *s = session_with((lfm_session_options){
                .n_ctx = (uint32_t)n + 10, .n_batch = ways[w].batch,
                .n_threads = ways[w].threads, .kv = (lfm_kv_type)kv});
            eval(s, tokens, n - ways[w].single);
            for (size_t i = n - ways[w].single; i < n; i++) {
                eval(s, tokens + i, 1);
            }
            if (!want) {
                want = malloc(n_vocab * sizeof *want);
                assert_non_null(want);
                memcpy(want, lfm_logits(s), n_vocab * sizeof *want);
            }
            assert_memory_equal(lfm_logits(s), want, n_vocab * sizeof *want);
            lfm_session_free(s);
        }
        free(want);
    }
    free(tokens);
}

/* ---- Files ---------------------------------------------------------------------------------- */

static char folder[200];
static char path[240];

static void temporary_folder(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/lfm-session-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/session", folder);
}

static void remove_folder(void) {
    unlink(path);
    assert_int_equal(rmdir(folder), 0); /* nothing else was left there */
}

static void save(lfm_session *s, const char *note) {
    lfm_error err = {0};
    ok(lfm_session_save(s, path, note, strlen(note), &err), &err);
}

/* The whole file; its length in *n. */
static unsigned char *slurp(size_t *n) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    unsigned char *bytes = malloc(*n + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *n, f), *n);
    fclose(f);
    return bytes;
}

static void spill(const unsigned char *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* Saved at any point, resumed elsewhere: the same bits as if nothing had happened. */
static void test_save_and_resume(void **state) {
    (void)state;
    temporary_folder();
    const uint64_t n_times = test_hurries() ? 12 : 24;
    for (uint64_t i = 0; i < n_times; i++) {
        const lfm_kv_type kv = (lfm_kv_type)(i % 3);
        const size_t n = i < 3 ? i : 1 + rng_at(21, i) % 900;
        lfm_error err = {0};
        char *note = NULL;
        size_t note_len = 0;
        lfm_session *s = session_with((lfm_session_options){.kv = kv, .n_batch = 50});
        if (n > 0) {
            prompt(s, text, n);
        }
        save(s, i % 2 ? "a note" : "");
        lfm_session_free(s);
        s = session_with((lfm_session_options){.kv = kv, .n_ctx = n > 1 ? 0 : 64});
        eval(s, text, 9); /* is forgotten */
        ok(lfm_session_load(s, path, &note, &note_len, &err), &err);
        assert_int_equal(note_len, i % 2 ? 6 : 0);
        assert_string_equal(note, i % 2 ? "a note" : "");
        lfm_free(note);
        assert_int_equal(lfm_session_pos(s), n);
        if (n > 0) {
            assert_int_equal(prompt(s, text, n), n); /* its logits are there */
            assert_like_new(s, text, n, kv);
        }
        if (n > 600) { /* and the ways back */
            assert_int_equal(prompt(s, text, n), n - 1);
            assert_int_equal(prompt(s, text, 514), 512);
            assert_like_new(s, text, 514, kv);
        }
        lfm_session_free(s);
    }
    remove_folder();
}

/* A note has a limit; nothing is written beyond it. */
static void test_long_note(void **state) {
    enum { MOST = 64 << 20 };
    (void)state;
    temporary_folder();
    lfm_error err = {0};
    lfm_session *s = session_with((lfm_session_options){0});
    char *note = calloc(1, MOST + 1);
    assert_non_null(note);
    assert_int_equal(lfm_session_save(s, path, note, MOST + 1, &err), LFM_ERR_ARG);
    assert_string_equal(err.text, "a note of 67108865 bytes is too long");
    assert_int_equal(access(path, F_OK), -1);
    ok(lfm_session_save(s, path, note, MOST, &err), &err);
    free(note);
    lfm_session_free(s);
    remove_folder();
}

/* The file says nothing of what was taken back. */
static void test_a_file_depends_on_its_tokens_only(void **state) {
    (void)state;
    size_t n[2];
    unsigned char *bytes[2];
    temporary_folder();
    for (int way = 0; way < 2; way++) {
        lfm_session *s = session_with((lfm_session_options){.kv = LFM_KV_Q8});
        if (way == 1) {
            eval(s, text + 300, 200);
            prompt(s, text, 333);
            prompt(s, text + 5, 400);
        }
        prompt(s, text, 333);
        save(s, "");
        bytes[way] = slurp(&n[way]);
        lfm_session_free(s);
    }
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(bytes[0], bytes[1], n[0]);
    free(bytes[0]);
    free(bytes[1]);
    remove_folder();
}

static lfm_status describe(lfm_session_info *info, bool *is_session, char **note, size_t *note_len,
                           lfm_error *err) {
    *is_session = true; /* what was there does not matter */
    *note = path;
    *note_len = 9;
    return lfm_session_describe(path, info, is_session, note, note_len, err);
}

/* What a file says of itself, with and without a note; other files, and parts of it. */
static void test_describe(void **state) {
    (void)state;
    enum { N = 270 };
    lfm_session_info info;
    lfm_error err = {.status = LFM_ERR_IO, .text = "old"};
    bool is_session = false;
    char *note = NULL;
    size_t note_len = 0;
    size_t n = 0;
    temporary_folder();
    lfm_session *s = session_with((lfm_session_options){.kv = LFM_KV_Q8});
    prompt(s, text, N);
    for (size_t i = 0; i < 2; i++) {
        save(s, i ? "a note" : "");
        free(slurp(&n));
        ok(describe(&info, &is_session, &note, &note_len, &err), &err);
        assert_true(is_session && err.text[0] == '\0');
        assert_int_equal(note_len, i ? 6 : 0);
        assert_string_equal(note, i ? "a note" : "");
        assert_int_equal(info.version, 1);
        assert_int_equal(info.n_tokens, N);
        assert_int_equal(info.kv, LFM_KV_Q8);
        assert_int_equal(info.file_bytes, n);
        lfm_free(note);
    }
    unsigned char *bytes = slurp(&n);
    spill(bytes, n - 1);
    assert_int_equal(describe(&info, &is_session, &note, &note_len, &err), LFM_ERR_FORMAT);
    assert_non_null(strstr(err.text, "cut off or damaged"));
    assert_true(is_session && !note && note_len == 0);
    bytes[0] ^= 1;
    spill(bytes, n);
    assert_int_equal(describe(&info, &is_session, &note, &note_len, &err), LFM_ERR_FORMAT);
    assert_non_null(strstr(err.text, "is not a session file"));
    assert_true(!is_session && !note && note_len == 0);
    spill(bytes, 5);
    assert_int_equal(describe(&info, &is_session, &note, &note_len, &err), LFM_ERR_FORMAT);
    assert_true(!is_session && !note);
    unlink(path);
    assert_int_equal(describe(&info, &is_session, &note, &note_len, &err), LFM_ERR_IO);
    assert_true(!is_session && !note && note_len == 0);
    free(bytes);
    lfm_session_free(s);
    remove_folder();
}

static void test_damaged_files(void **state) {
    (void)state;
    lfm_error err = {0};
    size_t n = 0;
    temporary_folder();
    lfm_session *s = session_with((lfm_session_options){0});
    prompt(s, text, 300);
    save(s, "note");
    unsigned char *good = slurp(&n);
    unsigned char *bad = malloc(n + 10);
    assert_non_null(bad);
    for (size_t i = 0; i < 600; i++) { /* every byte of the head, then bytes anywhere */
        const size_t at = i < 200 ? i : rng_at(31, i) % n;
        memcpy(bad, good, n);
        bad[at] ^= (unsigned char)(1u << rng_at(32, i) % 8);
        spill(bad, n);
        if (lfm_session_load(s, path, NULL, NULL, &err) == LFM_OK) {
            fail_msg("accepted with byte %zu changed", at);
        }
        assert_true(strstr(err.text, path) && !strchr(err.text, '\n'));
    }
    for (size_t i = 0; i < 150; i++) { /* cut off, or too long */
        const size_t cut = i < 40 ? i * 6 : i < 50 ? n + i - 39 : rng_at(33, i) % n;
        memcpy(bad, good, n);
        memset(bad + n, 0, 10);
        spill(bad, cut);
        if (lfm_session_load(s, path, NULL, NULL, &err) == LFM_OK) {
            fail_msg("accepted with %zu of %zu bytes", cut, n);
        }
    }
    spill(good, n);
    ok(lfm_session_load(s, path, NULL, NULL, &err), &err);
    assert_true(err.status == LFM_OK && err.text[0] == '\0'); /* of this call, not of others */
    assert_like_new(s, text, 300, LFM_KV_F16);
    free(good);
    free(bad);
    lfm_session_free(s);
    remove_folder();
}

static void test_foreign_files(void **state) {
    (void)state;
    lfm_error err = {0};
    lfm_model *other = NULL;
    lfm_session *s = session_with((lfm_session_options){0});
    lfm_session *q8 = session_with((lfm_session_options){.kv = LFM_KV_Q8});
    lfm_session *small = session_with((lfm_session_options){.n_ctx = 30});
    lfm_session *foreign = NULL;
    temporary_folder();
    prompt(s, text, 31);
    save(s, "");
    assert_int_equal(lfm_session_load(q8, path, NULL, NULL, &err), LFM_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "was made with --kv f16, and this is --kv q8"));
    assert_int_equal(lfm_session_load(small, path, NULL, NULL, &err), LFM_ERR_FULL);
    ok(lfm_model_open(&other, "tests/golden/forward/dense-Q4_0.gguf", NULL, &err), &err);
    ok(lfm_session_new(&foreign, other, NULL, &err), &err);
    assert_int_equal(lfm_session_load(foreign, path, NULL, NULL, &err), LFM_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "belongs to another model"));
    assert_int_equal(lfm_session_load(s, folder, NULL, NULL, &err), LFM_ERR_FORMAT);
    assert_int_equal(lfm_session_load(s, "/dev/null", NULL, NULL, &err), LFM_ERR_FORMAT);
    assert_int_equal(lfm_session_load(s, "nowhere/s", NULL, NULL, &err), LFM_ERR_IO);
    assert_like_new(s, text, 31, LFM_KV_F16); /* as it was */
    lfm_session_free(foreign);
    lfm_model_close(other);
    lfm_session_free(s);
    lfm_session_free(q8);
    lfm_session_free(small);
    remove_folder();
}

/* What cannot be written leaves the old file. */
static void test_the_old_file_stays(void **state) {
    (void)state;
    lfm_error err = {0};
    lfm_session *s = session_with((lfm_session_options){0});
    temporary_folder();
    prompt(s, text, 20);
    save(s, "old");
    struct rlimit usual;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    const struct rlimit low = {5000, usual.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    prompt(s, text, 500);
    assert_int_equal(lfm_session_save(s, path, NULL, 0, &err), LFM_ERR_IO);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &usual), 0);
    assert_int_equal(lfm_session_save(s, "/dev/full", NULL, 0, &err), LFM_ERR_IO);
    char *note = NULL;
    size_t note_len = 0;
    ok(lfm_session_load(s, path, &note, &note_len, &err), &err);
    assert_string_equal(note, "old");
    lfm_free(note);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    lfm_session_free(s);
    remove_folder();
}

/* Threads of their own for batches are there, and change nothing. */
static void test_batch_threads(void **state) {
    (void)state;
    for (uint32_t n = 0; n < 4; n++) {
        lfm_session *s = session_with((lfm_session_options){.n_threads = 2, .n_threads_batch = n});
        assert_int_equal(lfm_session_n_threads(s), 2);
        assert_int_equal(lfm_session_n_threads_batch(s), n ? n : 2);
        prompt(s, text, 40);
        assert_like_new(s, text, 40, LFM_KV_F16);
        lfm_session_free(s);
    }
}

/* ---- Memory --------------------------------------------------------------------------------- */

/* A session that pretends takes tokens at that depth, and is itself again after a reset. */
static void test_pretend(void **state) {
    (void)state;
    static const lfm_kv_type kinds[] = {LFM_KV_F16, LFM_KV_F32, LFM_KV_Q8};
    for (size_t i = 0; i < 3; i++) {
        lfm_error err = {0};
        lfm_session *s = session_with((lfm_session_options){.kv = kinds[i]});
        lfm_session *fresh = session_with((lfm_session_options){.kv = kinds[i]});
        eval(s, text, 300);
        ok(lfm_session_pretend(s, 1000, &err), &err);
        assert_int_equal(lfm_session_pos(s), 1000);
        assert_null(lfm_logits(s));
        eval(s, text, 40);
        assert_int_equal(lfm_session_pos(s), 1040);
        assert_int_equal(lfm_session_pretend(s, N_TEXT + 101, &err), LFM_ERR_FULL);
        assert_int_equal(lfm_session_pos(s), 1040);
        lfm_session_reset(s);
        eval(s, text, 300);
        eval(fresh, text, 300);
        assert_memory_equal(lfm_logits(s), lfm_logits(fresh), n_vocab * sizeof(float));
        lfm_session_free(fresh);
        lfm_session_free(s);
    }
}

static void test_too_little_memory(void **state) {
    (void)state;
    lfm_error err = {0};
    lfm_session *s = session_with((lfm_session_options){0});
    size_t reused = 0;
    s->shared->memory = 100000; /* as if no more had been there when it began */
    assert_int_equal(lfm_session_sync(s, text, N_TEXT, &reused, &err), LFM_ERR_MEMORY);
    assert_non_null(strstr(err.text, "of memory is available"));
    assert_int_equal(lfm_session_pos(s), 0);
    s->shared->memory = UINT64_MAX;
    ok(lfm_session_sync(s, text, 100, &reused, &err), &err);
    lfm_session_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompt_reuses_what_is_the_same),
        cmocka_unit_test(test_the_end_of_a_prompt_is_a_way_back),
        cmocka_unit_test(test_many_prompts),
        cmocka_unit_test(test_random_walk),
        cmocka_unit_test(test_prompt_errors),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_refused_prompt),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_copy_errors),
        cmocka_unit_test(test_eval_each),
        cmocka_unit_test(test_eval_each_errors),
        cmocka_unit_test(test_spans),
        cmocka_unit_test(test_save_and_resume),
        cmocka_unit_test(test_long_note),
        cmocka_unit_test(test_batch_threads),
        cmocka_unit_test(test_pretend),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_a_file_depends_on_its_tokens_only),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_foreign_files),
        cmocka_unit_test(test_the_old_file_stays),
        cmocka_unit_test(test_too_little_memory),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
