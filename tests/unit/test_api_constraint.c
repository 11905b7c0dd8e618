/*
 * test_api_constraint.c - constrained answers: which tokens follow, against trying each of them.
 *
 * What a grammar allows is tested in test_constrain_*; here it is what lfm_constrain.c adds:
 * thoughts before the text, and the keys of an object, which may not come twice, with tokens that
 * hold the end of one key and the beginning of the next.
 */
#include "api/internal.h"

#include "../support/vocab.h"
#include "base/json.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_TEXT = 2000 };

static lfm_model whole; /* nothing but a vocabulary */
static const lfm_model *const model = &whole;
static size_t n_vocab;

/* All bytes, the markers of calls, and tokens across quotes, colons, commas and brackets (Ġ is a
 * blank): "a", ": ", a": 1, "a": 1, "b": 1 and a whole object with a key twice. */
static int make_model(void **state) {
    static const char *const merges[] = {
        "\" :", "\": \xc4\xa0", ", \xc4\xa0", ",\xc4\xa0 \"", "{ \"", "\" a", "\"a \"",
        "\"a \":\xc4\xa0", "\"a\":\xc4\xa0 1", "\"a\":\xc4\xa0""1 ,\xc4\xa0\"",
        "a \":\xc4\xa0", "\"a\":\xc4\xa0""1,\xc4\xa0\" a\":\xc4\xa0",
        "{ \"a\":\xc4\xa0""1,\xc4\xa0\"a\":\xc4\xa0", "} ,\xc4\xa0\"", "b \"",
        "1 ,\xc4\xa0\"", "1,\xc4\xa0\" a\":\xc4\xa0", "\\ \"", "> a", "> \xc4\x8a",
        "\xc4\x8a \xc4\x8a", "\xc4\x8a\xc4\x8a \xc4\x8a\xc4\x8a", "k >", "k> {",
        "\xc4\x8a {", ">\xc4\x8a {",
    };
    static const vocab_token extra[] = {
        {"<s>", 3}, {"<|im_end|>", 3}, {"<|tool_call_start|>", 3}, {"<|tool_call_end|>", 3},
        {"<think>", 4}, {"</think>", 4},
    };
    static const char *const ids[] = {"eos", "1"};
    static const vocab_spec spec = {
        .extra = extra, .n_extra = sizeof extra / sizeof *extra, .ids = ids, .n_ids = 1,
        .merges = merges, .n_merges = sizeof merges / sizeof *merges,
    };
    static gguf_file file;
    size_t n = 0;
    lfm_error err = {0};
    uint8_t *bytes = vocab_file(&spec, &n);
    (void)state;
    if (gguf_parse(&file, bytes, n, "vocab", &err) != LFM_OK ||
        tok_load(&whole.tok, &file, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    gguf_close(&file);
    free(bytes);
    n_vocab = tok_n_vocab(whole.tok);
    return 0;
}

static int drop_model(void **state) {
    (void)state;
    tok_free(whole.tok);
    return 0;
}

static lfm_constraint *begin_with(int flags, lfm_grammar **g, lfm_constraint_kind kind,
                                  const char *text) {
    lfm_constraint *c = NULL;
    lfm_error err = {0};
    if (lfm_grammar_new(g, kind, text, strlen(text), &err) != LFM_OK ||
        lfm_constraint_new(&c, model, *g, flags, &err) != LFM_OK) {
        fail_msg("%s: %s", text, err.text);
    }
    return c;
}

static lfm_constraint *begin(lfm_grammar **g, lfm_constraint_kind kind, const char *text) {
    return begin_with(0, g, kind, text);
}

static void end(lfm_constraint *c, lfm_grammar *g) {
    lfm_constraint_free(c);
    lfm_grammar_free(g);
}

static bool accepts(lfm_constraint *c, const char *text) {
    return lfm_constraint_accept_text(c, text, strlen(text), NULL) == LFM_OK;
}

static int32_t find_token(const char *text) {
    for (size_t i = 0; i < n_vocab; i++) {
        size_t n = 0;
        const char *bytes = tok_bytes(whole.tok, (int32_t)i, &n);
        if (n == strlen(text) && memcmp(bytes, text, n) == 0) {
            return (int32_t)i;
        }
    }
    fail_msg("no token is '%s'", text);
    return -1;
}

/* Does the mask leave the token?  Accepting it, in a clone, must agree. */
static bool follows(lfm_constraint *c, int32_t token) {
    float *logits = calloc(n_vocab, sizeof *logits);
    lfm_constraint *clone = NULL;
    lfm_error err = {0};
    assert_non_null(logits);
    assert_int_equal(lfm_constraint_mask(c, logits, &err), LFM_OK);
    const bool left = logits[token] == 0.0f;
    assert_true(left || logits[token] == -INFINITY);
    assert_int_equal(lfm_constraint_clone(&clone, c, NULL), LFM_OK);
    assert_int_equal(lfm_constraint_accept(clone, token, &err) == LFM_OK, left);
    assert_true(left || (err.status == LFM_ERR_ARG && strstr(err.text, "cannot follow")));
    lfm_constraint_free(clone);
    free(logits);
    return left;
}

/* The same in the text that the grammar rules, where the bytes of the token must agree too. */
static bool allowed(lfm_constraint *c, int32_t token) {
    const bool left = follows(c, token);
    lfm_constraint *clone = NULL;
    size_t n = 0;
    const char *text = tok_bytes(whole.tok, token, &n);
    if (!tok_is_control(whole.tok, token) && token != find_token("<think>") &&
        token != find_token("</think>")) {
        assert_int_equal(lfm_constraint_clone(&clone, c, NULL), LFM_OK);
        assert_int_equal(lfm_constraint_accept_text(clone, text, n, NULL) == LFM_OK, left);
        lfm_constraint_free(clone);
    }
    return left;
}

/* ---- Keys ----------------------------------------------------------------------------------- */

#define ANY_KEYS "{\"type\":\"object\",\"additionalProperties\":{}}"
#define MORE_KEYS                                                                                  \
    "{\"properties\":{\"a\":{},\"ab\":{}},\"required\":[\"a\"],\"additionalProperties\":{}}"

/* After a text, which tokens may follow? */
static void test_tokens(void **state) {
    static const struct {
        const char *schema, *before, *token;
        bool follows;
    } cases[] = {
        {ANY_KEYS, "{", "\"a\"", true},
        {ANY_KEYS, "{\"a\": 1, ", "\"a\"", false},
        {ANY_KEYS, "{\"a\": 1, ", "\"a", true},
        {ANY_KEYS, "{\"a\": 1, \"", "a\": ", false},
        {ANY_KEYS, "{\"a\": 1, \"b", "a\": ", true},
        {ANY_KEYS, "{\"a\": 1, \"a", "\":", false},
        {ANY_KEYS, "{\"a\": 1, \"a", "\": ", false},
        {ANY_KEYS, "{\"a\": 1, \"a", "\"", false},
        {ANY_KEYS, "{\"a\": 1, \"a", "b\"", true},
        {ANY_KEYS, "{\"a\": 1, \"a", "\\\"", true},
        {ANY_KEYS, "{\"ab\": 1, \"a", "b\"", false},
        {ANY_KEYS, "{\"\": 1, \"", "\"", false},
        {ANY_KEYS, "{\"a\": 1", ", \"", true},
        {ANY_KEYS, "{\"a\": ", "1, \"", true},
        {ANY_KEYS, "{\"a\": ", "1, \"a\": ", false},
        {ANY_KEYS, "{\"b\": ", "1, \"a\": ", true},
        {ANY_KEYS, "{", "\"a\": 1, \"a\": ", false}, /* the token itself repeats a key */
        {ANY_KEYS, "{\"c\": ", "{\"a\": 1, \"a\": ", false},
        {ANY_KEYS, "{\"a\": {\"b\": 1", "}, \"", true},
        {ANY_KEYS, "{\"a\": ", "\"a\"", true}, /* a value */
        {ANY_KEYS, "{\"a\": [", "\"a\"", true},
        {ANY_KEYS, "{\"a\": {", "\"a\"", true}, /* a key of another object */
        {ANY_KEYS, "{\"a\": {\"a\": 1}, ", "\"a\"", false},
        {ANY_KEYS, "{\"a\": {\"b\": 1}, ", "\"a\"", false},
        {ANY_KEYS, "{\"b\": {\"a\": 1}, ", "\"a\"", true},
        {ANY_KEYS, "{\"b\": [{\"a\": 1}, {", "\"a\"", true},
        {ANY_KEYS, "{\"b\": \"{\\\"a\\\": 1, \", ", "\"a\"", true},
        {MORE_KEYS, "{", "\"a\"", true},
        {MORE_KEYS, "{\"a\": 1, ", "\"a\"", false}, /* the grammar knows it */
        {MORE_KEYS, "{\"a\": 1, \"a", "b\"", true},
        {MORE_KEYS, "{\"a\": 1, \"b\": 1, \"a", "b\"", false}, /* declared ones come first */
        {MORE_KEYS, "{\"a\": 1, \"b\": 1, \"", "b\"", false},
        {MORE_KEYS, "{\"a\": 1, \"bb\": 1, \"", "b\"", true},
        {MORE_KEYS, "{\"a\": {\"b\": 1}, \"", "b\"", true},
        {"{}", "[{\"a\": 1, ", "\"a\"", false},
        {"{}", "[{\"a\": 1}, {", "\"a\"", true},
        {"{\"properties\":{\"x\":{}}}", "{\"x\": {\"a\": 1, ", "\"a\"", false},
        {"{\"items\":{\"properties\":{\"x\":{}},\"additionalProperties\":{}}}",
         "[{\"x\": 1, \"a\": 1, ", "\"a\"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lfm_grammar *g = NULL;
        lfm_constraint *c = begin(&g, LFM_CONSTRAINT_JSON_SCHEMA, cases[i].schema);
        if (!accepts(c, cases[i].before) ||
            allowed(c, find_token(cases[i].token)) != cases[i].follows) {
            fail_msg("%s: %s may %sbe followed by %s", cases[i].schema, cases[i].before,
                     cases[i].follows ? "not " : "", cases[i].token);
        }
        end(c, g);
    }
}

/* A key has one spelling, so that "a" cannot come back as "\u0061". */
static void test_spelling(void **state) {
    lfm_grammar *g = NULL;
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_JSON_SCHEMA, ANY_KEYS);
    (void)state;
    assert_true(accepts(c, "{\"a\": 1, \"\\n\": 1, \"\\u0001\": 1, \"/\": 1, \"\\u0002\": 1, \""));
    assert_false(accepts(c, "\\u0061"));
    assert_false(accepts(c, "\\u000a"));
    assert_false(accepts(c, "\\/"));
    assert_false(accepts(c, "\\u0001\""));
    assert_false(accepts(c, "\\n\""));
    assert_false(accepts(c, "/\""));
    assert_true(accepts(c, "\\u0003\""));
    end(c, g);
}

/* A refused text leaves everything as it was, keys too; errors name the byte. */
static void test_given_text(void **state) {
    static const char twice[] = "\"c\": {\"a\": 1}, \"b\": 2, \"a\": 3}";
    lfm_grammar *g = NULL;
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_JSON_SCHEMA, ANY_KEYS);
    lfm_error err = {0};
    (void)state;
    assert_true(accepts(c, "{\"a\": {\"x\": 1}, "));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(lfm_constraint_accept_text(c, twice, sizeof twice - 1, &err), LFM_ERR_ARG);
        assert_string_equal(err.text, "byte 26, '\": 3}', cannot follow");
    }
    assert_true(accepts(c, "\"c\": 1, \"b\": 2, \"x\": "));
    assert_false(accepts(c, "4, \"c\""));
    lfm_constraint_reset(c);
    assert_true(accepts(c, "{\"c\": 1, \"a\": 2}"));
    assert_true(lfm_constraint_is_final(c));
    end(c, g);
}

