/*
 * report.c - what is told about an answer besides the answer.
 */
#include "cli/run/run.h"

#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Seconds from `a` to `b`; 0 when either was not reached. */
static double between(double a, double b) {
    return a > 0 && b > a ? b - a : 0;
}

static double rate(size_t n, double seconds) {
    return seconds > 0 ? (double)n / seconds : 0;
}

static double prompt_s(const run_state *r) {
    return between(r->loaded, r->prompt_done);
}

static double decode_s(const run_state *r) {
    return between(r->prompt_done, r->ended);
}

/* ---- --json --------------------------------------------------------------------------------- */

static void add_key(json_out *out, const char *key) {
    const bool first = out->len > 0 && out->ptr[out->len - 1] == '{'; /* len 0: out of memory */
    json_write_text(out, first ? "\"" : ", \"");
    json_write_text(out, key);
    json_write_text(out, "\": ");
}

static void add_string(json_out *out, const char *key, const char *bytes, size_t n) {
    add_key(out, key);
    json_write_string(out, bytes ? bytes : "", n);
}

static void add_int(json_out *out, const char *key, uint64_t v) {
    add_key(out, key);
    json_write_int(out, (int64_t)v);
}

/* Milliseconds or tokens per second: three digits after the point are more than enough. */
static void add_number(json_out *out, const char *key, double v) {
    add_key(out, key);
    char text[40];
    snprintf(text, sizeof text, "%.3f", v);
    json_write_text(out, text);
}

static void add_usage(json_out *out, const run_state *r) {
    add_key(out, "usage");
    json_write_text(out, "{");
    add_int(out, "prompt_tokens", r->n_tokens);
    add_int(out, "cached_tokens", r->n_reused);
    add_int(out, "completion_tokens", r->gen.n_generated);
    add_int(out, "reasoning_tokens", r->gen.n_reasoning);
    if (r->n_truncated > 0) {
        add_int(out, "truncated_tokens", r->n_truncated);
    }
    json_write_text(out, "}");
}

static void add_timings(json_out *out, const run_state *r) {
    add_key(out, "timings");
    json_write_text(out, "{");
    add_number(out, "load_ms", 1e3 * between(r->started, r->loaded));
    add_number(out, "ttft_ms", 1e3 * between(r->started, r->first_token));
    add_number(out, "prefill_ms", 1e3 * prompt_s(r));
    add_number(out, "prefill_tok_s", rate(r->n_tokens - r->n_reused, prompt_s(r)));
    add_number(out, "decode_ms", 1e3 * decode_s(r));
    add_number(out, "decode_tok_s", rate(r->gen.n_generated, decode_s(r)));
    json_write_text(out, "}");
}

void report_json(json_out *out, const run_state *r) {
    const char *model = cli_base_name(r->o->model);
    json_write_text(out, "{");
    add_string(out, "model", model, strlen(model));
    add_string(out, "content", r->gen.answer.text.ptr, r->gen.answer.text.len);
    add_string(out, "reasoning", r->gen.answer.thoughts.ptr, r->gen.answer.thoughts.len);
    if (r->o->tools) {
        add_key(out, "tool_calls");
        json_write_text(out, "[");
        json_write_raw(out, r->gen.calls.ptr ? r->gen.calls.ptr : "", r->gen.calls.len);
        json_write_text(out, "]");
    }
    add_string(out, "finish_reason", r->gen.finish, strlen(r->gen.finish));
    add_int(out, "seed", r->sampling.seed);
    add_usage(out, r);
    add_timings(out, r);
    if (r->o->logprobs.given) {
        add_key(out, "logprobs");
        logprobs_write(out, &r->gen.logprobs, 0, r->model, "top");
    }
    json_write_text(out, "}\n");
}

/* ---- -v ------------------------------------------------------------------------------------- */

