/*
 * cmd_batch.c - lfm batch: many prompts, one model load; a line in, a line out.
 *
 * Generates --np answers at a time and evaluates their steps together, which reads the shared
 * weights once.  Evaluates the common prefix of the prompts once and copies it.  Neither changes a
 * byte of any answer.  Answers each line before it blocks for the next one, so that the program can
 * serve as a co-process.
 */
#include "cli/batch/batch_internal.h"

#include "cli/prompt/prompt.h"
#include "cli/prompt/truncate.h"
#include "cli/shared/answer_notes.h"
#include "cli/shared/common.h"
#include "cli/shared/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Output --------------------------------------------------------------------------------- */

static lfm_status write_all(const batch_run *b, const char *bytes, size_t n, lfm_error *err) {
    while (n > 0) {
        const ssize_t done = write(b->out, bytes, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) {
            return err_set(err, LFM_ERR_IO, "cannot write %s: %s", b->out_name, strerror(errno));
        }
        bytes += done;
        n -= (size_t)done;
    }
    return LFM_OK;
}

/* Write the finished lines, in order.  With --unordered they are empty here: written already. */
static lfm_status write_ready(batch_run *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (; b->n_written < b->n_begun && st == LFM_OK; b->n_written++) {
        json_out *line = &b->ready[b->n_written % PENDING];
        if (!line->ptr) break;
        st = write_all(b, line->ptr, line->len, err);
        json_out_free(line);
        *line = (json_out){0};
    }
    term_progress_show(&b->progress, "answered", b->n_written, b->in.n_total);
    return st;
}

/* A line is finished: keep it until those before it are written; with --unordered, write it. */
static lfm_status finish_line(batch_run *b, size_t index, json_out *line, lfm_error *err) {
    lfm_status st = json_finish(line, err);
    if (st == LFM_OK && b->o->unordered) {
        st = write_all(b, line->ptr, line->len, err);
        line->len = 0;
    }
    b->ready[index % PENDING] = *line;
    *line = (json_out){0};
    return st == LFM_OK ? write_ready(b, err) : st;
}

/* ---- A line that fails ---------------------------------------------------------------------- */

static int code_of(lfm_status st) {
    return st == LFM_ERR_ARG ? CLI_USAGE : st == LFM_ERR_FULL ? CLI_TOO_LONG : CLI_FAILED;
}

static lfm_status fail_line(batch_run *b, slot *s, const lfm_error *why, lfm_error *err) {
    json_out line = {0};
    b->n_failed++;
    if (s->line.format == LINE_PLAIN && !b->o->quiet) {
        term_message("line %s: %s", s->line.id.ptr ? s->line.id.ptr : "?", why->text);
    }
    batch_line_error(&line, &s->line, code_of(why->status), why->text);
    return finish_line(b, s->index, &line, err);
}

/* ---- Answers -------------------------------------------------------------------------------- */

/* Write the line of a finished answer, and free its slot. */
static lfm_status conclude(batch_run *b, slot *s, lfm_error *err) {
    json_out line = {0};
    lfm_status st = lfm_answer_end(s->answer, LFM_FINISH_NONE, err);
    if (st != LFM_OK) return st;
    const lfm_answer_state *a = lfm_answer_get(s->answer);
    const bool cut = lfm_answer_is_cut(s->answer);
    if (cut && s->line.format == LINE_PLAIN) { /* a line of plain text cannot report it */
        const lfm_error why = {LFM_ERR_FULL, "the answer was cut before it met its constraint"};
        st = fail_line(b, s, &why, err);
        batch_slot_drop(s);
        return st;
    }
    b->n_failed += cut;
    if (!b->o->quiet) {
        answer_note_calls(a, s->line.id.ptr ? s->line.id.ptr : "?");
    }
    const batch_answer shown = {
        .state = a,
        .logprobs = s->line.o.logprobs.given,
        .seed = s->sampling.seed,
        .n_prompt = s->prompt.n,
        .n_reused = s->n_reused,
        .n_truncated = s->n_truncated,
        .prefill_ms = 1e3 * (s->prompt_done - s->started),
        .decode_ms = 1e3 * (term_now() - s->prompt_done),
        .model = b->model,
    };
    batch_line_answer(&line, &s->line, &shown);
    st = finish_line(b, s->index, &line, err);
    if (st == LFM_OK && s->line.session) {
        const bool apart = lfm_model_get_info(b->model)->template_thoughts;
        st = batch_session_end_turn(s->line.session, &s->line.talk, apart, a, err);
    }
    batch_slot_drop(s);
    return st;
}

