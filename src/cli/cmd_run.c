/*
 * cmd_run.c - lfm run: one prompt, one answer.
 *
 * Standard output carries the answer and nothing else; standard error is silent unless it is a
 * terminal, or something went wrong.
 */
#include "cli/cli.h"
#include "cli/prompt.h"
#include "cli/run.h"
#include "cli/term.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

/* ---- Before anything runs ------------------------------------------------------------------- */

static lfm_status check_options(const cli_options *o, lfm_error *err) {
    if (o->raw && (o->system || o->system_file || o->messages)) {
        return err_set(err, LFM_ERR_ARG, "--raw uses no chat template, so there is no place for a "
                       "system prompt or --messages");
    }
    if (o->messages && (o->n_parts > 0 || o->system || o->system_file)) {
        return err_set(err, LFM_ERR_ARG, "--messages is the whole conversation: put the prompt and "
                       "the system prompt into its file");
    }
    if (o->session && (o->messages || o->prompt_cache)) {
        return err_set(err, LFM_ERR_ARG, "--session has the conversation and its memory; %s cannot "
                       "be used with it", o->messages ? "--messages" : "--prompt-cache");
    }
    if (o->prompt_cache_ro && !o->prompt_cache) {
        return err_set(err, LFM_ERR_ARG, "--prompt-cache-ro needs --prompt-cache FILE");
    }
    return LFM_OK;
}

static int explain_no_prompt(const cli_options *o) {
    const char *standing = getenv("LFM_MODEL");
    if (o->model_was_operand && standing && standing[0] && access(o->model, F_OK) != 0) {
        term_message("there is no file '%s'. LFM_MODEL is set; did you mean: lfm run -p \"%s\"?",
                     o->model, o->model);
        return CLI_USAGE;
    }
    term_message("no prompt; give one after the model, with -p or -f, or on standard input");
    fputs("\n"
          "  lfm run model.gguf -p \"Name three moons of Jupiter.\"\n"
          "  git diff | lfm run model.gguf -p \"Write a commit message.\"\n"
          "  lfm run model.gguf -sys \"Answer in one word.\" -f page.txt -p \"Language?\" -n 8\n"
          "\n"
          "All options: lfm help run\n", stderr);
    return CLI_USAGE;
}

/* A seed that people can type again. */
static uint64_t new_seed(void) {
    uint32_t seed = 0;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        seed = (uint32_t)(term_now() * 1e9);
    }
    return seed;
}

static lfm_sampling preset_sampling(const lfm_model *m, int preset) {
    lfm_sampling plain = {
        .typical_p = 1.0f, .top_p = 1.0f, .repeat_penalty = 1.0f, .repeat_last_n = 64,
    };
    switch (preset) {
    case PRESET_LLAMA_CPP: /* the defaults of its tools */
        plain.temperature = 0.8f;
        plain.top_k = 40;
        plain.top_p = 0.95f;
        plain.min_p = 0.05f;
        return plain;
    case PRESET_GREEDY:
        return plain;
    default:
        return lfm_sampling_default(m);
    }
}

static void set_float(float *field, opt_number n) {
    *field = n.given ? (float)n.value : *field;
}

static void set_int(int32_t *field, opt_number n) {
    *field = n.given ? (int32_t)n.value : *field;
}

static lfm_status choose_sampling(run_state *r, lfm_error *err) {
    const cli_options *o = r->o;
    lfm_sampling *s = &r->sampling;
    const uint32_t n_vocab = lfm_model_get_info(r->model)->n_vocab;
    *s = preset_sampling(r->model, o->preset);
    set_float(&s->temperature, o->temp);
    set_int(&s->top_k, o->top_k);
    set_float(&s->top_p, o->top_p);
    set_float(&s->min_p, o->min_p);
    set_float(&s->typical_p, o->typical);
    set_float(&s->repeat_penalty, o->repeat_penalty);
    set_int(&s->repeat_last_n, o->repeat_last_n);
    set_float(&s->presence_penalty, o->presence_penalty);
    set_float(&s->frequency_penalty, o->frequency_penalty);
    s->seed = o->seed.given && o->seed.value >= 0 ? (uint64_t)o->seed.value : new_seed();

    size_t n_end = 0;
    for (uint32_t id = 0; o->ignore_eos && id < n_vocab; id++) {
        n_end += lfm_token_is_end(r->model, (int32_t)id);
    }
    r->bias = calloc(o->n_bias + n_end + 1, sizeof *r->bias);
    if (!r->bias) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for the sampler");
    }
    for (size_t i = 0; i < o->n_bias; i++) {
        r->bias[s->n_bias++] = o->bias[i];
    }
    for (uint32_t id = 0; o->ignore_eos && id < n_vocab; id++) {
        if (lfm_token_is_end(r->model, (int32_t)id)) {
            r->bias[s->n_bias++] = (lfm_logit_bias){(int32_t)id, -HUGE_VALF};
        }
    }
    s->bias = r->bias;
    return lfm_sampler_new(&r->sampler, r->model, s, err);
}

