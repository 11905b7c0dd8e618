/*
 * cmd_run.c - lfm run: one prompt, one answer.
 *
 * Standard output carries the answer and nothing else; standard error is silent unless it is a
 * terminal, or something went wrong.
 */
#include "cli/prompt/prompt.h"
#include "cli/prompt/sampling.h"
#include "cli/prompt/tools.h"
#include "cli/run/run.h"
#include "cli/shared/common.h"
#include "cli/shared/sandbox.h"
#include "cli/shared/term.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
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
    if (o->json && o->jsonl) {
        return err_set(err, LFM_ERR_ARG, "--json and --jsonl cannot be used together");
    }
    if (o->raw && o->tools) {
        return err_set(err, LFM_ERR_ARG, "--raw uses no chat template, so there is no place for "
                       "--tools");
    }
    if (o->truncate && (o->messages || (o->system_file && strcmp(o->system_file, "-") == 0))) {
        return err_set(err, LFM_ERR_ARG, o->messages
                       ? "--truncate cuts a prompt; which of the --messages to cut is yours to say"
                       : "--truncate may have to read -sysf twice, so it cannot be standard input");
    }
    if (o->logprobs.given && !o->json && !o->jsonl) {
        return err_set(err, LFM_ERR_ARG, "--logprobs adds to --json or --jsonl; give one of them");
    }
    if (o->stats_fd.given) {
        const int fd = (int)o->stats_fd.value;
        const int mode = fcntl(fd, F_GETFL);
        if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY) {
            return err_set(err, LFM_ERR_ARG, "--stats-fd %d: not open for writing; let the shell "
                           "open it: lfm run ... --stats-fd %d %d>stats.json", fd, fd, fd);
        }
    }
    if (o->prompt_cache_ro && !o->prompt_cache) {
        return err_set(err, LFM_ERR_ARG, "--prompt-cache-ro needs --prompt-cache FILE");
    }
    return LFM_OK;
}

