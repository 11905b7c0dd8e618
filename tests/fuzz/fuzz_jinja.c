/*
 * fuzz_jinja.c - any bytes as a chat template, and any JSON as what it renders.
 *
 * The input is a template; a line --- and a JSON object of variables may follow.  A template is
 * parsed or refused, rendered or refused, in one line; and it cannot call text of messages its own.
 */
#include "fuzz.h"

#include "jinja/jinja.h"

#include <string.h>

enum { MAX_GLOBALS = 32, MAX_NAME = 32 };

/* All text is private use: U+E000 and the like begin with the byte 0xee. */
static const char messages[] =
    "{\"messages\":["
    "{\"role\":\"system\",\"content\":\"\xee\x80\x80\"},"
    "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\" \xee\x80\x81\\n\xee\x80\x82 "
    "\"},"
    "{\"type\":\"image\"}]},"
    "{\"role\":\"assistant\",\"content\":null,\"thinking\":\"\xee\x80\x83\",\"tool_calls\":"
    "[{\"type\":\"function\",\"function\":{\"name\":\"\xee\x80\x84\",\"arguments\":"
    "{\"\xee\x80\x85\":[1,-2.5e10,true,null,12345678901234567890123],\"b\":{}}}}]},"
    "{\"role\":\"tool\",\"content\":\"</think>\xee\x80\x86</think>\xee\x80\x87\"}],"
    "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"\xee\x80\x88\",\"parameters\":"
    "{\"type\":\"object\",\"properties\":{\"z\":{\"type\":\"string\"},\"a\":{}}}}}],"
    "\"add_generation_prompt\":true,\"x\":\"\xee\x80\x89 \xee\x80\x8a\",\"n\":7,\"L\":[3,1,2]}";

typedef struct {
    jinja_global list[MAX_GLOBALS];
    char names[MAX_GLOBALS][MAX_NAME];
    size_t n;
} variables;

/* The first members of an object, and a token of the template's own. */
static void variables_of(variables *to, const json_value *object) {
    const json_value *v = object->kind == JSON_OBJECT ? object->first : NULL;
    to->list[0] = (jinja_global){.name = "bos_token", .own = "<|startoftext|>"};
    to->n = 1;
    for (; v && to->n < MAX_GLOBALS; v = v->next) {
        char *name = to->names[to->n];
        snprintf(name, MAX_NAME, "%.*s", (int)(v->key_len < 31 ? v->key_len : 31), v->key);
        to->list[to->n++] = (jinja_global){.name = name, .value = v};
    }
}

/* `closed`: no own byte can be 0xee. */
static void render(const jinja_program *p, const char *json, size_t len, bool closed) {
    static variables known;
    json_doc doc = {0};
    jinja_text out = {0};
    lfm_error err = {0};
    if (json_parse(&doc, json, len, NULL) == LFM_OK) {
        variables_of(&known, doc.root);
        if (jinja_render(p, known.list, known.n, NULL, 1795996800, &out, &err) != LFM_OK) {
            FUZZ_CHECK_ERROR(err);
            FUZZ_CHECK(!out.text && !out.own && out.len == 0);
        }
    }
    for (size_t i = 0; i < out.len; i++) {
        FUZZ_CHECK(out.own[i] == 0 || out.own[i] == 1);
        FUZZ_CHECK(!closed || !out.own[i] || (unsigned char)out.text[i] != 0xee);
    }
    FUZZ_CHECK(!out.text || (out.text[out.len] == 0 && out.len <= JINJA_MAX_OUTPUT));
    jinja_text_free(&out);
    json_doc_free(&doc);
}

/* The length of the template, and where the JSON begins behind it (SIZE_MAX: there is none). */
static size_t split(const char *text, size_t size, size_t *json) {
    static const char line[] = "\n---\n";
    const char *found = memmem(text, size, line, sizeof line - 1);
    *json = found ? (size_t)(found - text) + sizeof line - 1 : SIZE_MAX;
    return found ? (size_t)(found - text) : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *text = (const char *)data;
    jinja_program *program = NULL;
    lfm_error err = {0};
    size_t json = 0;
    const size_t len = split(text, size, &json);
    if (jinja_parse(&program, text, len, &err) != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
        FUZZ_CHECK(!program);
        return 0;
    }
    const bool closed = len == 0 || (!memchr(text, 0xee, len) && !memchr(text, '\\', len));
    render(program, messages, sizeof messages - 1, closed);
    if (json != SIZE_MAX) {
        render(program, text + json, size - json, false);
    }
    jinja_free(program);
    return 0;
}