/* ---- The prompt as tokens ------------------------------------------------------------------- */

/* The tokens of a session, then those of the prompt. */
static lfm_status put_past_first(run_state *r, lfm_error *err) {
    size_t n = 0;
    const int32_t *past = lfm_session_tokens(r->session, &n);
    int32_t *all = malloc((n + r->n_tokens + 1) * sizeof *all);
    if (!all) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", n + r->n_tokens);
    }
    memcpy(all, past, n * sizeof *all);
    if (r->n_tokens > 0) {
        memcpy(all + n, r->tokens, r->n_tokens * sizeof *all);
    }
    lfm_free(r->tokens);
    r->tokens = all;
    r->n_tokens += n;
    return LFM_OK;
}

static lfm_status tokenize_raw(run_state *r, json_out *text, lfm_error *err) {
    const bool goes_on = r->o->session && lfm_session_pos(r->session) > 0;
    const int flags = (r->o->no_special ? 0 : LFM_TOKENIZE_SPECIAL) |
                      (goes_on ? 0 : LFM_TOKENIZE_BOS);
    if (r->o->prefill) {
        json_write_text(text, r->o->prefill);
    }
    lfm_status st = json_finish(text, err);
    if (st == LFM_OK) {
        st = lfm_tokenize(r->model, text->ptr, text->len, flags, &r->tokens, &r->n_tokens, err);
    }
    if (st == LFM_OK && goes_on) {
        st = put_past_first(r, err);
    }
    r->rendered = text->ptr;
    r->rendered_len = text->len;
    *text = (json_out){0};
    return st;
}

static lfm_status tokenize_chat(run_state *r, const json_out *text, lfm_error *err) {
    if (r->o->session) { /* only now are the earlier messages known */
        const lfm_status st = prompt_conversation(&r->conversation, r->o, r->past.messages, text,
                                                  err);
        if (st != LFM_OK) {
            return st;
        }
    }
    const char *warning = lfm_chat_warning(r->model);
    if (warning[0] && !r->o->quiet) {
        term_message("%s", warning);
    }
    return lfm_chat_tokenize(r->model, r->conversation.ptr, r->conversation.len, r->o->prefill,
                             &r->tokens, &r->n_tokens, &r->rendered, &r->rendered_len, err);
}

static lfm_status check_fit(const run_state *r, lfm_error *err) {
    const uint32_t n_ctx = lfm_session_n_ctx(r->session);
    if (r->n_tokens == 0) {
        return err_set(err, LFM_ERR_ARG, "the prompt is empty, and this model has no token that "
                       "begins a text");
    }
    if (r->n_tokens > n_ctx) {
        const uint32_t most = lfm_model_get_info(r->model)->n_ctx_max;
        return err_set(err, LFM_ERR_FULL, "the prompt has %s tokens; %s allows %s. %s",
                       cli_grouped(r->n_tokens).text, n_ctx < most ? "-c" : "the model",
                       cli_grouped(n_ctx).text,
                       n_ctx < most ? "Use -c 0, or a shorter prompt." : "Use a shorter prompt.");
    }
    return LFM_OK;
}

/* ---- Showing -------------------------------------------------------------------------------- */

