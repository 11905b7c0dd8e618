/*
 * run_text.c - reports of `lfm run` for people: -v, the summary, progress, --dry-run.
 */
#include "cli/run/run_internal.h"

#include "cli/reading/measure.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

double run_between(double a, double b) {
    return a > 0 && b > a ? b - a : 0;
}

double run_rate(size_t n, double seconds) {
    return seconds > 0 ? (double)n / seconds : 0;
}

double run_prompt_s(const run_state *r) {
    return run_between(r->loaded, r->prompt_done);
}

double run_decode_s(const run_state *r) {
    return run_between(r->prompt_done, r->ended);
}

/* ---- -v ------------------------------------------------------------------------------------- */

/* A duration as Go prints it: 5.088275983s, 204.563ms, 1m2.5s; no trailing zeros. */
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

/* List the options on the command line: those with an effect, or those without (`idle`). */
static void list_options(FILE *to, const char *label, const cli_options *o, bool idle) {
    bool any = false;
    for (size_t i = 0; i < o->n_given; i++) {
        const opt_given *g = &o->given[i];
        char value[64] = "";
        if (g->idle != idle) continue;
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
    fprintf(to,
            "sampler:              temp %g, top-k %" PRId32 ", typical %g, top-p %g, "
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

/* -vv: times since the start, and the peak of memory in use, mapped files included. */
static void write_times(FILE *to, const run_state *r) {
    struct rusage use = {0};
    fprintf(to,
            "times:                loaded %.3f s, prompt read %.3f s, first token %.3f s, end "
            "%.3f s\n",
            run_between(r->started, r->loaded), run_between(r->started, r->prompt_done),
            run_between(r->started, r->first_token), run_between(r->started, r->ended));
    if (getrusage(RUSAGE_SELF, &use) == 0) {
#ifdef __APPLE__
        const uint64_t unit = 1;
#else
        const uint64_t unit = 1024;
#endif
        fprintf(to, "memory, at most:      %s\n", cli_size((uint64_t)use.ru_maxrss * unit).text);
    }
}

/* List the settings that came from environment variables. */
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

/* The number of threads, and where it comes from. */
static void write_threads(FILE *to, const run_state *r) {
    static const char *const origins[] = {[THREADS_ASKED] = "",
                                          [THREADS_CORES] = " (cores)",
                                          [THREADS_TUNED] = " (found by 'lfm bench --tune')",
                                          [THREADS_TUNED_FAST] =
                                              ", on fast cores (found by 'lfm bench --tune')"};
    const uint32_t n = lfm_session_n_threads(r->session);
    const uint32_t n_batch = lfm_session_n_threads_batch(r->session);
    fprintf(to, "threads:              %" PRIu32, n);
    if (n_batch != n) {
        fprintf(to, ", prompts %" PRIu32, n_batch);
    }
    fprintf(to, "%s\n", origins[r->threads]);
}

void run_block(FILE *to, const run_state *r) {
    const lfm_model_info *info = lfm_model_get_info(r->model);
    fprintf(to, "total duration:       %s\n", go_duration(run_between(r->started, r->ended)).text);
    fprintf(to, "load duration:        %s\n", go_duration(run_between(r->started, r->loaded)).text);
    const size_t n_read = r->prompt.n - r->n_reused;
    fprintf(to, "prompt eval count:    %zu token(s)\n", n_read);
    fprintf(to, "prompt eval duration: %s\n", go_duration(run_prompt_s(r)).text);
    fprintf(to, "prompt eval rate:     %.2f tokens/s\n", run_rate(n_read, run_prompt_s(r)));
    fprintf(to, "eval count:           %zu token(s)\n", r->now->n_generated);
    fprintf(to, "eval duration:        %s\n", go_duration(run_decode_s(r)).text);
    fprintf(to, "eval rate:            %.2f tokens/s\n",
            run_rate(r->now->n_generated, run_decode_s(r)));
    if (r->n_reused > 0) {
        fprintf(to, "prompt tokens kept:   %zu\n", r->n_reused);
    }
    fprintf(to, "finish reason:        %s\n", lfm_finish_name(r->now->finish));
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
        write_times(to, r);
    }
}

/* ---- One line ------------------------------------------------------------------------------- */

void run_progress(const run_state *r) {
    const double spent = run_between(r->prompt_done, term_now());
    char of[40] = "";
    if (r->now->n_room != SIZE_MAX && r->o->n_predict.given) {
        snprintf(of, sizeof of, "/%zu", r->now->n_room);
    }
    term_message(
        "%zu%s tok  %.1f tok/s   prompt %zu tok %.2f s   ctx %" PRIu32 "/%" PRIu32 "   %.1f s",
        r->now->n_generated, of, run_rate(r->now->n_generated, spent), r->prompt.n, run_prompt_s(r),
        lfm_session_pos(r->session), lfm_session_n_ctx(r->session), spent);
}

void run_summary(const run_state *r) {
    const bool dim = term_use_color(r->o->color);
    fprintf(stderr, "%s%zu tok  %.1f tok/s   prompt %zu tok %.2f s   ctx %" PRIu32 "%s\n",
            dim ? "\033[2m" : "", r->now->n_generated,
            run_rate(r->now->n_generated, run_decode_s(r)), r->prompt.n, run_prompt_s(r),
            lfm_session_pos(r->session), dim ? "\033[0m" : "");
}

/* ---- --dry-run ------------------------------------------------------------------------------ */

/* Print how long the part of the prompt takes that the session does not hold yet. */
static lfm_status print_time(const run_state *r, lfm_error *err) {
    reading_cost cost = {0};
    size_t n_held = 0;
    const int32_t *held = lfm_session_tokens(r->session, &n_held);
    const size_t same = prompt_tokens_common(r->prompt.ids, r->prompt.n, held, n_held);
    const lfm_status st = reading_measure(&cost, r->session, (uint32_t)r->prompt.n, err);
    if (st != LFM_OK) return st;
    const double seconds =
        reading_seconds(cost, (double)same, (double)(r->prompt.n - same));
    printf("time:    %s to read%s\n", reading_about(seconds).text,
           same > 0 ? " what the session does not hold" : "");
    return LFM_OK;
}

lfm_status run_dry(const run_state *r, lfm_error *err) {
    const lfm_model_info *info = lfm_model_get_info(r->model);
    const lfm_session_options opt = cli_session_options(r->o);
    const uint32_t n_ctx = opt.n_ctx ? opt.n_ctx : info->n_ctx_max;
    const uint64_t n_answer = r->o->n_predict.value > 0 ? (uint64_t)r->o->n_predict.value : 0;
    const uint64_t wanted = r->prompt.n + n_answer;
    uint64_t kv = 0;
    uint64_t scratch = 0;
    const lfm_status st = lfm_session_plan(
        r->model, &opt, wanted < n_ctx ? (uint32_t)wanted : n_ctx, &kv, &scratch, err);
    if (st != LFM_OK) return st;
    cli_print(r->prompt.text, r->prompt.text_len);
    if (r->prompt.text_len == 0 || r->prompt.text[r->prompt.text_len - 1] != '\n') {
        putchar('\n');
    }
    if (r->o->verbose) {
        printf("\nids:    ");
        for (size_t i = 0; i < r->prompt.n; i++) {
            printf(" %" PRId32, r->prompt.ids[i]);
        }
        putchar('\n');
    }
    printf("\ntokens:  %zu of %" PRIu32 "%s\n", r->prompt.n, n_ctx,
           r->prompt.n > n_ctx ? " (does not fit)" : "");
    printf("memory:  weights %s (%s), state %s, scratch %s\n", cli_size(info->tensor_bytes).text,
           r->o->no_mmap ? "read" : "mapped", cli_size(kv).text, cli_size(scratch).text);
    return r->prompt.n > 0 && r->prompt.n <= n_ctx ? print_time(r, err) : LFM_OK;
}
