/*
 * prompt_tokens.c - a conversation or a text -> the tokens of a prompt.
 */
#include "cli/prompt/prompt_tokens.h"

#include "base/thoughts.h"
#include "cli/reading/progress.h"

#include <stdlib.h>
#include <string.h>

static lfm_status set_begin(prompt_tokens *p, const char *prefill, lfm_error *err) {
    const size_t n_prefill = prefill ? strlen(prefill) : 0;
    const size_t from = thoughts_opened(p->text, p->text_len - n_prefill);
    if (from == p->text_len) return LFM_OK;
    p->begins = strdup(p->text + from);
    return p->begins ? LFM_OK : err_no_memory(err, "the prompt");
}

lfm_status prompt_tokenize_chat(prompt_tokens *p, const lfm_model *m, const cli_options *o,
                                const conversation *c, lfm_error *err) {
    json_out json = {0};
    prompt_tokens_drop(p);
    lfm_status st = conversation_write(&json, c, o->template_kwargs, err);
    if (st == LFM_OK) {
        st = lfm_chat_tokenize(m, json.ptr, json.len, o->prefill, &p->ids, &p->n, &p->text,
                               &p->text_len, err);
    }
    if (st == LFM_OK) st = set_begin(p, o->prefill, err);
    json_out_free(&json);
    return st;
}

lfm_status prompt_tokenize_raw(prompt_tokens *p, const lfm_model *m, const cli_options *o,
                               const json_out *text, bool first, lfm_error *err) {
    const int flags = (o->no_special ? 0 : LFM_TOKENIZE_SPECIAL) | (first ? LFM_TOKENIZE_BOS : 0);
    json_out all = {0};
    prompt_tokens_drop(p);
    json_write_raw(&all, text->ptr, text->len);
    json_write_text(&all, o->prefill ? o->prefill : "");
    lfm_status st = json_finish(&all, err);
    if (st == LFM_OK) st = lfm_tokenize(m, all.ptr, all.len, flags, &p->ids, &p->n, err);
    p->text = all.ptr;
    p->text_len = all.len;
    if (st == LFM_OK && o->prefill) {
        p->begins = strdup(o->prefill);
        st = p->begins ? LFM_OK : err_no_memory(err, "the prompt");
    }
    return st;
}

lfm_status prompt_evaluate(lfm_session *s, const prompt_tokens *p, const char *what, int when,
                           size_t *n_reused, lfm_error *err) {
    reading_progress progress;
    reading_progress_start(&progress, s, what, (uint32_t)p->n, when);
    const lfm_status st = lfm_session_sync(s, p->ids, p->n, n_reused, err);
    reading_progress_end(&progress);
    return st;
}

size_t prompt_tokens_common(const int32_t *a, size_t n_a, const int32_t *b, size_t n_b) {
    size_t same = 0;
    while (same < n_a && same < n_b && a[same] == b[same]) {
        same++;
    }
    return same;
}

void prompt_tokens_drop(prompt_tokens *p) {
    lfm_free(p->ids);
    lfm_free(p->text);
    free(p->begins);
    *p = (prompt_tokens){0};
}