/* Postpone a line until its session is free; later lines are not read before. */
static lfm_status postpone_line(batch_run *b, slot *s, const char *text, size_t len, size_t number,
                            lfm_error *err) {
    char *copy = malloc(len + 1);
    if (!copy) return err_set(err, LFM_ERR_MEMORY, "out of memory for a line of %zu bytes", len);
    memcpy(copy, text, len);
    b->postponed = copy;
    b->postponed_len = len;
    b->postponed_number = number;
    b->postponed_for = s->line.session;
    batch_slot_drop(s);
    return LFM_OK;
}

/* Read a line and begin its answer in slot i, or write an error line. */
static lfm_status take_line(batch_run *b, size_t i, const char *text, size_t len, size_t number,
                            lfm_error *err) {
    slot *s = &b->slots[i];
    lfm_error why = {0};
    s->started = term_now();
    lfm_status st = batch_line_read(&s->line, b->o, b->has_system ? &b->system : NULL, &b->named,
                                    text, len, number, &why);
    if (st == LFM_OK && s->line.waits) return postpone_line(b, s, text, len, number, err);
    if (b->o->resume && id_set_has(&b->done, s->line.id.ptr)) {
        batch_slot_drop(s);
        return LFM_OK;
    }
    s->index = b->n_begun++;
    if (st == LFM_OK) st = batch_begin(b, i, &why);
    if (st == LFM_OK) {
        s->active = true;
        if (s->line.session) {
            s->line.session->busy = true;
        }
        return lfm_answer_get(s->answer)->finish ? conclude(b, s, err) : LFM_OK;
    }
    st = fail_line(b, s, &why, err);
    batch_slot_drop(s);
    return st;
}

/* ---- The loop ------------------------------------------------------------------------------- */

static size_t n_active(const batch_run *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->n_slots; i++) {
        n += b->slots[i].active;
    }
    return n;
}

static bool may_read(const batch_run *b) {
    const bool enough = b->o->limit.value > 0 && (double)b->in.n_lines >= b->o->limit.value;
    const bool more = b->postponed || (!b->in.ended && !enough);
    return more && b->n_begun - b->n_written < PENDING &&
           !(b->o->fail_fast && b->n_failed > 0);
}

static lfm_status take_next(batch_run *b, size_t i, bool *got, lfm_error *err) {
    const char *text = NULL;
    size_t len = 0;
    const lfm_status st = line_next(&b->in, n_active(b) == 0, &text, &len, got, err);
    return st == LFM_OK && *got ? take_line(b, i, text, len, b->in.n_lines, err) : st;
}

/* Take the postponed line, if its session is free now. */
static lfm_status take_postponed(batch_run *b, size_t i, bool *got, lfm_error *err) {
    *got = !b->postponed_for->busy;
    if (!*got) return LFM_OK;
    char *text = b->postponed;
    b->postponed = NULL;
    const lfm_status st = take_line(b, i, text, b->postponed_len, b->postponed_number, err);
    free(text);
    return st;
}

/* Fill the free slots with lines; block for a line only when no answer is in progress. */
static lfm_status fill(batch_run *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->n_slots && st == LFM_OK; i++) {
        while (!b->slots[i].active && may_read(b) && st == LFM_OK && !term_stopped()) {
            bool got = false;
            st = b->postponed ? take_postponed(b, i, &got, err) : take_next(b, i, &got, err);
            if (st != LFM_OK || !got) return st;
        }
    }
    return st;
}

/* Choose a token for every answer, then evaluate those of the ones that continue. */
static lfm_status step(batch_run *b, lfm_error *err) {
    lfm_answer *answers[MAX_PARALLEL];
    size_t n = 0;
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->n_slots && st == LFM_OK; i++) {
        slot *s = &b->slots[i];
        if (!s->active) continue;
        st = lfm_answer_take(s->answer, err);
        if (st == LFM_OK && lfm_answer_get(s->answer)->finish) {
            st = conclude(b, s, err);
        } else {
            answers[n++] = s->answer;
        }
    }
    return st == LFM_OK && n > 0 ? lfm_answer_eval(answers, n, err) : st;
}

static lfm_status run_lines(batch_run *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    while (st == LFM_OK && !term_stopped()) {
        if (term_asked()) {
            term_message("answered %zu lines, %zu in progress, %zu failed", b->n_written,
                         n_active(b), b->n_failed);
        }
        st = fill(b, err);
        if (st == LFM_OK && n_active(b) == 0 && !may_read(b)) break;
        if (st == LFM_OK) st = step(b, err);
    }
    return st;
}

/* ---- The command ---------------------------------------------------------------------------- */

static lfm_status open_sessions(batch_run *b, lfm_error *err) {
    lfm_status st = cli_new_session(&b->shared, b->model, b->o, err);
    b->n_slots = b->o->n_parallel.given ? (size_t)b->o->n_parallel.value : 4;
    for (size_t i = 0; i < b->n_slots && st == LFM_OK; i++) {
        st = lfm_session_fork(&b->sessions[i], b->shared, err);
    }
    return st;
}