/* A duration as Go prints it: 5.088275983s, 204.563ms, 1m2.5s; no zeros at the end. */
static cli_text go_duration(double seconds) {
    cli_text t;
    char number[24];
    const uint64_t ns = (uint64_t)(seconds * 1e9 + 0.5);
    const char *unit = ns >= 1000000000 ? "s" : ns >= 1000000 ? "ms" : "\xc2\xb5s";
    const int digits = ns >= 1000000000 ? 9 : ns >= 1000000 ? 6 : 3;
    const double scale = digits == 9 ? 1e9 : digits == 6 ? 1e6 : 1e3;
    const uint64_t minutes = ns / 60000000000u;
    snprintf(number, sizeof number, "%.*f", digits, (double)(ns % 60000000000u) / scale);
    size_t len = strlen(number);
    while (number[len - 1] == '0') {
        len--;
    }
    if (number[len - 1] == '.') {
        len--;
    }
    if (minutes > 0) {
        snprintf(t.text, sizeof t.text, "%" PRIu64 "m%.*ss", minutes, (int)len, number);
    } else {
        snprintf(t.text, sizeof t.text, "%.*s%s", (int)len, number, unit);
    }
    return t;
}

/* Every option that was written, or those of them that have no effect. */
static void list_options(FILE *to, const char *label, const cli_options *o, bool idle) {
    bool any = false;
    for (size_t i = 0; i < o->n_given; i++) {
        const opt_given *g = &o->given[i];
        char value[64] = "";
        if (g->idle != idle) {
            continue;
        }
        if (g->value) {
            err_escape(value, sizeof value, g->value, strlen(g->value));
        }
        fprintf(to, "%s %s%s%s", any ? "" : label, g->word, g->value ? " " : "", value);
        any = true;
    }
    if (any) {
        fputc('\n', to);
    }
}

static void list_sampling(FILE *to, const run_state *r) {
    static const char *const presets[] = {"model card", "llama.cpp", "greedy"};
    const lfm_sampling *s = &r->sampling;
    fprintf(to, "sampler:              temp %g, top-k %" PRId32 ", typical %g, top-p %g, "
            "min-p %g, repeat %g over %" PRId32 ", presence %g, frequency %g (preset: %s)\n",
            (double)s->temperature, s->top_k, (double)s->typical_p, (double)s->top_p,
            (double)s->min_p, (double)s->repeat_penalty, s->repeat_last_n,
            (double)s->presence_penalty, (double)s->frequency_penalty, presets[r->o->preset]);
    for (size_t i = 0; i < LFM_N_STAGES && r->o->stages[i]; i++) {
        fprintf(to, "%s%s", i == 0 ? "samplers:             " : ";",
                opt_stage_name(r->o->stages[i]));
    }
    fputs(r->o->stages[0] ? "\n" : "", to);
}

/* -vv: when things happened, and the most memory that was in use, mapped files and all. */
static void write_course(FILE *to, const run_state *r) {
    struct rusage use = {0};
    fprintf(to, "times:                loaded %.3f s, prompt read %.3f s, first token %.3f s, end "
            "%.3f s\n", between(r->started, r->loaded), between(r->started, r->prompt_done),
            between(r->started, r->first_token), between(r->started, r->ended));
    if (getrusage(RUSAGE_SELF, &use) == 0) {
#ifdef __APPLE__
        const uint64_t unit = 1;
#else
        const uint64_t unit = 1024;
#endif
        fprintf(to, "memory, at most:      %s\n", cli_size((uint64_t)use.ru_maxrss * unit).text);
    }
}

/* What the environment added to the command line. */
static void list_environment(FILE *to, const cli_options *o) {
    const char *model = getenv("LFM_MODEL");
    const char *threads = getenv("LFM_THREADS");
    const char *isa = getenv("LFM_ISA");
    if (model && o->model == model) {
        fprintf(to, "model from:           $LFM_MODEL\n");
    }
    if (threads && threads[0] && o->threads_from_env) {
        fprintf(to, "threads from:         $LFM_THREADS\n");
    }
    if (isa && o->isa == isa) {
        fprintf(to, "kernels from:         $LFM_ISA\n");
    }
}

