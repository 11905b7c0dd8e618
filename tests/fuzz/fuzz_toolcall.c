/*
 * fuzz_toolcall.c - any text as calls of tools: read, or left alone.
 *
 * What was read is JSON, as many calls as were counted, and gives itself when it is read again.
 */
#include "fuzz.h"

#include "../support/calls.h"

#include <string.h>

static void check_calls(const json_out *list, size_t n_calls) {
    json_doc doc = {0};
    lfm_error err = {0};
    FUZZ_CHECK(json_parse(&doc, list->ptr, list->len, &err) == LFM_OK);
    FUZZ_CHECK(doc.root->kind == JSON_ARRAY && doc.root->n == n_calls && n_calls > 0);
    for (const json_value *c = doc.root->first; c; c = c->next) {
        const json_value *name = json_get(c, "name");
        const json_value *arguments = json_get(c, "arguments");
        FUZZ_CHECK(c->n == 2 && name && name->kind == JSON_STRING && arguments &&
                   arguments->kind == JSON_OBJECT);
    }
    json_doc_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_out list = {0};
    json_out again = {0};
    size_t n_calls = 0;
    size_t n_again = 0;
    json_write_text(&list, "[");
    const bool good = calls_read(&list, &n_calls, (const char *)data, size);
    if (good) {
        json_write_text(&list, "]");
        check_calls(&list, n_calls);
        json_write_text(&again, "[");
        FUZZ_CHECK(calls_read(&again, &n_again, list.ptr, list.len));
        json_write_text(&again, "]");
        FUZZ_CHECK(n_again == n_calls && again.len == list.len &&
                   memcmp(again.ptr, list.ptr, list.len) == 0);
    } else {
        FUZZ_CHECK(n_calls == 0 && list.len == 1);
    }
    json_out_free(&again);
    json_out_free(&list);
    return 0;
}