/* Thoughts are for people who watch: dim on a terminal, and nowhere else. */
static void show_thoughts(run_state *r) {
    const answer *a = &r->answer;
    const size_t n = a->thoughts_settled - r->thoughts_shown;
    if (n == 0 || !term_err_is_tty() || r->o->quiet || r->o->json) {
        return;
    }
    const bool dim = term_use_color(r->o->color);
    json_out text = {0};
    term_escape(&text, a->thoughts.ptr + r->thoughts_shown, n);
    fprintf(stderr, "%s%s%s", dim ? "\033[2m" : "", text.ptr ? text.ptr : "", dim ? "\033[0m" : "");
    json_out_free(&text);
    r->thoughts_shown = a->thoughts_settled;
}

static lfm_status write_out(run_state *r, const char *bytes, size_t n, lfm_error *err) {
    r->ends_line = n > 0 ? bytes[n - 1] == '\n' : r->ends_line;
    if (!r->out.is_tty) {
        return output_write(&r->out, bytes, n, err);
    }
    json_out text = {0};
    term_escape(&text, bytes, n);
    lfm_status st = json_finish(&text, err);
    if (st == LFM_OK) {
        st = output_write(&r->out, text.ptr, text.len, err);
    }
    json_out_free(&text);
    return st;
}

static lfm_status show_text(run_state *r, lfm_error *err) {
    const answer *a = &r->answer;
    const size_t n = a->settled - r->shown;
    if (n == 0) {
        return LFM_OK;
    }
    if (r->shown == 0 && r->thoughts_shown > 0) {
        fputs("\n\n", stderr); /* the end of the thoughts */
    }
    const lfm_status st = write_out(r, a->text.ptr + r->shown, n, err);
    r->shown = a->settled;
    return st;
}

static lfm_status show_new(run_state *r, lfm_error *err) {
    show_thoughts(r);
    return r->o->no_stream || r->o->json ? LFM_OK : show_text(r, err);
}

/* The rest of the answer, and the newline that shells and people expect. */
static lfm_status show_end(run_state *r, lfm_error *err) {
    const bool exact = r->o->no_newline || r->o->raw;
    lfm_status st = answer_end(&r->answer, err);
    if (st != LFM_OK) {
        return st;
    }
    if (r->o->json) {
        json_out object = {0};
        report_json(&object, r);
        st = json_finish(&object, err);
        if (st == LFM_OK) {
            st = output_write(&r->out, object.ptr, object.len, err);
        }
        json_out_free(&object);
        return st;
    }
    show_thoughts(r);
    st = show_text(r, err);
    const bool wanted = term_stopped() ? r->out.is_tty : !exact;
    if (st == LFM_OK && wanted && r->answer.text.len > 0 && !r->ends_line) {
        st = write_out(r, "\n", 1, err);
    }
    return st;
}

/* ---- Generating ----------------------------------------------------------------------------- */

static bool on_progress(void *ctx, size_t done, size_t total) {
    term_progress_show(ctx, "reading prompt", done, total);
    return !term_stopped();
}

static lfm_status read_prompt(run_state *r, lfm_error *err) {
    term_progress progress;
    term_progress_start(&progress, !r->o->quiet);
    lfm_session_on_progress(r->session, on_progress, &progress);
    lfm_status st = lfm_prompt(r->session, r->tokens, r->n_tokens, &r->n_reused, err);
    lfm_session_on_progress(r->session, NULL, NULL);
    term_progress_end(&progress);
    r->prompt_done = term_now();
    if (st == LFM_OK) {
        st = keep_prompt(r->session, r->o, r->n_reused, err);
    }
    for (size_t i = 0; i < r->n_tokens && st == LFM_OK; i++) {
        const lfm_status accepted = lfm_sampler_accept(r->sampler, r->tokens[i], err);
        if (accepted != LFM_OK) {
            return accepted;
        }
    }
    return st;
}

/* What a token adds to the answer.  The tags of a thought may be control tokens; others are shown
 * only if the user asked. */
static lfm_status take_token(run_state *r, int32_t token, lfm_error *err) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(r->model, token, &n);
    const bool is_tag = r->answer.split && r->answer.state != ANSWER_TEXT &&
                        ((n == 7 && memcmp(bytes, "<think>", 7) == 0) ||
                         (n == 8 && memcmp(bytes, "</think>", 8) == 0));
    if (lfm_token_is_control(r->model, token) && !r->o->special && !is_tag) {
        return LFM_OK;
    }
    const bool was_thinking = r->answer.state == ANSWER_THINKING;
    const lfm_status st = answer_feed(&r->answer, bytes, n, err);
    r->n_reasoning += was_thinking || r->answer.state == ANSWER_THINKING;
    return st;
}

