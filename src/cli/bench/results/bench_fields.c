/*
 * bench_fields.c - the fields of a result: llama-bench's, and ours behind them.
 *
 * The names of the first group are those of llama-bench's JSON, CSV and SQL, so that scripts which
 * read these keep working.
 */
#include "cli/bench/results/results_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 5)))
static void add(bench_fields *f, const char *name, bool quoted, const char *format, ...) {
    va_list args;
    if (f->n == BENCH_MAX_FIELDS) return;
    bench_field *to = &f->at[f->n++];
    to->name = name;
    to->quoted = quoted;
    va_start(args, format);
    vsnprintf(to->value, sizeof to->value, format, args);
    va_end(args);
}

static void add_text(bench_fields *f, const char *name, const char *value) {
    add(f, name, true, "%.159s", value);
}

static void add_int(bench_fields *f, const char *name, uint64_t value) {
    add(f, name, false, "%" PRIu64, value);
}

static void add_real(bench_fields *f, const char *name, int digits, double value) {
    add(f, name, false, "%.*f", digits, value);
}

/* null when unknown. */
static void add_known(bench_fields *f, const char *name, int digits, double value, bool known) {
    if (known) {
        add_real(f, name, digits, value);
    } else {
        add(f, name, false, "null");
    }
}

/* The fields of llama-bench. */
static void add_theirs(bench_fields *f, const bench_context *c, const bench_row *r) {
    char when[32];
    struct tm utc;
    double spread = 0.0;
    double spread_s = 0.0;
    const double rate = bench_row_rate(r, &spread);
    const double seconds = stats_mean(r->seconds, r->n, &spread_s);
    gmtime_r(&r->when, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    add_text(f, "build_commit", bench_build());
    add_int(f, "build_number", 0);
    add_text(f, "cpu_info", c->machine.cpu);
    add_text(f, "gpu_info", "");
    add_text(f, "backends", "CPU");
    add_text(f, "model_filename", c->o->model);
    add_text(f, "model_type", c->type);
    add_int(f, "model_size", c->info->tensor_bytes);
    add_int(f, "model_n_params", c->info->n_params);
    add_int(f, "n_batch", r->n_batch);
    add_int(f, "n_ubatch", r->n_batch);
    add_int(f, "n_threads", r->n_threads);
    add_text(f, "type_k", bench_kv_name(c));
    add_text(f, "type_v", bench_kv_name(c));
    add_int(f, "n_prompt", r->n_prompt);
    add_int(f, "n_gen", r->n_gen);
    add_int(f, "n_depth", r->n_depth);
    add_text(f, "test_time", when);
    add_real(f, "avg_ns", 0, 1e9 * seconds);
    add_real(f, "stddev_ns", 0, 1e9 * spread_s);
    add_real(f, "avg_ts", 6, rate);
    add_real(f, "stddev_ts", 6, spread);
}

/* The machine, and how reliable the numbers are. */
static void add_machine(bench_fields *f, const bench_context *c, const bench_row *r) {
    static const char *const joules[N_POWER_DOMAINS] = {"j_per_token", "j_per_token_core",
                                                        "j_per_token_dram", "j_per_token_psys"};
    char noise[48];
    snprintf(noise, sizeof noise, "%s%s%s", r->noise & NOISE_THROTTLED ? "throttled " : "",
             r->noise & NOISE_LOAD ? "load " : "", r->noise & NOISE_SPREAD ? "spread " : "");
    noise[strlen(noise) - (r->noise != 0)] = '\0';
    add_text(f, "isa", c->info->isa);
    add_text(f, "cores", c->machine.cores);
    add_text(f, "governor", c->machine.governor);
    add_text(f, "power", c->machine.power);
    add_text(f, "kernel", c->machine.system);
    add_known(f, "load", 2, c->machine.load, c->machine.load >= 0);
    add_known(f, "throttle_count", 0, (double)r->throttled, c->machine.has_throttled);
    add_text(f, "input", r->is_text ? "text" : "random");
    add(f, "noisy", false, "%s", r->noise ? "true" : "false");
    add_text(f, "noise", noise);
    add_known(f, "ci95_pct", 2, 100 * bench_row_uncertainty(r), r->n > 2);
    add_real(f, "bytes_per_token", 0, r->bytes_per_token);
    add_known(f, "peak_read_gbs", 3, 1e-9 * r->read_bandwidth, r->read_bandwidth > 0);
    add_known(f, "pct_peak", 2, bench_row_percent_of_read(r), r->read_bandwidth > 0);
    add_real(f, "int8_ops_per_token", 0, r->ops_per_token);
    add_known(f, "peak_int8_gops", 3, 1e-9 * r->int8_peak, r->int8_peak > 0);
    add_known(f, "pct_int8_peak", 2, bench_row_percent_of_int8(r),
              r->int8_peak > 0 && r->ops_per_token > 0);
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        add_known(f, joules[i], 4, r->joules[i], r->joules[i] >= 0);
    }
}

/* What --text, --sustain and --ab measure in addition. */
static void add_special(bench_fields *f, const bench_context *c, const bench_row *r) {
    const cli_options *o = c->o;
    if (o->text) {
        add_text(f, "text_filename", o->text);
        add_real(f, "tokenize_ms", 3, 1e3 * r->waits.tokenize);
        add_real(f, "ttft_ms", 3, 1e3 * r->waits.first_token);
        add_real(f, "p50_ms", 3, 1e3 * r->waits.p50);
        add_real(f, "p95_ms", 3, 1e3 * r->waits.p95);
        add_real(f, "sampling_pct", 2, 100 * r->waits.sampling);
    }
    if (o->sustain.given) {
        const bench_course *course = &r->course;
        add_real(f, "sustain_s", 1, o->sustain.value);
        add_real(f, "burst_ts", 3, course->burst);
        add_real(f, "sustained_ts", 3, course->sustained);
        add_known(f, "drift_pct_per_min", 3, course->drift.gain, course->has_drift);
        add_known(f, "drift_low", 3, course->drift.low, course->has_drift);
        add_known(f, "drift_high", 3, course->drift.high, course->has_drift);
    }
    if (r->fast) {
        add(f, "fast_cores", false, "true");
    }
    if (r->side) {
        add(f, "side", true, "%c", r->side);
        add_text(f, "options", r->side == 'A' ? o->ab[0] : o->ab[1]);
        add_known(f, "gain_pct", 3, r->gain.gain, r->has_gain);
        add_known(f, "gain_low", 3, r->gain.low, r->has_gain);
        add_known(f, "gain_high", 3, r->gain.high, r->has_gain);
    }
}

void bench_fields_read(bench_fields *f, const bench_context *c, const bench_row *r) {
    f->n = 0;
    add_theirs(f, c, r);
    add_machine(f, c, r);
    add_special(f, c, r);
}
