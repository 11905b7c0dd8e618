/*
 * fuzz_chat.c - any JSON as a conversation, for a template that knows everything, and for one that
 * knows nothing but the content of messages.
 *
 * Rendered or refused in one line; what messages wrote is never marked as the template's own.
 */
#include "fuzz.h"

#include "api/messages.h"

#include <string.h>

static void render(const chat_template *t, const json_value *conversation, bool drop_null) {
    chat_messages ready = {0};
    jinja_text out = {0};
    lfm_error err = {0};
    lfm_status st = messages_prepare(&ready, conversation, t, drop_null, &err);
    if (st == LFM_OK) st = template_render(t, &ready.conversation, &ready.marks, &out, &err);
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
    } else {
        FUZZ_CHECK(out.text[out.len] == '\0');
        for (size_t i = 0; i < out.len; i++) {
            FUZZ_CHECK(out.text[i] != '\x01' || !out.own[i]); /* no template writes this byte */
        }
    }
    jinja_text_free(&out);
    messages_drop(&ready);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char plain[] =
        "{% for m in messages %}{{ m.role ~ ':' ~ m.content ~ '\\n' }}{% endfor %}";
    json_doc doc = {0};
    lfm_error err = {0};
    if (json_parse(&doc, (const char *)data, size, &err) != LFM_OK) return 0;
    for (int i = 0; i < 2; i++) {
        chat_template t = {0};
        FUZZ_CHECK(template_open(&t, NULL, 0, i ? plain : NULL, NULL, "<s>", 3, &err) == LFM_OK);
        render(&t, doc.root, false);
        render(&t, doc.root, true);
        template_close(&t);
    }
    json_doc_free(&doc);
    return 0;
}