/* Is there a place for one more token? */
static lfm_status make_room(run_state *r, lfm_error *err) {
    if (lfm_session_pos(r->session) < lfm_session_n_ctx(r->session)) {
        return LFM_OK;
    }
    if (r->o->on_overflow == OVERFLOW_SHIFT) {
        return keep_shift(r->session, r->model, r->o, err);
    }
    r->finish = "length";
    return LFM_OK;
}

/* Choose, show and evaluate one token; r->finish is set when it was the last one. */
static lfm_status step(run_state *r, double limit, lfm_error *err) {
    int32_t token = -1;
    lfm_status st = lfm_sampler_pick(r->sampler, lfm_logits(r->session), &token, err);
    if (st != LFM_OK) {
        return st;
    }
    r->n_generated++;
    r->first_token = r->first_token > 0 ? r->first_token : term_now();
    if (lfm_token_is_end(r->model, token)) {
        r->finish = "stop";
        return LFM_OK;
    }
    st = take_token(r, token, err);
    if (st == LFM_OK) {
        st = show_new(r, err);
    }
    if (st == LFM_OK) {
        st = lfm_sampler_accept(r->sampler, token, err);
    }
    if (r->answer.stopped) {
        r->finish = "stop_string";
    } else if (limit >= 0 && (double)r->n_generated >= limit) {
        r->finish = "length";
    } else if (st == LFM_OK) {
        st = make_room(r, err);
    }
    r->last = (run_token){token, true};
    if (st == LFM_OK && !r->finish) {
        st = lfm_eval(r->session, &token, 1, err);
        r->last.waits = st != LFM_OK;
    }
    return st;
}

/* From the prompt to the end of the answer; r->finish says why it ended. */
static lfm_status generate(run_state *r, lfm_error *err) {
    const double limit = r->o->n_predict.given ? r->o->n_predict.value : -1;
    lfm_status st = read_prompt(r, err);
    if (limit == 0 && st == LFM_OK) {
        r->finish = "length";
    }
    while (st == LFM_OK && !r->finish && !term_stopped()) {
        st = step(r, limit, err);
    }
    r->ended = term_now();
    if (term_stopped() && !r->finish) { /* the evaluation may have been broken off: no error */
        r->finish = "interrupted";
        err_clear(err);
        st = LFM_OK;
    }
    return st;
}

/* ---- The command ---------------------------------------------------------------------------- */

static lfm_status begin_answer(run_state *r, lfm_error *err) {
    r->answer.stops = r->o->stops;
    r->answer.n_stops = r->o->n_stops;
    r->answer.split = !r->o->raw;
    if (!r->o->prefill) {
        return LFM_OK;
    }
    const lfm_status st = answer_prefill(&r->answer, r->o->prefill, strlen(r->o->prefill), err);
    return st == LFM_OK ? show_new(r, err) : st;
}

/* What follows a finished answer; returns the exit code. */
static int conclude(const run_state *r) {
    const cli_options *o = r->o;
    const bool wanted = !o->raw && !(o->n_predict.given && o->n_predict.value == 0);
    const bool ended = strcmp(r->finish, "stop") == 0 || strcmp(r->finish, "length") == 0;
    const bool open = r->shown > 0 ? r->out.is_tty && !r->ends_line : r->thoughts_shown > 0;
    if (open && term_err_is_tty() && (o->verbose || !o->quiet)) {
        fputc('\n', stderr); /* the answer keeps its bytes, and the line below a line of its own */
    }
    if (o->verbose) {
        report_verbose(r);
    } else if (!o->quiet && !o->json && r->out.is_tty && term_err_is_tty()) {
        report_summary(r);
    }
    if (wanted && ended && r->answer.text.len == 0) {
        term_message(r->answer.state == ANSWER_THINKING
                         ? "the answer is empty: the model was still thinking; allow more with -n"
                         : "the answer is empty: the model ended it at once");
        return CLI_INCOMPLETE;
    }
    return CLI_DONE;
}

