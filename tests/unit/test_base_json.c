/*
 * test_base_json.c - what the reader accepts, where it says that a text is wrong, and the writer.
 */
#include "base/json.h"

#include "base/rng.h"
#include "base/utf8.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parse; the error's text must be `wrong` (NULL = no error). */
static json_doc parse(const char *text, size_t n, const char *wrong) {
    json_doc doc;
    lfm_error err = {0};
    const lfm_status st = json_parse(&doc, text, n, &err);
    assert_string_equal(err.text, wrong ? wrong : "");
    assert_int_equal(st, wrong ? LFM_ERR_ARG : LFM_OK);
    assert_int_equal(err.status, st);
    assert_int_equal(doc.root == NULL, wrong != NULL);
    return doc;
}

static char *written(const json_value *v) {
    json_out o = {0};
    json_write_value(&o, v);
    assert_int_equal(json_finish(&o, NULL), LFM_OK);
    return o.ptr;
}

static void test_reads_and_writes_back(void **state) {
    (void)state;
    static const struct {
        const char *source;
        const char *expected;
    } rows[] = {
        {"null", "null"},
        {" \t\r\n true \n", "true"},
        {"[]", "[]"},
        {"[ ]", "[]"},
        {"{ }", "{}"},
        {"[[],{},[[]]]", "[[], {}, [[]]]"},
        {"{\"b\":1,\"a\":{\"z\":[1,2,{}],\"y\":null}}",
         "{\"b\": 1, \"a\": {\"z\": [1, 2, {}], \"y\": null}}"},
        {"[1.50,-0,0.0,1e5,1E+05,-1.25e-3,123456789012345678901234567890,1e999]",
         "[1.50, -0, 0.0, 1e5, 1E+05, -1.25e-3, 123456789012345678901234567890, 1e999]"},
        {"\"\\u0041\\/\\\"\\\\\\b\\f\\n\\r\\t\\u001F\\u007f\"",
         "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f\""},
        {"\"\\ud83d\\uDE00\\u00e9\\u4E2d\"", "\"\xf0\x9f\x98\x80\xc3\xa9\xe4\xb8\xad\""},
        {"\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
        {"{\"\":1,\" \":2,\"\\u0000\":3}", "{\"\": 1, \" \": 2, \"\\u0000\": 3}"},
        {"\xef\xbb\xbf[1]", "[1]"},
        {"{\"a\":1,\"A\":2,\"aa\":3,\"\\u0061b\":4}",
         "{\"a\": 1, \"A\": 2, \"aa\": 3, \"ab\": 4}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_doc doc = parse(rows[i].source, strlen(rows[i].source), NULL);
        char *text = written(doc.root);
        assert_string_equal(text, rows[i].expected);
        json_doc again = parse(text, strlen(text), NULL); /* and what we write, we read */
        char *second = written(again.root);
        assert_string_equal(second, text);
        free(text);
        free(second);
        json_doc_free(&doc);
        json_doc_free(&again);
    }
}

static void test_names_the_place_of_an_error(void **state) {
    (void)state;
    static const struct {
        const char *source;
        const char *error;
    } rows[] = {
        {"", "JSON line 1, column 1: the text ends where a value is expected"},
        {" \n ", "JSON line 2, column 2: the text ends where a value is expected"},
        {"[1,", "JSON line 1, column 4: the text ends where a value is expected"},
        {"nul", "JSON line 1, column 1: expected a value"},
        {"'a'", "JSON line 1, column 1: expected a value"},
        {"NaN", "JSON line 1, column 1: expected a value"},
        {"[1,]", "JSON line 1, column 4: expected a value"},
        {"[,1]", "JSON line 1, column 2: expected a value"},
        {"[1 2]", "JSON line 1, column 4: expected ',' or ']'"},
        {"[1}", "JSON line 1, column 3: expected ',' or ']'"},
        {"[}", "JSON line 1, column 2: expected a value"},
        {"{]", "JSON line 1, column 2: expected a key in double quotes"},
        {"{,}", "JSON line 1, column 2: expected a key in double quotes"},
        {"[[1]", "JSON line 1, column 5: expected ',' or ']'"},
        {"{\"a\":1", "JSON line 1, column 7: expected ',' or '}'"},
        {"{\"a\":1]", "JSON line 1, column 7: expected ',' or '}'"},
        {"{a:1}", "JSON line 1, column 2: expected a key in double quotes"},
        {"{\"a\":1,}", "JSON line 1, column 8: expected a key in double quotes"},
        {"{", "JSON line 1, column 2: expected a key in double quotes"},
        {"{\"a\" 1}", "JSON line 1, column 6: expected ':' after the key"},
        {"{\"a\":}", "JSON line 1, column 6: expected a value"},
        {"1 2", "JSON line 1, column 3: there is text after the value"},
        {"{}\n\n  x", "JSON line 3, column 3: there is text after the value"},
        {"[]]", "JSON line 1, column 3: there is text after the value"},
        {"truex", "JSON line 1, column 5: there is text after the value"},
        {"0x10", "JSON line 1, column 2: there is text after the value"},
        {"01", "JSON line 1, column 1: this is not a JSON number"},
        {"-", "JSON line 1, column 1: this is not a JSON number"},
        {"-a", "JSON line 1, column 1: this is not a JSON number"},
        {"1.", "JSON line 1, column 1: this is not a JSON number"},
        {"1.e5", "JSON line 1, column 1: this is not a JSON number"},
        {"1e", "JSON line 1, column 1: this is not a JSON number"},
        {"1e+", "JSON line 1, column 1: this is not a JSON number"},
        {"+1", "JSON line 1, column 1: expected a value"},
        {".5", "JSON line 1, column 1: expected a value"},
        {"[\"a\nb\"]", "JSON line 1, column 4: control characters in a string must be escaped"},
        {"[1, \"ab", "JSON line 1, column 5: this string does not end"},
        {"\"a\\", "JSON line 1, column 3: this is not an escape; use \\\\ for a backslash"},
        {"\"\\x41\"", "JSON line 1, column 2: this is not an escape; use \\\\ for a backslash"},
        {"\"\\u12g4\"", "JSON line 1, column 2: this is not an escape; use \\\\ for a backslash"},
        {"\"\\u12", "JSON line 1, column 2: this is not an escape; use \\\\ for a backslash"},
        {"\"\xc3\xa9\\ud83d\"", "JSON line 1, column 3: half of a surrogate pair"},
        {"\"\\ud83dx\"", "JSON line 1, column 2: half of a surrogate pair"},
        {"\"\\ud83d\\u0041\"", "JSON line 1, column 2: half of a surrogate pair"},
        {"\"\\ude00\\ud83d\"", "JSON line 1, column 2: half of a surrogate pair"},
        {"\"\xc3\xa9\xff\"", "JSON line 1, column 3: this is not UTF-8"},
        {"\"\xed\xa0\x80\"", "JSON line 1, column 2: this is not UTF-8"},
        {"\"\xf0\x9f\x98\"", "JSON line 1, column 2: this is not UTF-8"},
        {"\xef\xbb\xbf", "JSON line 1, column 2: the text ends where a value is expected"},
        {"{\"a\":1,\n \"b\":2,\n \"a\":3}",
         "JSON line 3, column 2: this key is already in the object"},
        {"{\"a\":1,\"\\u0061\":3}", "JSON line 1, column 8: this key is already in the object"},
        {"[{\"\":{\"k\":1,\"k\":1}}]",
         "JSON line 1, column 13: this key is already in the object"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const size_t n = strlen(rows[i].source);
        char *exact = malloc(n > 0 ? n : 1); /* no NUL behind it: a read too far is seen */
        assert_non_null(exact);
        memcpy(exact, rows[i].source, n);
        json_doc doc = parse(exact, n, rows[i].error);
        free(exact);
        json_doc_free(&doc);
    }
    json_doc doc = parse("[1,\0]", 5, "JSON line 1, column 4: expected a value");
    json_doc_free(&doc);
    doc = parse("1\0", 2, "JSON line 1, column 2: there is text after the value");
    json_doc_free(&doc);
}

static void test_values_are_reachable(void **state) {
    (void)state;
    static const char source[] = "{\"s\":\"a\\u0000b\",\"n\":-2.5e1,\"big\":-1e999,"
                                 "\"list\":[1,\"x\",{\"k\":true}],\"none\":null}";
    json_doc doc = parse(source, sizeof source - 1, NULL);
    const json_value *const s = json_get(doc.root, "s");
    assert_int_equal(s->kind, JSON_STRING);
    assert_int_equal(s->len, 3);
    assert_memory_equal(s->text, "a\0b", 3);
    assert_false(json_is(s, "a"));
    const json_value *const number = json_get(doc.root, "n");
    assert_int_equal(number->kind, JSON_NUMBER);
    assert_true(number->number == -25.0);
    assert_int_equal(number->len, 6);
    assert_memory_equal(number->text, "-2.5e1", 6);
    assert_true(json_get(doc.root, "big")->number == (double)-INFINITY);
    const json_value *const list = json_get(doc.root, "list");
    assert_int_equal(list->kind, JSON_ARRAY);
    assert_int_equal(list->n, 3);
    assert_true(list->first->number == 1.0);
    assert_true(json_is(list->first->next, "x"));
    assert_int_equal(json_get(list->first->next->next, "k")->kind, JSON_TRUE);
    assert_null(list->first->next->next->next);
    assert_int_equal(json_get(doc.root, "none")->kind, JSON_NULL);
    assert_int_equal(doc.root->n, 5);
    assert_null(json_get(doc.root, "li"));
    assert_null(json_get(doc.root, "lists"));
    assert_null(json_get(list, "k"));
    assert_null(json_get(NULL, "k"));
    assert_false(json_is(NULL, "x"));
    assert_false(json_is(number, "-2.5e1"));
    char *part = written(list); /* a value inside a tree is written without what follows it */
    assert_string_equal(part, "[1, \"x\", {\"k\": true}]");
    free(part);
    json_doc_free(&doc);
}

static void test_depth_is_limited(void **state) {
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 2];
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    json_doc doc = parse(text, 2 * JSON_MAX_DEPTH, NULL);
    char *out = written(doc.root);
    assert_int_equal(strlen(out), 2 * JSON_MAX_DEPTH);
    assert_memory_equal(out, text, 2 * JSON_MAX_DEPTH);
    free(out);
    json_doc_free(&doc);
    memset(text, '[', JSON_MAX_DEPTH + 1);
    doc = parse(text, JSON_MAX_DEPTH + 1,
                "JSON line 1, column 65: nested deeper than 64 levels");
    json_doc_free(&doc);
}

/* 200,000 members: comparing each with each would take minutes. */
static void test_large_objects_are_checked_for_duplicates(void **state) {
    (void)state;
    json_out o = {0};
    json_write_text(&o, "{");
    for (int i = 0; i < 200000; i++) {
        json_write_text(&o, i > 0 ? ",\"k" : "\"k");
        json_write_int(&o, i);
        json_write_text(&o, "\":0");
    }
    const size_t n = o.len;
    json_write_text(&o, "}");
    assert_int_equal(json_finish(&o, NULL), LFM_OK);
    json_doc doc = parse(o.ptr, o.len, NULL);
    assert_int_equal(doc.root->n, 200000);
    json_doc_free(&doc);
    o.len = n;
    json_write_text(&o, ",\n\"k77777\":0}");
    doc = parse(o.ptr, o.len, "JSON line 2, column 1: this key is already in the object");
    json_doc_free(&doc);
    json_out_free(&o);
}

/* Damaged text gives an error, or a value that can be written and read again. */
static void test_damaged_text_is_survived(void **state) {
    (void)state;
    static const char good[] =
        "{\"a\":[1,-2.5e3,\"x\\u00e9\\ud83d\\ude00\\n\",true,false,null,{}],"
        "\"b\":{\"c\":[[]]}}";
    static const char bytes[] = "{}[]\",:\\u0d8eE+-.xtn \x80\xc3\xf0";
    size_t accepted = 0;
    size_t refused = 0;
    for (uint64_t round = 0; round < 20000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint64_t k = 0; k <= round % 3; k++) {
            const uint64_t r = rng_at(round, k);
            text[r % (sizeof good - 1)] = bytes[(r >> 32) % (sizeof bytes - 1)];
        }
        json_doc doc;
        lfm_error err = {0};
        if (json_parse(&doc, text, sizeof good - 1, &err) != LFM_OK) {
            assert_memory_equal(err.text, "JSON line 1, column ", 20);
            refused++;
            continue;
        }
        char *out = written(doc.root);
        json_doc again = parse(out, strlen(out), NULL);
        free(out);
        json_doc_free(&again);
        json_doc_free(&doc);
        accepted++;
    }
    assert_true(accepted > 100);
    assert_true(refused > 100);
}

/* ---- Writer --------------------------------------------------------------------------------- */

static void test_writes_strings(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
        const char *expected;
    } rows[] = {
        {"", 0, "\"\""},
        {"plain / text", 12, "\"plain / text\""},
        {"\"\\\n\r\t\b\f", 7, "\"\\\"\\\\\\n\\r\\t\\b\\f\""},
        {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\x7f\""},
        {"\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8", 9, "\"\xc3\xa9\xf0\x9f\x98\x80\xe2\x80\xa8\""},
        {"a\xff" "b\xc3", 4, "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\""},
        {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_out o = {0};
        json_write_string(&o, rows[i].bytes, rows[i].n);
        assert_int_equal(json_finish(&o, NULL), LFM_OK);
        assert_string_equal(o.ptr, rows[i].expected);
        assert_int_equal(o.len, strlen(rows[i].expected));
        json_out_free(&o);
    }
    json_out o = {0}; /* any bytes become a string that the reader takes */
    char all[256];
    for (int i = 0; i < 256; i++) {
        all[i] = (char)i;
    }
    json_write_string(&o, all, sizeof all);
    json_doc doc = parse(o.ptr, o.len, NULL);
    assert_true(utf8_valid(doc.root->text, doc.root->len));
    assert_int_equal(doc.root->len, 128 + 3 * 128);
    assert_memory_equal(doc.root->text, all, 128);
    json_doc_free(&doc);
    json_out_free(&o);
}

static void test_writes_numbers(void **state) {
    (void)state;
    json_out o = {0};
    const double values[] = {0, -0.0, 1, 0.1, 1.0 / 3, -2.5e-300, 16777216, 1e21, (double)NAN,
                             (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        json_write_number(&o, values[i]);
        json_write_text(&o, " ");
    }
    json_write_int(&o, INT64_MIN);
    json_write_text(&o, " ");
    json_write_int(&o, INT64_MAX);
    assert_string_equal(o.ptr, "0 -0 1 0.1 0.333333333 -2.5e-300 16777216 1e+21 null null null "
                               "-9223372036854775808 9223372036854775807");
    json_out_free(&o);
}

static void test_puts_commas_where_they_belong(void **state) {
    (void)state;
    json_out o = {0};
    json_begin_object(&o, NULL);
    json_put_text(&o, "text", "a, b {");
    json_put_string(&o, "bytes", "x\0y", 3);
    json_begin_object(&o, "empty");
    json_end_object(&o);
    json_begin_array(&o, "list");
    json_begin_array(&o, NULL);
    json_end_array(&o);
    json_put_int(&o, NULL, -1);
    json_put_real(&o, NULL, 0.5);
    json_begin_object(&o, NULL);
    json_put_bool(&o, "yes", true);
    json_put_bool(&o, "no", false);
    json_end_object(&o);
    json_put_text(&o, NULL, "[");
    json_end_array(&o);
    json_put_fixed(&o, "fixed", 2.0 / 3, 3);
    json_put_fixed(&o, "nan", (double)NAN, 3);
    json_put_fixed(&o, "large", 1e15, 0);
    json_put_key(&o, "raw");
    json_write_text(&o, "null");
    json_end_object(&o);
    json_write_text(&o, "\n");
    json_begin_object(&o, NULL); /* a line more */
    json_end_object(&o);
    assert_int_equal(json_finish(&o, NULL), LFM_OK);
    assert_string_equal(o.ptr, "{\"text\": \"a, b {\", \"bytes\": \"x\\u0000y\", \"empty\": {}, "
                               "\"list\": [[], -1, 0.5, {\"yes\": true, \"no\": false}, \"[\"], "
                               "\"fixed\": 0.667, \"nan\": null, \"large\": 1000000000000000, "
                               "\"raw\": null}\n{}");
    json_out_free(&o);
}

static void test_output_grows_and_fails_once(void **state) {
    (void)state;
    json_out o = {0};
    assert_int_equal(json_finish(&o, NULL), LFM_OK);
    assert_string_equal(o.ptr, "");
    for (int i = 0; i < 5000; i++) {
        json_write_raw(&o, "0123456789", 10);
    }
    assert_int_equal(o.len, 50000);
    for (size_t i = 0; i < o.len; i++) {
        assert_int_equal(o.ptr[i], '0' + (int)(i % 10));
    }
    assert_int_equal(o.ptr[o.len], 0);
    json_write_raw(&o, "x", SIZE_MAX - 10); /* refused before a byte of it is read */
    json_write_text(&o, "more");
    assert_int_equal(o.len, 50000);
    lfm_error err = {0};
    assert_int_equal(json_finish(&o, &err), LFM_ERR_MEMORY);
    assert_string_equal(err.text, "out of memory after 50000 bytes of text");
    json_out_free(&o);
    json_out_free(&o);
    assert_null(o.ptr);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_and_writes_back),
        cmocka_unit_test(test_names_the_place_of_an_error),
        cmocka_unit_test(test_values_are_reachable),
        cmocka_unit_test(test_depth_is_limited),
        cmocka_unit_test(test_large_objects_are_checked_for_duplicates),
        cmocka_unit_test(test_damaged_text_is_survived),
        cmocka_unit_test(test_writes_strings),
        cmocka_unit_test(test_writes_numbers),
        cmocka_unit_test(test_puts_commas_where_they_belong),
        cmocka_unit_test(test_output_grows_and_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
