/*
 * fuzz_json.c - any bytes as JSON: read or refused; what was read is written and read again.
 */
#include "fuzz.h"

#include "base/json.h"

#include <string.h>

/* Written out, the value must be valid JSON that writes to the same bytes. */
static void round_trip(const json_value *root) {
    json_out once = {0};
    json_out twice = {0};
    json_doc doc = {0};
    lfm_error err = {0};
    json_write_value(&once, root);
    FUZZ_CHECK(json_finish(&once, &err) == LFM_OK);
    FUZZ_CHECK(json_parse(&doc, once.ptr, once.len, &err) == LFM_OK);
    json_write_value(&twice, doc.root);
    FUZZ_CHECK(json_finish(&twice, &err) == LFM_OK);
    FUZZ_CHECK(once.len == twice.len && memcmp(once.ptr, twice.ptr, once.len) == 0);
    json_doc_free(&doc);
    json_out_free(&once);
    json_out_free(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_doc doc = {0};
    lfm_error err = {0};
    if (json_parse(&doc, (const char *)data, size, &err) == LFM_OK) {
        round_trip(doc.root);
    } else {
        FUZZ_CHECK_ERROR(err);
        FUZZ_CHECK(!doc.root);
    }
    json_doc_free(&doc);
    return 0;
}