static void test_clones(void **state) {
    lfm_grammar *g = NULL;
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_JSON_SCHEMA, ANY_KEYS);
    lfm_constraint *clone = NULL;
    (void)state;
    assert_true(accepts(c, "{\"a\": 1, \""));
    assert_int_equal(lfm_constraint_clone(&clone, c, NULL), LFM_OK);
    assert_true(accepts(c, "b\": 2, "));
    assert_true(accepts(clone, "c\": 2, "));
    assert_false(accepts(c, "\"b\""));
    assert_true(accepts(c, "\"c\""));
    assert_false(accepts(clone, "\"a\""));
    lfm_constraint_free(c);
    assert_false(accepts(clone, "\"c\""));
    assert_true(accepts(clone, "\"b\""));
    end(clone, g);
}

/* Forced text is accepted token by token, and its keys count. */
static void test_forced(void **state) {
    static const char schema[] =
        "{\"properties\":{\"o\":{\"properties\":{\"abcdef\":{\"const\":7}},"
        "\"required\":[\"abcdef\"],\"additionalProperties\":{}}},\"required\":[\"o\"]}";
    lfm_grammar *g = NULL;
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_JSON_SCHEMA, schema);
    int32_t *tokens = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(lfm_constraint_forced(c, &tokens, &n, NULL), LFM_OK);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(lfm_constraint_accept(c, tokens[i], NULL), LFM_OK);
    }
    lfm_free(tokens);
    assert_true(accepts(c, ", \"abcde\": 1, \"f\": {"));
    assert_false(accepts(c, "}, \"abcdef\""));
    assert_false(accepts(c, "}, \"abcde\""));
    assert_true(accepts(c, "\"abcdef\": 7, \"abcde\": 2}, \"abcd\": 1}}"));
    assert_true(lfm_constraint_is_final(c));
    end(c, g);
}

