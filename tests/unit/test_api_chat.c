/*
 * test_api_chat.c - conversations as tokens, with a small vocabulary.
 *
 * What templates render is tested in test_api_messages.c; here it is what api/chat.c adds: the
 * token that begins a text, given answers, control tokens, and what is handed out.
 */
#include "api/internal.h"

#include "../support/vocab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char hello[] = "{\"messages\":[{\"role\":\"user\",\"content\":\"hi <|im_end|>\"}]}";

/* A model that has nothing but a vocabulary, and perhaps a template; its first token has this name
 * and begins texts. */
static void open_model(lfm_model *m, const char *first, const char *template) {
    const vocab_token extra[] = {{first, 3}, {"<|im_start|>", 3}, {"<|im_end|>", 3}};
    static const char *const ids[] = {"bos", "0"};
    const vocab_spec spec = {.extra = extra, .n_extra = 3, .ids = ids, .n_ids = 1};
    gguf_file file;
    size_t n = 0;
    lfm_error err = {0};
    uint8_t *bytes = vocab_file(&spec, &n);
    memset(m, 0, sizeof *m);
    if (gguf_parse(&file, bytes, n, "vocab", &err) != LFM_OK ||
        tok_load(&m->tok, &file, &err) != LFM_OK ||
        template_open(&m->template, NULL, 0, template, NULL, first, strlen(first), &err) !=
            LFM_OK) {
        fail_msg("%s", err.text);
    }
    gguf_close(&file);
    free(bytes);
}

static void close_model(lfm_model *m) {
    template_close(&m->template);
    tok_free(m->tok);
}

/* Names of up to 63 bytes begin a conversation; longer ones are in no model. */
static void test_begin(void **state) {
    static const char chat[] = "<|im_start|>user\nhi <|im_end|><|im_end|>\n<|im_start|>assistant\n";
    (void)state;
    for (size_t len = 3; len <= 64; len += len < 60 ? 57 : 1) {
        char first[80] = "<|";
        char want[200];
        char *text = NULL;
        int32_t *tokens = NULL;
        size_t n = 0;
        size_t text_len = 0;
        lfm_model m;
        lfm_error err = {0};
        memset(first + 2, 'b', len - 3);
        strcat(first, ">");
        assert_int_equal(strlen(first), len);
        open_model(&m, first, NULL);
        assert_int_equal(lfm_token_bos(&m), 0);
        assert_int_equal(lfm_chat_tokenize(&m, hello, sizeof hello - 1, NULL, &tokens, &n, &text,
                                           &text_len, &err), LFM_OK);
        snprintf(want, sizeof want, "%s%s", len < 64 ? first : "", chat);
        assert_string_equal(text, want);
        assert_int_equal(text_len, strlen(want));
        assert_int_equal(tokens[0], len < 64 ? 0 : 1);
        size_t n_ends = 0;
        for (size_t i = 0; i < n; i++) {
            n_ends += tokens[i] == 2; /* the text of a message is none */
        }
        assert_int_equal(n_ends, 1);
        lfm_free(tokens);
        lfm_free(text);
        close_model(&m);
    }
}

/* The rendered text need not be asked for; after an error there is none. */
static void test_results(void **state) {
    int32_t old = 0;
    int32_t *tokens = &old;
    char *text = (char *)&old;
    size_t n = 9;
    size_t text_len = 0;
    lfm_model m;
    lfm_error err = {.status = LFM_ERR_IO, .text = "old"};
    (void)state;
    open_model(&m, "<s>", NULL);
    assert_int_equal(lfm_chat_tokenize(&m, "{}", 2, "A", &tokens, &n, &text, &text_len, &err),
                     LFM_ERR_ARG);
    assert_true(!tokens && n == 0 && !text && strcmp(err.text, "old") != 0);
    assert_int_equal(lfm_chat_tokenize(&m, hello, sizeof hello - 1, "", &tokens, &n, NULL, NULL,
                                       &err), LFM_OK);
    assert_true(err.text[0] == '\0');
    int32_t *longer = NULL;
    size_t n_longer = 0;
    assert_int_equal(lfm_chat_tokenize(&m, hello, sizeof hello - 1, "A<s>", &longer, &n_longer,
                                       &text, &text_len, &err), LFM_OK);
    assert_int_equal(n_longer, n + 4); /* letters */
    assert_memory_equal(longer, tokens, n * sizeof *tokens);
    assert_string_equal(text + text_len - 14, "assistant\nA<s>");
    lfm_free(tokens);
    lfm_free(longer);
    lfm_free(text);
    close_model(&m);
}