/* Save what --session names.  An answer that a stop string ended is kept as it was shown. */
static lfm_status save_session(run_state *r, lfm_error *err) {
    const answer *a = &r->answer;
    const json_out *said = a->stopped ? &a->text : &a->raw;
    lfm_status st = LFM_OK;
    if (r->o->session && r->o->raw && r->last.waits &&
        lfm_session_pos(r->session) < lfm_session_n_ctx(r->session)) {
        st = lfm_eval(r->session, &r->last.id, 1, err); /* tokens are the text here */
    }
    if (st == LFM_OK) {
        st = keep_session(r->session, r->o, r->o->raw ? NULL : &r->conversation,
                          said->ptr ? said->ptr : "", said->len, err);
    }
    return st;
}

/* With the session open and the prompt in tokens: answer it. */
static lfm_status answer_prompt(run_state *r, int *code, lfm_error *err) {
    lfm_status st = choose_sampling(r, err);
    if (st == LFM_OK) {
        st = check_fit(r, err);
    }
    if (st == LFM_OK) {
        term_catch_stop(); /* before the output: its temporary file must not be left behind */
        st = output_open(&r->out, r->o->out, err);
    }
    if (st != LFM_OK) {
        return st;
    }
    r->loaded = term_now();
    st = begin_answer(r, err);
    if (st == LFM_OK) {
        st = generate(r, err);
    }
    lfm_error late = {0};
    if (st != LFM_OK && !r->o->json) {
        r->finish = "error"; /* what was generated before it is still shown to its end */
    }
    lfm_status shown = r->finish ? show_end(r, &late) : st;
    if (st == LFM_OK && shown == LFM_OK) {
        shown = save_session(r, &late);
    }
    if (st == LFM_OK && shown != LFM_OK) {
        st = err_set(err, shown, "%s", late.text);
    }
    if (st == LFM_OK) {
        *code = conclude(r);
    }
    const lfm_status closed = output_close(&r->out, st == LFM_OK && !term_stopped(), &late);
    return st == LFM_OK && closed != LFM_OK ? err_set(err, closed, "%s", late.text) : st;
}

/* The model, and a session with what was kept for it. */
static lfm_status load(run_state *r, lfm_error *err) {
    const lfm_session_options opt = cli_session_options(r->o);
    lfm_status st = cli_open_model(&r->model, r->o, false, err);
    if (st == LFM_OK) {
        st = lfm_session_new(&r->session, r->model, &opt, err);
    }
    return st == LFM_OK ? keep_load(&r->past, r->session, r->o, err) : st;
}

static lfm_status run_all(run_state *r, json_out *text, int *code, lfm_error *err) {
    const cli_options *o = r->o;
    bool any = false;
    lfm_status st = check_options(o, err);
    if (st == LFM_OK && !o->messages) {
        st = prompt_read(text, &any, o, err);
        if (st == LFM_OK && !any) {
            *code = explain_no_prompt(o);
            return LFM_OK;
        }
    }
    if (st == LFM_OK && !o->raw && !o->session) {
        st = prompt_conversation(&r->conversation, o, NULL, text, err);
    }
    r->started = term_now();
    if (st == LFM_OK) {
        st = load(r, err);
    }
    if (st == LFM_OK) {
        st = o->raw ? tokenize_raw(r, text, err) : tokenize_chat(r, text, err);
    }
    if (st != LFM_OK) {
        return st;
    }
    return o->dry_run ? report_dry_run(r, err) : answer_prompt(r, code, err);
}

int cmd_run(const cli_options *o) {
    run_state r = {.o = o};
    json_out text = {0};
    lfm_error err = {0};
    int code = CLI_DONE;
    if (run_all(&r, &text, &code, &err) != LFM_OK) {
        code = cli_fail(&err);
    }
    json_out_free(&text);
    json_out_free(&r.conversation);
    keep_drop(&r.past);
    answer_drop(&r.answer);
    lfm_sampler_free(r.sampler);
    lfm_session_free(r.session);
    lfm_model_close(r.model);
    lfm_free(r.tokens);
    lfm_free(r.rendered);
    free(r.bias);
    return code;
}
