/*
 * fuzz_toolcall.c - any text as calls of tools: read, or left alone.
 *
 * What was read is JSON, as many calls as were counted, and gives itself when it is read again.
 * As an answer with markers, the text gives the same calls and the same content however it is cut,
 * and what was shown once never changes.
 */
#include "fuzz.h"

#include "../support/calls.h"

#include <string.h>

static void check_calls(const json_out *list, size_t n_calls) {
    json_doc doc = {0};
    lfm_error err = {0};
    FUZZ_CHECK(json_parse(&doc, list->ptr, list->len, &err) == LFM_OK);
    FUZZ_CHECK(doc.root->kind == JSON_ARRAY && doc.root->n == n_calls);
    for (const json_value *c = doc.root->first; c; c = c->next) {
        const json_value *name = json_get(c, "name");
        const json_value *arguments = json_get(c, "arguments");
        FUZZ_CHECK(c->n == 2 && name && name->kind == JSON_STRING && arguments &&
                   arguments->kind == JSON_OBJECT);
    }
    json_doc_free(&doc);
}

static void check_block(const char *text, size_t size) {
    json_out list = {0};
    json_out again = {0};
    size_t n_calls = 0;
    size_t n_again = 0;
    json_write_text(&list, "[");
    const bool good = calls_read(&list, &n_calls, text, size);
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
}

static void check_answer(const char *text, size_t size) {
    static const char tools[] = "[{\"name\": \"f\"}, {\"function\": {\"name\": \"m.g\"}}]";
    static const size_t pieces[] = {1, 3};
    calls_answer whole = {0};
    calls_answer_make(&whole, tools, text, size, SIZE_MAX, 0);
    check_calls(&whole.calls, whole.n_calls);
    FUZZ_CHECK(whole.is_steady && whole.content.len <= size);
    for (size_t i = 0; i < 2; i++) {
        calls_answer cut = {0};
        calls_answer_make(&cut, tools, text, size, pieces[i], 0);
        FUZZ_CHECK(cut.is_steady && cut.n_unread == whole.n_unread && cut.n_lost == whole.n_lost);
        if (!cut.gave_up && !whole.gave_up) {
            FUZZ_CHECK(cut.has_undefined == whole.has_undefined);
            FUZZ_CHECK(cut.calls.len == whole.calls.len &&
                       memcmp(cut.calls.ptr, whole.calls.ptr, whole.calls.len) == 0);
            FUZZ_CHECK(cut.content.len == whole.content.len &&
                       memcmp(cut.content.ptr, whole.content.ptr, whole.content.len) == 0);
        }
        calls_answer_drop(&cut);
    }
    calls_answer_drop(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_block((const char *)data, size);
    check_answer((const char *)data, size);
    return 0;
}