/* A file of --session or --prompt-cache that is none is noticed before the model is opened. */
static lfm_status check_kept(const cli_options *o, lfm_error *err) {
    const char *path = o->session ? o->session : o->prompt_cache;
    lfm_session_info info;
    bool is_session = false;
    char *note = NULL;
    size_t note_len = 0;
    if (!path || access(path, F_OK) != 0) {
        return LFM_OK;
    }
    const lfm_status st = lfm_session_describe(path, &info, &is_session, &note, &note_len, err);
    lfm_free(note);
    return st;
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

/* ---- Showing -------------------------------------------------------------------------------- */

/* --jsonl: a line with what is new, and with the probabilities of the tokens since the last one. */
static void add_delta(run_state *r, json_out *line, const char *key, const char *text, size_t n) {
    const token_logprobs *l = &r->gen.logprobs;
    json_write_text(line, "{\"");
    json_write_text(line, key);
    json_write_text(line, "\": ");
    json_write_string(line, text, n);
    if (l->n_known > r->n_logprobs_shown) {
        json_write_text(line, ", \"logprobs\": ");
        logprobs_write(line, l, r->n_logprobs_shown, r->model, "top");
        r->n_logprobs_shown = l->n_known;
    }
    json_write_text(line, "}\n");
}

static lfm_status show_deltas(run_state *r, bool ended, lfm_error *err) {
    const answer *a = &r->gen.answer;
    json_out lines = {0};
    if (a->thoughts_settled > r->show.thoughts_shown) {
        add_delta(r, &lines, "reasoning_delta", a->thoughts.ptr + r->show.thoughts_shown,
                  a->thoughts_settled - r->show.thoughts_shown);
        r->show.thoughts_shown = a->thoughts_settled;
    }
    if (a->settled > r->show.shown) {
        add_delta(r, &lines, "delta", a->text.ptr + r->show.shown, a->settled - r->show.shown);
        r->show.shown = a->settled;
    }
    if (ended && r->gen.logprobs.n_known > r->n_logprobs_shown) { /* tokens without text */
        add_delta(r, &lines, "delta", "", 0);
    }
    lfm_status st = json_finish(&lines, err);
    if (st == LFM_OK) st = output_write(&r->show.out, lines.ptr, lines.len, err);
    json_out_free(&lines);
    return st;
}

static lfm_status show_new(run_state *r, lfm_error *err) {
    show_thoughts(&r->show, &r->gen.answer);
    if (r->o->jsonl) {
        return show_deltas(r, false, err);
    }
    return r->o->no_stream || r->o->json || r->o->extract
               ? LFM_OK : show_text(&r->show, &r->gen.answer, err);
}

/* The calls of tools, one JSON object a line. */
static lfm_status show_calls(run_state *r, lfm_error *err) {
    json_doc doc = {0};
    json_out list = {0};
    json_out lines = {0};
    if (r->gen.n_calls == 0) {
        return LFM_OK;
    }
    json_write_text(&list, "[");
    json_write_raw(&list, r->gen.calls.ptr, r->gen.calls.len);
    json_write_text(&list, "]");
    lfm_status st = json_finish(&list, err);
    if (st == LFM_OK) st = json_parse(&doc, list.ptr, list.len, err);
    if (st == LFM_OK && r->gen.answer.text.len > 0 && !r->show.ends_line) {
        json_write_text(&lines, "\n");
    }
    for (const json_value *v = st == LFM_OK ? doc.root->first : NULL; v; v = v->next) {
        json_write_value(&lines, v);
        json_write_text(&lines, "\n");
    }
    if (st == LFM_OK) st = json_finish(&lines, err);
    if (st == LFM_OK) st = show_bytes(&r->show, lines.ptr, lines.len, err);
    json_doc_free(&doc);
    json_out_free(&list);
    json_out_free(&lines);
    return st;
}

/* Leave only the first fenced block of code; false when there is none, and then nothing. */
static bool extract_code(answer *a) {
    char *text = a->text.ptr;
    const char *fence = !text ? NULL : strncmp(text, "```", 3) == 0 ? text : strstr(text, "\n```");
    const char *begin = fence ? strchr(fence + 3 + (*fence == '\n'), '\n') : NULL;
    const char *end = begin ? strstr(begin, "\n```") : NULL;
    if (!begin || !end) {
        a->text.len = a->settled = 0;
        return false;
    }
    const size_t n = (size_t)(end - begin); /* with the last newline, without the first */
    memmove(text, begin + 1, n);
    a->text.len = a->settled = n;
    text[n] = '\0';
    return true;
}

/* The rest of the answer, and the newline that shells and people expect. */
static lfm_status show_end(run_state *r, lfm_error *err) {
    const bool exact = r->o->no_newline || r->o->raw;
    lfm_status st = generation_end(&r->gen, err);
    if (st != LFM_OK) {
        return st;
    }
    if (r->o->jsonl) {
        st = show_deltas(r, true, err);
        if (st != LFM_OK) {
            return st;
        }
    }
    if (r->o->extract && !r->o->json && !extract_code(&r->gen.answer)) {
        r->no_code = true;
    }
    if (r->o->json || r->o->jsonl) {
        json_out object = {0};
        report_json(&object, r);
        st = json_finish(&object, err);
        if (st == LFM_OK) st = output_write(&r->show.out, object.ptr, object.len, err);
        json_out_free(&object);
        return st;
    }
    show_thoughts(&r->show, &r->gen.answer);
    st = show_text(&r->show, &r->gen.answer, err);
    const bool wanted = term_stopped() ? r->show.out.is_tty : !exact;
    if (st == LFM_OK && wanted && r->gen.answer.text.len > 0 && !r->show.ends_line) {
        st = show_bytes(&r->show, "\n", 1, err);
    }
    return st == LFM_OK ? show_calls(r, err) : st;
}

/* ---- Generating ----------------------------------------------------------------------------- */

static bool on_progress(void *ctx, size_t done, size_t total) {
    term_progress_show(ctx, "reading prompt", done, total);
    return !term_stopped();
}

static lfm_status read_prompt(run_state *r, lfm_error *err) {
    term_progress progress;
    term_progress_start(&progress, cli_progress(r->o));
    lfm_session_on_progress(r->session, on_progress, &progress);
    lfm_status st = lfm_session_sync(r->session, r->tokens, r->n_tokens, &r->n_reused, err);
    lfm_session_on_progress(r->session, NULL, NULL);
    term_progress_end(&progress);
    r->prompt_done = term_now();
    return st == LFM_OK ? keep_prompt(r->session, r->o, r->n_reused, err) : st;
}

/* Take, show and evaluate one token; r->gen.finish is set when it was the last one. */
static lfm_status step(run_state *r, lfm_error *err) {
    lfm_status st = generation_take(&r->gen, err);
    r->first_token = r->first_token > 0 ? r->first_token : term_now();
    if (st == LFM_OK) st = show_new(r, err);
    return st == LFM_OK && !r->gen.finish ? generation_step(&r->gen, err) : st;
}

/* From the prompt to the end of the answer; r->gen.finish says why it ended. */
static lfm_status generate(run_state *r, lfm_error *err) {
    lfm_status st = read_prompt(r, err);
    while (st == LFM_OK && !r->gen.finish && !term_stopped()) {
        if (term_asked()) {
            report_progress(r);
        }
        st = step(r, err);
    }
    r->ended = term_now();
    if (term_stopped() && !r->gen.finish) { /* the evaluation may have been broken off: no error */
        r->gen.finish = "interrupted";
        err_clear(err);
        st = LFM_OK;
    }
    return st;
}

/* ---- The command ---------------------------------------------------------------------------- */

static lfm_status begin_answer(run_state *r, lfm_error *err) {
    r->gen.o = r->o;
    r->gen.model = r->model;
    r->gen.session = r->session;
    lfm_status st = form_begin(&r->form, r->o, &r->gen.form, err);
    if (st == LFM_OK) st = generation_begin(&r->gen, r->tokens, r->n_tokens, err);
    return st == LFM_OK && r->o->prefill ? show_new(r, err) : st;
}

/* What follows a finished answer; returns the exit code. */
static int conclude(const run_state *r) {
    const cli_options *o = r->o;
    const bool wanted = !o->raw && !(o->n_predict.given && o->n_predict.value == 0);
    const bool ended = strcmp(r->gen.finish, "stop") == 0 || strcmp(r->gen.finish, "length") == 0;
    const bool open = r->show.shown > 0 ? r->show.out.is_tty && !r->show.ends_line
                                        : r->show.thoughts_shown > 0;
    if (open && term_err_is_tty() && (o->verbose || !o->quiet)) {
        fputc('\n', stderr); /* the answer keeps its bytes, and the line below a line of its own */
    }
    if (o->stats || o->stats_fd.given) {
        report_stats(r);
    }
    if (o->verbose) {
        report_verbose(r);
    } else if (!o->quiet && !o->json && !o->jsonl && r->show.out.is_tty && term_err_is_tty()) {
        report_summary(r);
    }
    if (r->gen.n_bad_calls > 0) {
        term_message("a call of a tool could not be read; it is in the answer as it was said");
    }
    if (r->no_code) {
        term_message("the answer has no block of code (-x); see it without -x");
        return CLI_INCOMPLETE;
    }
    if (wanted && ended && r->gen.answer.text.len == 0 && r->gen.n_calls == 0) {
        term_message(r->gen.answer.state == ANSWER_THINKING
                         ? "the answer is empty: the model was still thinking; allow more with -n"
                         : "the answer is empty: the model ended it at once");
        return CLI_INCOMPLETE;
    }
    if (strcmp(r->gen.finish, "loop") == 0) {
        term_message("the answer went round in circles and was ended; --loop-guard off lets it go "
                     "on, --temp or --repeat-penalty may help");
        return CLI_INCOMPLETE;
    }
    if (o->strict && strcmp(r->gen.finish, "length") == 0) {
        term_message("the answer was cut (length); allow more with -n or -c");
        return CLI_INCOMPLETE;
    }
    if (generation_is_cut(&r->gen)) {
        term_message("the answer is incomplete: it was cut (%s) before it had the form that was "
                     "asked for%s", r->gen.finish,
                     strcmp(r->gen.finish, "length") == 0 ? "; allow more with -n or -c" : "");
        return CLI_INCOMPLETE;
    }
    return CLI_DONE;
}

/* Save what --session names.  An answer that a stop string ended is kept as it was shown. */
static lfm_status save_session(run_state *r, lfm_error *err) {
    const answer *a = &r->gen.answer;
    const json_out *said = a->stopped ? &a->text : &a->raw;
    lfm_status st = LFM_OK;
    const size_t room = lfm_session_n_ctx(r->session) - lfm_session_pos(r->session);
    if (r->o->session && r->o->raw && r->gen.n_waiting <= room) {
        st = generation_step(&r->gen, err); /* tokens are the text here */
    }
    if (st == LFM_OK) {
        st = keep_session(r->session, r->o, r->o->raw ? NULL : &r->conversation,
                          said->ptr ? said->ptr : "", said->len, &r->gen.calls, err);
    }
    return st;
}

/* With the session open and the prompt in tokens: answer it. */
static lfm_status answer_prompt(run_state *r, int *code, lfm_error *err) {
    lfm_status st = sampling_choose(&r->gen.sampler, &r->sampling, r->model, r->o, err);
    if (st == LFM_OK) st = form_bind(&r->form, r->model, r->o, err);
    if (st == LFM_OK) st = run_check_fit(r, err);
    if (st == LFM_OK) {
        term_catch_stop(); /* before the output: its temporary file must not be left behind */
        st = output_open(&r->show.out, r->o->out, err);
        /* Thoughts are for people who watch: dim on a terminal, and nowhere else. */
        const opt_think think = opt_thinking(r->o);
        r->show.thoughts = !r->o->json && !r->o->jsonl &&
                           (think == THINK_SHOW || (think == THINK_AUTO && term_err_is_tty() &&
                                                    !r->o->quiet));
        r->show.dim = term_use_color(r->o->color);
    }
    if (st != LFM_OK) {
        return st;
    }
    r->loaded = term_now();
    st = begin_answer(r, err);
    if (st == LFM_OK) st = generate(r, err);
    lfm_error late = {0};
    if (st != LFM_OK && !r->o->json && !r->o->jsonl) {
        r->gen.finish = "error"; /* what was generated before it is still shown to its end */
    }
    lfm_status shown = r->gen.finish ? show_end(r, &late) : st;
    if (st == LFM_OK && shown == LFM_OK) {
        shown = save_session(r, &late);
    }
    if (st == LFM_OK && shown != LFM_OK) st = err_set(err, shown, "%s", late.text);
    if (st == LFM_OK) {
        *code = conclude(r);
    }
    const bool whole = st == LFM_OK && !term_stopped() &&
                       (r->o->json || r->o->jsonl || !generation_is_cut(&r->gen));
    const lfm_status closed = output_close(&r->show.out, whole, &late);
    return st == LFM_OK && closed != LFM_OK ? err_set(err, closed, "%s", late.text) : st;
}

/* The model, and a session with what was kept for it. */
static lfm_status load(run_state *r, lfm_error *err) {
    lfm_status st = cli_open_model(&r->model, r->o, false, err);
    if (st == LFM_OK) {
        lfm_session_options opt = cli_session_options(r->o);
        r->threads = tune_apply(&opt, false); /* for -v: later, files cannot be opened */
        st = cli_new_session(&r->session, r->model, r->o, err);
    }
    if (st == LFM_OK) st = keep_load(&r->past, r->session, r->o, err);
    if (st == LFM_OK && !r->o->no_sandbox) {
        const bool writes = r->o->session || r->o->prompt_cache || r->o->out;
        r->sandboxed = sandbox_enter(writes ? SANDBOX_FILES : SANDBOX_CLOSED);
    }
    return st;
}

static lfm_status run_all(run_state *r, json_out *text, int *code, lfm_error *err) {
    const cli_options *o = r->o;
    bool any = false;
    lfm_status st = check_options(o, err);
    if (st == LFM_OK) st = report_open_log(r, err);
    if (st == LFM_OK) st = check_kept(o, err);
    if (st == LFM_OK) st = tools_read(&r->tools, o, err);
    if (st == LFM_OK) st = form_read(&r->form, o, &r->tools, err);
    if (st == LFM_OK && !o->messages) {
        st = prompt_read(text, &any, o, err);
        if (st == LFM_OK && !any) {
            *code = explain_no_prompt(o);
            return LFM_OK;
        }
    }
    if (st == LFM_OK && !o->raw && !o->session) {
        st = prompt_conversation(&r->conversation, o, NULL, &r->tools, text, err);
    }
    r->started = term_now();
    if (st == LFM_OK) st = load(r, err);
    if (st == LFM_OK) st = run_read_tokens(r, text, err);
    if (st != LFM_OK) {
        return st;
    }
    return o->dry_run ? report_dry_run(r, err) : answer_prompt(r, code, err);
}

int cmd_run(const cli_options *o) {
    run_state r = {.o = o, .log_fd = -1};
    json_out text = {0};
    lfm_error err = {0};
    int code = CLI_DONE;
    if (run_all(&r, &text, &code, &err) != LFM_OK) {
        code = cli_fail(&err);
    }
    report_log(&r, code, &err);
    json_out_free(&text);
    json_out_free(&r.conversation);
    json_out_free(&r.tools);
    keep_drop(&r.past);
    generation_drop(&r.gen);
    form_drop(&r.form);
    lfm_session_free(r.session);
    lfm_model_close(r.model);
    lfm_free(r.tokens);
    lfm_free(r.rendered);
    return code;
}
