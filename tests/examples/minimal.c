/*
 * minimal.c - a prompt, and the text that the model finds most probable after it.
 *
 *     minimal MODEL.gguf "Once upon a time"
 */
#include <lfm.h>

#include <stdio.h>
#include <string.h>

enum { MAX_TOKENS = 40 };

static int32_t most_probable(const float *logits, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return (int32_t)best;
}

static lfm_status answer(const lfm_model *m, lfm_session *s, const char *prompt, lfm_error *err) {
    const uint32_t n_vocab = lfm_model_get_info(m)->n_vocab;
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = lfm_tokenize(m, prompt, strlen(prompt), LFM_TOKENIZE_BOS, &tokens, &n, err);
    if (st == LFM_OK) st = lfm_eval(s, tokens, n, err);
    lfm_free(tokens);
    for (int i = 0; i < MAX_TOKENS && st == LFM_OK; i++) {
        const int32_t token = most_probable(lfm_logits(s), n_vocab);
        if (lfm_token_is_end(m, token)) {
            break;
        }
        size_t len = 0;
        const char *bytes = lfm_token_bytes(m, token, &len);
        fwrite(bytes, 1, len, stdout);
        st = lfm_eval(s, &token, 1, err);
    }
    return st;
}

int main(int argc, char **argv) {
    lfm_error err;
    lfm_model *model = NULL;
    lfm_session *session = NULL;
    if (argc != 3) {
        fprintf(stderr, "usage: minimal MODEL PROMPT\n");
        return 2;
    }
    lfm_status st = lfm_model_open(&model, argv[1], NULL, &err);
    if (st == LFM_OK) st = lfm_session_new(&session, model, NULL, &err);
    if (st == LFM_OK) st = answer(model, session, argv[2], &err);
    if (st != LFM_OK) fprintf(stderr, "minimal: %s\n", err.text);
    lfm_session_free(session);
    lfm_model_close(model);
    return st == LFM_OK ? 0 : 1;
}
