/*
 * chat.c - roles and texts in, the assistant's next message out, token by token.
 *
 *     chat MODEL.gguf system "Be brief." user "Who are you?"
 */
#include <lfm.h>

#include <stdio.h>
#include <string.h>

enum { MAX_MESSAGES = 20, MAX_TOKENS = 60 };

static lfm_status answer(const lfm_model *m, lfm_session *s, lfm_sampler *sampler,
                         const lfm_message *messages, size_t n_messages, lfm_error *err) {
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = lfm_chat_tokenize_messages(m, messages, n_messages, NULL, &tokens, &n, NULL,
                                               NULL, err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) { /* for the repeat penalty */
        st = lfm_sampler_accept(sampler, tokens[i], err);
    }
    if (st == LFM_OK) st = lfm_eval(s, tokens, n, err);
    lfm_free(tokens);
    for (int i = 0; i < MAX_TOKENS && st == LFM_OK; i++) {
        int32_t token = 0;
        size_t len = 0;
        st = lfm_sampler_pick(sampler, lfm_logits(s), &token, err);
        if (st != LFM_OK || lfm_token_is_end(m, token)) break;
        const char *bytes = lfm_token_bytes(m, token, &len);
        fwrite(bytes, 1, len, stdout);
        fflush(stdout);
        st = lfm_sampler_accept(sampler, token, err);
        if (st == LFM_OK) st = lfm_eval(s, &token, 1, err);
    }
    putchar('\n');
    return st;
}

int main(int argc, char **argv) {
    lfm_error err;
    lfm_model *model = NULL;
    lfm_session *session = NULL;
    lfm_sampler *sampler = NULL;
    lfm_message messages[MAX_MESSAGES];
    size_t n = 0;
    for (int i = 2; i + 1 < argc && n < MAX_MESSAGES; i += 2, n++) {
        messages[n].role = argv[i];
        messages[n].text = argv[i + 1];
        messages[n].len = strlen(argv[i + 1]);
    }
    lfm_status st = lfm_model_open(&model, argc > 1 ? argv[1] : "", NULL, &err);
    if (st == LFM_OK) st = lfm_session_new(&session, model, NULL, &err);
    if (st == LFM_OK) st = lfm_sampler_new(&sampler, model, NULL, &err);
    if (st == LFM_OK) st = answer(model, session, sampler, messages, n, &err);
    if (st != LFM_OK) fprintf(stderr, "chat: %s\n", err.text);
    lfm_sampler_free(sampler);
    lfm_session_free(session);
    lfm_model_close(model);
    return st == LFM_OK ? 0 : 1;
}
