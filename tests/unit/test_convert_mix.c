/*
 * test_convert_mix.c - the type of each tensor of a quantised file, by the rules of llama.cpp.
 *
 * quantize_test.sh compares whole files with llama.cpp's; these models have more layers.
 */
#include "convert/mix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static gguf_str str(const char *text) {
    return (gguf_str){text, strlen(text)};
}

static mix find(const char *name) {
    mix m;
    if (!mix_find(name, &m)) {
        fail_msg("there is no %s", name);
    }
    return m;
}

/* The type of a matrix of 512 columns that was F32. */
static const char *type_in(const char *name, const mix_model *model, const char *tensor,
                           uint64_t n_matrices) {
    const mix m = find(name);
    const uint64_t dim[4] = {512, 7, n_matrices, 1};
    return qtype_get(mix_type(&m, model, str(tensor), dim, QTYPE_F32))->name;
}

static void expect_type(const char *name, const mix_model *model, const char *tensor,
                        const char *wanted) {
    const char *got = type_in(name, model, tensor, 1);
    if (strcmp(got, wanted) != 0) {
        fail_msg("%s: %s is %s, not %s", name, tensor, got, wanted);
    }
}

/* LFM2's 16 layers, six of them with attention. */
static mix_model small_model(uint32_t n_expert) {
    static const char *const attn[] = {
        "blk.2.attn_v.weight",  "blk.5.attn_v.weight",  "blk.8.attn_v.weight",
        "blk.10.attn_v.weight", "blk.12.attn_v.weight", "blk.14.attn_v.weight",
    };
    mix_model model = {.n_layer = 16, .n_expert = n_expert};
    for (size_t i = 0; i < COUNT(attn); i++) {
        mix_note(&model, str(attn[i]));
    }
    mix_note(&model, str("token_embd.weight"));
    mix_note(&model, str("blk.0.ffn_down.weight"));
    assert_int_equal(model.n_attn, 6);
    assert_int_equal(model.attn[0], 1 << 2 | 1 << 5 | 1 << 8 | 1 << 10 | 1 << 12 | 1 << 14);
    return model;
}

/* The number of bits in the name of a type with K. */
static char bits(const char *type) {
    return type[0] == 'Q' && type[2] == '_' && type[3] == 'K' ? type[1] : '-';
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t file_type; /* of llama.h */
    } named[] = {
        {"F32", 0},     {"F16", 1},     {"Q4_0", 2},    {"Q4_1", 3},    {"Q8_0", 7},
        {"Q5_0", 8},    {"Q5_1", 9},    {"Q2_K", 10},   {"Q3_K_S", 11}, {"Q3_K_M", 12},
        {"Q3_K_L", 13}, {"Q4_K_S", 14}, {"Q4_K_M", 15}, {"Q5_K_S", 16}, {"Q5_K_M", 17},
        {"Q6_K", 18},   {"IQ4_NL", 25}, {"IQ4_XS", 30}, {"BF16", 32},   {"MXFP4_MOE", 38},
    };
    static const struct {
        qtype type;
        uint32_t file_type;
    } plain[] = {
        {QTYPE_F32, 0},      {QTYPE_F16, 1},     {QTYPE_Q4_0, 2},     {QTYPE_Q4_1, 3},
        {QTYPE_Q8_0, 7},     {QTYPE_Q5_0, 8},    {QTYPE_Q5_1, 9},     {QTYPE_Q2_K, 10},
        {QTYPE_Q3_K, 11},    {QTYPE_Q4_K, 14},   {QTYPE_Q5_K, 16},    {QTYPE_Q6_K, 18},
        {QTYPE_IQ2_XXS, 19}, {QTYPE_IQ2_XS, 20}, {QTYPE_IQ3_XXS, 23}, {QTYPE_IQ1_S, 24},
        {QTYPE_IQ4_NL, 25},  {QTYPE_IQ3_S, 26},  {QTYPE_IQ2_S, 28},   {QTYPE_IQ4_XS, 30},
        {QTYPE_IQ1_M, 31},   {QTYPE_BF16, 32},   {QTYPE_TQ1_0, 36},   {QTYPE_TQ2_0, 37},
        {QTYPE_MXFP4, 38},   {QTYPE_NVFP4, 39},  {QTYPE_Q1_0, 40},    {QTYPE_Q2_0, 41},
    };
    for (size_t i = 0; i < COUNT(named); i++) {
        assert_int_equal(find(named[i].name).file_type, named[i].file_type);
    }
    for (size_t i = 0; i < COUNT(plain); i++) {
        const mix m = mix_plain(plain[i].type);
        assert_int_equal(m.file_type, plain[i].file_type);
        assert_string_equal(m.name, qtype_get(plain[i].type)->name);
    }
    mix m;
    size_t n = 0;
    for (; mix_at(n); n++) {
        assert_true(mix_find(mix_at(n)->name, &m) && m.file_type == mix_at(n)->file_type);
    }
    assert_int_equal(n, COUNT(named));
    assert_true(mix_find("q4_k_m", &m) && m.file_type == 15);
    assert_false(mix_find("Q4_K", &m));
    assert_false(mix_find("", &m));
}

