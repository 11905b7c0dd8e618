/*
 * fuzz_tools.c - any JSON as a list of functions that a model may call: compiled, or refused in
 * one line.
 *
 * The first byte is the seed of random texts.  Calls that the grammar generates are read by the
 * reader of calls, name a function of the list, and have the arguments that its schema wants.
 */
#include "fuzz.h"

#include "../support/calls.h"
#include "../support/grammar_texts.h"
#include "../support/schema_check.h"
#include "constrain/engine/keys.h"
#include "constrain/json/schema.h"

#include <string.h>

/* The markers are tokens, which a walk over bytes cannot take: the rules do without them here. */
static void drop_markers(char *gbnf) {
    static const char *const markers[] = {"<|tool_call_start|>", "<|tool_call_end|>"};
    for (size_t i = 0; i < 2; i++) {
        char *at = strstr(gbnf, markers[i]);
        FUZZ_CHECK(at != NULL);
        memset(at, ' ', strlen(markers[i]));
        memset(at, '"', 2);
    }
}

static const json_value *function_of(const json_value *tool) {
    const json_value *inner = json_get(tool, "function");
    return inner ? inner : tool;
}

static void check_call(const json_value *tools, const json_value *call) {
    const json_value *name = json_get(call, "name");
    const json_value *arguments = json_get(call, "arguments");
    bool known = false;
    FUZZ_CHECK(name && arguments && arguments->kind == JSON_OBJECT);
    for (const json_value *t = tools->first; t; t = t->next) {
        const json_value *f = function_of(t);
        const json_value *own = json_get(f, "name");
        const json_value *parameters = json_get(f, "parameters");
        known = known || (own->len == name->len && memcmp(own->text, name->text, own->len) == 0 &&
                          (!parameters || schema_check(parameters, parameters, arguments)));
    }
    FUZZ_CHECK(known);
}

/* Might values be nested deeper than the readers go? */
static bool is_deep(const char *text, size_t n) {
    size_t n_opened = 0;
    for (size_t i = 0; i < n; i++) {
        n_opened += text[i] == '[' || text[i] == '{';
    }
    return n_opened > 60;
}

static void check_text(const json_value *tools, const char *text, size_t n) {
    json_out out = {0};
    json_doc doc = {0};
    keys_open keys = {0};
    size_t n_calls = 0;
    bool repeats = false;
    FUZZ_CHECK(keys_add(&keys, text, n, &repeats) == LFM_OK);
    keys_drop(&keys);
    json_write_text(&out, "[");
    if (!calls_read(&out, &n_calls, text, n)) {
        /* Values nested too deeply, or an object in them has a key twice: grammars cannot tell. */
        FUZZ_CHECK(repeats || is_deep(text, n));
        json_out_free(&out);
        return;
    }
    FUZZ_CHECK(!repeats);
    json_write_text(&out, "]");
    FUZZ_CHECK(json_parse(&doc, out.ptr, out.len, NULL) == LFM_OK);
    FUZZ_CHECK(doc.root->n == n_calls);
    for (const json_value *c = doc.root->first; c; c = c->next) {
        check_call(tools, c);
    }
    json_doc_free(&doc);
    json_out_free(&out);
}

static lfm_status make(char **gbnf, const char *source, size_t n, uint8_t seed, lfm_error *err) {
    const lfm_status st = schema_tools_to_gbnf(gbnf, NULL, source, n, seed & 1, err);
    if (*gbnf) {
        drop_markers(*gbnf);
    }
    return st;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return grammar_texts(data, size, make, check_text);
}
