/*
 * tests.c - `x is odd` and its kind.
 */
#include "jinja/natives/native.h"

#define TEST(name, condition) \
    static value name(run *r, value self, const value *a) { \
        (void)r; \
        (void)self; \
        (void)a; \
        return value_bool(condition); \
    }

static bool is_int(value v) {
    return v.kind == VALUE_INT || v.kind == VALUE_BIG;
}

static bool is_callable(value v) {
    return v.kind == VALUE_MACRO || v.kind == VALUE_NATIVE || v.kind == VALUE_METHOD ||
           v.kind == VALUE_UNDEFINED; /* Undefined can be called: it then fails */
}

static bool is_iterable(value v) {
    return value_is_list(v) || v.kind == VALUE_STRING || v.kind == VALUE_DICT ||
           v.kind == VALUE_UNDEFINED || v.kind == VALUE_LOOP;
}

/* Has a length and items, as jinja2's test asks. */
static bool is_sequence(value v) {
    return value_is_indexed(v) || v.kind == VALUE_STRING || v.kind == VALUE_DICT ||
           v.kind == VALUE_UNDEFINED;
}

TEST(test_defined, self.kind != VALUE_UNDEFINED)
TEST(test_undefined, self.kind == VALUE_UNDEFINED)
TEST(test_none, self.kind == VALUE_NONE)
TEST(test_string, self.kind == VALUE_STRING)
TEST(test_number, value_is_number(self))
TEST(test_integer, is_int(self))
TEST(test_float, self.kind == VALUE_FLOAT)
TEST(test_boolean, self.kind == VALUE_BOOL)
TEST(test_true, self.kind == VALUE_BOOL && self.integer)
TEST(test_false, self.kind == VALUE_BOOL && !self.integer)
TEST(test_mapping, self.kind == VALUE_DICT)
TEST(test_iterable, is_iterable(self))
TEST(test_sequence, is_sequence(self))
TEST(test_callable, is_callable(self))
TEST(test_escaped, false)
TEST(test_filter, r->find_filter(argument_text(r, self, "the name of a filter")) != NULL)
TEST(test_test, r->find_test(argument_text(r, self, "the name of a test")) != NULL)
TEST(test_eq, operator_compare(r, OP_EQ, self, a[0]))
TEST(test_ne, operator_compare(r, OP_NE, self, a[0]))
TEST(test_lt, operator_compare(r, OP_LT, self, a[0]))
TEST(test_le, operator_compare(r, OP_LE, self, a[0]))
TEST(test_gt, operator_compare(r, OP_GT, self, a[0]))
TEST(test_ge, operator_compare(r, OP_GE, self, a[0]))
TEST(test_in, operator_compare(r, OP_IN, self, a[0]))
TEST(test_sameas, self.kind == a[0].kind && operator_compare(r, OP_EQ, self, a[0]))

static value has_case(run *r, value self, letter_case wanted) {
    const text t = value_str(r, self);
    run_charge(r, t.len / 8);
    return value_bool(text_has_case(t, wanted));
}

static value test_lower(run *r, value self, const value *a) {
    (void)a;
    return has_case(r, self, CASE_LOWER);
}

static value test_upper(run *r, value self, const value *a) {
    (void)a;
    return has_case(r, self, CASE_UPPER);
}

static value remainder_is(run *r, value self, value divisor, int64_t want) {
    return value_bool(value_equal(r, operator_apply(r, OP_MOD, self, divisor), value_int(want)));
}

static value test_odd(run *r, value self, const value *a) {
    (void)a;
    return remainder_is(r, self, value_int(2), 1);
}

static value test_even(run *r, value self, const value *a) {
    (void)a;
    return remainder_is(r, self, value_int(2), 0);
}

static value test_divisible(run *r, value self, const value *a) {
    return remainder_is(r, self, a[0], 0);
}

natives native_tests(void) {
    static const native tests[] = {
        {.name = "defined", .function = test_defined},
        {.name = "undefined", .function = test_undefined},
        {.name = "none", .function = test_none},
        {.name = "string", .function = test_string},
        {.name = "number", .function = test_number},
        {.name = "integer", .function = test_integer},
        {.name = "float", .function = test_float},
        {.name = "boolean", .function = test_boolean},
        {.name = "true", .function = test_true},
        {.name = "false", .function = test_false},
        {.name = "mapping", .function = test_mapping},
        {.name = "iterable", .function = test_iterable},
        {.name = "sequence", .function = test_sequence},
        {.name = "callable", .function = test_callable},
        {.name = "escaped", .function = test_escaped},
        {.name = "filter", .function = test_filter},
        {.name = "test", .function = test_test},
        {.name = "lower", .function = test_lower},
        {.name = "upper", .function = test_upper},
        {.name = "odd", .function = test_odd},
        {.name = "even", .function = test_even},
        {.name = "divisibleby", .function = test_divisible, .parameters = {"num"}, .required = 1},
        {.name = "sameas", .function = test_sameas, .parameters = {"other"}, .required = 1},
        {.name = "in", .function = test_in, .parameters = {"seq"}, .required = 1},
        {.name = "eq", .function = test_eq, .parameters = {"b"}, .required = 1},
        {.name = "equalto", .function = test_eq, .parameters = {"b"}, .required = 1},
        {.name = "==", .function = test_eq, .parameters = {"b"}, .required = 1},
        {.name = "ne", .function = test_ne, .parameters = {"b"}, .required = 1},
        {.name = "!=", .function = test_ne, .parameters = {"b"}, .required = 1},
        {.name = "lt", .function = test_lt, .parameters = {"b"}, .required = 1},
        {.name = "lessthan", .function = test_lt, .parameters = {"b"}, .required = 1},
        {.name = "<", .function = test_lt, .parameters = {"b"}, .required = 1},
        {.name = "le", .function = test_le, .parameters = {"b"}, .required = 1},
        {.name = "<=", .function = test_le, .parameters = {"b"}, .required = 1},
        {.name = "gt", .function = test_gt, .parameters = {"b"}, .required = 1},
        {.name = "greaterthan", .function = test_gt, .parameters = {"b"}, .required = 1},
        {.name = ">", .function = test_gt, .parameters = {"b"}, .required = 1},
        {.name = "ge", .function = test_ge, .parameters = {"b"}, .required = 1},
        {.name = ">=", .function = test_ge, .parameters = {"b"}, .required = 1},
    };
    return NATIVES(tests);
}
