/*
 * test_api_options.c - versions, option structs of other versions, and tools that are stopped.
 */
#include "base/versioned.h"
#include "lfm_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char model_path[] = "tests/golden/forward/nano32-Q4_0.gguf";

static void test_version(void **state) {
    (void)state;
    char text[40];
    snprintf(text, sizeof text, "%d.%d.%d", LFM_VERSION_MAJOR, LFM_VERSION_MINOR,
             LFM_VERSION_PATCH);
    assert_string_equal(LFM_VERSION, text);
    assert_string_equal(lfm_version(), text);
}

/* Options of a version with fewer fields, and of one with more. */
typedef struct {
    size_t struct_size;
    uint32_t a;
} older;

typedef struct {
    size_t struct_size;
    uint32_t a, b;
} ours;

typedef struct {
    size_t struct_size;
    uint32_t a, b;
    uint64_t c;
} newer;

static void test_sizes(void **state) {
    (void)state;
    lfm_error err = {0};
    ours got = {9, 9, 9};
    assert_int_equal(versioned_read(&got, sizeof got, NULL, "x", &err), LFM_OK);
    assert_true(got.a == 0 && got.b == 0);
    const ours same = {0, 1, 2};
    assert_int_equal(versioned_read(&got, sizeof got, &same, "x", &err), LFM_OK);
    assert_true(got.a == 1 && got.b == 2);
    const older less = {offsetof(ours, b), 3};
    assert_int_equal(versioned_read(&got, sizeof got, &less, "x", &err), LFM_OK);
    assert_true(got.a == 3 && got.b == 0);
    const newer unused = {sizeof unused, 4, 5, 0};
    assert_int_equal(versioned_read(&got, sizeof got, &unused, "x", &err), LFM_OK);
    assert_true(got.a == 4 && got.b == 5);
    const newer used = {sizeof used, 4, 5, 6};
    assert_int_equal(versioned_read(&got, sizeof got, &used, "x", &err), LFM_ERR_ARG);
    assert_string_equal(err.text,
                        "x has a field at byte 16 that version " LFM_VERSION " does not know");
    err = (lfm_error){0};
    const ours odd = {1, 2, 3};
    assert_int_equal(versioned_read(&got, sizeof got, &odd, "x", &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "x.struct_size is 1"));
}

/* Every function with options refuses a size that is none. */
static void test_refusals(void **state) {
    (void)state;
    lfm_error err = {0};
    lfm_model *m = NULL;
    lfm_session *s = NULL;
    lfm_sampler *sampler = NULL;
    uint64_t kv = 0;
    uint64_t scratch = 0;
    bool has_sums = true;
    const lfm_model_options of_model = {.struct_size = 1};
    const lfm_session_options of_session = {.struct_size = 1};
    const lfm_quantize_options of_quantize = {.struct_size = 1};
    const lfm_file_options of_file = {.struct_size = 1};
    const lfm_answer_options of_answer = {.struct_size = 1};
    lfm_answer_options more;
    lfm_answer *answer = NULL;
    lfm_sampling settings;
    assert_int_equal(lfm_model_open(&m, model_path, &of_model, &err), LFM_ERR_ARG);
    assert_null(m);
    assert_int_equal(lfm_model_open(&m, model_path, NULL, &err), LFM_OK);
    assert_int_equal(lfm_session_new(&s, m, &of_session, &err), LFM_ERR_ARG);
    assert_null(s);
    assert_int_equal(lfm_session_plan(m, &of_session, 1, &kv, &scratch, &err), LFM_ERR_ARG);
    lfm_sampling_default(m, &settings, sizeof settings);
    assert_int_equal(settings.struct_size, sizeof settings);
    settings.struct_size = 1;
    assert_int_equal(lfm_sampler_new(&sampler, m, &settings, &err), LFM_ERR_ARG);
    assert_null(sampler);
    assert_int_equal(lfm_session_new(&s, m, NULL, &err), LFM_OK);
    assert_int_equal(lfm_answer_new(&answer, s, sampler, NULL, &of_answer, NULL, 0, &err),
                     LFM_ERR_ARG);
    assert_null(answer);
    lfm_session_free(s);
    lfm_answer_defaults(&more, sizeof more);
    assert_int_equal(more.struct_size, sizeof more);
    assert_int_equal(more.max_tokens, -1);
    assert_int_equal(lfm_quantize(model_path, NULL, "Q8_0", &of_quantize, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_pack(model_path, "", &of_file, &err), LFM_ERR_ARG);
    assert_int_equal(lfm_verify(model_path, &of_file, &has_sums, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "lfm_file_options.struct_size is 1"));
    lfm_model_close(m);
}

/* The defaults for a program that knows fewer fields, or more. */
static void test_sampling_sizes(void **state) {
    (void)state;
    lfm_model *m = NULL;
    struct {
        lfm_sampling known;
        uint64_t more;
    } s;
    assert_int_equal(lfm_model_open(&m, model_path, NULL, NULL), LFM_OK);
    memset(&s, 0xff, sizeof s);
    lfm_sampling_default(m, &s.known, sizeof s);
    assert_int_equal(s.more, 0);
    assert_true(s.known.typical_p == 1.0f);
    memset(&s, 0xff, sizeof s);
    lfm_sampling_default(m, &s.known, offsetof(lfm_sampling, seed));
    assert_int_equal(s.known.seed, UINT64_MAX);
    assert_true(s.known.typical_p == 1.0f);
    lfm_model_close(m);
}

static bool stop(void *ctx, size_t done, size_t total) {
    (void)ctx;
    return done > total;
}

static void test_stopped(void **state) {
    (void)state;
    char path[] = "/tmp/lfm-stopped-XXXXXX";
    char out[sizeof path + 5];
    lfm_error err = {0};
    bool has_sums = false;
    const lfm_quantize_options of_quantize = {.n_threads = 1, .on_progress = stop};
    const lfm_file_options of_file = {.n_threads = 1, .on_progress = stop};
    assert_non_null(mkdtemp(path));
    snprintf(out, sizeof out, "%s/out", path);
    assert_int_equal(lfm_quantize(model_path, out, "Q4_0", &of_quantize, &err), LFM_ERR_STOPPED);
    assert_string_equal(err.text, "stopped");
    assert_int_equal(lfm_pack(model_path, out, &of_file, &err), LFM_ERR_STOPPED);
    assert_int_equal(lfm_verify(model_path, &of_file, &has_sums, &err), LFM_ERR_STOPPED);
    assert_int_not_equal(access(out, F_OK), 0);
    assert_int_equal(rmdir(path), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_refusals),       cmocka_unit_test(test_sampling_sizes),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