/* How many, and who chose them. */
static void write_threads(FILE *to, const run_state *r) {
    static const char *const origins[] = {
        [THREADS_ASKED] = "", [THREADS_CORES] = " (cores)",
        [THREADS_TUNED] = " (as 'lfm bench --tune' found)",
        [THREADS_TUNED_FAST] = ", on fast cores (as 'lfm bench --tune' found)"};
    const uint32_t n = lfm_session_n_threads(r->session);
    const uint32_t n_batch = lfm_session_n_threads_batch(r->session);
    fprintf(to, "threads:              %" PRIu32, n);
    if (n_batch != n) {
        fprintf(to, ", prompts %" PRIu32, n_batch);
    }
    fprintf(to, "%s\n", origins[r->threads]);
}

static void write_block(FILE *to, const run_state *r) {
    const lfm_model_info *info = lfm_model_get_info(r->model);
    fprintf(to, "total duration:       %s\n", go_duration(between(r->started, r->ended)).text);
    fprintf(to, "load duration:        %s\n", go_duration(between(r->started, r->loaded)).text);
    const size_t n_read = r->n_tokens - r->n_reused;
    fprintf(to, "prompt eval count:    %zu token(s)\n", n_read);
    fprintf(to, "prompt eval duration: %s\n", go_duration(prompt_s(r)).text);
    fprintf(to, "prompt eval rate:     %.2f tokens/s\n", rate(n_read, prompt_s(r)));
    fprintf(to, "eval count:           %zu token(s)\n", r->gen.n_generated);
    fprintf(to, "eval duration:        %s\n", go_duration(decode_s(r)).text);
    fprintf(to, "eval rate:            %.2f tokens/s\n", rate(r->gen.n_generated, decode_s(r)));
    if (r->n_reused > 0) {
        fprintf(to, "prompt tokens kept:   %zu\n", r->n_reused);
    }
    fprintf(to, "finish reason:        %s\n", r->gen.finish);
    fprintf(to, "seed:                 %" PRIu64 "\n", r->sampling.seed);
    list_sampling(to, r);
    char name[256];
    err_escape(name, sizeof name, r->o->model, strlen(r->o->model));
    fprintf(to, "model:                %s (%s, %s)\n", name, info->arch,
            cli_count(info->n_params).text);
    write_threads(to, r);
    fprintf(to, "kernels:              %s\n", info->isa);
    fprintf(to, "sandbox:              %s\n", r->sandboxed ? "yes" : "no");
    list_options(to, "given:               ", r->o, false);
    list_options(to, "without effect:      ", r->o, true);
    list_environment(to, r->o);
    if (r->o->very_verbose) {
        write_course(to, r);
    }
}

void report_verbose(const run_state *r) {
    write_block(stderr, r);
}

/* ---- --stats, --log-file, SIGUSR1 ----------------------------------------------------------- */

static void write_stats(json_out *line, const run_state *r) {
    if (r->gen.finish) {
        add_string(line, "finish_reason", r->gen.finish, strlen(r->gen.finish));
    }
    add_int(line, "seed", r->sampling.seed);
    add_usage(line, r);
    add_timings(line, r);
}

