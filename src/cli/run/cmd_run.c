/*
 * cmd_run.c - lfm run: one prompt, one answer.
 *
 * Standard output carries the answer and nothing else; standard error is silent unless it is a
 * terminal, or something went wrong.
 */
#include "cli/run/run_internal.h"

#include "cli/prompt/answer_settings.h"
#include "cli/prompt/prompt.h"
#include "cli/prompt/sampling.h"
#include "cli/prompt/session_store.h"
#include "cli/shared/answer_notes.h"
#include "cli/shared/common.h"
#include "cli/shared/sandbox.h"
#include "cli/shared/term.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Before anything runs ------------------------------------------------------------------- */

static lfm_status check_options(const cli_options *o, lfm_error *err) {
    const lfm_status st = opt_check_conflicts(o, err);
    if (st == LFM_OK && o->stats_fd.given) {
        const int fd = (int)o->stats_fd.value;
        const int mode = fcntl(fd, F_GETFL);
        if (mode < 0 || (mode & O_ACCMODE) == O_RDONLY) {
            return err_set(err, LFM_ERR_ARG, "--stats-fd %d: not open for writing; let the shell "
                           "open it: lfm run ... --stats-fd %d %d>stats.json", fd, fd, fd);
        }
    }
    return st;
}

/* Reject a bad --session or --prompt-cache file before opening the model. */
static lfm_status check_session_file(const cli_options *o, lfm_error *err) {
    const char *path = o->session ? o->session : o->prompt_cache;
    lfm_session_info info;
    bool is_session = false;
    char *note = NULL;
    size_t note_len = 0;
    if (!path || access(path, F_OK) != 0) return LFM_OK;
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

/* ---- Generating ----------------------------------------------------------------------------- */

static lfm_status read_prompt(run_state *r, lfm_error *err) {
    const lfm_status st = prompt_evaluate(r->session, &r->prompt, "reading prompt",
                                          cli_progress(r->o), &r->n_reused, err);
    r->prompt_done = term_now();
    return st == LFM_OK ? session_store_prompt(r->session, r->o, r->n_reused, err) : st;
}

static lfm_status on_token(void *ctx, const lfm_answer_state *now, lfm_error *err) {
    run_state *r = ctx;
    (void)now; /* the same as r->now */
    r->first_token = r->first_token > 0 ? r->first_token : term_now();
    if (term_asked()) {
        run_progress(r);
    }
    const lfm_status st = run_show_new(r, err);
    return st == LFM_OK && term_stopped() ? LFM_ERR_STOPPED : st;
}

/* Evaluate the prompt and generate the answer to its end. */
static lfm_status generate(run_state *r, lfm_error *err) {
    lfm_status st = read_prompt(r, err);
    if (st == LFM_OK && !term_stopped()) st = lfm_answer_run(r->answer, on_token, r, err);
    r->ended = term_now();
    if (term_stopped() && !r->now->finish) { /* Ctrl-C while reading the prompt is no error */
        err_clear(err);
        st = LFM_OK;
    }
    return st;
}

/* ---- The command ---------------------------------------------------------------------------- */

static lfm_status begin_answer(run_state *r, lfm_error *err) {
    const lfm_answer_options settings =
        answer_settings(r->o, r->prompt.begins, &r->talk.tools);
    lfm_status st = answer_grammar_begin(&r->grammar, r->prompt.begins, &r->constraint, err);
    if (st == LFM_OK) {
        st = lfm_answer_new(&r->answer, r->session, r->sampler, r->constraint, &settings,
                            r->prompt.ids, r->prompt.n, err);
    }
    if (st != LFM_OK) return st;
    r->now = lfm_answer_get(r->answer);
    return r->prompt.begins ? run_show_new(r, err) : LFM_OK;
}

/* Print what follows a finished answer (statistics, warnings); returns the exit code. */
static int conclude(const run_state *r) {
    const cli_options *o = r->o;
    const bool wanted = !o->raw && !(o->n_predict.given && o->n_predict.value == 0);
    const lfm_answer_state *a = r->now;
    const bool ended = a->finish == LFM_FINISH_STOP || a->finish == LFM_FINISH_LENGTH;
    const bool open =
        r->out.shown > 0 ? r->out.out.is_tty && !r->out.ends_line : r->out.thoughts_shown > 0;
    if (open && term_err_is_tty() && (o->verbose || !o->quiet)) {
        fputc('\n', stderr); /* begin the messages below on a new line, without a byte on stdout */
    }
    if (o->stats || o->stats_fd.given) {
        run_stats(r);
    }
    if (o->verbose) {
        run_block(stderr, r);
    } else if (!o->quiet && !o->json && !o->jsonl && r->out.out.is_tty && term_err_is_tty()) {
        run_summary(r);
    }
    answer_note_calls(a, NULL);
    if (r->no_code) {
        term_message("the answer has no code block (-x); to see it, leave out -x");
        return CLI_INCOMPLETE;
    }
    if (wanted && ended && r->text_len == 0 && a->n_calls == 0) {
        term_message(a->is_thinking
                         ? "the answer is empty: the model was still thinking; allow more with -n"
                     : a->finish == LFM_FINISH_LENGTH
                         ? "the answer is empty: it was cut before its first character was whole; "
                           "allow more with -n"
                         : "the answer is empty: the model ended it at once");
        return CLI_INCOMPLETE;
    }
    if (a->finish == LFM_FINISH_LOOP) {
        term_message("the answer was caught in a loop and was ended; --loop-guard off lets it "
                     "continue, --temp or --repeat-penalty may help");
        return CLI_INCOMPLETE;
    }
    if (o->strict && a->finish == LFM_FINISH_LENGTH) {
        term_message("the answer was cut (length); allow more with -n or -c");
        return CLI_INCOMPLETE;
    }
    if (lfm_answer_is_cut(r->answer)) {
        term_message("the answer is incomplete: it was cut (%s) before it met its constraint%s",
                     lfm_finish_name(a->finish),
                     a->finish == LFM_FINISH_LENGTH ? "; allow more with -n or -c" : "");
        return CLI_INCOMPLETE;
    }
    return CLI_DONE;
}

/* Save the session, with the answer, to the file of --session. */
static lfm_status save_session(run_state *r, lfm_error *err) {
    const size_t room = lfm_session_n_ctx(r->session) - lfm_session_pos(r->session);
    lfm_status st = LFM_OK;
    if (!r->o->session) return LFM_OK;
    if (!r->o->raw) {
        const bool apart = lfm_model_get_info(r->model)->template_thoughts;
        st = conversation_add_answer(&r->talk, apart, r->now, err);
    } else if (r->now->n_pending > 0 && r->now->n_pending <= room) {
        /* With --raw the tokens are the text. */
        st = lfm_answer_eval(&r->answer, 1, err);
    }
    return st == LFM_OK ? session_store_save(r->session, r->o, r->o->raw ? NULL : &r->talk, err)
                        : st;
}

/* By default thoughts are shown, dim, only to someone at a terminal. */
static lfm_status open_output(run_state *r, lfm_error *err) {
    const opt_think think = opt_thinking(r->o);
    const bool watched = term_err_is_tty() && !r->o->quiet;
    term_catch_stop(); /* before opening the output, so that Ctrl-C removes its temporary file */
    r->out.thoughts =
        !r->o->json && !r->o->jsonl && (think == THINK_SHOW || (think == THINK_AUTO && watched));
    r->out.dim = term_use_color(r->o->color);
    return output_open(&r->out.out, r->o->out, err);
}

/* Generate, show and save the answer.  After an error, show the part that was generated, but not as
 * JSON, which would look complete. */
static lfm_status answer(run_state *r, lfm_error *err) {
    lfm_error late = {0};
    lfm_status st = begin_answer(r, err);
    if (st == LFM_OK) st = generate(r, err);
    if (!r->answer || (st != LFM_OK && (r->o->json || r->o->jsonl))) return st;
    lfm_status shown =
        lfm_answer_end(r->answer, st == LFM_OK ? LFM_FINISH_INTERRUPTED : LFM_FINISH_ERROR, &late);
    if (shown == LFM_OK) shown = run_show_end(r, &late);
    if (st == LFM_OK && shown == LFM_OK) shown = save_session(r, &late);
    return st == LFM_OK && shown != LFM_OK ? err_set(err, shown, "%s", late.text) : st;
}

/* Answer the prompt, once the session is open and the prompt is tokenized. */
static lfm_status answer_prompt(run_state *r, int *code, lfm_error *err) {
    lfm_error late = {0};
    lfm_status st = sampling_choose(&r->sampler, &r->sampling, r->model, r->o, err);
    if (st == LFM_OK) st = answer_grammar_bind(&r->grammar, r->model, r->o, err);
    if (st == LFM_OK) st = run_check_fit(r, err);
    if (st == LFM_OK) st = open_output(r, err);
    if (st != LFM_OK) return st;
    r->loaded = term_now();
    st = answer(r, err);
    if (st == LFM_OK) {
        *code = conclude(r);
    }
    const bool whole = st == LFM_OK && !term_stopped() &&
                       (r->o->json || r->o->jsonl || !lfm_answer_is_cut(r->answer));
    const lfm_status closed = output_close(&r->out.out, whole, &late);
    return st == LFM_OK && closed != LFM_OK ? err_set(err, closed, "%s", late.text) : st;
}

/* Open the model and a session, and load the file of --session or --prompt-cache. */
static lfm_status load(run_state *r, lfm_error *err) {
    lfm_status st = cli_open_model(&r->model, r->o, false, err);
    if (st == LFM_OK) st = cli_new_tuned_session(&r->session, &r->threads, r->model, r->o, err);
    if (st == LFM_OK) st = session_store_load(&r->talk, &r->continues, r->session, r->o, err);
    if (st == LFM_OK && !r->o->no_sandbox) {
        const bool writes = r->o->session || r->o->prompt_cache || r->o->out;
        r->sandboxed = sandbox_enter(writes ? SANDBOX_FILES : SANDBOX_CLOSED);
    }
    return st;
}

static lfm_status run_all(run_state *r, json_out *text, int *code, lfm_error *err) {
    const cli_options *o = r->o;
    bool any = false;
    lfm_status st = run_open_log(r, err);
    if (st == LFM_OK) st = check_options(o, err);
    if (st == LFM_OK) st = check_session_file(o, err);
    if (st == LFM_OK) st = tools_read(&r->tools, o, err);
    if (st == LFM_OK && o->messages) st = prompt_read_messages(&r->talk, &r->tools, o, err);
    if (st == LFM_OK) st = answer_grammar_read(&r->grammar, o, &r->tools, err);
    if (st == LFM_OK && !o->messages) {
        st = prompt_read(text, &any, o, err);
        if (st == LFM_OK && !any) {
            *code = explain_no_prompt(o);
            return LFM_OK;
        }
    }
    if (st == LFM_OK && !o->raw && !o->session && !o->messages) {
        st = prompt_conversation(&r->talk, o, false, &r->tools, text, err);
    }
    r->started = term_now();
    if (st == LFM_OK) st = load(r, err);
    if (st == LFM_OK) st = run_read_tokens(r, text, err);
    if (st != LFM_OK) return st;
    return o->dry_run ? run_dry(r, err) : answer_prompt(r, code, err);
}

int cmd_run(const cli_options *o) {
    static const lfm_answer_state nothing;
    run_state r = {.o = o, .log_fd = -1, .now = &nothing};
    json_out text = {0};
    lfm_error err = {0};
    int code = CLI_DONE;
    if (run_all(&r, &text, &code, &err) != LFM_OK) {
        code = cli_fail(&err);
    }
    run_log(&r, code, &err);
    lfm_answer_free(r.answer);
    lfm_sampler_free(r.sampler);
    lfm_constraint_free(r.constraint);
    answer_grammar_drop(&r.grammar);
    json_out_free(&text);
    conversation_drop(&r.talk);
    tools_drop(&r.tools);
    prompt_tokens_drop(&r.prompt);
    lfm_session_free(r.session);
    lfm_model_close(r.model);
    return code;
}
