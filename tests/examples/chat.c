/*
 * chat.c - roles and texts in, the assistant's next message out, as it grows.
 *
 *     chat MODEL.gguf system "Be brief." user "Who are you?"
 */
#include <lfm.h>

#include <stdio.h>
#include <string.h>

enum { MAX_MESSAGES = 20, MAX_TOKENS = 60 };

/* Print what is new in the text and no longer depends on what follows. */
static lfm_status print_new(void *ctx, const lfm_answer_state *a, lfm_error *err) {
    size_t *printed = (size_t *)ctx;
    (void)err;
    fwrite(a->text + *printed, 1, a->text_settled - *printed, stdout);
    fflush(stdout);
    *printed = a->text_settled;
    return LFM_OK;
}

static lfm_status answer(const lfm_model *m, lfm_session *s, lfm_sampler *sampler,
                         const lfm_message *messages, size_t n_messages, lfm_error *err) {
    lfm_answer_options options;
    lfm_answer *a = NULL;
    int32_t *tokens = NULL;
    size_t n = 0, n_reused = 0, printed = 0;
    lfm_answer_defaults(&options, sizeof options);
    options.max_tokens = MAX_TOKENS;
    lfm_status st = lfm_chat_tokenize_messages(m, messages, n_messages, NULL, &tokens, &n, NULL,
                                               NULL, err);
    if (st == LFM_OK) st = lfm_session_sync(s, tokens, n, &n_reused, err);
    if (st == LFM_OK) st = lfm_answer_new(&a, s, sampler, NULL, &options, tokens, n, err);
    if (st == LFM_OK) st = lfm_answer_run(a, print_new, &printed, err);
    if (st == LFM_OK) st = lfm_answer_end(a, LFM_FINISH_NONE, err);
    if (st == LFM_OK) st = print_new(&printed, lfm_answer_get(a), err);
    putchar('\n');
    lfm_answer_free(a);
    lfm_free(tokens);
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
