/*
 * constrained.c - an answer that is JSON of a given schema, whatever the model would have said.
 *
 *     constrained MODEL.gguf '{"enum": ["fox", "rabbit"]}' "Peter was a"
 */
#include <lfm.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t most_probable(const float *logits, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++) best = logits[i] > logits[best] ? i : best;
    return (int32_t)best;
}

static lfm_status answer(const lfm_model *m, lfm_session *s, lfm_constraint *c, const char *prompt,
                         lfm_error *err) {
    const uint32_t n_vocab = lfm_model_get_info(m)->n_vocab;
    float *logits = (float *)malloc(n_vocab * sizeof *logits);
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = lfm_tokenize(m, prompt, strlen(prompt), LFM_TOKENIZE_BOS, &tokens, &n, err);
    if (st == LFM_OK) st = lfm_eval(s, tokens, n, err);
    while (st == LFM_OK && logits && !lfm_constraint_is_final(c)) {
        size_t len = 0;
        memcpy(logits, lfm_logits(s), n_vocab * sizeof *logits);
        st = lfm_constraint_mask(c, logits, err);
        const int32_t token = most_probable(logits, n_vocab);
        if (st == LFM_OK) st = lfm_constraint_accept(c, token, err);
        if (st == LFM_OK) st = lfm_eval(s, &token, 1, err);
        const char *bytes = lfm_token_bytes(m, token, &len);
        fwrite(bytes, 1, st == LFM_OK && !lfm_token_is_end(m, token) ? len : 0, stdout);
    }
    lfm_free(tokens);
    free(logits);
    return st;
}

int main(int argc, char **argv) {
    lfm_error err;
    lfm_model *model = NULL;
    lfm_session *session = NULL;
    lfm_grammar *grammar = NULL;
    lfm_constraint *constraint = NULL;
    const char *schema = argc > 2 ? argv[2] : "";
    lfm_status st =
        lfm_grammar_new(&grammar, LFM_CONSTRAINT_JSON_SCHEMA, schema, strlen(schema), &err);
    if (st == LFM_OK) st = lfm_model_open(&model, argv[1], NULL, &err);
    if (st == LFM_OK) st = lfm_constraint_new(&constraint, model, grammar, 0, &err);
    if (st == LFM_OK) st = lfm_session_new(&session, model, NULL, &err);
    if (st == LFM_OK) st = answer(model, session, constraint, argc > 3 ? argv[3] : "", &err);
    if (st != LFM_OK) fprintf(stderr, "constrained: %s\n", err.text);
    lfm_session_free(session);
    lfm_constraint_free(constraint);
    lfm_model_close(model);
    lfm_grammar_free(grammar);
    return st == LFM_OK ? 0 : 1;
}
