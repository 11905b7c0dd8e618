/*
 * cmd_pick.c - lfm pick: choose one of several answers, with exact probabilities.
 *
 * The prompt is evaluated once.  The probability of a choice is the product of the probabilities of
 * its tokens and, in a chat, of the token that ends the answer: otherwise "no" would include "not".
 */
#include "base/markers.h"
#include "cli/commands/divergence.h"
#include "cli/prompt/prompt.h"
#include "cli/prompt/prompt_tokens.h"
#include "cli/shared/common.h"
#include "cli/shared/sandbox.h"
#include "cli/shared/term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const cli_options *o;
    lfm_model *model;
    lfm_session *prompt; /* holds the prompt and nothing else */
    lfm_session *choice;
    size_t n_vocab;
    float *logits;       /* [longest choice][n_vocab] */
    double *log_p;       /* [n_choices] */
} pick;

static lfm_status tokenize(const pick *p, const json_out *text, prompt_tokens *tokens,
                           lfm_error *err) {
    const tools_offered none = {0};
    conversation talk = {0};
    if (p->o->raw) return prompt_tokenize_raw(tokens, p->model, p->o, text, true, err);
    lfm_status st = prompt_conversation(&talk, p->o, false, &none, text, err);
    if (st == LFM_OK) st = prompt_tokenize_chat(tokens, p->model, p->o, &talk, err);
    conversation_drop(&talk);
    return st;
}

/* A template that opens thoughts would let a choice be thought, not said: close them. */
static lfm_status close_thoughts(const pick *p, prompt_tokens *tokens, lfm_error *err) {
    int32_t *close = NULL;
    size_t n = 0;
    if (p->o->raw || !tokens->begins) return LFM_OK;
    lfm_status st = lfm_tokenize(p->model, THINK_CLOSE, strlen(THINK_CLOSE), LFM_TOKENIZE_SPECIAL,
                                 &close, &n, err);
    int32_t *ids = st == LFM_OK ? realloc(tokens->ids, (tokens->n + n) * sizeof *ids) : NULL;
    if (ids) {
        memcpy(ids + tokens->n, close, n * sizeof *ids);
        tokens->ids = ids;
        tokens->n += n;
    } else if (st == LFM_OK) {
        st = err_no_memory(err, "the prompt");
    }
    lfm_free(close);
    return st;
}

static lfm_status read_prompt(pick *p, const json_out *text, lfm_error *err) {
    prompt_tokens tokens = {0};
    size_t reused = 0;
    lfm_status st = tokenize(p, text, &tokens, err);
    if (st == LFM_OK) st = close_thoughts(p, &tokens, err);
    if (st == LFM_OK) st = cli_new_session(&p->prompt, p->model, p->o, err);
    if (st == LFM_OK) {
        if (!p->o->no_sandbox) {
            sandbox_enter(SANDBOX_CLOSED);
        }
        st = lfm_session_sync(p->prompt, tokens.ids, tokens.n, &reused, err);
    }
    if (st == LFM_OK) st = lfm_session_fork(&p->choice, p->prompt, err);
    prompt_tokens_drop(&tokens);
    return st;
}

/* The token that ends an answer in a chat; -1 = none, as with --raw. */
static int32_t end_token(const pick *p) {
    int32_t id = lfm_token_find(p->model, TURN_END);
    for (size_t i = 0; id < 0 && i < p->n_vocab; i++) {
        id = lfm_token_is_end(p->model, (int32_t)i) ? (int32_t)i : -1;
    }
    return p->o->raw ? -1 : id;
}

/* Tokenize a choice, and append the token that ends an answer. */
static lfm_status tokenize_choice(const pick *p, const char *text, int32_t **tokens, size_t *n,
                            lfm_error *err) {
    const int32_t end = end_token(p);
    int32_t *plain = NULL;
    lfm_status st = lfm_tokenize(p->model, text, strlen(text), 0, &plain, n, err);
    if (st == LFM_OK && *n == 0) st = err_set(err, LFM_ERR_ARG, "a choice is empty");
    *tokens = st == LFM_OK ? malloc((*n + 1) * sizeof **tokens) : NULL;
    if (*tokens) {
        memcpy(*tokens, plain, *n * sizeof **tokens);
        if (end >= 0) {
            (*tokens)[(*n)++] = end;
        }
    } else if (st == LFM_OK) {
        st = err_no_memory(err, "the choices");
    }
    lfm_free(plain);
    return st;
}

static double log_p_of(const float *logits, size_t n_vocab, int32_t token) {
    return (double)logits[token] - log_sum_exp(logits, n_vocab);
}

