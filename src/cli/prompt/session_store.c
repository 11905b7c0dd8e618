/*
 * session_store.c - the files of --session and --prompt-cache: loading and saving them.
 */
#include "cli/prompt/session_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char RAW_NOTE[] = "{\"raw\": true}";

/* Read the note of a session file: its conversation, or the mark of --raw. */
static lfm_status read_note(conversation *past, bool *continues, const char *note, size_t len,
                            const cli_options *o, lfm_error *err) {
    lfm_error why = {0};
    json_doc doc = {0};
    if (json_parse(&doc, note, len, &why) != LFM_OK) {
        return err_set(err, LFM_ERR_FORMAT, "%s: its conversation is damaged: %s", o->session,
                       why.text);
    }
    const json_value *messages = json_get(doc.root, "messages");
    lfm_status st = LFM_OK;
    *continues = messages && messages->kind == JSON_ARRAY;
    if (*continues == o->raw) {
        st = err_set(err, LFM_ERR_UNSUPPORTED,
                     "%s was started %s --raw, and this run is %s. Use another session file",
                     o->session, o->raw ? "without" : "with", o->raw ? "with" : "without");
    } else if (*continues) {
        st = conversation_read(past, messages, err);
    }
    json_doc_free(&doc);
    return st;
}

lfm_status session_store_load(conversation *past, bool *continues, lfm_session *s,
                              const cli_options *o, lfm_error *err) {
    const char *path = o->session ? o->session : o->prompt_cache;
    char *note = NULL;
    size_t note_len = 0;
    *continues = false;
    if (!path || (access(path, F_OK) != 0 && errno == ENOENT && !o->prompt_cache_ro)) {
        return LFM_OK; /* saving creates it */
    }
    lfm_status st = lfm_session_load(s, path, &note, &note_len, err);
    if (st == LFM_OK && o->session) {
        st = note_len > 0 ? read_note(past, continues, note, note_len, o, err)
                          : err_set(err, LFM_ERR_UNSUPPORTED,
                                    "%s is a prompt cache and holds no "
                                    "conversation; use it with --prompt-cache",
                                    path);
    }
    lfm_free(note);
    return st;
}

lfm_status session_store_prompt(lfm_session *s, const cli_options *o, size_t n_reused,
                                lfm_error *err) {
    if (!o->prompt_cache || o->prompt_cache_ro || n_reused + 1 >= lfm_session_pos(s)) return LFM_OK;
    return lfm_session_save(s, o->prompt_cache, NULL, 0, err);
}

lfm_status session_store_save(lfm_session *s, const cli_options *o, const conversation *c,
                              lfm_error *err) {
    if (!o->session) return LFM_OK;
    if (!c) return lfm_session_save(s, o->session, RAW_NOTE, sizeof RAW_NOTE - 1, err);
    json_out note = {0};
    lfm_status st = conversation_write(&note, c, NULL, err);
    if (st == LFM_OK) st = lfm_session_save(s, o->session, note.ptr, note.len, err);
    json_out_free(&note);
    return st;
}
