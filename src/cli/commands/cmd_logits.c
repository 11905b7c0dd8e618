/*
 * cmd_logits.c - lfm logits: the model's raw output for given tokens, for comparing engines.
 *
 * Writes float32 little endian, [n_tokens][n_vocab], in chunks that bound the memory for lists of
 * any length.
 */
#include "cli/reading/progress.h"
#include "cli/shared/common.h"
#include "cli/shared/input.h"
#include "cli/shared/output.h"
#include "cli/shared/sandbox.h"
#include "cli/shared/term.h"

#include "base/bytes.h" /* refuses big-endian machines: floats are written unconverted */

#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 64 << 20 };

/* Evaluate and write chunk after chunk. */
static lfm_status write_logits(lfm_session *s, const int32_t *tokens, size_t n, size_t n_vocab,
                               bool quiet, output *out, lfm_error *err) {
    const size_t row_bytes = n_vocab * sizeof(float);
    const size_t fitting = CHUNK_BYTES / row_bytes;
    const size_t chunk = fitting < 1 ? 1 : fitting < n ? fitting : n;
    float *logits = calloc(chunk, row_bytes);
    if (!logits) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the logits of %zu tokens", chunk);
    }
    lfm_status st = LFM_OK;
    reading_progress progress;
    reading_progress_start(&progress, s, "evaluating", (uint32_t)n, !quiet);
    for (size_t done = 0; done < n && st == LFM_OK && !term_stopped();) {
        const size_t step = n - done < chunk ? n - done : chunk;
        st = lfm_eval_all(s, tokens + done, step, logits, err);
        if (st == LFM_OK) st = output_write(out, (const char *)logits, step * row_bytes, err);
        done += step;
    }
    reading_progress_end(&progress);
    free(logits);
    return st;
}

static lfm_status evaluate(const cli_options *o, lfm_model *m, const json_out *text,
                           lfm_error *err) {
    const size_t n_vocab = lfm_model_get_info(m)->n_vocab;
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_session *session = NULL;
    output out = {.fd = -1};
    lfm_status st = cli_read_ids(text->ptr, o->tokens, &tokens, &n, err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        if ((size_t)tokens[i] >= n_vocab) {
            st = err_set(err, LFM_ERR_ARG, "%s: word %zu: there is no token %d; the vocabulary has "
                         "%zu", o->tokens, i + 1, (int)tokens[i], n_vocab);
        }
    }
    if (st == LFM_OK && n == 0) {
        st = err_set(err, LFM_ERR_ARG, "%s: there are no token ids", o->tokens);
    }
    if (st == LFM_OK) st = cli_new_session(&session, m, o, err);
    if (st == LFM_OK && n > lfm_session_n_ctx(session)) {
        st = err_set(err, LFM_ERR_FULL, "%s has %s tokens; the context holds %s", o->tokens,
                     cli_grouped(n).text, cli_grouped(lfm_session_n_ctx(session)).text);
    }
    if (st == LFM_OK) {
        term_catch_stop(); /* before the output opens: its temporary file must be removed */
        st = output_open(&out, o->out, err);
    }
    if (st == LFM_OK) {
        if (!o->no_sandbox) {
            sandbox_enter(SANDBOX_FILES); /* to rename the output at the end */
        }
        st = write_logits(session, tokens, n, n_vocab, o->quiet, &out, err);
        const lfm_status closed = output_close(&out, st == LFM_OK && !term_stopped(), err);
        if (st == LFM_OK) st = closed;
    }
    lfm_session_free(session);
    free(tokens);
    return st;
}

int cmd_logits(const cli_options *o) {
    lfm_error err = {0};
    lfm_model *m = NULL;
    json_out text = {0};
    lfm_status st = LFM_OK;
    if (!o->tokens) {
        st = err_set(&err, LFM_ERR_ARG, "no tokens; give a file of ids with --tokens FILE");
    } else if (!o->out && term_out_is_tty()) {
        st = err_set(&err, LFM_ERR_ARG, "the result is binary; give a file for it with -o OUT.f32");
    }
    if (st == LFM_OK) st = input_read_file(&text, o->tokens, INPUT_CODE, &err);
    if (st == LFM_OK && memchr(text.ptr, 0, text.len)) {
        st = err_set(&err, LFM_ERR_ARG, "%s is not a list of token ids", o->tokens);
    }
    if (st == LFM_OK) st = cli_open_model(&m, o, false, &err);
    if (st == LFM_OK) st = evaluate(o, m, &text, &err);
    lfm_model_close(m);
    json_out_free(&text);
    if (st != LFM_OK && term_stopped()) { /* interrupted: main ends by the signal */
        return CLI_FAILED;
    }
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
