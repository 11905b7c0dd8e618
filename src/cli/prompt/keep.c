/*
 * keep.c - sessions and prompt caches.
 */
#include "cli/prompt/keep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char RAW_NOTE[] = "{\"raw\": true}";

static lfm_status read_note(keep_past *past, const char *note, size_t len, const cli_options *o,
                            lfm_error *err) {
    lfm_error why = {0};
    if (json_parse(&past->doc, note, len, &why) != LFM_OK) {
        return err_set(err, LFM_ERR_FORMAT, "%s: its conversation is damaged: %s", o->session,
                       why.text);
    }
    const json_value *messages = json_get(past->doc.root, "messages");
    past->messages = messages && messages->kind == JSON_ARRAY ? messages : NULL;
    if (!past->messages != o->raw) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s was begun %s --raw, and this is %s. Use "
                       "another session file", o->session, o->raw ? "without" : "with",
                       o->raw ? "with" : "without");
    }
    return LFM_OK;
}

lfm_status keep_load(keep_past *past, lfm_session *s, const cli_options *o, lfm_error *err) {
    const char *path = o->session ? o->session : o->prompt_cache;
    char *note = NULL;
    size_t note_len = 0;
    if (!path || (access(path, F_OK) != 0 && errno == ENOENT && !o->prompt_cache_ro)) {
        return LFM_OK; /* it will be made */
    }
    lfm_status st = lfm_session_load(s, path, &note, &note_len, err);
    if (st == LFM_OK && o->session) {
        st = note_len > 0 ? read_note(past, note, note_len, o, err)
                          : err_set(err, LFM_ERR_UNSUPPORTED, "%s is a prompt cache and holds no "
                                    "conversation; use it with --prompt-cache", path);
    }
    lfm_free(note);
    return st;
}

void keep_drop(keep_past *past) {
    json_doc_free(&past->doc);
    *past = (keep_past){0};
}

lfm_status keep_prompt(lfm_session *s, const cli_options *o, size_t n_reused, lfm_error *err) {
    if (!o->prompt_cache || o->prompt_cache_ro || n_reused + 1 >= lfm_session_pos(s)) {
        return LFM_OK;
    }
    return lfm_session_save(s, o->prompt_cache, NULL, 0, err);
}

void keep_write_calls(json_out *note, const json_out *calls) {
    json_doc doc = {0};
    json_out list = {0};
    lfm_error err = {0};
    if (calls->len == 0) {
        return;
    }
    json_write_text(&list, "[");
    json_write_raw(&list, calls->ptr, calls->len);
    json_write_text(&list, "]");
    if (!list.failed && json_parse(&doc, list.ptr, list.len, &err) == LFM_OK) {
        json_write_text(note, ", \"tool_calls\": [");
        for (const json_value *v = doc.root->first; v; v = v->next) {
            json_write_text(note, "{\"type\": \"function\", \"function\": ");
            json_write_value(note, v);
            json_write_text(note, v->next ? "}, " : "}");
        }
        json_write_text(note, "]");
    }
    note->failed = note->failed || list.failed || err.status == LFM_ERR_MEMORY;
    json_doc_free(&doc);
    json_out_free(&list);
}

lfm_status keep_session(lfm_session *s, const cli_options *o, const json_out *conversation,
                        const char *answer, size_t answer_len, const json_out *calls,
                        lfm_error *err) {
    if (!o->session) {
        return LFM_OK;
    }
    if (!conversation) {
        return lfm_session_save(s, o->session, RAW_NOTE, sizeof RAW_NOTE - 1, err);
    }
    json_out note = {0};
    json_write_raw(&note, conversation->ptr, conversation->len - 2); /* without its "]}" */
    json_write_text(&note, ", {\"role\": \"assistant\", \"content\": ");
    json_write_string(&note, answer, answer_len);
    keep_write_calls(&note, calls);
    json_write_text(&note, "}]}");
    lfm_status st = json_finish(&note, err);
    if (st == LFM_OK) st = lfm_session_save(s, o->session, note.ptr, note.len, err);
    json_out_free(&note);
    return st;
}

lfm_status keep_shift(lfm_session *s, const lfm_model *m, const cli_options *o, lfm_error *err) {
    size_t n = 0;
    size_t reused = 0;
    const int32_t *tokens = lfm_session_tokens(s, &n);
    size_t first = o->n_keep.value > 0 ? (size_t)o->n_keep.value : 0;
    if (first == 0 && n > 0 && tokens[0] == lfm_token_bos(m)) {
        first = 1;
    }
    if (first + 2 > n) {
        return err_set(err, LFM_ERR_FULL, "--keep %zu leaves no room in a context of %zu tokens",
                       first, n);
    }
    const size_t drop = (n - first + 1) / 2;
    int32_t *kept = malloc((n - drop) * sizeof *kept);
    if (!kept) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", n - drop);
    }
    memcpy(kept, tokens, first * sizeof *kept);
    memcpy(kept + first, tokens + first + drop, (n - first - drop) * sizeof *kept);
    const lfm_status st = lfm_session_sync(s, kept, n - drop, &reused, err);
    free(kept);
    return st;
}