/* Compute the log-probability of choice `i`. */
static lfm_status score_choice(pick *p, size_t i, lfm_error *err) {
    int32_t *tokens = NULL;
    size_t n = 0;
    lfm_status st = tokenize_choice(p, p->o->choices[i], &tokens, &n, err);
    if (st == LFM_OK) {
        p->log_p[i] = log_p_of(lfm_logits(p->prompt), p->n_vocab, tokens[0]);
        float *logits = realloc(p->logits, n * p->n_vocab * sizeof *logits);
        if (logits) {
            p->logits = logits;
            st = lfm_session_copy(p->choice, p->prompt, err);
        } else {
            st = err_no_memory(err, "the choices");
        }
    }
    if (st == LFM_OK && n > 1) st = lfm_eval_all(p->choice, tokens, n - 1, p->logits, err);
    for (size_t t = 1; t < n && st == LFM_OK; t++) {
        p->log_p[i] += log_p_of(p->logits + (t - 1) * p->n_vocab, p->n_vocab, tokens[t]);
    }
    free(tokens);
    return st;
}

/* p[n]: probabilities among the choices, from log_p[n]. */
static void normalise(double *p, const double *log_p, size_t n) {
    double most = -HUGE_VAL;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, log_p[i]);
    }
    for (size_t i = 0; i < n; i++) {
        p[i] = exp(log_p[i] - most);
        sum += p[i];
    }
    for (size_t i = 0; i < n; i++) {
        p[i] /= sum;
    }
}

static lfm_status print_json(const pick *p, const double *probability, size_t best,
                             lfm_error *err) {
    json_out out = {0};
    json_begin_object(&out, NULL);
    json_put_text(&out, "choice", p->o->choices[best]);
    json_begin_array(&out, "choices");
    for (size_t i = 0; i < p->o->n_choices; i++) {
        json_begin_object(&out, NULL);
        json_put_text(&out, "text", p->o->choices[i]);
        json_put_real(&out, "probability", probability[i]);
        json_put_real(&out, "logprob", p->log_p[i]);
        json_end_object(&out);
    }
    json_end_array(&out);
    json_end_object(&out);
    const lfm_status st = json_finish(&out, err);
    if (st == LFM_OK) {
        puts(out.ptr);
    }
    json_out_free(&out);
    return st;
}

static lfm_status report(const pick *p, double *probability, int *code, lfm_error *err) {
    const cli_options *o = p->o;
    size_t best = 0;
    normalise(probability, p->log_p, o->n_choices);
    for (size_t i = 1; i < o->n_choices; i++) {
        best = probability[i] > probability[best] ? i : best; /* the first among equals */
    }
    *code = o->test && best != 0 ? CLI_FAILED : CLI_DONE;
    if (o->test || o->json) return o->test ? LFM_OK : print_json(p, probability, best, err);
    for (size_t i = 0; i < o->n_choices; i++) {
        if (o->all) {
            printf("%.6f\t", probability[i]);
        }
        if (o->all || i == best) {
            cli_print(o->choices[i], strlen(o->choices[i]));
            putchar('\n');
        }
    }
    return LFM_OK;
}

static lfm_status run(pick *p, const json_out *text, int *code, lfm_error *err) {
    const size_t n = p->o->n_choices;
    lfm_status st = cli_open_model(&p->model, p->o, false, err);
    if (st == LFM_OK) {
        p->n_vocab = lfm_model_get_info(p->model)->n_vocab;
        st = read_prompt(p, text, err);
    }
    p->log_p = calloc(2 * n, sizeof *p->log_p);
    if (st == LFM_OK && !p->log_p) {
        st = err_set(err, LFM_ERR_MEMORY, "out of memory for %zu choices", n);
    }
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        st = score_choice(p, i, err);
    }
    if (st == LFM_OK) st = report(p, p->log_p + n, code, err);
    return st;
}

int cmd_pick(const cli_options *o) {
    pick p = {.o = o};
    json_out text = {0};
    lfm_error err = {0};
    bool any = false;
    int code = CLI_DONE;
    lfm_status st = prompt_read(&text, &any, o, &err);
    if (st == LFM_OK && !any) {
        st = err_set(&err, LFM_ERR_ARG, "no prompt; give one with -p or -f, or on standard input");
    }
    if (st == LFM_OK && o->n_choices < 2) {
        st = err_set(&err, LFM_ERR_ARG, "%s; give at least two after the model: lfm pick MODEL -p "
                     "PROMPT yes no", o->n_choices ? "only one choice" : "no choices");
    }
    if (st == LFM_OK) st = run(&p, &text, &code, &err);
    lfm_session_free(p.choice);
    lfm_session_free(p.prompt);
    lfm_model_close(p.model);
    json_out_free(&text);
    free(p.logits);
    free(p.log_p);
    if (st != LFM_OK) { /* with --test, 1 is an answer */
        const int failed = cli_fail(&err);
        return o->test && failed == CLI_FAILED ? CLI_USAGE : failed;
    }
    return code;
}
