/*
 * grammar_texts.c - random texts of a grammar that was made from JSON, for fuzz targets.
 */
#include "grammar_texts.h"

#include "../fuzz/fuzz.h"
#include "constrain/automaton.h"
#include "grammar_walk.h"

#include <string.h>

enum { N_TEXTS = 4, MAX_TEXT = 400 };

void grammar_texts(const char *gbnf, const char *source, size_t n, uint8_t seed,
                   grammar_text_check *check, lfm_error *err) {
    grammar g = {0};
    automaton *a = NULL;
    json_doc doc = {0};
    char text[MAX_TEXT];
    size_t len = 0;
    lfm_status st = gbnf ? grammar_parse(&g, gbnf, strlen(gbnf), err) : err->status;
    st = st == LFM_OK ? automaton_new(&a, &g, err) : st;
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(*err);
        FUZZ_CHECK(st == LFM_ERR_ARG || st == LFM_ERR_UNSUPPORTED || st == LFM_ERR_MEMORY);
    } else {
        FUZZ_CHECK(json_parse(&doc, source, n, NULL) == LFM_OK);
        for (uint64_t i = 0; i < N_TEXTS; i++) {
            const walk_end end = grammar_walk(a, seed + 256 * i, text, sizeof text, &len);
            FUZZ_CHECK(end != WALK_STUCK);
            if (end == WALK_COMPLETE) {
                check(doc.root, text, len);
            }
        }
    }
    json_doc_free(&doc);
    automaton_free(a);
    grammar_free(&g);
}