static void test_calls(void **state) {
    static const char tools[] =
        "[{\"name\":\"f\","
        "\"parameters\":{\"properties\":{\"x\":" ANY_KEYS ",\"y\":" ANY_KEYS "}}}]";
    lfm_grammar *g = NULL;
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_TOOLS, tools);
    (void)state;
    assert_int_equal(lfm_constraint_accept(c, find_token("<|tool_call_start|>"), NULL), LFM_OK);
    assert_true(accepts(c, "[f(x={\"a\": 1, "));
    assert_false(allowed(c, find_token("\"a\"")));
    assert_true(accepts(c, "\"b\": {}}, y={"));
    assert_true(allowed(c, find_token("\"a\"")));
    assert_true(accepts(c, "\"a\": 1}), f(x={"));
    assert_true(accepts(c, "\"a\": 1, "));
    assert_false(allowed(c, find_token("\"a\"")));
    end(c, g);
    for (int one = 0; one < 2; one++) { /* several calls, or one */
        c = begin(&g, one ? LFM_CONSTRAINT_TOOL : LFM_CONSTRAINT_TOOLS, tools);
        assert_int_equal(lfm_constraint_accept(c, find_token("<|tool_call_start|>"), NULL), LFM_OK);
        assert_true(accepts(c, "[f()"));
        assert_int_equal(accepts(c, ", f()"), !one);
        assert_true(accepts(c, "]"));
        assert_int_equal(lfm_constraint_accept(c, find_token("<|tool_call_end|>"), NULL), LFM_OK);
        assert_true(lfm_constraint_is_final(c));
        end(c, g);
    }
}

