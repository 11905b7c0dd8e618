/*
 * test_base_bytes.c - the short float formats, over all their values and against the hardware.
 */
#include "base/bytes.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

/* ---- The conversions of this machine --------------------------------------------------------- */

#if defined __x86_64__
#include <immintrin.h>

static bool have_hardware(void) {
    return __builtin_cpu_supports("avx2"); /* F16C is older; clang 14 cannot ask for it */
}

__attribute__((target("f16c"))) static float hardware_to_f32(uint16_t h) {
    return _cvtsh_ss(h);
}

__attribute__((target("f16c"))) static uint16_t hardware_to_f16(float f) {
    return _cvtss_sh(f, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
#elif defined __aarch64__
static bool have_hardware(void) {
    return true;
}

static float hardware_to_f32(uint16_t h) {
    __fp16 half;
    memcpy(&half, &h, sizeof half);
    return (float)half;
}

static uint16_t hardware_to_f16(float f) {
    const __fp16 half = (__fp16)f;
    uint16_t h;
    memcpy(&h, &half, sizeof h);
    return h;
}
#else
static bool have_hardware(void) {
    return false;
}

static float hardware_to_f32(uint16_t h) {
    (void)h;
    return 0.0f;
}

static uint16_t hardware_to_f16(float f) {
    (void)f;
    return 0;
}
#endif

/* ---- By definition --------------------------------------------------------------------------- */

/* A finite half by its definition: (-1)^s * man * 2^(exp - 25), the hidden bit added to man. */
static double f16_value(uint16_t h) {
    const int exp = h >> 10 & 31;
    const int man = h & 1023;
    const double x = exp == 0 ? ldexp(man, -24) : ldexp(man + 1024, exp - 25);
    return h & 0x8000 ? -x : x;
}

/* Is this half NaN? */
static bool f16_nan(uint16_t h) {
    return (h & 0x7fff) > 0x7c00;
}

static void test_f16_to_f32_all(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        const uint16_t h = (uint16_t)i;
        const float f = f16_to_f32(h);
        if (f16_nan(h)) {
            assert_true(isnan(f));
            assert_int_equal(f32_bits(f) >> 22 & 1, 1); /* quiet */
        } else if ((h & 0x7fff) == 0x7c00) {
            assert_true(isinf(f));
        } else {
            assert_true((double)f == f16_value(h));
        }
        assert_int_equal(f32_bits(f) >> 31, h >> 15); /* -0, -infinity and -NaN too */
    }
}

static void test_f16_round_trip(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        const uint16_t h = (uint16_t)i;
        const uint16_t quiet = f16_nan(h) ? (uint16_t)(h | 0x200) : h;
        assert_int_equal(f32_to_f16(f16_to_f32(h)), quiet);
    }
}

/* Between each half and the next: the middle goes to the even one, and what is one float to either
 * side of it to the nearer. */
static void test_f32_to_f16_rounds_to_nearest_even(void **state) {
    (void)state;
    for (uint16_t h = 0; h < 0x7c00; h++) {
        const double low = f16_value(h);
        const double high = h == 0x7bff ? 65536.0 : f16_value((uint16_t)(h + 1));
        const float middle = (float)((low + high) / 2); /* 12 bits: exact */
        const uint16_t even = (uint16_t)(h + h % 2);
        const uint16_t next = (uint16_t)(h + 1);
        const struct {
            float f;
            uint16_t want;
        } cases[] = {
            {middle, even},
            {nextafterf(middle, 0.0f), h},
            {nextafterf(middle, INFINITY), next},
            {nextafterf((float)high, 0.0f), next},
            {nextafterf((float)low, INFINITY), h},
        };
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            assert_int_equal(f32_to_f16(cases[i].f), cases[i].want);
            assert_int_equal(f32_to_f16(-cases[i].f), cases[i].want | 0x8000);
        }
    }
}

static void test_f32_to_f16_edges(void **state) {
    (void)state;
    static const struct {
        uint32_t bits;
        uint16_t want;
    } cases[] = {
        {0x00000000, 0x0000}, {0x80000000, 0x8000}, {0x00000001, 0x0000}, {0x80000001, 0x8000},
        {0x33000000, 0x0000}, {0x33000001, 0x0001}, /* 2^-25 is a tie with zero */
        {0x387fffff, 0x0400}, {0x38800000, 0x0400}, /* around the least normal half */
        {0x477fefff, 0x7bff}, {0x477ff000, 0x7c00}, /* 65520 is a tie with 65536 */
        {0x7f7fffff, 0x7c00}, {0x7f800000, 0x7c00}, {0xff800000, 0xfc00}, {0x7fc00000, 0x7e00},
        {0xffc00000, 0xfe00}, {0x7f800001, 0x7e00}, {0x7fffffff, 0x7fff},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(f32_to_f16(f32_from_bits(cases[i].bits)), cases[i].want);
    }
}

static void test_f16_equals_the_hardware(void **state) {
    (void)state;
    if (!have_hardware()) {
        print_message("this CPU does not convert halves\n");
        skip();
    }
    for (uint32_t i = 0; i < 65536; i++) {
        assert_int_equal(f32_bits(f16_to_f32((uint16_t)i)), f32_bits(hardware_to_f32((uint16_t)i)));
    }
    uint32_t bits = 0;
    do { /* a prime step: every exponent with many mantissas, and odd bits */
        const float f = f32_from_bits(bits);
        assert_int_equal(f32_to_f16(f), hardware_to_f16(f));
        bits += 1009;
    } while (bits >= 1009);
}

static void test_bf16(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        const uint16_t h = (uint16_t)i;
        const float f = bf16_to_f32(h);
        assert_int_equal(f32_bits(f), i << 16);
        const bool nan = (h & 0x7fff) > 0x7f80;
        assert_int_equal(isnan(f) != 0, nan);
        assert_int_equal(f32_to_bf16(f), nan ? h | 64 : h);
        if ((h & 0x7fff) < 0x7f80) { /* ties to even, and either side of the tie */
            assert_int_equal(f32_to_bf16(f32_from_bits(i << 16 | 0x7fff)), h);
            assert_int_equal(f32_to_bf16(f32_from_bits(i << 16 | 0x8000)), h + h % 2);
            assert_int_equal(f32_to_bf16(f32_from_bits(i << 16 | 0x8001)), h + 1);
        }
    }
    assert_int_equal(f32_to_bf16(f32_from_bits(0x7f800001)), 0x7fc0); /* not infinity */
}

static void test_loads_at_any_address(void **state) {
    (void)state;
    static const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
    assert_int_equal(load_u16(bytes + 1), 0x0201);
    assert_int_equal(load_u32(bytes + 1), 0x04030201);
    assert_true(load_u64(bytes + 1) == 0x0807060504030201u);
    assert_int_equal(f32_bits(f32_from_bits(0x7fa00000u)) >> 31, 0);
    assert_true(f32_from_bits(0x3f800000u) == 1.0f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_f16_to_f32_all),
        cmocka_unit_test(test_f16_round_trip),
        cmocka_unit_test(test_f32_to_f16_rounds_to_nearest_even),
        cmocka_unit_test(test_f32_to_f16_edges),
        cmocka_unit_test(test_f16_equals_the_hardware),
        cmocka_unit_test(test_bf16),
        cmocka_unit_test(test_loads_at_any_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