/* Open OUT.  Lines are appended as they finish, so a kill loses no finished line. */
static lfm_status open_out(batch_run *b, lfm_error *err) {
    const char *path = b->o->out;
    b->out = STDOUT_FILENO;
    b->out_name = "standard output";
    if (!path || strcmp(path, "-") == 0) return LFM_OK;
    b->out_name = path;
    if (b->o->resume) {
        const lfm_status st = id_set_read(&b->done, path, err);
        if (st != LFM_OK) return st;
    }
    b->out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (b->o->resume ? O_APPEND : O_EXCL), 0666);
    if (b->out < 0 && errno == EEXIST) {
        b->out = open(path, O_WRONLY | O_CLOEXEC); /* writing to a device or pipe loses nothing */
        struct stat info;
        if (b->out >= 0 && fstat(b->out, &info) == 0 && S_ISREG(info.st_mode)) {
            close(b->out);
            b->out = STDOUT_FILENO;
            return err_set(err, LFM_ERR_IO, "%s exists; --resume continues it", path);
        }
    }
    if (b->out < 0) {
        b->out = STDOUT_FILENO;
        return err_set(err, LFM_ERR_IO, "cannot create %s: %s", path, strerror(errno));
    }
    return LFM_OK;
}

static lfm_status check(const cli_options *o, lfm_error *err) {
    const lfm_status st = opt_check_conflicts(o, err);
    if (st == LFM_OK && o->each && !strstr(o->each, "{}")) {
        return err_set(err, LFM_ERR_ARG, "--each has no {} in place of the line");
    }
    return st;
}

/* On a terminal, show progress only for an input file, and if the answers go elsewhere. */
static int wanted_progress(const batch_run *b) {
    const int when = cli_progress(b->o);
    const bool mixed = b->out == STDOUT_FILENO && term_out_is_tty();
    return when == TERM_AUTO && (b->in.n_total == 0 || mixed) ? TERM_NEVER : when;
}

static lfm_status run(batch_run *b, lfm_error *err) {
    lfm_status st = check(b->o, err);
    if (st == LFM_OK) st = answer_grammar_read(&b->grammar, b->o, NULL, err);
    if (st == LFM_OK) st = prompt_read_system(&b->system, b->o, err);
    b->has_system = b->o->system || b->o->system_file;
    if (st == LFM_OK) st = line_open(&b->in, b->o->in, err);
    if (st == LFM_OK) st = cli_open_model(&b->model, b->o, false, err);
    if (st == LFM_OK) st = answer_grammar_bind(&b->grammar, b->model, b->o, err);
    if (st == LFM_OK) st = open_sessions(b, err);
    if (st == LFM_OK) st = open_out(b, err);
    if (st != LFM_OK) return st;
    if (!b->o->no_sandbox) {
        sandbox_enter(SANDBOX_CLOSED);
    }
    term_catch_stop();
    b->progress.unit = "lines";
    term_progress_start(&b->progress, wanted_progress(b));
    b->progress.unit = "lines";
    st = run_lines(b, err);
    term_progress_end(&b->progress);
    return st;
}

static void drop(batch_run *b) {
    for (size_t i = 0; i < b->n_slots; i++) {
        batch_slot_drop(&b->slots[i]);
        lfm_session_free(b->sessions[i]);
    }
    for (size_t i = 0; i < PENDING; i++) {
        json_out_free(&b->ready[i]);
    }
    lfm_session_free(b->shared);
    answer_grammar_drop(&b->grammar);
    grammar_cache_drop(&b->grammars);
    batch_sessions_drop(&b->named);
    free(b->postponed);
    lfm_model_close(b->model);
    line_close(&b->in);
    id_set_drop(&b->done);
    json_out_free(&b->system);
    free(b->last_tokens);
    if (b->out > STDERR_FILENO) {
        close(b->out);
    }
}

int cmd_batch(const cli_options *o) {
    batch_run *b = calloc(1, sizeof *b); /* too large for the stack */
    lfm_error err = {0};
    if (!b) {
        err_set(&err, LFM_ERR_MEMORY, "out of memory");
        return cli_fail(&err);
    }
    b->o = o;
    lfm_status st = run(b, &err);
    int code = st == LFM_OK ? CLI_DONE : term_stopped() ? CLI_FAILED : cli_fail(&err);
    if (st == LFM_OK && b->n_cut > 0) { /* even with -q: never cut a prompt silently */
        term_message("%zu of %zu prompts were cut at their %s (--truncate)", b->n_cut, b->n_begun,
                     truncate_place((opt_truncate)o->truncate));
    }
    if (st == LFM_OK && b->n_failed > 0) {
        if (!o->quiet) {
            term_message("%zu of %zu lines failed", b->n_failed, b->n_begun);
        }
        code = CLI_FAILED;
    }
    drop(b);
    free(b);
    return code;
}
