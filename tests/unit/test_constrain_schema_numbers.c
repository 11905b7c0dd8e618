/*
 * test_constrain_schema_numbers.c - numbers that schemas allow: limits, multiples, formats
 *
 * Multiples are compared with integer arithmetic; what grammars generate at random is read back as
 * a double.
 */
#include "../support/grammar_walk.h"
#include "../support/hurry.h"
#include "../support/large.h"
#include "base/rng.h"
#include "constrain/gbnf/compile.h"
#include "constrain/json/schema.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    grammar g;
    automaton *a;
} machine;

static lfm_status machine_new(machine *m, const char *schema, lfm_error *err) {
    char *gbnf = NULL;
    *m = (machine){0};
    lfm_status st = schema_to_gbnf(&gbnf, NULL, schema, strlen(schema), err);
    if (st == LFM_OK) st = gbnf_compile(&m->g, gbnf, strlen(gbnf), err);
    if (st == LFM_OK) st = automaton_new(&m->a, &m->g, err);
    free(gbnf);
    return st;
}

static void machine_free(machine *m) {
    automaton_free(m->a);
    grammar_free(&m->g);
}

static void test_table(void **state) {
    static const struct {
        const char *schema;
        const char *good[8], *bad[8];
    } cases[] = {
        {"{\"type\": \"number\"}",
         {"1e308", "1e+308", "1.69e308", "-9.9e307", "12345678901234567", "0.12345678901234567",
          "1E-07", "12.5e3"},
         {"1e309", "2e308", "1.7e308", "123456789012345678", "1e999", "10e308",
          "1.123456789012345678", "0e"}},
        {"{\"type\": \"number\", \"format\": \"float\"}", {"1e20", "-0.5", "12345678901234567e20"},
         {"1e21", "1e38", "1e-40"}},
        {"{\"type\": \"number\", \"format\": \"double\"}", {"1e300"}, {"1e309"}},
        {"{\"type\": \"integer\", \"format\": \"int32\"}",
         {"2147483647", "-2147483648", "0"}, {"2147483648", "-2147483649", "-0", "1.5"}},
        {"{\"type\": \"integer\", \"format\": \"int32\", \"minimum\": 0}", {"2147483647", "0"},
         {"2147483648", "-1"}},
        {"{\"type\": \"integer\", \"format\": \"int32\", \"maximum\": 9999999999}", {"2147483647"},
         {"2147483648"}},
        {"{\"type\": \"number\", \"format\": \"int32\", \"maximum\": 10}", {"10", "-3"},
         {"10.1", "2.5"}},
        {"{\"format\": \"int8\"}", {"127"}, {"128", "\"a\"", "1.5"}},
        {"{\"type\": \"string\", \"format\": \"int64\"}", {"\"a\""}, {"1"}},
        {"{\"type\": \"integer\", \"format\": \"int64\"}",
         {"9007199254740993", "9223372036854775807", "-9223372036854775808"},
         {"9223372036854775808", "10000000000000000000", "-9223372036854775809"}},
        {"{\"type\": \"integer\", \"minimum\": -5}", {"-5", "12345678901234567"},
         {"-6", "123456789012345678"}},
        /* A double tells 15 digits apart: 0.99999999999999999 reads as 1. */
        {"{\"exclusiveMaximum\": 1}", {"0.999999999999999", "0", "-1"},
         {"1", "1.0", "0.9999999999999999"}},
        {"{\"exclusiveMinimum\": 0}", {"0.00000000000000001", "1"}, {"0", "0.0", "-1"}},
        {"{\"minimum\": 123456789012345678901}", {"123456789012345678902"},
         {"123456789012345678900", "1"}},
        {"{\"type\": \"integer\", \"multipleOf\": 5, \"minimum\": -10, \"maximum\": 20}",
         {"15", "0", "-5", "-10", "20"}, {"7", "25", "-15", "-0", "15.0", "00"}},
        {"{\"type\": \"number\", \"multipleOf\": 0.01, \"minimum\": 0}",
         {"19.99", "0", "0.0", "19.9", "20", "0.07"}, {"0.001", "-0.01", "19.990", "1e2"}},
        {"{\"multipleOf\": 0.5}", {"1.5", "-0.5", "2.0", "3"}, {"1.3", "0.55", "1.50"}},
        {"{\"multipleOf\": 0.25}", {"1.25", "0.5", "7.75"}, {"1.3", "0.35"}},
        {"{\"multipleOf\": 1e-3}", {"1.001", "-7.5"}, {"1.0001"}},
        {"{\"multipleOf\": 1e-38}", {"1.001"}, {"x"}},
        {"{\"multipleOf\": 0.75}", {"0.75", "1.5", "3", "-2.25"}, {"1", "0.5", "1.25"}},
        {"{\"type\": \"integer\", \"multipleOf\": 2.5}", {"5", "0", "-10"}, {"2", "2.5", "7"}},
        {"{\"type\": \"number\", \"multipleOf\": 10}", {"10", "0", "-120"}, {"5", "10.0", "101"}},
        {"{\"multipleOf\": 1000000, \"minimum\": 2000001, \"type\": \"integer\"}",
         {"3000000", "12000000"}, {"2000000", "0", "1000000", "-3000000"}},
        {"{\"multipleOf\": 100, \"minimum\": 0, \"maximum\": 1e3}", {"0", "100", "1000"},
         {"1100", "50", "-100", "00"}},
        {"{\"multipleOf\": 100, \"exclusiveMinimum\": 0, \"exclusiveMaximum\": 1000}",
         {"100", "900"}, {"0", "1000"}},
        {"{\"multipleOf\": 1e10}", {"20000000000", "0"}, {"10000000001"}},
        {"{\"allOf\": [{\"multipleOf\": 4}, {\"multipleOf\": 0.6}], \"type\": \"number\"}",
         {"12", "0", "-24"}, {"4", "6", "0.6", "18"}},
        {"{\"type\": \"integer\", \"multipleOf\": 86400, \"minimum\": 0}", {"86400", "604800"},
         {"86401", "3600"}},
        {"{\"multipleOf\": 7, \"minimum\": 3, \"maximum\": 8}", {"7"}, {"3", "8", "0"}},
        {"{\"type\": [\"integer\", \"null\"], \"multipleOf\": 3}", {"9", "null"}, {"10"}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        machine m;
        lfm_error err = {0};
        if (machine_new(&m, cases[i].schema, &err) != LFM_OK) {
            fail_msg("%s: %s", cases[i].schema, err.text);
        }
        for (size_t k = 0; k < 8 && cases[i].good[k]; k++) {
            if (!grammar_accepts(m.a, cases[i].good[k], strlen(cases[i].good[k]), NULL)) {
                fail_msg("%s refuses %s", cases[i].schema, cases[i].good[k]);
            }
        }
        for (size_t k = 0; k < 8 && cases[i].bad[k]; k++) {
            if (grammar_accepts(m.a, cases[i].bad[k], strlen(cases[i].bad[k]), NULL)) {
                fail_msg("%s accepts %s", cases[i].schema, cases[i].bad[k]);
            }
        }
        machine_free(&m);
    }
}

/* thousandths as a decimal, with `digits` after the point at least. */
static void write_decimal(char *text, size_t cap, int64_t thousandths, int digits) {
    const int64_t size = thousandths < 0 ? -thousandths : thousandths;
    int n = snprintf(text, cap, "%s%" PRId64 ".%03" PRId64, thousandths < 0 ? "-" : "", size / 1000,
                     size % 1000);
    for (int left = 3; left > digits && text[n - 1] == '0'; left--) {
        text[--n] = '\0';
    }
    if (text[n - 1] == '.') {
        text[n - 1] = '\0';
    }
}

/* Random multiples and limits, in thousandths, against integer arithmetic. */
static void test_multiples(void **state) {
    const size_t n_schemas = test_all() ? 4000 : is_sanitized() ? 40 : 300;
    size_t n_good = 0;
    (void)state;
    for (size_t i = 0; i < n_schemas; i++) {
        uint64_t dice[8];
        for (size_t k = 0; k < 8; k++) {
            dice[k] = rng_at(77, 8 * i + k);
        }
        static const int64_t steps[] = {1, 2, 5, 10, 20, 50, 100, 250, 500, 750, 1000, 3000, 7000,
                                        12000, 60000, 100000, 360000, 1250, 2500, 30, 990};
        const int64_t step = dice[0] % 2 ? steps[dice[1] % (sizeof steps / sizeof *steps)]
                                         : (int64_t)(dice[1] % 2000) + 1;
        const bool whole = dice[2] % 3 == 0;
        const int64_t low = (int64_t)(dice[3] % 400000) - 200000;
        const int64_t high = low + (int64_t)(dice[4] % 200000);
        const bool has_low = dice[5] % 4 > 0;
        const bool has_high = dice[5] / 4 % 4 > 0;
        const bool open_low = dice[6] % 2;
        const bool open_high = dice[6] / 2 % 2;
        char schema[300];
        char number[32];
        write_decimal(number, sizeof number, step, 0);
        int n = snprintf(schema, sizeof schema, "{\"type\": \"%s\", \"multipleOf\": %s",
                         whole ? "integer" : "number", number);
        write_decimal(number, sizeof number, low, 0);
        n += has_low ? snprintf(schema + n, sizeof schema - (size_t)n, ", \"%s\": %s",
                                open_low ? "exclusiveMinimum" : "minimum", number) : 0;
        write_decimal(number, sizeof number, high, 0);
        n += has_high ? snprintf(schema + n, sizeof schema - (size_t)n, ", \"%s\": %s",
                                 open_high ? "exclusiveMaximum" : "maximum", number) : 0;
        snprintf(schema + n, sizeof schema - (size_t)n, "}");
        machine m;
        lfm_error err = {0};
        const lfm_status st = machine_new(&m, schema, &err);
        if (st != LFM_OK && !strstr(err.text, "no text satisfies")) {
            fail_msg("%s: %s", schema, err.text);
        }
        for (size_t k = 0; k < 600; k++) {
            const uint64_t d = rng_at(78, 600 * i + k);
            int64_t value = (int64_t)(d % 500000) - 250000;
            value = k % 3 == 0   ? value
                    : k % 3 == 1 ? value / step * step
                                 : low + (int64_t)(d % 9) - 4;
            const bool good = value % step == 0 && (!whole || value % 1000 == 0) &&
                              (!has_low || value > low || (value == low && !open_low)) &&
                              (!has_high || value < high || (value == high && !open_high));
            write_decimal(number, sizeof number, value, 0);
            if (st != LFM_OK ? good : grammar_accepts(m.a, number, strlen(number), NULL) != good) {
                fail_msg("%s %s %s", schema, good ? "refuses" : "accepts", number);
            }
            n_good += good;
        }
        machine_free(&m);
    }
    print_message("%zu multiples accepted\n", n_good);
}

/* What grammars write is a finite double of at most 17 digits. */
static void test_doubles(void **state) {
    static const char *const schemas[] = {
        "{\"type\": \"number\"}", "{\"type\": \"integer\"}", "{}",
        "{\"type\": \"number\", \"minimum\": 0.5}", "{\"type\": \"number\", \"multipleOf\": 0.01}",
        "{\"type\": \"number\", \"format\": \"float\"}",
    };
    const uint64_t n_walks = test_all() ? 20000 : is_sanitized() ? 200 : 2000;
    (void)state;
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        machine m;
        assert_int_equal(machine_new(&m, schemas[i], NULL), LFM_OK);
        for (uint64_t seed = 0; seed < n_walks; seed++) {
            char text[401];
            size_t n = 0;
            size_t n_digits = 0;
            const walk_end end = grammar_walk(m.a, seed, text, sizeof text - 1, &n);
            assert_int_not_equal(end, WALK_STUCK);
            text[n] = '\0';
            if (end != WALK_COMPLETE || (text[0] != '-' && (text[0] < '0' || text[0] > '9'))) {
                continue;
            }
            const double value = strtod(text, NULL);
            const size_t mantissa = strcspn(text, "eE");
            for (size_t k = text[0] == '-' ? 1 : 0; k < mantissa; k++) {
                n_digits += text[k] != '.' && (n_digits > 0 || text[k] != '0');
            }
            if (!isfinite(value) || n_digits > 17 || (i == 5 && !isfinite((float)value))) {
                fail_msg("%s allows %s", schemas[i], text);
            }
        }
        machine_free(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_multiples),
        cmocka_unit_test(test_doubles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
