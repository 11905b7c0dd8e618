/*
 * report.c - what is told about an answer besides the answer.
 */
#include "cli/run.h"

#include "cli/cli.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
static void list_options(const char *label, const cli_options *o, bool idle) {
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
        fprintf(stderr, "%s %s%s%s", any ? "" : label, g->word, g->value ? " " : "", value);
        any = true;
    }
    if (any) {
        fputc('\n', stderr);
    }
}

static void list_sampling(const run_state *r) {
    static const char *const presets[] = {"model card", "llama.cpp", "greedy"};
    const lfm_sampling *s = &r->sampling;
    fprintf(stderr, "sampler:              temp %g, top-k %" PRId32 ", typical %g, top-p %g, "
            "min-p %g, repeat %g over %" PRId32 ", presence %g, frequency %g (preset: %s)\n",
            (double)s->temperature, s->top_k, (double)s->typical_p, (double)s->top_p,
            (double)s->min_p, (double)s->repeat_penalty, s->repeat_last_n,
            (double)s->presence_penalty, (double)s->frequency_penalty, presets[r->o->preset]);
}

/* How many, and who chose them. */
static void show_threads(const run_state *r) {
    static const char *const origins[] = {
        [THREADS_ASKED] = "", [THREADS_CORES] = " (cores)",
        [THREADS_TUNED] = " (as 'lfm bench --tune' found)"};
    const uint32_t n = lfm_session_n_threads(r->session);
    const uint32_t n_batch = lfm_session_n_threads_batch(r->session);
    fprintf(stderr, "threads:              %" PRIu32, n);
    if (n_batch != n) {
        fprintf(stderr, ", prompts %" PRIu32, n_batch);
    }
    fprintf(stderr, "%s\n", origins[r->threads]);
}

void report_verbose(const run_state *r) {
    const lfm_model_info *info = lfm_model_get_info(r->model);
    fprintf(stderr, "total duration:       %s\n", go_duration(between(r->started, r->ended)).text);
    fprintf(stderr, "load duration:        %s\n", go_duration(between(r->started, r->loaded)).text);
    const size_t n_read = r->n_tokens - r->n_reused;
    fprintf(stderr, "prompt eval count:    %zu token(s)\n", n_read);
    fprintf(stderr, "prompt eval duration: %s\n", go_duration(prompt_s(r)).text);
    fprintf(stderr, "prompt eval rate:     %.2f tokens/s\n", rate(n_read, prompt_s(r)));
    fprintf(stderr, "eval count:           %zu token(s)\n", r->gen.n_generated);
    fprintf(stderr, "eval duration:        %s\n", go_duration(decode_s(r)).text);
    fprintf(stderr, "eval rate:            %.2f tokens/s\n", rate(r->gen.n_generated, decode_s(r)));
    if (r->n_reused > 0) {
        fprintf(stderr, "prompt tokens kept:   %zu\n", r->n_reused);
    }
    fprintf(stderr, "finish reason:        %s\n", r->gen.finish);
    fprintf(stderr, "seed:                 %" PRIu64 "\n", r->sampling.seed);
    list_sampling(r);
    char name[256];
    err_escape(name, sizeof name, r->o->model, strlen(r->o->model));
    fprintf(stderr, "model:                %s (%s, %s)\n", name, info->arch,
            cli_count(info->n_params).text);
    show_threads(r);
    fprintf(stderr, "kernels:              %s\n", info->isa);
    fprintf(stderr, "sandbox:              %s\n", r->sandboxed ? "yes" : "no");
    list_options("given:               ", r->o, false);
    list_options("without effect:      ", r->o, true);
}

void report_stats(const run_state *r) {
    json_out line = {0};
    if (r->o->stats == STATS_TEXT) {
        report_verbose(r);
        return;
    }
    json_write_text(&line, "{");
    add_string(&line, "finish_reason", r->gen.finish, strlen(r->gen.finish));
    add_int(&line, "seed", r->sampling.seed);
    add_usage(&line, r);
    add_timings(&line, r);
    json_write_text(&line, "}\n");
    if (!line.failed) {
        fputs(line.ptr, stderr);
    }
    json_out_free(&line);
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
    printf("memory:  weights %s (mapped), state %s, scratch %s\n",
           cli_size(info->tensor_bytes).text, cli_size(kv).text, cli_size(scratch).text);
    return LFM_OK;
}
