/*
 * fuzz_chat.c - any JSON as a conversation, with every template.
 *
 * Rendered or refused in one line; control pieces are never text of a message, and the pieces
 * make up the text without gaps.
 */
#include "fuzz.h"

#include "token/chat.h"

#include <string.h>

/* What templates may write as control tokens. */
static bool is_control_text(const char *p, size_t n) {
    static const char *const known[] = {
        "<|startoftext|>", "<|im_start|>", "<|im_end|>", "<|tool_list_start|>", "<|tool_list_end|>",
        "<|tool_call_start|>", "<|tool_call_end|>", "<|tool_response_start|>",
        "<|tool_response_end|>",
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strlen(known[i]) == n && memcmp(known[i], p, n) == 0) {
            return true;
        }
    }
    return false;
}

static void check_pieces(const chat_text *c) {
    size_t at = 0;
    for (size_t i = 0; i < c->n; i++) {
        const chat_piece *p = &c->pieces[i];
        FUZZ_CHECK(p->ptr == c->text + at);
        FUZZ_CHECK(!p->control || is_control_text(p->ptr, p->len));
        at += p->len;
    }
    FUZZ_CHECK(at == c->len);
    FUZZ_CHECK(c->len == 0 || c->text[c->len] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_doc doc = {0};
    lfm_error err = {0};
    chat_recognise((const char *)data, size);
    if (json_parse(&doc, (const char *)data, size, &err) != LFM_OK) {
        return 0;
    }
    for (int t = CHAT_NONE; t <= CHAT_LFM25_THINKING; t++) {
        for (int generation = 0; generation < 2; generation++) {
            chat_text c = {0};
            err = (lfm_error){0};
            if (chat_render(&c, (chat_template)t, doc.root, t % 2 ? "<|startoftext|>" : "",
                            generation != 0, &err) == LFM_OK) {
                check_pieces(&c);
            } else {
                FUZZ_CHECK_ERROR(err);
            }
            chat_text_free(&c);
        }
    }
    json_doc_free(&doc);
    return 0;
}
