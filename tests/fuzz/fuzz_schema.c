/*
 * fuzz_schema.c - any JSON as a schema: compiled, or refused in one line.
 *
 * The first byte is the seed of random texts.  What the grammar of a schema generates is JSON, and
 * satisfies the schema as tests/support/schema_check.c understands it.
 */
#include "fuzz.h"

#include "../support/grammar_walk.h"
#include "../support/schema_check.h"
#include "constrain/schema.h"

#include <string.h>

enum { MAX_TEXT = 400 };

static void check_text(const json_value *schema, const char *text, size_t n) {
    json_doc doc = {0};
    lfm_error err = {0};
    if (json_parse(&doc, text, n, &err) == LFM_OK) {
        FUZZ_CHECK(schema_check(schema, schema, doc.root));
    } else {
        /* A grammar cannot count so far, nor remember all names. */
        FUZZ_CHECK(strstr(err.text, "nested deeper") || strstr(err.text, "already in the object"));
    }
    json_doc_free(&doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *gbnf = NULL;
    json_doc schema = {0};
    grammar g = {0};
    automaton *a = NULL;
    lfm_error err = {0};
    char text[MAX_TEXT];
    size_t n = 0;
    if (size == 0) {
        return 0;
    }
    const char *source = (const char *)data + 1;
    lfm_status st = schema_to_gbnf(&gbnf, source, size - 1, &err);
    FUZZ_CHECK((st == LFM_OK) == (gbnf != NULL));
    st = st == LFM_OK ? grammar_parse(&g, gbnf, strlen(gbnf), &err) : st;
    st = st == LFM_OK ? automaton_new(&a, &g, &err) : st;
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
        FUZZ_CHECK(st == LFM_ERR_ARG || st == LFM_ERR_UNSUPPORTED || st == LFM_ERR_MEMORY);
    } else {
        FUZZ_CHECK(json_parse(&schema, source, size - 1, NULL) == LFM_OK);
        for (uint64_t i = 0; i < 4; i++) {
            const walk_end end = grammar_walk(a, data[0] + 256 * i, text, sizeof text, &n);
            FUZZ_CHECK(end != WALK_STUCK);
            if (end == WALK_COMPLETE) {
                check_text(schema.root, text, n);
            }
        }
    }
    json_doc_free(&schema);
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
    return 0;
}
