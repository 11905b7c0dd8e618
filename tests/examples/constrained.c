/*
 * constrained.c - an answer that is JSON of a given schema, whatever the model would have said.
 *
 *     constrained MODEL.gguf '{"enum": ["fox", "rabbit"]}' "Peter was a"
 */
#include <lfm.h>

#include <stdio.h>
#include <string.h>

static lfm_status answer(const lfm_model *m, lfm_session *s, lfm_sampler *sampler,
                         lfm_constraint *c, const char *prompt, lfm_error *err) {
    lfm_answer *a = NULL;
    int32_t *tokens = NULL;
    size_t n = 0, n_reused = 0;
    lfm_status st = lfm_tokenize(m, prompt, strlen(prompt), LFM_TOKENIZE_BOS, &tokens, &n, err);
    if (st == LFM_OK) st = lfm_session_sync(s, tokens, n, &n_reused, err);
    if (st == LFM_OK) st = lfm_answer_new(&a, s, sampler, c, NULL, tokens, n, err);
    if (st == LFM_OK) st = lfm_answer_run(a, NULL, NULL, err);
    if (st == LFM_OK) st = lfm_answer_end(a, LFM_FINISH_NONE, err);
    if (st == LFM_OK) fputs(lfm_answer_get(a)->text, stdout);
    lfm_answer_free(a);
    lfm_free(tokens);
    return st;
}

int main(int argc, char **argv) {
    lfm_error err;
    lfm_model *model = NULL;
    lfm_session *session = NULL;
    lfm_sampler *sampler = NULL;
    lfm_grammar *grammar = NULL;
    lfm_constraint *constraint = NULL;
    lfm_sampling greedy;
    if (argc != 4) {
        fprintf(stderr, "usage: constrained MODEL SCHEMA PROMPT\n");
        return 2;
    }
    memset(&greedy, 0, sizeof greedy);
    greedy.typical_p = greedy.top_p = greedy.repeat_penalty = 1;
    const char *schema = argv[2];
    lfm_status st =
        lfm_grammar_new(&grammar, LFM_CONSTRAINT_JSON_SCHEMA, schema, strlen(schema), &err);
    if (st == LFM_OK) st = lfm_model_open(&model, argv[1], NULL, &err);
    if (st == LFM_OK) st = lfm_constraint_new(&constraint, model, grammar, 0, &err);
    if (st == LFM_OK) st = lfm_sampler_new(&sampler, model, &greedy, &err);
    if (st == LFM_OK) st = lfm_session_new(&session, model, NULL, &err);
    if (st == LFM_OK) st = answer(model, session, sampler, constraint, argv[3], &err);
    if (st != LFM_OK) fprintf(stderr, "constrained: %s\n", err.text);
    lfm_session_free(session);
    lfm_sampler_free(sampler);
    lfm_constraint_free(constraint);
    lfm_model_close(model);
    lfm_grammar_free(grammar);
    return st == LFM_OK ? 0 : 1;
}