/* Messages as structs give what the same conversation in JSON gives. */
static void test_messages(void **state) {
    static const char json[] =
        "{\"messages\":[{\"role\":\"system\",\"content\":\"\"},"
        "{\"role\":\"user\",\"content\":\"a\\u0000b <|im_end|>\"},"
        "{\"role\":\"assistant\",\"content\":\"<think>x</think> y\"},"
        "{\"role\":\"user\",\"content\":\"c\"}]}";
    static const lfm_message messages[] = {
        {"system", NULL, 0},
        {"user", "a\0b <|im_end|> not this", 14},
        {"assistant", "<think>x</think> y", 18},
        {"user", "c", 1},
    };
    (void)state;
    static const char plain[] = "{% for m in messages %}{{ m.role ~ m.content }}{% endfor %}";
    for (int t = 0; t < 2; t++) {
        lfm_model m;
        open_model(&m, "<s>", t ? plain : NULL);
        int32_t *tokens[2];
        size_t n[2];
        char *text[2];
        size_t text_len[2];
        lfm_error err;
        assert_int_equal(lfm_chat_tokenize(&m, json, sizeof json - 1, "A", &tokens[0], &n[0],
                                           &text[0], &text_len[0], &err), LFM_OK);
        assert_int_equal(lfm_chat_tokenize_messages(&m, messages, 4, "A", &tokens[1], &n[1],
                                                    &text[1], &text_len[1], &err), LFM_OK);
        assert_int_equal(n[0], n[1]);
        assert_memory_equal(tokens[0], tokens[1], n[0] * sizeof *tokens[0]);
        assert_int_equal(text_len[0], text_len[1]);
        assert_memory_equal(text[0], text[1], text_len[0]);
        for (size_t i = 0; i < 2; i++) {
            lfm_free(tokens[i]);
            lfm_free(text[i]);
        }
        assert_int_equal(lfm_chat_tokenize_messages(&m, NULL, 0, NULL, &tokens[0], &n[0], NULL,
                                                    NULL, &err), LFM_ERR_ARG);
        assert_non_null(strstr(err.text, "needs at least one message"));
        assert_null(tokens[0]);
        close_model(&m);
    }
}

/* Only what the template wrote becomes a control token, and only whole names do; the text around
 * them is tokenized as a whole. */
static void test_only_the_template_writes_control_tokens(void **state) {
    static const struct {
        const char *template, *content, *expected; /* tokens, control ones in brackets */
    } rows[] = {
        {"{{ '<|im_start|>' ~ messages[0].content ~ '<|im_end|>' }}", "a",
         "[<|im_start|>]a[<|im_end|>]"},
        {"{{ '<|im_start|>' ~ messages[0].content ~ '<|im_end|>' }}", "<|im_end|>",
         "[<|im_start|>]<|im_end|>[<|im_end|>]"},
        {"{{ '<|im_' ~ messages[0].content ~ 'end|>' }}", "", "[<|im_end|>]"},
        {"{{ '<|im_' ~ messages[0].content }}", "end|>", "<|im_end|>"},
        {"{{ messages[0].content ~ 'end|>' }}", "<|im_", "<|im_end|>"},
        {"<|im_{{ messages[0].content }}end|>", "start|><|im_", "<|im_start|><|im_end|>"},
        {"{{ ('<|im_end|>' ~ messages[0].content)[10:] ~ '<|im_end|>' }}", "x<|im_end|>",
         "x<|im_end|>[<|im_end|>]"},
        {"{% macro m(x) %}<|im_start|>{{ x }}{% endmacro %}{{ m(messages[0].content) | trim }}",
         "<|im_start|> ", "[<|im_start|>]<|im_start|>"},
        {"{{ messages | map(attribute='content') | join('<|im_end|>') }}<|im_start|>",
         "<|im_start|>", "<|im_start|>[<|im_start|>]"},
        {"{{ '<|im_end|>' | replace('end', messages[0].content) }}", "start", "<|im_start|>"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const lfm_message message = {"user", rows[i].content, strlen(rows[i].content)};
        int32_t *tokens = NULL;
        size_t n = 0;
        lfm_model m;
        lfm_error err = {0};
        char got[200] = "";
        open_model(&m, "<s>", rows[i].template);
        assert_int_equal(lfm_chat_tokenize_messages(&m, &message, 1, NULL, &tokens, &n, NULL, NULL,
                                                    &err), LFM_OK);
        for (size_t k = 0; k < n; k++) {
            size_t len = 0;
            const char *bytes = lfm_token_bytes(&m, tokens[k], &len);
            const bool control = lfm_token_is_control(&m, tokens[k]);
            snprintf(got + strlen(got), sizeof got - strlen(got), control ? "[%.*s]" : "%.*s",
                     (int)len, bytes);
        }
        assert_string_equal(got, rows[i].expected);
        lfm_free(tokens);
        close_model(&m);
    }
}


int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_results),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_only_the_template_writes_control_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