void report_stats(const run_state *r) {
    const int copy = r->o->stats_fd.given ? dup((int)r->o->stats_fd.value) : -1;
    FILE *to = copy >= 0 ? fdopen(copy, "w") : stderr;
    json_out line = {0};
    bool ok = to != NULL;
    if (ok && r->o->stats == STATS_TEXT) {
        write_block(to, r);
    } else if (ok) {
        json_write_text(&line, "{");
        write_stats(&line, r);
        json_write_text(&line, "}\n");
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

void report_progress(const run_state *r) {
    const double spent = between(r->prompt_done, term_now());
    char of[40] = "";
    if (r->gen.n_room != SIZE_MAX && r->o->n_predict.given) {
        snprintf(of, sizeof of, "/%zu", r->gen.n_room);
    }
    term_message("%zu%s tok  %.1f tok/s   prompt %zu tok %.2f s   ctx %" PRIu32 "/%" PRIu32
                 "   %.1f s", r->gen.n_generated, of, rate(r->gen.n_generated, spent), r->n_tokens,
                 prompt_s(r), lfm_session_pos(r->session), lfm_session_n_ctx(r->session), spent);
}

lfm_status report_open_log(run_state *r, lfm_error *err) {
    const char *path = r->o->log_file;
    if (!path) {
        return LFM_OK;
    }
    r->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    return r->log_fd >= 0 ? LFM_OK : err_set(err, LFM_ERR_IO, "--log-file %s: %s", path,
                                             strerror(errno));
}

/* The time of day as ISO 8601 has it. */
static void add_time(json_out *line) {
    char text[40] = "";
    struct tm parts;
    const time_t now = time(NULL);
    if (gmtime_r(&now, &parts)) {
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    add_string(line, "time", text, strlen(text));
}

void report_log(run_state *r, int code, const lfm_error *why) {
    json_out line = {0};
    if (r->log_fd < 0) {
        return;
    }
    json_write_text(&line, "{");
    add_time(&line);
    add_string(&line, "version", LFM_VERSION, strlen(LFM_VERSION));
    add_string(&line, "model", r->o->model, strlen(r->o->model));
    const int status = term_signal() ? 128 + term_signal() : code; /* as shells tell a signal */
    add_int(&line, "exit_status", (uint64_t)status);
    if (why->text[0]) {
        add_string(&line, "error", why->text, strlen(why->text));
    }
    if (r->session) {
        write_stats(&line, r);
        add_int(&line, "threads", lfm_session_n_threads(r->session));
        const char *isa = lfm_model_get_info(r->model)->isa;
        add_string(&line, "kernels", isa, strlen(isa));
    }
    json_write_text(&line, "}\n");
    /* one write, so that lines of several programs do not mix */
    if (line.failed || write(r->log_fd, line.ptr, line.len) != (ssize_t)line.len) {
        term_message("--log-file %s: cannot be written", r->o->log_file);
    }
    json_out_free(&line);
    close(r->log_fd);
    r->log_fd = -1;
}

void report_summary(const run_state *r) {
    const bool dim = term_use_color(r->o->color);
    fprintf(stderr, "%s%zu tok  %.1f tok/s   prompt %zu tok %.2f s   ctx %" PRIu32 "%s\n",
            dim ? "\033[2m" : "", r->gen.n_generated, rate(r->gen.n_generated, decode_s(r)),
            r->n_tokens,
            prompt_s(r), lfm_session_pos(r->session), dim ? "\033[0m" : "");
}

/* ---- --dry-run ------------------------------------------------------------------------------ */

lfm_status report_dry_run(const run_state *r, lfm_error *err) {
    const lfm_model_info *info = lfm_model_get_info(r->model);
    const lfm_session_options opt = cli_session_options(r->o);
    const uint32_t n_ctx = opt.n_ctx ? opt.n_ctx : info->n_ctx_max;
    const uint64_t n_answer = r->o->n_predict.value > 0 ? (uint64_t)r->o->n_predict.value : 0;
    const uint64_t wanted = r->n_tokens + n_answer;
    uint64_t kv = 0;
    uint64_t scratch = 0;
    const lfm_status st = lfm_session_plan(
        r->model, &opt, wanted < n_ctx ? (uint32_t)wanted : n_ctx, &kv, &scratch, err);
    if (st != LFM_OK) {
        return st;
    }
    cli_print(r->rendered, r->rendered_len);
    if (r->rendered_len == 0 || r->rendered[r->rendered_len - 1] != '\n') {
        putchar('\n');
    }
    if (r->o->verbose) {
        printf("\nids:    ");
        for (size_t i = 0; i < r->n_tokens; i++) {
            printf(" %" PRId32, r->tokens[i]);
        }
        putchar('\n');
    }
    printf("\ntokens:  %zu of %" PRIu32 "%s\n", r->n_tokens, n_ctx,
           r->n_tokens > n_ctx ? " (does not fit)" : "");
    printf("memory:  weights %s (%s), state %s, scratch %s\n",
           cli_size(info->tensor_bytes).text, r->o->no_mmap ? "read" : "mapped",
           cli_size(kv).text, cli_size(scratch).text);
    return LFM_OK;
}
