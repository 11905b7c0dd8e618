/*
 * run_json.c - reports of `lfm run` for programs: --json, --stats, --log-file.
 */
#include "cli/run/run_internal.h"

#include "cli/shared/answer_json.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- --json --------------------------------------------------------------------------------- */

/* Digits after the point of milliseconds and of tokens per second. */
enum { DIGITS = 3 };

static void put_usage(json_out *out, const run_state *r) {
    json_begin_object(out, "usage");
    json_put_int(out, "prompt_tokens", (int64_t)r->prompt.n);
    json_put_int(out, "cached_tokens", (int64_t)r->n_reused);
    json_put_int(out, "completion_tokens", (int64_t)r->now->n_generated);
    json_put_int(out, "reasoning_tokens", (int64_t)r->now->n_reasoning);
    if (r->n_truncated > 0) {
        json_put_int(out, "truncated_tokens", (int64_t)r->n_truncated);
    }
    json_end_object(out);
}

static void put_timings(json_out *out, const run_state *r) {
    const size_t n_read = r->prompt.n - r->n_reused;
    json_begin_object(out, "timings");
    json_put_fixed(out, "load_ms", 1e3 * run_between(r->started, r->loaded), DIGITS);
    json_put_fixed(out, "ttft_ms", 1e3 * run_between(r->started, r->first_token), DIGITS);
    json_put_fixed(out, "prefill_ms", 1e3 * run_prompt_s(r), DIGITS);
    json_put_fixed(out, "prefill_tok_s", run_rate(n_read, run_prompt_s(r)), DIGITS);
    json_put_fixed(out, "decode_ms", 1e3 * run_decode_s(r), DIGITS);
    json_put_fixed(out, "decode_tok_s", run_rate(r->now->n_generated, run_decode_s(r)), DIGITS);
    json_end_object(out);
}

void run_json(json_out *out, const run_state *r) {
    json_begin_object(out, NULL);
    json_put_text(out, "model", cli_base_name(r->o->model));
    json_put_string(out, "content", r->text, r->text_len);
    json_put_string(out, "reasoning", r->now->thoughts, r->now->thoughts_len);
    if (r->tools.n > 0) {
        json_begin_array(out, "tool_calls");
        for (size_t i = 0; i < r->now->n_calls; i++) {
            tool_call_write(out, &r->now->calls[i]);
        }
        json_end_array(out);
    }
    json_put_text(out, "finish_reason", lfm_finish_name(r->now->finish));
    json_put_int(out, "seed", (int64_t)r->sampling.seed);
    put_usage(out, r);
    put_timings(out, r);
    if (r->o->logprobs.given) {
        json_put_key(out, "logprobs");
        logprobs_write(out, r->now, 0, r->model, "top");
    }
    json_end_object(out);
    json_write_text(out, "\n");
}

/* ---- --stats, --log-file -------------------------------------------------------------------- */

static void put_stats(json_out *line, const run_state *r) {
    if (r->now->finish) {
        json_put_text(line, "finish_reason", lfm_finish_name(r->now->finish));
    }
    json_put_int(line, "seed", (int64_t)r->sampling.seed);
    put_usage(line, r);
    put_timings(line, r);
}

void run_stats(const run_state *r) {
    const int copy = r->o->stats_fd.given ? dup((int)r->o->stats_fd.value) : -1;
    FILE *to = copy >= 0 ? fdopen(copy, "w") : stderr;
    json_out line = {0};
    bool ok = to != NULL;
    if (ok && r->o->stats == STATS_TEXT) {
        run_block(to, r);
    } else if (ok) {
        json_begin_object(&line, NULL);
        put_stats(&line, r);
        json_end_object(&line);
        json_write_text(&line, "\n");
        ok = !line.failed && fputs(line.ptr, to) >= 0;
    }
    if (copy >= 0) {
        ok = to ? fclose(to) == 0 && ok : close(copy) != 0;
    }
    if (!ok) {
        term_message("the statistics could not be written");
    }
    json_out_free(&line);
}

lfm_status run_open_log(run_state *r, lfm_error *err) {
    const char *path = r->o->log_file;
    if (!path) return LFM_OK;
    r->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return r->log_fd >= 0 ? LFM_OK
                          : err_set(err, LFM_ERR_IO, "--log-file %s: %s", path, strerror(errno));
}

/* The current time, in the format of ISO 8601. */
static void put_time(json_out *line) {
    char text[40] = "";
    struct tm parts;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &parts)) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    json_put_text(line, "time", text);
}

void run_log(run_state *r, int code, const lfm_error *why) {
    json_out line = {0};
    if (r->log_fd < 0) return;
    json_begin_object(&line, NULL);
    put_time(&line);
    json_put_text(&line, "version", LFM_VERSION);
    json_put_text(&line, "model", r->o->model);
    json_put_int(&line, "exit_status",
                 term_signal() ? 128 + term_signal() : code); /* as shells do */
    if (why->text[0]) {
        json_put_text(&line, "error", why->text);
    }
    if (r->session) {
        put_stats(&line, r);
        json_put_int(&line, "threads", lfm_session_n_threads(r->session));
        json_put_text(&line, "kernels", lfm_model_get_info(r->model)->isa);
    }
    json_end_object(&line);
    json_write_text(&line, "\n");
    /* A single write keeps the lines of several programs apart. */
    if (line.failed || write(r->log_fd, line.ptr, line.len) != (ssize_t)line.len) {
        term_message("--log-file %s: cannot be written", r->o->log_file);
    }
    json_out_free(&line);
    close(r->log_fd);
    r->log_fd = -1;
}
