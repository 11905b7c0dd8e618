/*
 * vocab.c - vocabularies that cannot be (# 107 to 125).
 *
 * Tokens of the good model: 0 to 3 are control tokens, 4 to 259 the bytes 0 to 255, 260 to 264
 * words ("th", "the", " the", "in", "er"), made by merges 0 to 4 ("t h", "th e", ...).
 */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>

enum { N_VOCAB = 265, FIRST_WORD = 260 };

static const char tokens[] = "tokenizer.ggml.tokens";
static const char types[] = "tokenizer.ggml.token_type";
static const char merges[] = "tokenizer.ggml.merges";

/* ---- Keys ----------------------------------------------------------------------------------- */

static void drop_case(corpus *c, const char *name, const char *key, badness bad, const char *says) {
    tiny_file *f = good();
    tiny_drop(f, key);
    put_file(c, name, f, bad, says);
}

static void array_case(corpus *c, const char *name, const char *key, uint32_t element, uint64_t n,
                       const void *bytes, size_t n_bytes, const char *says) {
    tiny_file *f = good();
    tiny_put_array(f, key, element, n, bytes, n_bytes);
    put_file(c, name, f, BAD_VOCAB, says);
}

static void kinds(corpus *c) {
    static const struct {
        const char *name, *key, *value;
        const char *says;
    } cases[] = {
        {"v123-model-llama", "tokenizer.ggml.model", "llama", "tokenizer.ggml.model is 'llama'"},
        {"v123-model-empty", "tokenizer.ggml.model", "", "tokenizer.ggml.model is ''"},
        {"v123-model-none", "tokenizer.ggml.model", "none", "tokenizer.ggml.model is 'none'"},
        {"v123-model-escapes", "tokenizer.ggml.model", "\x1b]52;c;aGk=\x07", "only 'gpt2'"},
        {"v123-pre-unknown", "tokenizer.ggml.pre", "qwen2", "tokenizer.ggml.pre is 'qwen2'"},
        {"v123-pre-default", "tokenizer.ggml.pre", "default", "tokenizer.ggml.pre is 'default'"},
        {"v123-pre-empty", "tokenizer.ggml.pre", "", "tokenizer.ggml.pre is ''"},
        {"v107-tokens-string", tokens, "hello", "should be an array of str"},
        {"v115-types-string", types, "hello", "should be an array of i32"},
        {"v118-merges-string", merges, "t h", "should be an array of str"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny_file *f = good();
        tiny_put_str(f, cases[i].key, cases[i].value);
        put_file(c, cases[i].name, f, BAD_VOCAB, cases[i].says);
    }
    drop_case(c, "v107-no-tokens", tokens, BAD_VOCAB, "'tokenizer.ggml.tokens' is missing");
    drop_case(c, "v117-no-merges", merges, BAD_VOCAB, "'tokenizer.ggml.merges' is missing");
    drop_case(c, "v123-no-model", "tokenizer.ggml.model", BAD_VOCAB, "is missing");
    drop_case(c, "v123-no-pre", "tokenizer.ggml.pre", BAD_VOCAB, "is missing");
    drop_case(c, "v122-no-bos", "tokenizer.ggml.bos_token_id", BAD_VOCAB, "bos_token_id");
    drop_case(c, "v122-no-eos", "tokenizer.ggml.eos_token_id", GOOD, "");
    drop_case(c, "v122-no-padding", "tokenizer.ggml.padding_token_id", GOOD, "");
    drop_case(c, "v124-no-template", "tokenizer.chat_template", GOOD, "");
}

static void arrays(corpus *c) {
    static const uint8_t zeros[8 * N_VOCAB];
    static const char *const none[] = {""};
    const uint32_t n = N_VOCAB;
    array_case(c, "v107-tokens-empty", tokens, T_STRING, 0, TEXT(""), "");
    array_case(c, "v107-tokens-i32", tokens, T_I32, n, zeros, 4 * n, "should be an array of str");
    array_case(c, "v107-tokens-u8", tokens, T_U8, n, zeros, n, "should be an array of str");
    array_case(c, "v115-types-u8", types, T_U8, n, zeros, n, "should be an array of i32");
    array_case(c, "v115-types-u16", types, T_U16, n, zeros, 2 * n, "should be an array of i32");
    array_case(c, "v115-types-i64", types, T_I64, n, zeros, 8 * n, "should be an array of i32");
    array_case(c, "v115-types-f32", types, T_F32, n, zeros, 4 * n, "should be an array of i32");
    array_case(c, "v116-types-empty", types, T_I32, 0, TEXT(""), "has 0 elements for 265 tokens");
    array_case(c, "v116-types-short", types, T_I32, n - 1, zeros, 4 * n - 4, "has 264 elements");
    array_case(c, "v116-types-zero", types, T_I32, n, zeros, 4 * n, "has type 0");
    array_case(c, "v118-merges-empty", merges, T_STRING, 0, TEXT(""), "merges");
    array_case(c, "v118-merges-i32", merges, T_I32, 2, zeros, 8, "should be an array of str");
    tiny_file *f = good();
    tiny_put_strings(f, tokens, none, 0);
    tiny_put_array(f, types, T_I32, 0, "", 0);
    put_file(c, "v107-both-empty", f, BAD_VOCAB, "a vocabulary of 0 tokens");
    f = good();
    tiny_drop(f, types); /* all are normal */
    put_file(c, "v115-no-types", f, GOOD, "");
}

/* ---- Tokens --------------------------------------------------------------------------------- */

static void type_case(corpus *c, const char *name, size_t id, uint32_t type, badness bad,
                      const char *says) {
    tiny_file *f = good();
    memcpy(tiny_get(f, types)->value + 12 + 4 * id, &type, 4);
    put_file(c, name, f, bad, says);
}

static void token_case(corpus *c, const char *name, size_t id, const char *text, size_t len,
                       badness bad, const char *says) {
    tiny_file *f = good();
    tiny_edit_string(f, tokens, id, text, len);
    put_file(c, name, f, bad, says);
}

/* The last word is needed by no other merge: it can become anything, with its merge gone. */
static void word_case(corpus *c, const char *name, const char *text, size_t len, badness bad,
                      const char *says) {
    static const char *const others[] = {"t h", "th e", "\xc4\xa0 the", "i n"};
    tiny_file *f = good();
    tiny_edit_string(f, tokens, N_VOCAB - 1, text, len);
    tiny_put_strings(f, merges, others, 4);
    put_file(c, name, f, bad, says);
}

static void token_texts(corpus *c) {
    char *huge = malloc(70000);
    if (!huge) {
        exit(1);
    }
    memset(huge, 'e', 70000);
    type_case(c, "v116-type-99", 100, 99, BAD_VOCAB, "has type 99");
    type_case(c, "v116-type-0", 100, 0, BAD_VOCAB, "has type 0");
    type_case(c, "v116-type-7", 100, 7, BAD_VOCAB, "has type 7");
    type_case(c, "v116-type-negative", 100, UINT32_MAX, BAD_VOCAB, "has type");
    type_case(c, "v116-type-byte", 100, 6, BAD_VOCAB, "is not written <0xNN>");
    type_case(c, "v116-type-control", 100, 3, GOOD, "");
    type_case(c, "v116-type-unused", 100, 5, GOOD, "");
    word_case(c, "v109-twice", TEXT("th"), BAD_VOCAB, "are both 'th'");
    word_case(c, "v109-byte-twice", TEXT("a"), BAD_VOCAB, "are both 'a'");
    word_case(c, "v110-empty", TEXT(""), BAD_VOCAB, "is empty");
    word_case(c, "v111-not-utf8", TEXT("\xff\xfe"), BAD_VOCAB, "UTF-8");
    word_case(c, "v111-cut-character", TEXT("a\xc3"), BAD_VOCAB, "UTF-8");
    word_case(c, "v111-overlong", TEXT("\xc0\x80"), BAD_VOCAB, "UTF-8");
    word_case(c, "v111-surrogate", TEXT("\xed\xa0\x80"), BAD_VOCAB, "UTF-8");
    word_case(c, "v112-not-of-the-alphabet", TEXT("\xe6\xbc\xa2"), GOOD, "");
    word_case(c, "v112-space", TEXT("a b"), GOOD, "");
    word_case(c, "v112-nul", TEXT("a\0b"), GOOD, "");
    word_case(c, "v112-escape", TEXT("\x1b[2J"), GOOD, "");
    word_case(c, "v114-65536", huge, 65536, GOOD, "");
    word_case(c, "v114-65537", huge, 65537, BAD_VOCAB, "is 65537 bytes long");
    word_case(c, "v114-70000", huge, 70000, BAD_VOCAB, "is 70000 bytes long");
    word_case(c, "v113-bytes-of-zz", TEXT("<0xZZ>"), GOOD, "");
    token_case(c, "v113-no-byte", 4 + 0xff, TEXT("ee"), GOOD, ""); /* told when a text needs it */
    token_case(c, "v125-control-escapes", 2, TEXT("\x1b]0;x\x07"), GOOD, "");
    token_case(c, "v125-control-newline", 2, TEXT("<|im\nstart|>"), GOOD, "");
    token_case(c, "v125-control-empty", 2, TEXT(""), GOOD, "");
    token_case(c, "v125-control-twice", 2, TEXT("<|startoftext|>"), BAD_VOCAB, "");
    static const char *const byte_tokens[] = {"<0x-1>", "<0xZZ>", "<0x0>", "<0x100>", "<0x0a>", ""};
    char name[48];
    for (size_t i = 0; i < sizeof byte_tokens / sizeof *byte_tokens; i++) {
        const uint32_t byte = 6;
        tiny_file *f = good();
        tiny_edit_string(f, tokens, 100, byte_tokens[i], strlen(byte_tokens[i]));
        memcpy(tiny_get(f, types)->value + 12 + 4 * 100, &byte, 4);
        snprintf(name, sizeof name, "v113-byte-token-%zu", i);
        put_file(c, name, f, BAD_VOCAB, "");
    }
    free(huge);
}

/* Tokens against the rows of the embedding. */
static void counts(corpus *c) {
    static const char *const others[] = {"t h", "th e", "\xc4\xa0 the", "i n"};
    tiny_file *f = good();
    tiny_key *k = tiny_get(f, tokens);
    const uint64_t less = N_VOCAB - 1;
    memcpy(k->value + 4, &less, 8);
    k->n_bytes -= 8 + 2; /* "er" */
    k = tiny_get(f, types);
    memcpy(k->value + 4, &less, 8);
    k->n_bytes -= 4;
    tiny_put_strings(f, merges, others, 4);
    put_file(c, "v108-one-token-less", f, BAD_TENSORS, "has 264 tokens");
    f = good();
    tiny_drop_tensor(f, "token_embd.weight");
    tiny_add_tensor(f, "token_embd.weight", TINY_Q8_0, 32, N_VOCAB + 1, 1);
    tiny_layout(f);
    put_file(c, "v108-one-row-more", f, BAD_TENSORS, "has 266 rows");
    f = good();
    tiny_put_u32(f, "~vocab_size", 1); /* says nothing that is not known better */
    put_file(c, "v108-vocab_size-1", f, GOOD, "");
}

/* ---- Merges --------------------------------------------------------------------------------- */

static void merge_case(corpus *c, const char *name, const char *text, size_t len, badness bad,
                       const char *says) {
    tiny_file *f = good();
    tiny_edit_string(f, merges, 4, text, len);
    put_file(c, name, f, bad, says);
}

static void merge_texts(corpus *c) {
    char *huge = malloc(300000);
    if (!huge) {
        exit(1);
    }
    memset(huge, 'e', 300000);
    huge[150000] = ' ';
    merge_case(c, "v119-no-space", TEXT("er"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-empty", TEXT(""), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-only-space", TEXT(" "), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-leading-space", TEXT(" er"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-trailing-space", TEXT("er "), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-two-spaces", TEXT("e  r"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-three-parts", TEXT("e r s"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-newline", TEXT("e\nr"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-nul", TEXT("e\0r"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-not-utf8", TEXT("e \xff"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-cut-utf8", TEXT("e \xe5\x81"), BAD_VOCAB, "is not two parts");
    merge_case(c, "v119-escape", TEXT("e \x1b[2J"), BAD_VOCAB, "merge 4");
    merge_case(c, "v119-huge", huge, 300000, BAD_VOCAB, "merge 4");
    merge_case(c, "v120-left-unknown", TEXT("xyz r"), BAD_VOCAB, "merge 4");
    merge_case(c, "v120-right-unknown", TEXT("e xyz"), BAD_VOCAB, "merge 4");
    merge_case(c, "v120-result-unknown", TEXT("e e"), BAD_VOCAB, "merge 4");
    merge_case(c, "v121-twice", TEXT("t h"), GOOD, "");
    type_case(c, "v120-result-control", N_VOCAB - 1, 3, GOOD, ""); /* such a merge is never made */
    free(huge);
}

/* ---- Ids ------------------------------------------------------------------------------------ */

static void ids(corpus *c) {
    static const char *const keys[] = {"bos", "eos", "eot", "eom"};
    static const uint32_t values[] = {N_VOCAB, 1u << 31, UINT32_MAX};
    char key[64];
    char name[64];
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        snprintf(key, sizeof key, "tokenizer.ggml.%s_token_id", keys[i]);
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) {
            tiny_file *f = good();
            tiny_put_u32(f, key, values[j]);
            snprintf(name, sizeof name, "v122-%s-%zu", keys[i], j);
            put_file(c, name, f, BAD_VOCAB, key);
        }
        tiny_file *f = good();
        tiny_put(f, key, T_I32, "\xff\xff\xff\xff", 4);
        snprintf(name, sizeof name, "v122-%s-negative", keys[i]);
        put_file(c, name, f, BAD_VOCAB, "is -1");
        f = good();
        tiny_put_str(f, key, "0");
        snprintf(name, sizeof name, "v122-%s-string", keys[i]);
        put_file(c, name, f, BAD_VOCAB, "should be an integer");
    }
    tiny_file *f = good();
    tiny_put_u32(f, "tokenizer.ggml.add_bos_token", 1);
    put_file(c, "v122-add-bos-u32", f, BAD_VOCAB, "should be true or false");
    f = good();
    tiny_put_u32(f, "tokenizer.ggml.padding_token_id", UINT32_MAX); /* is not used */
    put_file(c, "v122-padding", f, GOOD, "");
}

/* ---- Templates: never run ------------------------------------------------------------------- */

static void template_case(corpus *c, const char *name, const char *text, size_t len) {
    tiny_file *f = good();
    tiny_put_strn(f, "tokenizer.chat_template", text, len);
    accepted(c, name, f);
}

static void templates(corpus *c) {
    static const char loop[] = "{% for a in range(999999999) %}{% for b in range(999999999) %}"
                               "{{ a }}{% endfor %}{% endfor %}";
    static const char code[] = "{{ ''.__class__.__mro__[1].__subclasses__()[40]('/etc/passwd') }}";
    enum { LONG = 20 << 20 };
    char *text = malloc(LONG);
    if (!text) {
        exit(1);
    }
    memset(text, '(', 100000);
    memcpy(text, "{{", 2);
    template_case(c, "v124-nested-100000", text, 100000);
    memset(text, 'x', LONG);
    template_case(c, "v124-of-20-MB", text, LONG);
    template_case(c, "v124-endless-loop", loop, sizeof loop - 1);
    template_case(c, "v124-runs-code", code, sizeof code - 1);
    template_case(c, "v124-empty", TEXT(""));
    template_case(c, "v124-escapes", TEXT("\x1b[2J\0\xff"));
    tiny_file *f = good();
    tiny_put_u32(f, "tokenizer.chat_template", 7);
    put_file(c, "v124-number", f, BAD_VOCAB, "should be text");
    f = good();
    tiny_put_array(f, "tokenizer.chat_template", T_U8, 3, "abc", 3);
    put_file(c, "v124-array", f, BAD_VOCAB, "should be text");
    free(text);
}

void make_vocab_cases(corpus *c) {
    kinds(c);
    arrays(c);
    token_texts(c);
    counts(c);
    merge_texts(c);
    ids(c);
    templates(c);
}
