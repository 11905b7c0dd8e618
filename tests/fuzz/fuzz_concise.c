/*
 * fuzz_concise.c - any text as a concise schema, or as a list of choices: compiled, or refused in
 * one line.
 *
 * The first byte chooses which, and is the seed of random texts.  A concise schema becomes a JSON
 * schema, whose texts are objects that satisfy it.  Of a list of choices each one is accepted, with
 * nothing before or behind it, and what is generated is one of them.
 */
#include "fuzz.h"

#include "../support/grammar_walk.h"
#include "../support/schema_check.h"
#include "constrain/gbnf/compile.h"
#include "constrain/brief/choices.h"
#include "constrain/brief/concise.h"
#include "constrain/json/schema.h"

#include <string.h>

enum { MAX_TEXT = 400 };

static lfm_status compile(grammar *g, automaton **a, const char *gbnf, lfm_error *err) {
    const lfm_status st = gbnf_compile(g, gbnf, strlen(gbnf), err);
    return st == LFM_OK ? automaton_new(a, g, err) : st;
}

static void try_concise(uint64_t seed, const char *source, size_t size) {
    char *schema = NULL;
    char *gbnf = NULL;
    char text[MAX_TEXT];
    size_t n = 0;
    grammar g = {0};
    automaton *a = NULL;
    json_doc doc = {0};
    lfm_error err = {0};
    lfm_status st = concise_to_schema(&schema, source, size, &err);
    if (st == LFM_OK) { /* names may be given twice: then it is the schema that is refused */
        st = schema_to_gbnf(&gbnf, NULL, schema, strlen(schema), &err);
        FUZZ_CHECK(st == LFM_OK || strstr(err.text, "already in the object"));
    }
    st = st == LFM_OK ? compile(&g, &a, gbnf, &err) : st;
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
    } else {
        FUZZ_CHECK(json_parse(&doc, schema, strlen(schema), &err) == LFM_OK);
        const walk_end end = grammar_walk(a, seed, text, sizeof text, &n);
        FUZZ_CHECK(end != WALK_STUCK);
        if (end == WALK_COMPLETE) {
            json_doc value = {0};
            FUZZ_CHECK(json_parse(&value, text, n, &err) == LFM_OK);
            FUZZ_CHECK(value.root->kind == JSON_OBJECT);
            FUZZ_CHECK(schema_check(doc.root, doc.root, value.root));
            json_doc_free(&value);
        }
    }
    json_doc_free(&doc);
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
    free(schema);
}

/* Take the next choice off the text, unescaped; false at the end. */
static bool next_choice(const char **p, const char *end, char *choice, size_t *n) {
    *n = 0;
    if (*p > end) {
        return false;
    }
    for (; *p < end && **p != ','; ++*p) {
        if (**p == '\\' && *p + 1 < end && ((*p)[1] == ',' || (*p)[1] == '\\')) {
            ++*p;
        }
        choice[(*n)++] = **p;
    }
    ++*p;
    return true;
}

static void check_choices(automaton *a, uint64_t seed, const char *source, size_t size) {
    char *choice = malloc(size + 2);
    char text[MAX_TEXT];
    size_t n = 0;
    size_t len = 0;
    bool found = false;
    const walk_end end = grammar_walk(a, seed, text, sizeof text, &n);
    FUZZ_CHECK(choice && end != WALK_STUCK);
    for (const char *p = source; next_choice(&p, source + size, choice, &len);) {
        FUZZ_CHECK(grammar_accepts(a, choice, len, NULL));
        found = found || (len == n && memcmp(choice, text, n) == 0);
    }
    FUZZ_CHECK(end != WALK_COMPLETE || found);
    free(choice);
}

static void try_choices(uint64_t seed, const char *source, size_t size) {
    char *gbnf = NULL;
    grammar g = {0};
    automaton *a = NULL;
    lfm_error err = {0};
    lfm_status st = choices_to_gbnf(&gbnf, source, size, &err);
    if (st == LFM_OK) {
        st = compile(&g, &a, gbnf, &err);
        FUZZ_CHECK(st == LFM_OK);
        check_choices(a, seed, source, size);
    } else {
        FUZZ_CHECK(st == LFM_ERR_ARG);
        FUZZ_CHECK_ERROR(err);
    }
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 0) {
        (data[0] & 1 ? try_choices : try_concise)(data[0], (const char *)data + 1, size - 1);
    }
    return 0;
}
