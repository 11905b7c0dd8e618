/*
 * test_token_tokenizer.c - loading vocabularies, text -> ids, ids -> bytes.
 *
 * Small vocabularies are made in memory.  With ../shared/golden/tokenizer (or $LFM_SHARED/golden)
 * there, ids are compared with llama.cpp's for 1,915 texts, two vocabularies, with and without
 * special tokens.
 */
#include "token/tokenizer.h"

#include "../support/hurry.h"
#include "../support/vocab.h"
#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SLOW_BUILD 1
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SLOW_BUILD 1
#endif
#endif

/* ---- The small vocabulary ------------------------------------------------------------------- */

enum {
    PAD, BOS, ENDOFTEXT, IM_START, IM_END, THINK, END_THINK, WORLD, XAB, ABCD, UNKNOWN, UNUSED,
    NOT_CODED, EMPTY, BYTES /* the first byte token */
};

static const vocab_token small_extra[] = {
    {"<|pad|>", TOK_CONTROL},       {"<|startoftext|>", TOK_CONTROL},
    {"<|endoftext|>", TOK_CONTROL}, {"<|im_start|>", TOK_CONTROL},
    {"<|im_end|>", TOK_NORMAL}, /* is taken for a control token all the same */
    {"<think>", TOK_USER_DEFINED},  {"</think>", TOK_USER_DEFINED},
    {"world", TOK_NORMAL}, /* no merges lead to it */
    {"[xab", TOK_USER_DEFINED},     {"ab][cd", TOK_USER_DEFINED},
    {"<unk>", TOK_UNKNOWN},         {"spare", TOK_UNUSED},
    {"two words", TOK_NORMAL}, /* a space is not in the alphabet */
    {"", TOK_UNUSED},
};

/* In GPT-2's alphabet; \u0120 is the space. */
static const char *const small_merges[] = {
    "l l", "h e", "\u0120 h", "he ll", "hell o", "\u0120 hello", "a a", "aa aa", "aaaa aaaa",
    "\u0120 \u0120", "\u0120\u0120 \u0120\u0120", "\u00f0 \u0141", "\u010a \u010a", "1 2", "12 3",
    "< <",
};

static const char *const small_ids[] = {"bos", "1", "eos", "4", "padding", "0"};

static const vocab_spec small = {
    .extra = small_extra,   .n_extra = COUNT(small_extra),
    .merges = small_merges, .n_merges = COUNT(small_merges),
    .ids = small_ids,       .n_ids = COUNT(small_ids) / 2,
};

typedef struct {
    uint8_t *bytes;
    gguf_file file;
    tokenizer *tok;
} vocab;

static lfm_status open_vocab(vocab *v, const vocab_spec *spec, lfm_error *err) {
    size_t size = 0;
    memset(v, 0, sizeof *v);
    v->bytes = vocab_file(spec, &size);
    const lfm_status st = gguf_parse(&v->file, v->bytes, size, "test.gguf", err);
    assert_int_equal(st, LFM_OK);
    v->tok = (tokenizer *)v; /* what was there does not matter */
    const lfm_status loaded = tok_load(&v->tok, &v->file, err);
    assert_true(loaded == LFM_OK ? v->tok != (tokenizer *)v : v->tok == NULL);
    return loaded;
}

static void close_vocab(vocab *v) {
    tok_free(v->tok);
    gguf_close(&v->file);
    free(v->bytes);
}

