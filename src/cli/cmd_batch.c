/*
 * cmd_batch.c - lfm batch: many prompts, one model load; a line in, a line out.
 *
 * Answers are generated --np at a time: their steps are evaluated together, which reads the weights
 * that they share once.  What the prompts begin with alike is evaluated once and copied.  Neither
 * changes a byte of any answer.  A line that is available is answered before the next is waited
 * for, so that the program serves as a co-process.
 */
#include "cli/batch_line.h"
#include "cli/batch_lines.h"
#include "cli/cli.h"
#include "cli/form.h"
#include "cli/generate.h"
#include "cli/prompt.h"
#include "cli/sampling.h"
#include "cli/sandbox.h"
#include "cli/term.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PARALLEL = 64, PENDING = 256, MIN_SHARED = 16 };

/* An answer in the making. */
typedef struct {
    bool active;
    size_t index; /* of the line, among those that are answered */
    batch_line line;
    generation gen;
    lfm_sampling sampling;
    int32_t *tokens;
    size_t n_tokens, n_reused;
    double started, prompt_done;
} slot;

typedef struct {
    const cli_options *o;
    lfm_model *model;
    answer_form form;
    json_out system;
    bool has_system;
    line_source in;
    int out;                /* file descriptor */
    const char *out_name;
    id_set done;            /* --resume */

    lfm_session *sessions[MAX_PARALLEL];
    slot slots[MAX_PARALLEL];
    size_t n_slots;
    lfm_session *shared;    /* what the prompts begin with */
    int32_t *last_tokens;   /* the prompt before, to see that */
    size_t n_last;

    json_out ready[PENDING]; /* finished lines that wait for those before them */
    size_t n_begun, n_written, n_failed;
    term_progress progress;
} batch;

/* ---- Output --------------------------------------------------------------------------------- */

static lfm_status write_all(const batch *b, const char *bytes, size_t n, lfm_error *err) {
    while (n > 0) {
        const ssize_t done = write(b->out, bytes, n);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done < 0) {
            return err_set(err, LFM_ERR_IO, "cannot write %s: %s", b->out_name, strerror(errno));
        }
        bytes += done;
        n -= (size_t)done;
    }
    return LFM_OK;
}

/* Write what is complete, in order; with --unordered, everything. */
static lfm_status write_ready(batch *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (; b->n_written < b->n_begun && st == LFM_OK; b->n_written++) {
        json_out *line = &b->ready[b->n_written % PENDING];
        if (!line->ptr) {
            break;
        }
        st = write_all(b, line->ptr, line->len, err);
        json_out_free(line);
        *line = (json_out){0};
    }
    term_progress_show(&b->progress, "answered", b->n_written, b->in.n_total);
    return st;
}

/* A line is complete: keep it for its turn. */
static lfm_status finish_line(batch *b, size_t index, json_out *line, lfm_error *err) {
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

static lfm_status fail_line(batch *b, slot *s, const lfm_error *why, lfm_error *err) {
    json_out line = {0};
    b->n_failed++;
    if (s->line.form == LINE_PLAIN && !b->o->quiet) {
        term_message("line %s: %s", s->line.id.ptr ? s->line.id.ptr : "?", why->text);
    }
    batch_line_error(&line, &s->line, code_of(why->status), why->text);
    return finish_line(b, s->index, &line, err);
}

static void slot_drop(slot *s) {
    batch_line_drop(&s->line);
    generation_drop(&s->gen);
    lfm_free(s->tokens);
    *s = (slot){0};
}

/* ---- Beginning an answer -------------------------------------------------------------------- */

static lfm_status tokenize(batch *b, slot *s, lfm_error *err) {
    const batch_line *l = &s->line;
    if (l->conversation.ptr) {
        return lfm_chat_tokenize(b->model, l->conversation.ptr, l->conversation.len, l->o.prefill,
                                 &s->tokens, &s->n_tokens, NULL, NULL, err);
    }
    const int special = b->o->no_special ? 0 : LFM_TOKENIZE_SPECIAL;
    json_out text = {0};
    json_write_raw(&text, l->text.ptr ? l->text.ptr : "", l->text.len);
    json_write_text(&text, l->o.prefill ? l->o.prefill : "");
    lfm_status st = json_finish(&text, err);
    if (st == LFM_OK) {
        st = lfm_tokenize(b->model, text.ptr, text.len, LFM_TOKENIZE_BOS | special, &s->tokens,
                          &s->n_tokens, err);
    }
    json_out_free(&text);
    return st;
}

static size_t common(const int32_t *a, size_t n, const int32_t *c, size_t m) {
    size_t same = 0;
    while (same < n && same < m && a[same] == c[same]) {
        same++;
    }
    return same;
}

/* Let the shared session hold what this prompt and the one before begin with alike. */
static lfm_status share_prefix(batch *b, const slot *s, lfm_error *err) {
    size_t n_held = 0;
    size_t reused = 0;
    const int32_t *held = lfm_session_tokens(b->shared, &n_held);
    const size_t same = common(s->tokens, s->n_tokens, b->last_tokens, b->n_last);
    lfm_status st = LFM_OK;
    if (common(s->tokens, s->n_tokens, held, n_held) < n_held || n_held == 0) {
        if (same >= MIN_SHARED) {
            st = lfm_prompt(b->shared, s->tokens, same, &reused, err);
        } else {
            lfm_session_reset(b->shared);
        }
    }
    int32_t *last = malloc((s->n_tokens + 1) * sizeof *last);
    if (!last) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", s->n_tokens);
    }
    memcpy(last, s->tokens, s->n_tokens * sizeof *last);
    free(b->last_tokens);
    b->last_tokens = last;
    b->n_last = s->n_tokens;
    return st;
}