static void test_layers(void **state) {
    (void)state;
    static const struct {
        const char *name, *ffn_down, *attn_v, *others;
        char attn_output, attn_output_of_8;
    } cases[] = {
        {"Q6_K", "6666666666666666", "666666", "Q6_K", '6', '-'},
        {"Q5_K_M", "6655655655655666", "556556", "Q5_K", '5', '-'},
        {"Q5_K_S", "5555555555555555", "555555", "Q5_K", '5', '-'},
        {"Q4_K_M", "6644644644644666", "446446", "Q4_K", '4', '5'},
        {"Q4_K_S", "5544444444444444", "555544", "Q4_K", '4', '5'},
        {"IQ4_NL", "55--------------", "------", "IQ4_NL", '-', '5'},
        {"IQ4_XS", "55--------------", "------", "IQ4_XS", '-', '5'},
        {"Q3_K_L", "5555555555555555", "555555", "Q3_K", '5', '-'},
        {"Q3_K_M", "5444444444444444", "554444", "Q3_K", '4', '5'},
        {"Q3_K_S", "3333333333333333", "333333", "Q3_K", '3', '5'},
        {"Q2_K", "3333333333333333", "333333", "Q2_K", '3', '5'},
        {"Q4_0", "----------------", "------", "Q4_0", '-', '-'},
    };
    const mix_model model = small_model(0);
    const mix_model of_8 = small_model(8);
    const mix_model of_32 = small_model(32);
    static const char *const attn[] = {"2", "5", "8", "10", "12", "14"};
    for (size_t c = 0; c < COUNT(cases); c++) {
        char name[64];
        const char *mix_name = cases[c].name;
        for (unsigned i = 0; i < 16; i++) {
            snprintf(name, sizeof name, "blk.%u.ffn_down.weight", i);
            assert_int_equal(bits(type_in(mix_name, &model, name, 1)), cases[c].ffn_down[i]);
            snprintf(name, sizeof name, "blk.%u.ffn_down_exps.weight", i);
            assert_int_equal(bits(type_in(mix_name, &of_32, name, 32)), cases[c].ffn_down[i]);
        }
        for (size_t i = 0; i < COUNT(attn); i++) {
            snprintf(name, sizeof name, "blk.%s.attn_v.weight", attn[i]);
            assert_int_equal(bits(type_in(mix_name, &model, name, 1)), cases[c].attn_v[i]);
            expect_type(mix_name, &of_8, name, "Q8_0");
        }
        const char *output = "blk.5.attn_output.weight";
        assert_int_equal(bits(type_in(mix_name, &of_32, output, 1)), cases[c].attn_output);
        if (cases[c].attn_output_of_8 != '-') {
            assert_int_equal(bits(type_in(mix_name, &of_8, output, 1)), cases[c].attn_output_of_8);
        }
        expect_type(mix_name, &model, "blk.5.attn_k.weight", cases[c].others);
        expect_type(mix_name, &of_8, "blk.5.attn_k.weight", "Q8_0");
        expect_type(mix_name, &model, "blk.0.ffn_up.weight", cases[c].others);
        expect_type(mix_name, &of_8, "blk.0.attn_q.weight", cases[c].others);
        expect_type(mix_name, &model, "token_embd.weight", "Q6_K");
    }
}

