/*
 * fuzz_schema.c - any JSON as a schema: compiled, or refused in one line.
 *
 * The first byte is the seed of random texts.  What the grammar of a schema generates is JSON, and
 * satisfies the schema as tests/support/schema_check.c understands it; where a key comes twice,
 * keys.h sees it.
 */
#include "fuzz.h"

#include "../support/grammar_texts.h"
#include "../support/schema_check.h"
#include "constrain/engine/keys.h"
#include "constrain/json/schema.h"

#include <string.h>

static void check_text(const json_value *schema, const char *text, size_t n) {
    json_doc doc = {0};
    keys_open keys = {0};
    lfm_error err = {0};
    bool repeats = false;
    FUZZ_CHECK(keys_add(&keys, text, n, &repeats) == LFM_OK);
    keys_drop(&keys);
    if (json_parse(&doc, text, n, &err) == LFM_OK) {
        FUZZ_CHECK(!repeats);
        FUZZ_CHECK(schema_check(schema, schema, doc.root));
    } else if (!strstr(err.text, "nested deeper")) { /* a grammar cannot count so far */
        FUZZ_CHECK(repeats && strstr(err.text, "already in the object"));
    }
    json_doc_free(&doc);
}

static lfm_status make(char **gbnf, const char *source, size_t n, uint8_t seed, lfm_error *err) {
    (void)seed;
    return schema_to_gbnf(gbnf, NULL, source, n, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    return grammar_texts(data, size, make, check_text);
}