static lfm_status read_prompt(batch *b, slot *s, lfm_session *session, lfm_error *err) {
    lfm_status st = share_prefix(b, s, err);
    if (st == LFM_OK) {
        st = lfm_session_copy(session, b->shared, err);
    }
    if (st == LFM_OK) {
        st = lfm_prompt(session, s->tokens, s->n_tokens, &s->n_reused, err);
    }
    s->prompt_done = term_now();
    return st;
}

static lfm_status check_fit(const batch *b, const slot *s, lfm_error *err) {
    const uint32_t n_ctx = lfm_session_n_ctx(b->shared);
    if (s->n_tokens == 0) {
        return err_set(err, LFM_ERR_ARG, "the prompt is empty");
    }
    if (s->n_tokens > n_ctx) {
        return err_set(err, LFM_ERR_FULL, "the prompt has %zu tokens; the context holds %" PRIu32,
                       s->n_tokens, n_ctx);
    }
    return LFM_OK;
}

static lfm_status begin(batch *b, slot *s, lfm_session *session, lfm_error *err) {
    lfm_status st = tokenize(b, s, err);
    if (st == LFM_OK) {
        st = check_fit(b, s, err);
    }
    if (st == LFM_OK) {
        st = sampling_choose(&s->gen.sampler, &s->sampling, b->model, &s->line.o, err);
    }
    if (st == LFM_OK) {
        st = read_prompt(b, s, session, err);
    }
    if (st == LFM_OK) {
        s->gen.o = &s->line.o;
        s->gen.model = b->model;
        s->gen.session = session;
        st = form_begin(&b->form, &s->line.o, &s->gen.form, err);
    }
    if (st == LFM_OK) {
        st = generation_begin(&s->gen, s->tokens, s->n_tokens, err);
    }
    return st;
}

/* The answer is complete. */
static lfm_status conclude(batch *b, slot *s, lfm_error *err) {
    json_out line = {0};
    lfm_status st = generation_end(&s->gen, err);
    if (st != LFM_OK) {
        return st;
    }
    const answer *a = &s->gen.answer;
    const bool cut = generation_is_cut(&s->gen);
    if (cut && s->line.form == LINE_PLAIN) { /* a line of plain text cannot say so */
        const lfm_error why = {LFM_ERR_FULL, "the answer was cut before it had its form"};
        st = fail_line(b, s, &why, err);
        slot_drop(s);
        return st;
    }
    b->n_failed += cut;
    const batch_answer shown = {
        .content = a->text.ptr ? a->text.ptr : "",
        .content_len = a->text.len,
        .reasoning = a->thoughts.ptr ? a->thoughts.ptr : "",
        .reasoning_len = a->thoughts.len,
        .finish = s->gen.finish,
        .seed = s->sampling.seed,
        .n_prompt = s->n_tokens,
        .n_reused = s->n_reused,
        .n_generated = s->gen.n_generated,
        .n_reasoning = s->gen.n_reasoning,
        .prefill_ms = 1e3 * (s->prompt_done - s->started),
        .decode_ms = 1e3 * (term_now() - s->prompt_done),
    };
    batch_line_answer(&line, &s->line, &shown);
    st = finish_line(b, s->index, &line, err);
    slot_drop(s);
    return st;
}

