/*
 * info_parts.c - parts of a model file, and session files, as text.
 */
#include "cli/commands/info_parts.h"

#include "base/json.h"
#include "cli/shared/common.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Parts of the file ---------------------------------------------------------------------- */

void info_print_tensors(const lfm_model *m) {
    lfm_tensor_info t;
    for (size_t i = 0; lfm_model_tensor(m, i, &t); i++) {
        char name[256];
        char dims[96] = "";
        size_t len = 0;
        err_escape(name, sizeof name, t.name, t.name_len);
        for (uint32_t d = 0; d < t.n_dims && len < sizeof dims; d++) {
            len += (size_t)snprintf(dims + len, sizeof dims - len, "%s%" PRIu64, d ? " x " : "",
                                    t.dim[d]);
        }
        printf("%-36s %-8s %-24s %12s\n", name, t.type, dims, cli_size(t.n_bytes).text);
    }
}

void info_print_keys(const lfm_model *m) {
    const char *key;
    const char *type;
    size_t len;
    char value[120];
    for (size_t i = 0; lfm_model_key(m, i, &key, &len, &type, value, sizeof value); i++) {
        char name[128];
        char shown[480];
        err_escape(name, sizeof name, key, len);
        err_escape(shown, sizeof shown, value, strlen(value));
        printf("%-44s %-10s %s\n", name, type, shown);
    }
}

/* Print one value: strings whole, others as in the listing, but longer. */
lfm_status info_print_key(const lfm_model *m, const char *wanted, lfm_error *err) {
    enum { LONGEST = 1 << 20 };
    const char *key;
    const char *type;
    const char *text;
    size_t len;
    char probe[2];
    if (lfm_model_key_string(m, wanted, &text, &len)) {
        cli_print(text, len);
        putchar('\n');
        return LFM_OK;
    }
    for (size_t i = 0; lfm_model_key(m, i, &key, &len, &type, probe, sizeof probe); i++) {
        if (len == strlen(wanted) && memcmp(key, wanted, len) == 0) {
            char *value = malloc(LONGEST);
            if (!value) return err_no_memory(err, "the value of a key");
            lfm_model_key(m, i, &key, &len, &type, value, LONGEST);
            cli_print(value, strlen(value));
            putchar('\n');
            free(value);
            return LFM_OK;
        }
    }
    return err_set(err, LFM_ERR_FORMAT, "the file has no key '%s'; --kv all lists them", wanted);
}

lfm_status info_print_template(const lfm_model *m, lfm_error *err) {
    const char *text;
    size_t len;
    if (!lfm_model_key_string(m, "tokenizer.chat_template", &text, &len)) {
        return err_set(err, LFM_ERR_FORMAT, "the file has no chat template");
    }
    cli_print(text, len);
    putchar('\n');
    return LFM_OK;
}

/* ---- Sessions ------------------------------------------------------------------------------- */

static const char *note_kind(const json_value *root, size_t note_len) {
    return note_len == 0                ? "a prompt cache (for --prompt-cache)"
           : json_get(root, "messages") ? "a conversation (for --session)"
                                        : "a text (for --session with --raw)";
}

/* A session file; false when the file is none, and then nothing is printed. */
bool info_print_session(const cli_options *o, lfm_status *st, lfm_error *err) {
    static const char *const kinds[] = {"f16", "f32", "q8"};
    lfm_session_info info = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    bool is_session = false;
    char *note = NULL;
    size_t note_len = 0;
    *st = lfm_session_describe(o->model, &info, &is_session, &note, &note_len, err);
    if (is_session && *st == LFM_OK) {
        const bool readable = note_len > 0 && json_parse(&doc, note, note_len, &why) == LFM_OK;
        const json_value *root = readable ? doc.root : NULL;
        const json_value *messages = json_get(root, "messages");
        printf(o->json ? "{\"session\": {\"version\": %u, \"tokens\": %u, \"messages\": %zu, "
                         "\"kv\": \"%s\", \"bytes\": %" PRIu64 ", \"vocabulary\": %u, "
                         "\"model\": \"%016" PRIx64 "\"}}\n"
                       : "session file of version %u\ntokens      %u\nmessages    %zu\n"
                         "cache       %s\nsize        %" PRIu64 " bytes\nvocabulary  %u tokens\n"
                         "model       %016" PRIx64 "\n",
               info.version, info.n_tokens, messages ? messages->n : 0, kinds[info.kv],
               info.file_bytes, info.n_vocab, info.model);
        if (!o->json) {
            printf("kind        %s\n", note_kind(root, note_len));
        }
    }
    json_doc_free(&doc);
    lfm_free(note);
    return is_session;
}