/* The matrix of the logits, experts, and tensors that stay as they are. */
static void test_others(void **state) {
    (void)state;
    mix_model model = small_model(0);
    expect_type("Q8_0", &model, "token_embd.weight", "Q8_0");
    expect_type("Q4_K_M", &model, "output.weight", "Q4_K");
    mix_note(&model, str("output.weight"));
    assert_true(model.untied && model.n_attn == 6);
    expect_type("Q4_K_M", &model, "output.weight", "Q6_K");
    expect_type("Q4_K_M", &model, "token_embd.weight", "Q4_K");
    expect_type("F16", &model, "output.weight", "F16");
    expect_type("F16", &model, "blk.3.ffn_down.weight", "F16");
    expect_type("MXFP4_MOE", &model, "output.weight", "Q8_0");
    expect_type("MXFP4_MOE", &model, "blk.3.ffn_up.weight", "Q8_0");
    assert_string_equal(type_in("MXFP4_MOE", &model, "blk.3.ffn_up_exps.weight", 4), "MXFP4");
    static const char *const kept[] = {
        "blk.3.attn_norm.weight", "blk.3.ffn_gate_inp.weight", "blk.3.shortconv.conv.weight",
        "blk.3.exp_probs_b.bias",
    };
    for (size_t i = 0; i < COUNT(kept); i++) {
        expect_type("Q4_K_M", &model, kept[i], "F32");
    }
    const mix m = find("Q4_K_M");
    const uint64_t vector[4] = {512, 1, 1, 1};
    assert_int_equal(mix_type(&m, &model, str("blk.3.x.weight"), vector, QTYPE_F16), QTYPE_F16);
    /* Names that are no layers'. */
    static const char *const strange[] = {
        "blk.ffn_down.weight", "blk..ffn_down.weight", "blk.512.ffn_down.weight",
        "blk.99999999999.ffn_down.weight", "blk.0x.ffn_down.weight", "bla.0.ffn_down.weight",
        ".ffn_down.weight",
    };
    for (size_t i = 0; i < COUNT(strange); i++) {
        expect_type("Q4_K_M", &model, strange[i], "Q4_K");
    }
    expect_type("Q4_K_M", &(mix_model){.n_layer = 512}, "blk.511.ffn_down.weight", "Q6_K");
    mix_note(&model, str("blk.512.attn_v.weight"));
    mix_note(&model, str("attn_v.weight"));
    assert_int_equal(model.n_attn, 6);
    mix_note(&model, str("blk.511.attn_v.weight"));
    assert_true(model.n_attn == 7 && model.attn[7] >> 63 == 1);
}

/* Rows that are not whole blocks. */
static void test_rows(void **state) {
    (void)state;
    static const struct {
        qtype type;
        qtype of_32; /* rows of 96 */
        qtype head;  /* the same, of the matrix of the logits */
    } cases[] = {
        {QTYPE_Q2_K, QTYPE_Q4_0, QTYPE_Q8_0},      {QTYPE_Q3_K, QTYPE_Q4_0, QTYPE_Q8_0},
        {QTYPE_Q4_K, QTYPE_Q5_0, QTYPE_Q8_0},      {QTYPE_Q5_K, QTYPE_Q5_1, QTYPE_Q8_0},
        {QTYPE_Q6_K, QTYPE_Q8_0, QTYPE_Q8_0},      {QTYPE_IQ4_XS, QTYPE_IQ4_NL, QTYPE_Q8_0},
        {QTYPE_TQ1_0, QTYPE_Q4_0, QTYPE_Q8_0},     {QTYPE_TQ2_0, QTYPE_Q4_0, QTYPE_Q8_0},
        {QTYPE_IQ2_XXS, QTYPE_IQ4_NL, QTYPE_Q8_0}, {QTYPE_Q4_0, QTYPE_Q4_0, QTYPE_Q8_0},
        {QTYPE_IQ4_NL, QTYPE_IQ4_NL, QTYPE_Q8_0},  {QTYPE_MXFP4, QTYPE_MXFP4, QTYPE_Q8_0},
    };
    const mix_model model = {.n_layer = 16};
    const gguf_str up = str("blk.1.ffn_up.weight");
    const gguf_str head = str("token_embd.weight");
    const uint64_t dims[3][4] = {{96, 2, 1, 1}, {80, 2, 1, 1}, {512, 2, 1, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const mix m = mix_plain(cases[i].type);
        assert_int_equal(mix_type(&m, &model, up, dims[0], QTYPE_F32), cases[i].of_32);
        assert_int_equal(mix_type(&m, &model, up, dims[1], QTYPE_F32), QTYPE_F16);
        assert_int_equal(mix_type(&m, &model, head, dims[1], QTYPE_F32), QTYPE_F16);
        assert_int_equal(mix_type(&m, &model, up, dims[2], QTYPE_F32), cases[i].type);
        assert_int_equal(mix_type(&m, &model, head, dims[0], QTYPE_F32), cases[i].head);
    }
    static const qtype low[] = {QTYPE_IQ1_S, QTYPE_IQ1_M, QTYPE_IQ2_XXS, QTYPE_IQ2_XS, QTYPE_IQ2_S,
                                QTYPE_IQ3_XXS};
    for (size_t i = 0; i < COUNT(low); i++) {
        const mix m = mix_plain(low[i]);
        assert_int_equal(mix_type(&m, &model, head, dims[2], QTYPE_F32), QTYPE_Q5_K);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