/* A grammar in GBNF is the user's: its text need not be JSON. */
static void test_other_grammars(void **state) {
    lfm_grammar *g = NULL;
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_GBNF, "root ::= \"{\" ([\"a:1, ])* \"}\"");
    (void)state;
    assert_true(accepts(c, "{\"a\": 1, "));
    assert_true(allowed(c, find_token("\"a\"")));
    end(c, g);
}

/* Marks are for grammars of schemas; and what they ask for may be impossible. */
static void test_marks(void **state) {
    static const char gbnf[] = "root ::= \"[\" @ \"1\"* \"]\"";
    static const char schema[] =
        "{\"uniqueItems\":true,\"items\":{\"type\":\"boolean\"},\"minItems\":3}";
    lfm_grammar *g = NULL;
    lfm_error err = {0};
    (void)state;
    assert_int_equal(lfm_grammar_new(&g, LFM_CONSTRAINT_GBNF, gbnf, strlen(gbnf), &err),
                     LFM_ERR_ARG);
    assert_string_equal(err.text, "the grammar has an '@', which GBNF does not know");
    assert_int_equal(
        lfm_grammar_new(&g, LFM_CONSTRAINT_JSON_SCHEMA, schema, strlen(schema), &err),
        LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "no text satisfies the schema: uniqueItems asks for more"));
}