static void open_small(vocab *v) {
    lfm_error err = {0};
    if (open_vocab(v, &small, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
}

/* The id of a token by its bytes; it must exist. */
static int32_t id_of(const tokenizer *t, const char *text, size_t len) {
    const int32_t id = tok_find(t, text, len);
    if (id < 0) {
        fail_msg("no token '%.*s'", (int)len, text);
    }
    return id;
}

/* Compare ids with a list of tokens, written with | between them ("" = no tokens). */
static void expect_tokens(const tokenizer *t, const char *text, size_t n, bool special,
                          const char *want) {
    tok_list got = {0};
    lfm_error err = {0};
    assert_int_equal(tok_encode(t, text, n, special, &got, &err), LFM_OK);
    size_t k = 0;
    for (const char *p = want; *p;) {
        const size_t len = strcspn(p, "|");
        const int32_t id = id_of(t, p, len);
        if (k >= got.n || got.ids[k] != id) {
            fail_msg("'%s' (special %d): token %zu is %d, not %d ('%.*s')", text, special, k,
                     k < got.n ? (int)got.ids[k] : -1, (int)id, (int)len, p);
        }
        k++;
        p += len + (p[len] == '|');
    }
    assert_int_equal(got.n, k);
    tok_list_free(&got);
}

static void test_texts(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *want;
    } cases[] = {
        {"", ""},
        {"hello", "hello"},
        {"hello hello", "hello| hello"},
        {"hellhe", "hell|he"},
        {"hhello", "h|hello"},
        {"world", "world"},        /* whole */
        {"worldw", "w|o|r|l|d|w"}, /* not whole: there are no merges */
        {"aaaaaaa", "aaaa|aa|a"},
        {"aaaaaaaaa", "aaaaaaaa|a"},
        {"123123", "123|123"},
        {"1231", "123|1"}, /* numbers are cut after three */
        {"12 31", "12| |3|1"},
        {"\n\n\n", "\n\n|\n"},
        {"     hello", "    | hello"},
        {"a<think>a", "a|<think>|a"},
        {"</think><think>", "</think>|<think>"},
        {"<think", "<|t|h|i|n|k"},
        {"[xab][cd", "[|x|ab][cd"}, /* the longer name first, though it starts later */
        {"[xab]", "[xab|]"},
        {"spare", "spare"},
        {"two words", "t|w|o| |w|o|r|d|s"},
        {"no way!", "n|o| |w|a|y|!"},
    };
    vocab v;
    open_small(&v);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const size_t n = strlen(cases[i].text);
        expect_tokens(v.tok, cases[i].text, n, false, cases[i].want);
        expect_tokens(v.tok, cases[i].text, n, true, cases[i].want);
    }
    close_vocab(&v);
}

static void expect_ids(const tokenizer *t, const char *text, bool special, const int32_t *want,
                       size_t n_want) {
    tok_list got = {0};
    assert_int_equal(tok_encode(t, text, strlen(text), special, &got, NULL), LFM_OK);
    assert_int_equal(got.n, n_want);
    assert_memory_equal(got.ids, want, n_want * sizeof *want);
    tok_list_free(&got);
}

static void test_control_tokens_need_permission(void **state) {
    (void)state;
    vocab v;
    open_small(&v);
    const int32_t special[] = {IM_START, BYTES + 'a', IM_END, UNKNOWN, THINK};
    expect_ids(v.tok, "<|im_start|>a<|im_end|><unk><think>", true, special, COUNT(special));
    const int32_t plain[] = {BYTES + '<', BYTES + '|', BYTES + 'p', BYTES + 'a', BYTES + 'd',
                             BYTES + '|', BYTES + '>'};
    expect_ids(v.tok, "<|pad|>", false, plain, COUNT(plain));
    const int32_t pad[] = {PAD, PAD};
    expect_ids(v.tok, "<|pad|><|pad|>", true, pad, COUNT(pad));
    close_vocab(&v);
}

static void test_a_control_token_is_never_a_whole_piece(void **state) {
    (void)state;
    static const vocab_token extra[] = {{"stop", TOK_CONTROL}, {"st", TOK_NORMAL}};
    static const char *const merges[] = {"s t", "o p", "st op"};
    const vocab_spec spec = {.extra = extra, .n_extra = 2, .merges = merges, .n_merges = 3};
    vocab v;
    lfm_error err = {0};
    assert_int_equal(open_vocab(&v, &spec, &err), LFM_OK);
    expect_tokens(v.tok, "stop", 4, false, "st|op");
    expect_tokens(v.tok, "stop", 4, true, "stop");
    close_vocab(&v);
}

static void test_encode_appends(void **state) {
    (void)state;
    vocab v;
    open_small(&v);
    tok_list list = {0};
    assert_int_equal(tok_push(&list, BOS, NULL), LFM_OK);
    assert_int_equal(tok_encode(v.tok, "hello", 5, false, &list, NULL), LFM_OK);
    assert_int_equal(tok_encode(v.tok, NULL, 0, true, &list, NULL), LFM_OK);
    assert_int_equal(tok_encode(v.tok, "<think>", 7, false, &list, NULL), LFM_OK);
    assert_int_equal(list.n, 3);
    assert_int_equal(list.ids[0], BOS);
    assert_int_equal(list.ids[1], id_of(v.tok, "hello", 5));
    assert_int_equal(list.ids[2], THINK);
    tok_list_free(&list);
    assert_true(list.ids == NULL && list.n == 0 && list.cap == 0);
    close_vocab(&v);
}

/* ---- Questions ------------------------------------------------------------------------------ */

