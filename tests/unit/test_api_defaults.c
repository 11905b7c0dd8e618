/*
 * test_api_defaults.c - sampler settings: a file for each row of the table, and general.sampling.*.
 *
 * The numbers are those of the model cards; the names are written as converters write them.
 */
#include "api/defaults.h"

#include "../support/put.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- Files of keys -------------------------------------------------------------------------- */

typedef struct {
    buffer keys;
    uint64_t n_keys;
    uint8_t *bytes; /* of the whole file, once it is read */
    gguf_file file;
} made_file;

static void put_text(made_file *f, const char *name, const char *text) {
    if (!text) return;
    put_str(&f->keys, name, strlen(name));
    put_u32(&f->keys, T_STRING);
    put_str(&f->keys, text, strlen(text));
    f->n_keys++;
}

static void put_number(made_file *f, const char *name, uint32_t type, const void *value, size_t n) {
    put_str(&f->keys, name, strlen(name));
    put_u32(&f->keys, type);
    put(&f->keys, value, n);
    f->n_keys++;
}

static void put_tag(made_file *f, const char *tag) {
    if (!tag) return;
    put_str(&f->keys, "general.tags", strlen("general.tags"));
    put_u32(&f->keys, T_ARRAY);
    put_u32(&f->keys, T_STRING);
    put_u64(&f->keys, 2);
    put_str(&f->keys, "liquid", 6);
    put_str(&f->keys, tag, strlen(tag));
    f->n_keys++;
}