/* A line was read: begin its answer in slot i, or answer with what is wrong with it. */
static lfm_status take_line(batch *b, size_t i, const char *text, size_t len, size_t number,
                            lfm_error *err) {
    slot *s = &b->slots[i];
    lfm_error why = {0};
    s->started = term_now();
    lfm_status st = batch_line_read(&s->line, b->o, b->has_system ? &b->system : NULL, text, len,
                                    number, &why);
    if (b->o->resume && id_set_has(&b->done, s->line.id.ptr)) {
        slot_drop(s);
        return LFM_OK;
    }
    s->index = b->n_begun++;
    if (st == LFM_OK) {
        st = begin(b, s, b->sessions[i], &why);
    }
    if (st == LFM_OK) {
        s->active = true;
        return s->gen.finish ? conclude(b, s, err) : LFM_OK;
    }
    st = fail_line(b, s, &why, err);
    slot_drop(s);
    return st;
}

/* ---- The loop ------------------------------------------------------------------------------- */

static size_t n_active(const batch *b) {
    size_t n = 0;
    for (size_t i = 0; i < b->n_slots; i++) {
        n += b->slots[i].active;
    }
    return n;
}

static bool may_read(const batch *b) {
    const bool enough = b->o->limit.value > 0 && (double)b->in.n_lines >= b->o->limit.value;
    return !b->in.ended && !enough && b->n_begun - b->n_written < PENDING &&
           !(b->o->fail_fast && b->n_failed > 0);
}

/* Fill the free slots with lines, waiting for one only when there is nothing else to do. */
static lfm_status fill(batch *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->n_slots && st == LFM_OK; i++) {
        while (!b->slots[i].active && may_read(b) && st == LFM_OK && !term_stopped()) {
            const char *text = NULL;
            size_t len = 0;
            bool got = false;
            st = line_next(&b->in, n_active(b) == 0, &text, &len, &got, err);
            if (st != LFM_OK || !got) {
                return st;
            }
            st = take_line(b, i, text, len, b->in.n_lines, err);
        }
    }
    return st;
}

/* Choose a token for every answer, then evaluate those of the ones that go on. */
static lfm_status step(batch *b, lfm_error *err) {
    lfm_session *sessions[MAX_PARALLEL];
    int32_t tokens[MAX_PARALLEL];
    size_t n = 0;
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < b->n_slots && st == LFM_OK; i++) {
        slot *s = &b->slots[i];
        if (!s->active) {
            continue;
        }
        st = generation_take(&s->gen, err);
        if (st == LFM_OK && s->gen.finish) {
            st = conclude(b, s, err);
        } else if (st == LFM_OK) {
            st = generation_step_to_last(&s->gen, err);
            sessions[n] = s->gen.session;
            tokens[n++] = s->gen.waiting[0];
        }
    }
    return st == LFM_OK && n > 0 ? lfm_eval_each(sessions, tokens, n, err) : st;
}

static lfm_status run_lines(batch *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    while (st == LFM_OK && !term_stopped()) {
        if (term_asked()) {
            term_message("answered %zu lines, %zu in work, %zu failed", b->n_written, n_active(b),
                         b->n_failed);
        }
        st = fill(b, err);
        if (st == LFM_OK && n_active(b) == 0 && !may_read(b)) {
            break;
        }
        if (st == LFM_OK) {
            st = step(b, err);
        }
    }
    return st;
}

/* ---- The command ---------------------------------------------------------------------------- */

static lfm_status open_sessions(batch *b, lfm_error *err) {
    lfm_status st = cli_new_session(&b->shared, b->model, b->o, err);
    b->n_slots = b->o->n_parallel.given ? (size_t)b->o->n_parallel.value : 4;
    for (size_t i = 0; i < b->n_slots && st == LFM_OK; i++) {
        st = lfm_session_fork(&b->sessions[i], b->shared, err);
    }
    return st;
}