/* ---- Thoughts ------------------------------------------------------------------------------- */

typedef struct {
    const char *tokens[8]; /* accepted one after the other */
    const char *follow;    /* then these may follow, and the others not; between blanks */
    bool begun;
} thought;

/* Tokens whose turn depends on the place; the others of the vocabulary are not asked. */
static const char *const asked[] = {
    "<think>", "</think>", "<|im_end|>", "{", "x", ">", ">a", ">\n", "\n", "\n\n", "\n\n\n\n",
    "k>{", "\n{", ">\n{",
};

static const char *shown(const char *token, char out[16]) {
    size_t n = 0;
    for (; *token; token++) {
        out[n++] = *token == '\n' ? '$' : *token;
    }
    out[n] = '\0';
    return out;
}

static void test_thoughts(void **state) {
    static const char anything[] = "</think> { x > >a >$ $ $$ $$$$ k>{ ${ >${";
    static const thought cases[] = {
        {{NULL}, "<think> {", false},
        {{"<think>"}, anything, false},
        {{"<think>", "<think>"}, "", false}, /* cannot follow */
        {{"<think>", "x", "{", "\n"}, anything, false},
        {{"<think>", "</think>"}, "{ $ $$ $$$$", false},
        {{"<think>", "</think>", "\n\n"}, "{ $ $$ $$$$", false},
        {{"<think>", "</think>", "\n\n\n\n", "\n"}, "{ $ $$", false},
        {{"<think>", "</think>", "\n\n\n\n", "\n\n"}, "{ $ $$", false},
        {{"<think>", "</think>", "\n\n\n\n", "\n\n", "\n"}, "{ $", false},
        {{"<think>", "</think>", "\n\n\n\n", "\n\n\n\n"}, "{", false},
        {{"<think>", "</think>", "{"}, NULL, true},
        {{"{"}, NULL, true},
        /* The tag in letters: what would begin the text with it is refused. */
        {{"<think>", "</thin"}, "</think> { x > >a >$ $ $$ $$$$ ${ >${", false},
        {{"<think>", "</thin", "k"}, "</think> { x > >$ $ $$ $$$$ k>{ ${", false},
        {{"<think>", "<</thin", "k"}, "</think> { x > >$ $ $$ $$$$ k>{ ${", false},
        {{"<think>", "</thin", "k", "x"}, anything, false},
        {{"<think>", "</thin", "k", ">"}, "{ $ $$ $$$$", false},
        {{"<think>", "</thin", "k", ">\n"}, "{ $ $$ $$$$", false},
        {{"<think>", "</thin", "k", ">\n", "\n\n\n\n"}, "{ $ $$", false},
        {{"<think>", "</thin", "k", ">\n", "\n\n\n\n", "\n\n"}, "{ $", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lfm_grammar *g = NULL;
        lfm_constraint *c = begin_with(LFM_CONSTRAINT_THOUGHTS, &g, LFM_CONSTRAINT_JSON_SCHEMA,
                                       ANY_KEYS);
        lfm_status st = LFM_OK;
        for (size_t k = 0; k < 8 && cases[i].tokens[k]; k++) {
            const char *token = cases[i].tokens[k];
            if (token[0] != '<' || strchr(token, '>')) {
                st = lfm_constraint_accept(c, find_token(token), NULL);
                continue;
            }
            for (; *token; token++) { /* letter by letter */
                st = lfm_constraint_accept(c, find_token((char[]){*token, '\0'}), NULL);
            }
        }
        if (cases[i].follow && cases[i].follow[0] == '\0') {
            assert_int_equal(st, LFM_ERR_ARG);
        } else {
            assert_int_equal(st, LFM_OK);
        }
        assert_int_equal(lfm_constraint_has_begun(c), cases[i].begun);
        assert_false(lfm_constraint_is_complete(c));
        const size_t n_asked = cases[i].follow && cases[i].follow[0] ? sizeof asked / sizeof *asked
                                                                     : 0;
        for (size_t k = 0; k < n_asked; k++) {
            char word[20];
            char name[16];
            char all[120];
            snprintf(word, sizeof word, " %s ", shown(asked[k], name));
            snprintf(all, sizeof all, " %s ", cases[i].follow);
            if (follows(c, find_token(asked[k])) != (strstr(all, word) != NULL)) {
                fail_msg("case %zu: %s", i, name);
            }
        }
        end(c, g);
    }
}

/* Thoughts in a text that is given; what is forced, and when an answer is complete. */
static void test_thoughts_in_text(void **state) {
    static const struct {
        const char *text;
        bool good, begun, complete, final;
    } cases[] = {
        {"", true, false, false, false},
        {"<think>", true, false, false, false},
        {" \n<think>{}</think", true, false, false, false},
        {"<think></thin</think>", true, false, false, false},
        {"<think><<</think></think>\n\n\n\n\n\n\n\n\n\n", false, false, false, false},
        {"<think></think>\n\n\n\n\n\n\n\n\n\n", true, false, false, false},
        {"<think></think>\n\nye", true, true, false, false},
        {"<think></think>yes", true, true, true, false},
        {"<think></think>yes!", true, true, true, true},
        {"yes", true, true, true, false},
        {"y<think>", false, false, false, false},
        {"<thin", false, false, false, false},
        {"\n", false, false, false, false},
        {"<think></think>\ny\n", false, false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lfm_grammar *g = NULL;
        int32_t *forced = NULL;
        size_t n = 0;
        lfm_constraint *c = begin_with(LFM_CONSTRAINT_THOUGHTS, &g, LFM_CONSTRAINT_GBNF,
                                       "root ::= \"yes\" \"!\"?");
        if (accepts(c, cases[i].text) != cases[i].good ||
            lfm_constraint_has_begun(c) != cases[i].begun ||
            lfm_constraint_is_complete(c) != cases[i].complete ||
            lfm_constraint_is_final(c) != cases[i].final) {
            fail_msg("%s", cases[i].text);
        }
        assert_int_equal(lfm_constraint_forced(c, &forced, &n, NULL), LFM_OK);
        assert_int_equal(n > 0, cases[i].begun && !cases[i].complete);
        lfm_free(forced);
        end(c, g);
    }
}

/* After the end of an answer there is nothing, until it is reset. */
static void test_end(void **state) {
    lfm_grammar *g = NULL;
    float *logits = calloc(n_vocab, sizeof *logits);
    int32_t *forced = NULL;
    size_t n = 0;
    lfm_error err = {0};
    lfm_constraint *c = begin(&g, LFM_CONSTRAINT_GBNF, "root ::= \"a\"*");
    (void)state;
    assert_true(lfm_constraint_has_begun(c)); /* there are no thoughts */
    assert_false(follows(c, find_token("<think>")));
    assert_true(accepts(c, "aa"));
    assert_true(lfm_constraint_is_complete(c) && !lfm_constraint_is_final(c));
    assert_true(follows(c, find_token("<|im_end|>")) && !follows(c, find_token("<s>")));
    assert_int_equal(lfm_constraint_accept(c, find_token("<|im_end|>"), NULL), LFM_OK);
    assert_true(lfm_constraint_is_complete(c) && lfm_constraint_is_final(c));
    assert_int_equal(lfm_constraint_mask(c, logits, &err), LFM_ERR_ARG);
    assert_string_equal(err.text, "the answer has ended: no token can follow");
    assert_int_equal(lfm_constraint_accept(c, find_token("a"), &err), LFM_ERR_ARG);
    assert_int_equal(lfm_constraint_forced(c, &forced, &n, NULL), LFM_OK);
    assert_true(n == 0 && !accepts(c, "a"));
    lfm_constraint_reset(c);
    assert_true(follows(c, find_token("a")) && !lfm_constraint_is_final(c));
    assert_int_equal(lfm_constraint_accept(c, -1, &err), LFM_ERR_ARG);
    assert_string_equal(err.text, "there is no token -1");
    assert_int_equal(lfm_constraint_accept(c, (int32_t)n_vocab, &err), LFM_ERR_ARG);
    free(logits);
    end(c, g);
}

/* ---- Answers -------------------------------------------------------------------------------- */

/* The token that a model with these wishes samples; it loves keys that were written before. */
static int32_t sample(lfm_constraint *c, uint64_t seed, uint64_t step, bool closing) {
    float *logits = calloc(n_vocab, sizeof *logits);
    int32_t best = -1;
    assert_non_null(logits);
    for (size_t i = 0; i < n_vocab; i++) {
        size_t n = 0;
        const char *text = tok_bytes(whole.tok, (int32_t)i, &n);
        const float unit = (float)rng_unit(rng_at(seed, step * n_vocab + i));
        const bool liked = n > 1 || (n == 1 && strchr(closing ? "\"}]" : "ab\"{1,", text[0]));
        logits[i] = unit + (liked ? 0.97f : 0.0f);
    }
    assert_int_equal(lfm_constraint_mask(c, logits, NULL), LFM_OK);
    for (size_t i = 0; i < n_vocab; i++) {
        if (logits[i] > -INFINITY && (best < 0 || logits[i] > logits[best])) {
            best = (int32_t)i;
        }
    }
    free(logits);
    assert_true(best >= 0);
    return best;
}

/* Do the elements of a list of strings and numbers differ? */
static bool all_differ(const json_value *list) {
    for (const json_value *x = list->first; x; x = x->next) {
        for (const json_value *y = x->next; y; y = y->next) {
            if (x->kind == y->kind && x->len == y->len && memcmp(x->text, y->text, x->len) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* Every token is allowed exactly if its text can follow; complete answers are JSON that strict
 * readers take. */
static void test_random_answers(void **state) {
    static const char *const schemas[] = {
        ANY_KEYS, MORE_KEYS, "{\"type\":[\"object\",\"array\"]}",
        "{\"uniqueItems\":true,\"minItems\":3,\"items\":{\"anyOf\":[{\"enum\":[\"a\",\"ab\",1]},"
        "{\"type\":\"integer\",\"minimum\":0,\"maximum\":12},{\"type\":\"string\"}]}}",
    };
    enum { N_ANSWERS = 80, MAX_STEPS = 120 };
    size_t n_complete = 0;
    size_t n_keys = 0;
    (void)state;
    for (uint64_t seed = 0; seed < N_ANSWERS; seed++) {
        lfm_grammar *g = NULL;
        lfm_constraint *c = begin(&g, LFM_CONSTRAINT_JSON_SCHEMA, schemas[seed % 4]);
        char text[MAX_TEXT];
        size_t len = 0;
        for (uint64_t step = 0; step < MAX_STEPS && !lfm_constraint_is_final(c); step++) {
            size_t n = 0;
            const int32_t token = sample(c, seed, step, step > MAX_STEPS / 2);
            const int32_t other = (int32_t)(rng_at(seed, step) % n_vocab);
            const char *bytes = tok_bytes(whole.tok, token, &n);
            allowed(c, other);
            assert_int_equal(lfm_constraint_accept(c, token, NULL), LFM_OK);
            assert_true(len + n < sizeof text);
            memcpy(text + len, bytes, n);
            len += n;
        }
        if (lfm_constraint_is_final(c)) {
            json_doc doc = {0};
            lfm_error err = {0};
            if (json_parse(&doc, text, len, &err) != LFM_OK) {
                fail_msg("%.*s: %s", (int)len, text, err.text);
            }
            assert_true(seed % 4 != 3 || all_differ(doc.root));
            n_keys += doc.root->n;
            n_complete++;
            json_doc_free(&doc);
        }
        end(c, g);
    }
    print_message("%zu complete answers with %zu keys\n", n_complete, n_keys);
    assert_true(n_complete > N_ANSWERS / 2 && n_keys > n_complete);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),       cmocka_unit_test(test_spelling),
        cmocka_unit_test(test_given_text),   cmocka_unit_test(test_clones),
        cmocka_unit_test(test_forced),       cmocka_unit_test(test_calls),
        cmocka_unit_test(test_thoughts),     cmocka_unit_test(test_thoughts_in_text),
        cmocka_unit_test(test_end),          cmocka_unit_test(test_other_grammars),
        cmocka_unit_test(test_marks),        cmocka_unit_test(test_random_answers),
    };
    return cmocka_run_group_tests(tests, make_model, drop_model);
}