static const gguf_file *finish(made_file *f) {
    buffer whole = {0};
    lfm_error err = {0};
    put(&whole, "GGUF", 4);
    put_u32(&whole, 3);
    put_u64(&whole, 1);
    put_u64(&whole, f->n_keys);
    put(&whole, f->keys.bytes, f->keys.n);
    put_str(&whole, "t", 1); /* a file needs a tensor: one number, F32, at 0 */
    put_u32(&whole, 1);
    put_u64(&whole, 1);
    put_u32(&whole, 0);
    put_u64(&whole, 0);
    while (whole.n % 32 != 0) {
        put(&whole, "", 1);
    }
    put_u32(&whole, 0);
    f->bytes = whole.bytes;
    if (gguf_parse(&f->file, whole.bytes, whole.n, "made", &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    return &f->file;
}

static void drop(made_file *f) {
    gguf_close(&f->file);
    free(f->keys.bytes);
    free(f->bytes);
}

/* ---- Cards ---------------------------------------------------------------------------------- */

typedef struct {
    bool is_moe;
    uint32_t n_layer, n_embd, n_vocab;
} sizes;

#define D230M {false, 14, 1024, 65536}
#define D350M {false, 16, 1024, 65536}
#define D700M {false, 16, 1536, 65536}
#define D1B {false, 16, 2048, 65536}
#define D2B {false, 30, 2048, 65536}
#define D2B_LARGE {false, 30, 2048, 128000}
#define M8B {true, 24, 2048, 65536}
#define M8B_LARGE {true, 24, 2048, 128000}
#define M24B {true, 40, 2048, 65536}
#define M24B_LARGE {true, 40, 2048, 128000}

#define LFM2_CARD 0.3f, 0, 1.0f, 0.15f, 1.05f
#define LFM25_CARD 0.1f, 50, 1.0f, 0.0f, 1.05f
#define LARGE_CARD 0.2f, 80, 1.0f, 0.0f, 1.05f
#define GREEDY 0.0f, 0, 1.0f, 0.0f, 1.0f

static const char tools_marked[] = "List of tools: <|tool_list_start|>[{{ tools }}]";
static const char tools_plain[] = "List of tools: [{{ tools }}]";

static const struct {
    const char *name, *finetune, *tag, *base, *template;
    sizes size;
    const char *card;
    float temperature;
    int32_t top_k;
    float top_p, min_p, repeat;
} cases[] = {
    /* Names as they are in official files. */
    {"LFM2 350M", NULL, "lfm2", NULL, tools_marked, D350M, "LFM2-350M", LFM2_CARD},
    {"LFM2 700M", NULL, "lfm2", NULL, tools_marked, D700M, "LFM2-700M", LFM2_CARD},
    {"LFM2 1.2B", NULL, "lfm2", NULL, tools_marked, D1B, "LFM2-1.2B", LFM2_CARD},
    {"LFM2 2.6B", NULL, "lfm2", NULL, tools_marked, D2B, "LFM2-2.6B", LFM2_CARD},
    {"LFM2 8B A1B", NULL, "lfm2", NULL, tools_marked, M8B, "LFM2-8B-A1B", LFM2_CARD},
    {"LFM2 24B A2B", NULL, "lfm2", NULL, tools_marked, M24B, "LFM2-24B-A2B", LFM25_CARD},
    {"LFM2.5 230M", NULL, "lfm2.5", NULL, tools_plain, D230M, "LFM2.5-230M", LFM25_CARD},
    {"LFM2.5 350M", NULL, "lfm2.5", NULL, tools_plain, D350M, "LFM2.5-350M", LFM25_CARD},
    {"LFM2.5 1.2B Instruct", "Instruct", "lfm2.5", "LFM2.5 1.2B Base", tools_plain, D1B,
     "LFM2.5-1.2B", LFM25_CARD},
    {"LFM2.5 1.2B JP", "JP", "lfm2.5", "LFM2.5 1.2B Base", tools_plain, D1B, "LFM2.5-1.2B-JP",
     LFM2_CARD},
    {"LFM2.5-1.2B-JP-202606", NULL, NULL, NULL, NULL, D1B, "LFM2.5-1.2B-JP", LFM2_CARD},
    {"LFM2.5 2.6B", NULL, "lfm2.5", NULL, tools_plain, D2B_LARGE, "LFM2.5-2.6B", LARGE_CARD},
    {"LFM2.5 8B A1B", NULL, "lfm2.5", NULL, tools_plain, M8B_LARGE, "LFM2.5-8B-A1B", LARGE_CARD},
    {"LFM2.5 24B A2B", NULL, "lfm2.5", NULL, tools_plain, M24B_LARGE, "LFM2.5-24B-A2B",
     LARGE_CARD},
    {"LFM2 1.2B Extract", "Extract", "lfm2", "LFM2 1.2B", tools_marked, D1B, "LFM2-Extract",
     GREEDY},
    {"LFM2 350M Extract", NULL, NULL, NULL, NULL, D350M, "LFM2-Extract", GREEDY},
    {"LFM2 1.2B RAG", "RAG", "lfm2", "LFM2 1.2B", tools_marked, D1B, "LFM2-RAG", GREEDY},
    {"lfm2-1.2b-tool", NULL, NULL, NULL, NULL, D1B, "LFM2-Tool", GREEDY},
    {"LFM2 350M Math", "Math", "lfm2", "LFM2 350M", tools_marked, D350M, "LFM2-350M-Math", 0.6f, 0,
     0.95f, 0.1f, 1.05f},

    /* A commit for a name, and what else is known. */
    {"6d65c880f1", NULL, "lfm2.5", NULL, NULL, D1B, "LFM2.5-1.2B", LFM25_CARD},
    {"6d65c880f1", NULL, "lfm2", NULL, NULL, D1B, "LFM2-1.2B", LFM2_CARD},
    {"6d65c880f1", NULL, NULL, "LFM2.5 350M Base", NULL, D350M, "LFM2.5-350M", LFM25_CARD},
    {"My Model", NULL, NULL, NULL, tools_marked, D1B, "LFM2-1.2B", LFM2_CARD},
    {"LFM2.5 mine", NULL, NULL, "LFM2 1.2B", tools_marked, D1B, "LFM2.5-1.2B", LFM25_CARD},

    /* Nothing but the shape. */
    {NULL, NULL, NULL, NULL, NULL, M8B, "LFM2-8B-A1B", LFM2_CARD},
    {NULL, NULL, NULL, NULL, NULL, M8B_LARGE, "LFM2.5-8B-A1B", LARGE_CARD},
    {NULL, NULL, NULL, NULL, NULL, M24B, "LFM2-24B-A2B", LFM25_CARD},
    {NULL, NULL, NULL, NULL, NULL, M24B_LARGE, "LFM2.5-24B-A2B", LARGE_CARD},
    {NULL, NULL, NULL, NULL, NULL, D2B, "LFM2-2.6B", LFM2_CARD},
    {NULL, NULL, NULL, NULL, NULL, D2B_LARGE, "LFM2.5-2.6B", LARGE_CARD},
    {NULL, NULL, NULL, NULL, NULL, D700M, "LFM2-700M", LFM2_CARD},
    {NULL, NULL, NULL, NULL, NULL, D230M, "LFM2.5-230M", LFM25_CARD},
    {NULL, NULL, NULL, NULL, NULL, D1B, "", LFM25_CARD}, /* it could be either generation */

    /* Other shapes, and words that only look like marks. */
    {"LFM2 tiny", NULL, NULL, NULL, NULL, {false, 4, 256, 512}, "LFM2", LFM2_CARD},
    {"LFM2.5 tiny", NULL, NULL, NULL, NULL, {false, 4, 256, 512}, "", LFM25_CARD},
    {"extraction of JPEG tools", NULL, NULL, NULL, NULL, D230M, "LFM2.5-230M", LFM25_CARD},
    {"LFM2.5 1.2B Tool", NULL, NULL, NULL, NULL, D1B, "LFM2.5-1.2B", LFM25_CARD},
    {"xLFM2x", NULL, NULL, NULL, NULL, D350M, "", LFM25_CARD},
};

static model_shape shape_of(sizes s) {
    return (model_shape){.is_moe_arch = s.is_moe, .n_layer = s.n_layer, .n_embd = s.n_embd,
                         .n_vocab = s.n_vocab};
}

static void test_cards(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        made_file f = {0};
        lfm_sampling s = {0};
        uint32_t n_keys = 9;
        const model_shape shape = shape_of(cases[i].size);
        put_text(&f, "general.name", cases[i].name);
        put_text(&f, "general.finetune", cases[i].finetune);
        put_tag(&f, cases[i].tag);
        put_text(&f, "general.base_model.0.name", cases[i].base);
        put_text(&f, "tokenizer.chat_template", cases[i].template);
        const char *card = defaults_sampling(&s, &n_keys, finish(&f), &shape);
        if (strcmp(card, cases[i].card) != 0) {
            print_message("case %zu, '%s'\n", i, cases[i].name ? cases[i].name : "");
        }
        assert_string_equal(card, cases[i].card);
        assert_float_equal(s.temperature, cases[i].temperature, 0);
        assert_int_equal(s.top_k, cases[i].top_k);
        assert_float_equal(s.top_p, cases[i].top_p, 0);
        assert_float_equal(s.min_p, cases[i].min_p, 0);
        assert_float_equal(s.repeat_penalty, cases[i].repeat, 0);
        assert_float_equal(s.typical_p, 1.0f, 0);
        assert_int_equal(s.repeat_last_n, 64);
        assert_int_equal(n_keys, 0);
        drop(&f);
    }
}

/* ---- general.sampling.* --------------------------------------------------------------------- */

static void put_float(made_file *f, const char *name, float value) {
    put_number(f, name, T_F32, &value, sizeof value);
}

static void put_int(made_file *f, const char *name, int32_t value) {
    put_number(f, name, T_I32, &value, sizeof value);
}

static void test_keys(void **state) {
    (void)state;
    const model_shape shape = shape_of((sizes){false, 16, 2048, 65536});
    made_file f = {0};
    lfm_sampling s = {0};
    uint32_t n_keys = 0;
    put_text(&f, "general.name", "LFM2 1.2B");
    put_float(&f, "general.sampling.temp", 0.7f);
    put_int(&f, "general.sampling.top_k", 20);
    put_float(&f, "general.sampling.top_p", 0.8f);
    put_float(&f, "general.sampling.min_p", 0.01f);
    put_float(&f, "general.sampling.penalty_repeat", 1.2f);
    put_int(&f, "general.sampling.penalty_last_n", -1);
    assert_string_equal(defaults_sampling(&s, &n_keys, finish(&f), &shape), "LFM2-1.2B");
    assert_int_equal(n_keys, 6);
    assert_float_equal(s.temperature, 0.7f, 0);
    assert_int_equal(s.top_k, 20);
    assert_float_equal(s.top_p, 0.8f, 0);
    assert_float_equal(s.min_p, 0.01f, 0);
    assert_float_equal(s.repeat_penalty, 1.2f, 0);
    assert_int_equal(s.repeat_last_n, -1);
    drop(&f);
}

/* Other types are read as well; one key leaves the others to the card. */
static void test_types_of_keys(void **state) {
    (void)state;
    const model_shape shape = shape_of((sizes){false, 16, 2048, 65536});
    const double wide = 0.5;
    const uint64_t large = 7;
    made_file f = {0};
    lfm_sampling s = {0};
    uint32_t n_keys = 0;
    put_text(&f, "general.name", "LFM2 1.2B");
    put_number(&f, "general.sampling.temp", T_F64, &wide, sizeof wide);
    put_number(&f, "general.sampling.top_k", T_U64, &large, sizeof large);
    put_int(&f, "general.sampling.top_p", 1);
    defaults_sampling(&s, &n_keys, finish(&f), &shape);
    assert_int_equal(n_keys, 3);
    assert_float_equal(s.temperature, 0.5f, 0);
    assert_int_equal(s.top_k, 7);
    assert_float_equal(s.min_p, 0.15f, 0);
    drop(&f);
}

/* Values that no sampler could use are as if they were absent. */
static void test_bad_keys(void **state) {
    (void)state;
    const model_shape shape = shape_of((sizes){false, 16, 2048, 65536});
    const uint32_t nan_bits = 0x7fc00000;
    const uint8_t yes = 1;
    made_file f = {0};
    lfm_sampling s = {0};
    uint32_t n_keys = 9;
    put_text(&f, "general.name", "LFM2 1.2B");
    put_number(&f, "general.sampling.temp", T_F32, &nan_bits, sizeof nan_bits);
    put_float(&f, "general.sampling.top_k", 2.5f);
    put_float(&f, "general.sampling.top_p", 1.5f);
    put_number(&f, "general.sampling.min_p", T_BOOL, &yes, sizeof yes);
    put_float(&f, "general.sampling.penalty_repeat", 0.0f);
    put_int(&f, "general.sampling.penalty_last_n", -2);
    defaults_sampling(&s, &n_keys, finish(&f), &shape);
    assert_int_equal(n_keys, 0);
    assert_float_equal(s.temperature, 0.3f, 0);
    assert_int_equal(s.top_k, 0);
    assert_float_equal(s.top_p, 1.0f, 0);
    assert_float_equal(s.min_p, 0.15f, 0);
    assert_float_equal(s.repeat_penalty, 1.05f, 0);
    assert_int_equal(s.repeat_last_n, 64);
    drop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_types_of_keys),
        cmocka_unit_test(test_bad_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