/* OUT is written line by line: what is there when the program is killed is complete. */
static lfm_status open_out(batch *b, lfm_error *err) {
    const char *path = b->o->out;
    b->out = STDOUT_FILENO;
    b->out_name = "standard output";
    if (!path || strcmp(path, "-") == 0) {
        return LFM_OK;
    }
    b->out_name = path;
    if (b->o->resume) {
        const lfm_status st = id_set_read(&b->done, path, err);
        if (st != LFM_OK) {
            return st;
        }
    }
    b->out = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (b->o->resume ? O_APPEND : O_EXCL), 0666);
    if (b->out < 0 && errno == EEXIST) {
        b->out = open(path, O_WRONLY | O_CLOEXEC); /* a device or pipe loses nothing */
        struct stat info;
        if (b->out >= 0 && fstat(b->out, &info) == 0 && S_ISREG(info.st_mode)) {
            close(b->out);
            b->out = STDOUT_FILENO;
            return err_set(err, LFM_ERR_IO, "%s exists; --resume goes on with it", path);
        }
    }
    if (b->out < 0) {
        b->out = STDOUT_FILENO;
        return err_set(err, LFM_ERR_IO, "cannot create %s: %s", path, strerror(errno));
    }
    return LFM_OK;
}

static lfm_status check(const cli_options *o, lfm_error *err) {
    if (o->resume && (!o->out || o->lines)) {
        return err_set(err, LFM_ERR_ARG, o->lines
                       ? "--resume finds its place by ids, and --lines writes none"
                       : "--resume needs the file of answers: -o OUT.jsonl");
    }
    if (o->each && !strstr(o->each, "{}")) {
        return err_set(err, LFM_ERR_ARG, "--each has no {} where the line is to stand");
    }
    if (o->unordered && o->lines) {
        return err_set(err, LFM_ERR_ARG, "--unordered needs ids, and --lines writes none");
    }
    if (o->raw && (o->system || o->system_file)) {
        return err_set(err, LFM_ERR_ARG, "--raw uses no chat template, so there is no place for a "
                       "system prompt");
    }
    return LFM_OK;
}

static lfm_status read_system(batch *b, lfm_error *err) {
    if (b->o->system) {
        json_write_text(&b->system, b->o->system);
    } else if (b->o->system_file) {
        const lfm_status st = prompt_read_file(&b->system, b->o->system_file, true, err);
        if (st != LFM_OK) {
            return st;
        }
    }
    b->has_system = b->o->system || b->o->system_file;
    return json_finish(&b->system, err);
}

static lfm_status run(batch *b, lfm_error *err) {
    lfm_status st = check(b->o, err);
    if (st == LFM_OK) {
        st = form_read(&b->form, b->o, NULL, err);
    }
    if (st == LFM_OK) {
        st = read_system(b, err);
    }
    if (st == LFM_OK) {
        st = line_open(&b->in, b->o->in, err);
    }
    if (st == LFM_OK) {
        st = cli_open_model(&b->model, b->o, false, err);
    }
    if (st == LFM_OK) {
        st = form_bind(&b->form, b->model, b->o, err);
    }
    if (st == LFM_OK) {
        st = open_sessions(b, err);
    }
    if (st == LFM_OK) {
        st = open_out(b, err);
    }
    if (st != LFM_OK) {
        return st;
    }
    if (!b->o->no_sandbox) {
        sandbox_enter(SANDBOX_CLOSED);
    }
    term_catch_stop();
    b->progress.unit = "lines";
    term_progress_start(&b->progress, b->in.n_total > 0 ? cli_progress(b->o) : TERM_NEVER);
    b->progress.unit = "lines";
    st = run_lines(b, err);
    term_progress_end(&b->progress);
    return st;
}

static void drop(batch *b) {
    for (size_t i = 0; i < b->n_slots; i++) {
        slot_drop(&b->slots[i]);
        lfm_session_free(b->sessions[i]);
    }
    for (size_t i = 0; i < PENDING; i++) {
        json_out_free(&b->ready[i]);
    }
    lfm_session_free(b->shared);
    form_drop(&b->form);
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
    batch *b = calloc(1, sizeof *b); /* too large for a stack */
    lfm_error err = {0};
    if (!b) {
        err_set(&err, LFM_ERR_MEMORY, "out of memory");
        return cli_fail(&err);
    }
    b->o = o;
    lfm_status st = run(b, &err);
    int code = st == LFM_OK ? CLI_DONE : term_stopped() ? CLI_FAILED : cli_fail(&err);
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
