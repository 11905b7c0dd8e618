/*
 * test_gguf_qtype.c - the table of element types: numbers, names, sizes.
 */
#include "gguf/qtype.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A sample written down apart from QTYPES: number, name, weights and bytes per block. */
static const struct {
    uint32_t number;
    const char *name;
    uint32_t weights;
    uint32_t bytes;
} known[] = {
    {0, "F32", 1, 4},       {1, "F16", 1, 2},        {2, "Q4_0", 32, 18},   {8, "Q8_0", 32, 34},
    {12, "Q4_K", 256, 144}, {14, "Q6_K", 256, 210},  {30, "BF16", 1, 2},    {39, "MXFP4", 32, 17},
    {40, "NVFP4", 64, 36},  {20, "IQ4_NL", 32, 18},  {23, "IQ4_XS", 256, 136},
    {29, "IQ1_M", 256, 56}, {34, "TQ1_0", 256, 54},
};

static void test_known_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        qtype type = QTYPE_COUNT;
        const char *removed = "unset";
        assert_true(qtype_from_number(known[i].number, &type, &removed));
        assert_null(removed);
        const qtype_info *info = qtype_get(type);
        assert_string_equal(info->name, known[i].name);
        assert_int_equal(info->block_weights, known[i].weights);
        assert_int_equal(info->block_bytes, known[i].bytes);
    }
}

static void test_every_type_is_found_by_number_and_name(void **state) {
    (void)state;
    for (int t = 0; t < QTYPE_COUNT; t++) {
        const qtype_info *info = qtype_get((qtype)t);
        qtype type = QTYPE_COUNT;
        const char *removed;
        assert_true(qtype_from_number(info->number, &type, &removed));
        assert_int_equal(type, t);
        type = QTYPE_COUNT;
        assert_true(qtype_from_name(info->name, strlen(info->name), &type));
        assert_int_equal(type, t);
        assert_true(info->block_weights <= 256 && 256 % info->block_weights == 0);
    }
}

static void test_numbers_out_of_use(void **state) {
    (void)state;
    static const struct {
        uint32_t number;
        const char *name;
    } cases[] = {
        {4, "Q4_2"},         {5, "Q4_3"},         {31, "Q4_0_4_4"},  {32, "Q4_0_4_8"},
        {33, "Q4_0_8_8"},    {36, "IQ4_NL_4_4"},  {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"},
        {9, NULL},           {15, NULL},          {24, NULL},        {28, NULL},
        {43, NULL},          {256, NULL},         {0x80000000u, NULL}, {UINT32_MAX, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qtype type = QTYPE_COUNT;
        const char *removed = "unset";
        assert_false(qtype_from_number(cases[i].number, &type, &removed));
        assert_int_equal(type, QTYPE_COUNT);
        if (cases[i].name) {
            assert_non_null(removed);
            assert_string_equal(removed, cases[i].name);
        } else {
            assert_null(removed);
        }
    }
}

static void test_names(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t len;
        int type; /* -1: none */
    } cases[] = {
        {"q4_k", 4, QTYPE_Q4_K},       {"Q4_k", 4, QTYPE_Q4_K},  {"bf16", 4, QTYPE_BF16},
        {"iq2_xxs", 7, QTYPE_IQ2_XXS}, {"iq2_xs", 6, QTYPE_IQ2_XS}, {"iq2_xxs", 6, -1},
        {"q4_0 and more", 4, QTYPE_Q4_0}, {"q4_00", 5, -1},      {"q4_", 3, -1},
        {"", 0, -1},                   {"Q4_0\0", 5, -1},        {"q4-0", 4, -1},
        {"Q4_2", 4, -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        qtype type = QTYPE_COUNT;
        assert_int_equal(qtype_from_name(cases[i].text, cases[i].len, &type), cases[i].type >= 0);
        assert_int_equal(type, cases[i].type >= 0 ? cases[i].type : QTYPE_COUNT);
    }
}

static void test_row_bytes(void **state) {
    (void)state;
    assert_int_equal(qtype_row_bytes(QTYPE_F32, 7), 28);
    assert_int_equal(qtype_row_bytes(QTYPE_BF16, 7), 14);
    assert_int_equal(qtype_row_bytes(QTYPE_Q4_0, 2048), 1152);
    assert_int_equal(qtype_row_bytes(QTYPE_Q6_K, 1792), 1470);
    assert_int_equal(qtype_row_bytes(QTYPE_NVFP4, 128), 72);
    assert_int_equal(qtype_row_bytes(QTYPE_Q4_K, 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_rows),
        cmocka_unit_test(test_every_type_is_found_by_number_and_name),
        cmocka_unit_test(test_numbers_out_of_use),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_row_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
