/*
 * logprobs.c - collecting and writing log-probabilities.
 */
#include "answer/logprobs.h"

#include <stdlib.h>

static lfm_status grow(token_logprobs *l, lfm_error *err) {
    const size_t cap = l->cap ? 2 * l->cap : 256;
    lfm_logprob *chosen = realloc(l->chosen, cap * sizeof *chosen);
    l->chosen = chosen ? chosen : l->chosen;
    lfm_logprob *top = realloc(l->top, (cap * l->k + 1) * sizeof *top);
    l->top = top ? top : l->top;
    if (!chosen || !top) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the probabilities of %zu tokens",
                       cap);
    }
    l->cap = cap;
    return LFM_OK;
}

lfm_status logprobs_add(token_logprobs *l, int32_t token, lfm_error *err) {
    if (l->n == l->cap) {
        const lfm_status st = grow(l, err);
        if (st != LFM_OK) {
            return st;
        }
    }
    l->chosen[l->n++] = (lfm_logprob){.token = token};
    return LFM_OK;
}

lfm_status logprobs_learn(token_logprobs *l, const float *logits, size_t n_vocab, lfm_error *err) {
    lfm_logprob *chosen = &l->chosen[l->n_known];
    const size_t i = l->n_known++;
    return lfm_logprobs(logits, n_vocab, chosen->token, &chosen->logprob, l->top + i * l->k, l->k,
                        err);
}

/* The members of one token, without brackets. */
static void write_token(json_out *out, const lfm_logprob *t, const lfm_model *m) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(m, t->token, &n);
    json_write_text(out, "\"id\": ");
    json_write_int(out, t->token);
    json_write_text(out, ", \"token\": ");
    json_write_string(out, bytes, n);
    json_write_text(out, ", \"bytes\": [");
    for (size_t i = 0; i < n; i++) {
        json_write_text(out, i > 0 ? ", " : "");
        json_write_int(out, (unsigned char)bytes[i]);
    }
    json_write_text(out, "], \"logprob\": ");
    json_write_number(out, (double)t->logprob);
}

void logprobs_write(json_out *out, const token_logprobs *l, size_t first, const lfm_model *m,
                    const char *top) {
    json_write_text(out, "[");
    for (size_t i = first; i < l->n_known; i++) {
        json_write_text(out, i > first ? ", {" : "{");
        write_token(out, &l->chosen[i], m);
        json_write_text(out, ", \"");
        json_write_text(out, top);
        json_write_text(out, "\": [");
        for (size_t j = 0; j < l->k; j++) {
            json_write_text(out, j > 0 ? ", {" : "{");
            write_token(out, &l->top[i * l->k + j], m);
            json_write_text(out, "}");
        }
        json_write_text(out, "]}");
    }
    json_write_text(out, "]");
}

void logprobs_drop(token_logprobs *l) {
    free(l->chosen);
    free(l->top);
    *l = (token_logprobs){0};
}
