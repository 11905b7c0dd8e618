/*
 * grammar_texts.c - random texts of a grammar that was made from JSON, for fuzz targets.
 */
#include "grammar_texts.h"

#include "../fuzz/fuzz.h"
#include "constrain/engine/automaton.h"
#include "constrain/gbnf/compile.h"
#include "grammar_walk.h"

#include <string.h>

enum { N_TEXTS = 4, MAX_TEXT = 400 };

int grammar_texts(const uint8_t *data, size_t size, grammar_text_make *make,
                  grammar_text_check *check) {
    char *gbnf = NULL;
    grammar g = {0};
    automaton *a = NULL;
    json_doc doc = {0};
    lfm_error err = {0};
    char text[MAX_TEXT];
    size_t len = 0;
    if (size == 0) {
        return 0;
    }
    const char *source = (const char *)data + 1;
    lfm_status st = make(&gbnf, source, size - 1, data[0], &err);
    FUZZ_CHECK((st == LFM_OK) == (gbnf != NULL));
    st = st == LFM_OK ? gbnf_compile(&g, gbnf, strlen(gbnf), &err) : st;
    st = st == LFM_OK ? automaton_new(&a, &g, &err) : st;
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
        FUZZ_CHECK(st == LFM_ERR_ARG || st == LFM_ERR_UNSUPPORTED || st == LFM_ERR_MEMORY);
    } else {
        FUZZ_CHECK(json_parse(&doc, source, size - 1, NULL) == LFM_OK);
        for (uint64_t i = 0; i < N_TEXTS; i++) {
            const walk_end end = grammar_walk(a, data[0] + 256 * i, text, sizeof text, &len);
            FUZZ_CHECK(end != WALK_STUCK);
            if (end == WALK_COMPLETE) {
                check(doc.root, text, len);
            }
        }
    }
    json_doc_free(&doc);
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
    return 0;
}