static void test_bytes_of_tokens(void **state) {
    (void)state;
    vocab v;
    open_small(&v);
    static const struct {
        int32_t id;
        const char *bytes;
    } cases[] = {
        {IM_START, "<|im_start|>"}, {THINK, "<think>"}, {NOT_CODED, "two words"}, {EMPTY, ""},
        {UNUSED, "spare"}, {BYTES + ' ', " "}, {BYTES + 0xff, "\xff"}, {BYTES + '\n', "\n"},
        {-1, ""}, {INT32_MAX, ""}, {INT32_MIN, ""}, {100000, ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t len = 99;
        const char *bytes = tok_bytes(v.tok, cases[i].id, &len);
        assert_int_equal(len, strlen(cases[i].bytes));
        assert_memory_equal(bytes, cases[i].bytes, len);
    }
    for (int b = 0; b < 256; b++) {
        size_t len = 0;
        const char *bytes = tok_bytes(v.tok, BYTES + b, &len);
        assert_int_equal(len, 1);
        assert_int_equal((uint8_t)bytes[0], b);
        assert_int_equal(tok_find(v.tok, bytes, 1), BYTES + b);
    }
    size_t len = 0;
    assert_string_equal(tok_bytes(v.tok, -1, &len), "");
    assert_string_equal(tok_bytes(v.tok, (int32_t)tok_n_vocab(v.tok), &len), "");
    assert_int_equal(len, 0);
    close_vocab(&v);
}

static void test_kinds_of_tokens(void **state) {
    (void)state;
    vocab v;
    open_small(&v);
    assert_int_equal(tok_n_vocab(v.tok), BYTES + 256 + 16);
    assert_int_equal(tok_bos(v.tok), BOS);
    assert_true(tok_is_end(v.tok, IM_END));
    assert_true(tok_adds_bos(v.tok));
    static const int32_t control[] = {PAD, BOS, ENDOFTEXT, IM_START, IM_END, UNKNOWN};
    for (size_t i = 0; i < COUNT(control); i++) {
        assert_true(tok_is_control(v.tok, control[i]));
    }
    static const int32_t plain[] = {THINK, WORLD, UNUSED, EMPTY, BYTES, -1, INT32_MAX};
    for (size_t i = 0; i < COUNT(plain); i++) {
        assert_false(tok_is_control(v.tok, plain[i]));
        assert_false(tok_is_end(v.tok, plain[i]));
    }
    assert_true(tok_is_end(v.tok, IM_END));
    assert_true(tok_is_end(v.tok, ENDOFTEXT));
    assert_false(tok_is_end(v.tok, IM_START));
    assert_int_equal(tok_find(v.tok, "<|im_end|>", 10), IM_END);
    assert_int_equal(tok_find(v.tok, "<think>", 7), THINK);
    assert_int_equal(tok_find(v.tok, " hello", 6), id_of(v.tok, " hello", 6));
    assert_int_equal(tok_find(v.tok, "<|im_en", 7), -1);
    assert_int_equal(tok_find(v.tok, "nothing", 7), -1);
    assert_int_equal(tok_find(v.tok, "", 0), -1);
    close_vocab(&v);
}

static void test_ids_and_defaults(void **state) {
    (void)state;
    static const char *const bos[] = {"bos", "3"};
    static const char *const bos_0[] = {"bos", "0"};
    static const char *const ends[] = {"eos", "10", "eot", "11", "eom", "12"};
    static const struct {
        vocab_spec spec;
        int32_t bos, eos;
        bool adds_bos;
    } cases[] = {
        {{0}, -1, -1, false},
        {{.add_bos = 1}, -1, -1, false},
        {{.ids = bos, .n_ids = 1}, 3, -1, true},
        {{.ids = bos, .n_ids = 1, .pre = "llama-bpe"}, 3, -1, true},
        {{.ids = bos, .n_ids = 1, .add_bos = 1}, 3, -1, false},
        {{.ids = bos, .n_ids = 1, .add_bos = 2}, 3, -1, true},
        {{.ids = bos_0, .n_ids = 1}, 0, -1, true},
        {{.ids = ends, .n_ids = 3}, -1, 10, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        vocab v;
        lfm_error err = {0};
        assert_int_equal(open_vocab(&v, &cases[i].spec, &err), LFM_OK);
        assert_int_equal(tok_bos(v.tok), cases[i].bos);
        assert_int_equal(tok_is_end(v.tok, cases[i].eos), cases[i].eos >= 0);
        assert_int_equal(tok_adds_bos(v.tok), cases[i].adds_bos);
        for (int32_t id = -1; id < 20; id++) {
            assert_int_equal(tok_is_end(v.tok, id), cases[i].eos == 10 && id >= 10 && id <= 12);
        }
        close_vocab(&v);
    }
}

/* ---- Odd files ------------------------------------------------------------------------------ */

static void test_refused(void **state) {
    (void)state;
    static const vocab_token twice[] = {{"ab", 1}, {"ab", 1}};
    static const vocab_token control_twice[] = {{"a b", 3}, {"a b", 3}};
    static const vocab_token like_a_byte[] = {{"a", 3}};
    static const vocab_token type_0[] = {{"ab", 0}};
    static const vocab_token type_7[] = {{"a\nb", 7}};
    static const vocab_token no_byte[] = {{"<0x1>", 6}};
    static const vocab_token bad_hex[] = {{"<0x-1>", 6}};
    static const vocab_token empty[] = {{"", 1}};
    static const vocab_token not_utf8[] = {{"<\xff>", 3}};
    static const char *const crooked[] = {"broken", "a  b", "no way!", "a b", "ab x y"};
    static const char *const bos[] = {"bos", "257"};
    static const char *const eos[] = {"eos", "4294967295"};
    static const char *const eot[] = {"eot", "2147483648"};
    static const struct {
        vocab_spec spec;
        lfm_status status;
        const char *text; /* must be in the message */
    } cases[] = {
        {{.model = "llama"}, LFM_ERR_UNSUPPORTED, "tokenizer.ggml.model is 'llama'"},
        {{.pre = "qwen2"}, LFM_ERR_UNSUPPORTED, "tokenizer.ggml.pre is 'qwen2'"},
        {{.pre = "lfm"}, LFM_ERR_UNSUPPORTED, "'lfm'"},
        {{.model = ""}, LFM_ERR_FORMAT, "tokenizer.ggml.model"},
        {{.pre = ""}, LFM_ERR_FORMAT, "tokenizer.ggml.pre"},
        {{.no_merges = true}, LFM_ERR_FORMAT, "tokenizer.ggml.merges"},
        {{.empty_merges = true}, LFM_ERR_FORMAT, "0 merges"},
        {{.merges = &crooked[0], .n_merges = 1}, LFM_ERR_FORMAT, "merge 0, 'broken'"},
        {{.merges = &crooked[1], .n_merges = 1}, LFM_ERR_FORMAT, "merge 0, 'a  b', is not two"},
        {{.merges = &crooked[2], .n_merges = 1}, LFM_ERR_FORMAT, "merge 0, 'no way!', has a part"},
        {{.merges = &crooked[3], .n_merges = 2}, LFM_ERR_FORMAT, "merge 1, 'ab x y', is not two"},
        {{.extra = empty, .n_extra = 1}, LFM_ERR_FORMAT, "token 0 '' is empty"},
        {{.extra = not_utf8, .n_extra = 1}, LFM_ERR_FORMAT, "is not UTF-8 text"},
        {{.tokens_kind = 1}, LFM_ERR_FORMAT, "tokenizer.ggml.tokens"},
        {{.types_kind = 1}, LFM_ERR_FORMAT, "tokenizer.ggml.token_type"},
        {{.types_kind = 7}, LFM_ERR_FORMAT, "tokenizer.ggml.token_type"},
        {{.more_types = -1}, LFM_ERR_FORMAT, "256 elements for 257 tokens"},
        {{.more_types = 1}, LFM_ERR_FORMAT, "258 elements for 257 tokens"},
        {{.extra = twice, .n_extra = 2}, LFM_ERR_FORMAT, "tokens 0 and 1 are both 'ab'"},
        {{.extra = control_twice, .n_extra = 2}, LFM_ERR_FORMAT, "tokens 0 and 1 are both 'a b'"},
        {{.extra = like_a_byte, .n_extra = 1}, LFM_ERR_FORMAT, "tokens 0 and 98 are both 'a'"},
        {{.extra = type_0, .n_extra = 1}, LFM_ERR_FORMAT, "token 0 'ab' has type 0"},
        {{.extra = type_7, .n_extra = 1}, LFM_ERR_FORMAT, "token 0 'a\\x0ab' has type 7"},
        {{.extra = no_byte, .n_extra = 1}, LFM_ERR_FORMAT, "not written <0xNN>"},
        {{.extra = bad_hex, .n_extra = 1}, LFM_ERR_FORMAT, "not written <0xNN>"},
        {{.long_token = 64 * 1024 + 1}, LFM_ERR_FORMAT, "token 257 is 65537 bytes long"},
        {{.ids = bos, .n_ids = 1}, LFM_ERR_FORMAT, "tokenizer.ggml.bos_token_id"},
        {{.ids = eos, .n_ids = 1}, LFM_ERR_FORMAT, "tokenizer.ggml.eos_token_id"},
        {{.ids = eot, .n_ids = 1}, LFM_ERR_FORMAT, "tokenizer.ggml.eot_token_id"},
        {{.add_bos = 2}, LFM_ERR_FORMAT, "tokenizer.ggml.bos_token_id"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        vocab v;
        lfm_error err = {0};
        const lfm_status st = open_vocab(&v, &cases[i].spec, &err);
        if (st != cases[i].status || !strstr(err.text, cases[i].text) ||
            !strstr(err.text, "test.gguf")) {
            fail_msg("case %zu: status %d, '%s', expected '%s'", i, (int)st, err.text,
                     cases[i].text);
        }
        assert_null(v.tok);
        close_vocab(&v);
    }
}

/* So many tokens that their places in the table collide; some are the beginning of others. */
static void test_many_tokens(void **state) {
    (void)state;
    enum { N = 3000 };
    static char names[N][8];
    static vocab_token tokens[N];
    vocab v;
    lfm_error err = {0};
    char other[12];
    for (int i = 0; i < N; i++) {
        snprintf(names[i], sizeof names[i], "w%d", 2 * i);
        tokens[i] = (vocab_token){names[i], TOK_NORMAL};
    }
    assert_int_equal(open_vocab(&v, &(vocab_spec){.extra = tokens, .n_extra = N}, &err), LFM_OK);
    for (int i = 0; i < N; i++) {
        assert_int_equal(tok_find(v.tok, names[i], strlen(names[i])), i);
        snprintf(other, sizeof other, "w%d", 2 * i + 1);
        assert_int_equal(tok_find(v.tok, other, strlen(other)), -1);
        snprintf(other, sizeof other, "w%dx", 2 * i);
        assert_int_equal(tok_find(v.tok, other, strlen(other)), -1);
    }
    close_vocab(&v);
}

/* Of long names, the first 60 bytes are shown. */
static void test_messages_are_short(void **state) {
    (void)state;
    static char name[101];
    memset(name, 'n', 100);
    for (size_t len = 59; len <= 61; len++) {
        vocab v;
        lfm_error err = {0};
        char said[100];
        name[len] = '\0';
        const vocab_token odd = {name, 7};
        assert_int_equal(open_vocab(&v, &(vocab_spec){.extra = &odd, .n_extra = 1}, &err),
                         LFM_ERR_FORMAT);
        snprintf(said, sizeof said, "token 0 '%.60s' has type 7 (1 to 6 exist)", name);
        assert_non_null(strstr(err.text, said));
        name[len] = 'n';
        close_vocab(&v);
    }
}

/* The first and the last character of the alphabet, and those beside them. */
static void test_ends_of_the_alphabet(void **state) {
    (void)state;
    static const struct {
        const char *name;
        bool in; /* then it stands for bytes, and two of them are no byte alone */
    } cases[] = {
        {"!!", true}, {" !", false}, {"~~", true}, {"\x7f!", false}, {"\xc2\xa1!", true},
        {"\xc2\xa0!", false}, {"\xc2\xac!", true}, {"\xc2\xad!", false}, {"\xc2\xae!", true},
        {"\xc3\xbf!", true}, {"\xc4\x80!", true}, {"\xc5\x83!", true}, {"\xc5\x84!", false},
        {"\xc5\xbf!", false}, {"\xdf\xbf!", false}, {"\xe0\xa0\x80!", false},
        {"\xf0\x9f\x98\x80", false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        vocab v;
        lfm_error err = {0};
        size_t len = 0;
        const vocab_token token = {cases[i].name, TOK_NORMAL};
        const vocab_spec spec = {.extra = &token, .n_extra = 1};
        assert_int_equal(open_vocab(&v, &spec, &err), LFM_OK);
        const char *bytes = tok_bytes(v.tok, 0, &len);
        assert_int_equal(tok_find(v.tok, bytes, len), cases[i].in ? 0 : -1);
        if (cases[i].in) {
            assert_int_equal(len, 2);
            assert_int_equal(bytes[1], cases[i].name[strlen(cases[i].name) - 1]);
        } else {
            assert_int_equal(len, strlen(cases[i].name));
            assert_memory_equal(bytes, cases[i].name, len);
        }
        close_vocab(&v);
    }
}

/* Two names end an answer without a key that says so. */
static void test_names_that_end(void **state) {
    (void)state;
    static const vocab_token names[] = {{"<|im_end|>", TOK_CONTROL}, {"<|endoftext|>", TOK_CONTROL},
                                        {"<|im_start|>", TOK_CONTROL}};
    vocab v;
    lfm_error err = {0};
    assert_int_equal(open_vocab(&v, &(vocab_spec){.extra = names, .n_extra = 3}, &err), LFM_OK);
    assert_true(tok_is_end(v.tok, 0));
    assert_true(tok_is_end(v.tok, 1));
    assert_false(tok_is_end(v.tok, 2));
    close_vocab(&v);
}

/* Token 0 is a token like others: as the result of a merge, and as a part. */
static void test_token_0(void **state) {
    (void)state;
    static const vocab_token both[] = {{"ab", TOK_NORMAL}};
    static const vocab_token part[] = {{"a", TOK_NORMAL}};
    static const char *const merges[] = {"a b"};
    const vocab_spec specs[] = {
        {.extra = both, .n_extra = 1, .merges = merges, .n_merges = 1},
        {.extra = part, .n_extra = 1, .merges = merges, .n_merges = 1, .drop_byte = 'a' + 1},
    };
    for (size_t i = 0; i < COUNT(specs); i++) {
        vocab v;
        lfm_error err = {0};
        assert_int_equal(open_vocab(&v, &specs[i], &err), LFM_OK);
        expect_tokens(v.tok, "cabc", 4, true, "c|ab|c");
        expect_tokens(v.tok, "ca", 2, true, "c|a");
        close_vocab(&v);
    }
}

/* Names of special tokens are never in the alphabet, whatever they look like. */
static void test_names_are_not_coded(void **state) {
    (void)state;
    static const uint32_t types[] = {TOK_CONTROL, TOK_UNKNOWN, TOK_USER_DEFINED};
    for (size_t i = 0; i < COUNT(types); i++) {
        vocab v;
        lfm_error err = {0};
        size_t len = 0;
        const vocab_token token = {"\xc4\xa0x", types[i]}; /* would be " x" */
        const vocab_spec spec = {.extra = &token, .n_extra = 1};
        assert_int_equal(open_vocab(&v, &spec, &err), LFM_OK);
        const char *bytes = tok_bytes(v.tok, 0, &len);
        assert_int_equal(len, 3);
        assert_memory_equal(bytes, "\xc4\xa0x", 3);
        assert_int_equal(tok_find(v.tok, " x", 2), -1);
        close_vocab(&v);
    }
}

static void test_a_text_that_is_too_long(void **state) {
    (void)state;
    vocab v;
    tok_list list = {0};
    lfm_error err = {0};
    open_small(&v);
    assert_int_equal(tok_encode(v.tok, "x", UINT32_MAX, true, &list, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "a text of 4294967295 bytes is too long"));
    assert_int_equal(list.n, 0);
    close_vocab(&v);
}

static void test_odd_but_fine(void **state) {
    (void)state;
    static const vocab_token bytes[] = {{"<0x61>", 6}, {"<0x62>", 6}, {"<0x00>", 6}, {"<0xFF>", 6}};
    static const vocab_token control[] = {{"<>", 3}};
    static const char *const to_control[] = {"< >"};
    static const vocab_spec specs[] = {
        {.no_types = true},
        {.types_kind = 4},
        {.long_token = 64 * 1024},
        {.extra = bytes, .n_extra = 4},
        {.extra = control, .n_extra = 1, .merges = to_control, .n_merges = 1}, /* is left out */
    };
    for (size_t i = 0; i < COUNT(specs); i++) {
        vocab v;
        lfm_error err = {0};
        assert_int_equal(open_vocab(&v, &specs[i], &err), LFM_OK);
        expect_tokens(v.tok, "ba", 2, true, "b|a");
        close_vocab(&v);
    }
}

static void test_missing_byte_matters_only_when_needed(void **state) {
    (void)state;
    static const vocab_token byte_token[] = {{"<0x7A>", 6}};
    vocab_spec spec = {.drop_byte = 'z' + 1};
    vocab v;
    lfm_error err = {0};
    assert_int_equal(open_vocab(&v, &spec, &err), LFM_OK);
    tok_list list = {0};
    assert_int_equal(tok_encode(v.tok, "y", 1, false, &list, &err), LFM_OK);
    assert_int_equal(tok_encode(v.tok, "a yzy", 5, false, &list, &err), LFM_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.text, "0x7a"));
    assert_int_equal(list.n, 1); /* as it was before */
    close_vocab(&v);

    spec.extra = byte_token;
    spec.n_extra = 1;
    err = (lfm_error){0};
    assert_int_equal(open_vocab(&v, &spec, &err), LFM_OK);
    list.n = 0;
    assert_int_equal(tok_encode(v.tok, "z", 1, false, &list, &err), LFM_OK);
    assert_int_equal(list.n, 1);
    assert_int_equal(list.ids[0], 0);
    tok_list_free(&list);
    close_vocab(&v);
}

/* ---- Everything decodes back to itself ------------------------------------------------------ */

static void expect_round_trip(const tokenizer *t, const char *text, size_t n, bool special) {
    tok_list list = {0};
    lfm_error err = {0};
    if (tok_encode(t, text, n, special, &list, &err) != LFM_OK) {
        fail_msg("%s", err.text);
    }
    size_t at = 0;
    for (size_t i = 0; i < list.n; i++) {
        size_t len = 0;
        const char *bytes = tok_bytes(t, list.ids[i], &len);
        assert_true(len <= n - at && memcmp(text + at, bytes, len) == 0);
        at += len;
        assert_true(special || !tok_is_control(t, list.ids[i]));
    }
    assert_int_equal(at, n);
    tok_list_free(&list);
}

/* A random text: raw bytes, or scraps that mean something to the tokenizer. */
static size_t random_text(uint64_t seed, char *out, size_t cap) {
    static const char *const scraps[] = {
        "<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|", "|>", "<", "[xab", "ab][cd",
        "hello", " hello", "world", " ", "  ", "\n", "\r\n", "\t", "'s", "'LL", "123", "\u00e9",
        "\u65e5\u672c", "\U0001f600", "\xf0\x9f", "\xff", "\xc0\x80", "\xed\xa0\x80", "\u00a0",
        "\u0663", "\u0301", "!?",
    };
    const bool raw = seed % 3 == 0;
    const size_t want = rng_at(seed, 0) % (cap / 2);
    size_t n = 0;
    for (uint64_t k = 1; n < want; k++) {
        const uint64_t r = rng_at(seed, k);
        if (raw) {
            out[n++] = (char)(r >> 20);
        } else {
            const char *s = scraps[r % COUNT(scraps)];
            memcpy(out + n, s, strlen(s));
            n += strlen(s);
        }
    }
    return n;
}

static void round_trips(const tokenizer *t, uint64_t n_texts) {
    char text[400];
    for (uint64_t seed = 1; seed <= n_texts; seed++) {
        const size_t n = random_text(seed, text, sizeof text);
        expect_round_trip(t, text, n, false);
        expect_round_trip(t, text, n, true);
    }
    for (int b = 0; b < 256; b++) { /* NUL included */
        const char c = (char)b;
        expect_round_trip(t, &c, 1, true);
    }
}

static void test_round_trip(void **state) {
    (void)state;
    vocab v;
    open_small(&v);
    round_trips(v.tok, 3000);
    close_vocab(&v);
}

/* ---- Time ----------------------------------------------------------------------------------- */

#define MEGABYTE (1u << 20)

/* A megabyte of `unit` (a quarter of it in `make test`) again and again must be done in a time that
 * leaves room for slow machines and sanitizers, but none for anything quadratic: that would take
 * minutes. */
static void expect_fast(const tokenizer *t, const char *unit) {
#ifdef SLOW_BUILD
    const double limit_s = 30.0;
#else
    const double limit_s = 3.0;
#endif
    const size_t len = strlen(unit);
    const size_t want = test_all() ? MEGABYTE : MEGABYTE / 4;
    char *text = malloc(want + len);
    assert_non_null(text);
    size_t n = 0;
    for (; n < want; n += len) {
        memcpy(text + n, unit, len);
    }
    for (int special = 0; special < 2; special++) {
        tok_list list = {0};
        const clock_t start = clock();
        assert_int_equal(tok_encode(t, text, n, special, &list, NULL), LFM_OK);
        const double s = (double)(clock() - start) / CLOCKS_PER_SEC;
        if (getenv("LFM_TEST_TIMES")) {
            printf("%8.3f s %8zu tokens of '%s'\n", s, list.n, unit);
        }
        if (s > limit_s) {
            fail_msg("%zu bytes of '%s' took %.2f s", n, unit, s);
        }
        tok_list_free(&list);
    }
    free(text);
}

static const char *const megabytes[] = {
    "a", " ", "\n", "7", "<", "'", "\U0001f600", "\u65e5", "\xff", " a", "ab", " \n", "\t", "hello",
    "<|im_start|>", "<|im_star", "<|", "<think", "<think>", "[xab][cd", "[x",
    "The quick brown fox jumps over the lazy dog, twice. ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
};

static void test_a_megabyte_of_anything(void **state) {
    (void)state;
    vocab v;
    open_small(&v);
    for (size_t i = 0; i < COUNT(megabytes); i++) {
        expect_fast(v.tok, megabytes[i]);
    }
    close_vocab(&v);
}

/* ---- What llama.cpp answered ---------------------------------------------------------------- */

static FILE *golden(const char *name, const char *how) {
    const char *shared = getenv("LFM_SHARED");
    char path[600];
    snprintf(path, sizeof path, "%s/golden/tokenizer/%s", shared ? shared : "../shared", name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        return NULL;
    }
    if (!how) {
        return f;
    }
    fclose(f);
    char command[700];
    snprintf(command, sizeof command, "%s '%s'", how, path);
    return popen(command, "r");
}

/* The rest of a stream, with a NUL behind it. */
static char *slurp(FILE *f, size_t *size) {
    size_t cap = 1 << 16;
    char *bytes = malloc(cap);
    *size = 0;
    for (size_t got = 1; got > 0 && bytes; *size += got) {
        if (cap - *size < 2) {
            cap *= 2;
            bytes = realloc(bytes, cap);
        }
        got = bytes ? fread(bytes + *size, 1, cap - *size - 1, f) : 0;
    }
    assert_non_null(bytes);
    bytes[*size] = '\0';
    return bytes;
}

static char *golden_text(const char *name, size_t *size) {
    FILE *f = golden(name, NULL);
    assert_non_null(f);
    char *text = slurp(f, size);
    fclose(f);
    return text;
}

static void compare_with_golden(const tokenizer *t, const char *name, bool special) {
    char ids_name[64];
    size_t n_cases = 0;
    size_t n_ids = 0;
    snprintf(ids_name, sizeof ids_name, "%s.special%d.ids", name, special);
    char *cases = golden_text("cases.bin", &n_cases);
    char *ids = golden_text(ids_name, &n_ids);
    char *want = ids;
    int count = 0;
    for (const char *text = cases; text < cases + n_cases; text += strlen(text) + 1, count++) {
        tok_list got = {0};
        assert_int_equal(tok_encode(t, text, strlen(text), special, &got, NULL), LFM_OK);
        for (size_t i = 0; i < got.n; i++) {
            char *end = want;
            const long id = *want == '\n' ? -1 : strtol(want, &end, 10);
            if (id != got.ids[i]) {
                fail_msg("%s: case %d '%s': token %zu is %d, not %ld", ids_name, count, text, i,
                         (int)got.ids[i], id);
            }
            want = end + (*end == ' ' || *end == ',');
        }
        if (*want != '\n') {
            fail_msg("%s: case %d '%s': %zu tokens are not enough", ids_name, count, text, got.n);
        }
        want++;
        tok_list_free(&got);
    }
    assert_int_equal(count, 1915);
    assert_ptr_equal(want, ids + n_ids);
    free(cases);
    free(ids);
}

static void golden_vocab(const char *name, size_t n_megabytes) {
    char file[64];
    snprintf(file, sizeof file, "%s.gguf.gz", name);
    FILE *f = golden(file, "gzip -dc");
    if (!f) {
        print_message("skip: ../shared/golden/tokenizer is not here\n");
        skip();
    }
    vocab v = {0};
    size_t size = 0;
    lfm_error err = {0};
    v.bytes = (uint8_t *)slurp(f, &size);
    assert_int_equal(pclose(f), 0);
    assert_int_equal(gguf_parse(&v.file, v.bytes, size, file, &err), LFM_OK);
    const clock_t start = clock();
    assert_int_equal(tok_load(&v.tok, &v.file, &err), LFM_OK);
    if (getenv("LFM_TEST_TIMES")) {
        printf("%8.3f s to load %s\n", (double)(clock() - start) / CLOCKS_PER_SEC, name);
    }
    compare_with_golden(v.tok, name, false);
    compare_with_golden(v.tok, name, true);
    round_trips(v.tok, 1000);
    for (size_t i = 0; i < n_megabytes; i++) {
        expect_fast(v.tok, megabytes[i]);
    }
    close_vocab(&v);
}

static void test_golden_65(void **state) {
    (void)state;
    golden_vocab("vocab65", 0);
}

static void test_golden_128(void **state) {
    (void)state;
    golden_vocab("vocab128", COUNT(megabytes));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_control_tokens_need_permission),
        cmocka_unit_test(test_a_control_token_is_never_a_whole_piece),
        cmocka_unit_test(test_encode_appends),
        cmocka_unit_test(test_bytes_of_tokens),
        cmocka_unit_test(test_kinds_of_tokens),
        cmocka_unit_test(test_ids_and_defaults),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many_tokens),
        cmocka_unit_test(test_messages_are_short),
        cmocka_unit_test(test_ends_of_the_alphabet),
        cmocka_unit_test(test_names_that_end),
        cmocka_unit_test(test_token_0),
        cmocka_unit_test(test_names_are_not_coded),
        cmocka_unit_test(test_a_text_that_is_too_long),
        cmocka_unit_test(test_odd_but_fine),
        cmocka_unit_test(test_missing_byte_matters_only_when_needed),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_a_megabyte_of_anything),
        cmocka_unit_test(test_golden_65),
        cmocka_unit_test(test_golden_128),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
