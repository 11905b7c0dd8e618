/*
 * fuzz_jinja.c - any text as a chat template, rendered with a conversation.
 *
 * Parsed and rendered, or refused in one line; within the limits of jinja/values/limits.h.
 */
#include "fuzz.h"

#include "jinja/jinja.h"

#include <string.h>

static const char conversation[] =
    "{\"messages\": [{\"role\": \"system\", \"content\": \"Be kind.\"},"
    " {\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"\\u00e9 \\u0001\"}]},"
    " {\"role\": \"assistant\", \"content\": null, \"thinking\": \"a\\nb\", \"tool_calls\":"
    "  [{\"function\": {\"name\": \"f\","
    "    \"arguments\": {\"x\": [1, 2.5, null, 1e300], \"y\": \"'\"}}}]},"
    " {\"role\": \"tool\", \"content\": \"99999999999999999999\"}],"
    " \"tools\": [{\"name\": \"f\", \"parameters\": {\"type\": \"object\"}}]}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static json_doc doc;
    jinja_program *program = NULL;
    jinja_text out = {0};
    lfm_error err = {0};
    if (!doc.root) {
        FUZZ_CHECK(json_parse(&doc, conversation, sizeof conversation - 1, &err) == LFM_OK);
    }
    lfm_status st = jinja_parse(&program, (const char *)data, size, &err);
    if (st == LFM_OK) {
        const jinja_global globals[] = {
            {.name = "bos_token", .own = "<s>"},
            {.name = "messages", .value = json_get(doc.root, "messages")},
            {.name = "tools", .value = json_get(doc.root, "tools")},
        };
        st = jinja_render(program, globals, 3, NULL, 0, &out, &err);
    }
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
    } else {
        FUZZ_CHECK(out.text[out.len] == '\0' && out.len <= JINJA_MAX_OUTPUT);
        for (size_t i = 0; i < out.len; i++) {
            FUZZ_CHECK(out.own[i] == 0 || out.own[i] == 1);
        }
    }
    jinja_text_free(&out);
    jinja_free(program);
    return 0;
}
