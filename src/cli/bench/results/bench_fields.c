/*
 * bench_fields.c - results for programs: llama-bench's fields, and ours behind them.
 *
 * The names of the first group are those of llama-bench's JSON, CSV and SQL, so that scripts which
 * read these go on to work.
 */
#include "cli/bench/bench.h"

#include "base/utf8.h"
#include "cli/shared/common.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

enum { MAX_FIELDS = 72 };

typedef struct {
    const char *name;
    char value[160];
    bool quoted;
} field;

typedef struct {
    field at[MAX_FIELDS];
    size_t n;
} fields;

/* ---- Fields --------------------------------------------------------------------------------- */

__attribute__((format(printf, 4, 5)))
static void add(fields *f, const char *name, bool quoted, const char *format, ...) {
    va_list args;
    if (f->n == MAX_FIELDS) {
        return;
    }
    field *to = &f->at[f->n++];
    to->name = name;
    to->quoted = quoted;
    va_start(args, format);
    vsnprintf(to->value, sizeof to->value, format, args);
    va_end(args);
}

static void add_text(fields *f, const char *name, const char *value) {
    add(f, name, true, "%.159s", value);
}

static void add_int(fields *f, const char *name, uint64_t value) {
    add(f, name, false, "%" PRIu64, value);
}

static void add_real(fields *f, const char *name, int digits, double value) {
    add(f, name, false, "%.*f", digits, value);
}

/* null when it is not known. */
static void add_known(fields *f, const char *name, int digits, double value, bool known) {
    if (known) {
        add_real(f, name, digits, value);
    } else {
        add(f, name, false, "null");
    }
}

/* Those of llama-bench. */
static void add_theirs(fields *f, const bench *b, const bench_row *r) {
    char when[32];
    struct tm utc;
    double spread = 0.0;
    double spread_s = 0.0;
    const double rate = bench_rate(r, &spread);
    const double seconds = stats_mean(r->seconds, r->n, &spread_s);
    gmtime_r(&r->when, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    add_text(f, "build_commit", bench_build());
    add_int(f, "build_number", 0);
    add_text(f, "cpu_info", b->machine.cpu);
    add_text(f, "gpu_info", "");
    add_text(f, "backends", "CPU");
    add_text(f, "model_filename", b->o->model);
    add_text(f, "model_type", b->type);
    add_int(f, "model_size", b->info->tensor_bytes);
    add_int(f, "model_n_params", b->info->n_params);
    add_int(f, "n_batch", r->n_batch);
    add_int(f, "n_ubatch", r->n_batch);
    add_int(f, "n_threads", r->n_threads);
    add_text(f, "type_k", bench_kv_name((opt_kv)b->o->kv));
    add_text(f, "type_v", bench_kv_name((opt_kv)b->o->kv));
    add_int(f, "n_prompt", r->n_prompt);
    add_int(f, "n_gen", r->n_gen);
    add_int(f, "n_depth", r->n_depth);
    add_text(f, "test_time", when);
    add_real(f, "avg_ns", 0, 1e9 * seconds);
    add_real(f, "stddev_ns", 0, 1e9 * spread_s);
    add_real(f, "avg_ts", 6, rate);
    add_real(f, "stddev_ts", 6, spread);
}

/* The machine, and how far the numbers can be trusted. */
static void add_machine(fields *f, const bench *b, const bench_row *r) {
    static const char *const joules[N_POWER_DOMAINS] = {"j_per_token", "j_per_token_core",
                                                        "j_per_token_dram", "j_per_token_psys"};
    char noise[48];
    snprintf(noise, sizeof noise, "%s%s%s", r->noise & NOISE_THROTTLED ? "throttled " : "",
             r->noise & NOISE_LOAD ? "load " : "", r->noise & NOISE_SPREAD ? "spread " : "");
    noise[strlen(noise) - (r->noise != 0)] = '\0';
    add_text(f, "isa", b->info->isa);
    add_text(f, "cores", b->machine.cores);
    add_text(f, "governor", b->machine.governor);
    add_text(f, "power", b->machine.power);
    add_text(f, "kernel", b->machine.system);
    add_known(f, "load", 2, b->machine.load, b->machine.load >= 0);
    add_known(f, "throttle_count", 0, (double)r->throttled, b->machine.has_throttled);
    add_text(f, "input", r->is_text ? "text" : "random");
    add(f, "noisy", false, "%s", r->noise ? "true" : "false");
    add_text(f, "noise", noise);
    add_known(f, "ci95_pct", 2, 100 * bench_uncertainty(r), r->n > 2);
    add_real(f, "bytes_per_token", 0, r->bytes_per_token);
    add_known(f, "peak_read_gbs", 3, 1e-9 * r->read_bandwidth, r->read_bandwidth > 0);
    add_known(f, "pct_peak", 2, bench_percent_of_peak(r), r->read_bandwidth > 0);
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        add_known(f, joules[i], 4, r->joules[i], r->joules[i] >= 0);
    }
}

/* What --text, --sustain and --ab measure besides. */
static void add_special(fields *f, const bench *b, const bench_row *r) {
    const cli_options *o = b->o;
    if (o->text) {
        add_text(f, "text_filename", o->text);
        add_real(f, "tokenize_ms", 3, 1e3 * r->waits.tokenize);
        add_real(f, "ttft_ms", 3, 1e3 * r->waits.first_token);
        add_real(f, "p50_ms", 3, 1e3 * r->waits.p50);
        add_real(f, "p95_ms", 3, 1e3 * r->waits.p95);
        add_real(f, "sampling_pct", 2, 100 * r->waits.sampling);
    }
    if (o->sustain.given) {
        const bench_course *c = &r->course;
        add_real(f, "sustain_s", 1, o->sustain.value);
        add_real(f, "burst_ts", 3, c->burst);
        add_real(f, "sustained_ts", 3, c->sustained);
        add_known(f, "drift_pct_per_min", 3, c->drift.gain, c->has_drift);
        add_known(f, "drift_low", 3, c->drift.low, c->has_drift);
        add_known(f, "drift_high", 3, c->drift.high, c->has_drift);
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

/* ---- JSON ----------------------------------------------------------------------------------- */

/* A JSON text; without memory of its own, so that nothing can be missing. */
static void print_json_text(FILE *to, const char *text) {
    const size_t n = strlen(text);
    fputc('"', to);
    for (size_t i = 0; i < n;) {
        uint32_t code = 0;
        const size_t len = utf8_decode(text + i, n - i, &code);
        if (len == 0) {
            fputs("\xef\xbf\xbd", to); /* U+FFFD */
        } else if (code < 0x20) {
            fprintf(to, "\\u%04x", (unsigned)code);
        } else {
            fprintf(to, "%s%.*s", code == '"' || code == '\\' ? "\\" : "", (int)len, text + i);
        }
        i += len ? len : 1;
    }
    fputc('"', to);
}

static void print_samples(FILE *to, const bench_row *r, bool rates) {
    for (size_t i = 0; i < r->n; i++) {
        if (rates) {
            fprintf(to, "%s%.4f", i ? ", " : "", bench_row_tokens(r) / r->seconds[i]);
        } else {
            fprintf(to, "%s%.0f", i ? ", " : "", r->seconds[i] * 1e9);
        }
    }
}

static void print_json_row(FILE *to, const fields *f, const bench_row *r, bool lines) {
    const char *gap = lines ? " " : "\n    ";
    fprintf(to, lines ? "{" : "  {\n    ");
    for (size_t i = 0; i < f->n; i++) {
        fprintf(to, "\"%s\": ", f->at[i].name);
        if (f->at[i].quoted) {
            print_json_text(to, f->at[i].value);
        } else {
            fputs(f->at[i].value, to);
        }
        fprintf(to, ",%s", gap);
    }
    fprintf(to, "\"samples_ns\": [");
    print_samples(to, r, false);
    fprintf(to, "],%s\"samples_ts\": [", gap);
    print_samples(to, r, true);
    fprintf(to, lines ? "]}\n" : "]\n  }");
}

/* ---- CSV and SQL ---------------------------------------------------------------------------- */

static void print_doubled(FILE *to, const char *text, char quote) {
    fputc(quote, to);
    for (; *text; text++) {
        fputc(*text, to);
        if (*text == quote) {
            fputc(quote, to);
        }
    }
    fputc(quote, to);
}

static void print_csv_row(FILE *to, const fields *f, bool first) {
    for (size_t i = 0; first && i < f->n; i++) {
        fprintf(to, "%s%s", f->at[i].name, i + 1 < f->n ? "," : "\n");
    }
    for (size_t i = 0; i < f->n; i++) {
        fputs(i ? "," : "", to);
        print_doubled(to, f->at[i].value, '"');
    }
    fputc('\n', to);
}

static void print_sql_row(FILE *to, const fields *f, bool first) {
    if (first) {
        fprintf(to, "CREATE TABLE IF NOT EXISTS llama_bench (\n");
        for (size_t i = 0; i < f->n; i++) {
            fprintf(to, "  %s %s%s\n", f->at[i].name, f->at[i].quoted ? "TEXT" : "REAL",
                    i + 1 < f->n ? "," : "");
        }
        fprintf(to, ");\n\n");
    }
    fprintf(to, "INSERT INTO llama_bench (");
    for (size_t i = 0; i < f->n; i++) {
        fprintf(to, "%s%s", i ? ", " : "", f->at[i].name);
    }
    fprintf(to, ") VALUES (");
    for (size_t i = 0; i < f->n; i++) {
        fputs(i ? ", " : "", to);
        if (f->at[i].quoted) {
            print_doubled(to, f->at[i].value, '\'');
        } else {
            fputs(f->at[i].value, to);
        }
    }
    fprintf(to, ");\n");
}

/* ---- benchstat ------------------------------------------------------------------------------ */

/* A part of a benchmark's name: no blanks, and no slash. */
static void print_name(FILE *to, const char *text) {
    for (; *text; text++) {
        fputc((unsigned char)*text <= ' ' || *text == '/' || *text == '=' ? '_' : *text, to);
    }
}

/* Go's benchmark format (golang.org/design/14313-benchmark-format), a line for each sample, with
 * the names that ollama's bench gives to the steps. */
static void print_benchstat(FILE *to, const bench *b, const bench_row *r, bool first) {
    char test[64];
    bench_test_name(test, sizeof test, r);
    if (first) {
        fprintf(to, "cpu: %s\nbuild: %s %s\n", b->machine.cpu, bench_build(), b->info->isa);
    }
    for (size_t i = 0; i < r->n; i++) {
        fputs("BenchmarkModel/name=", to);
        print_name(to, b->type);
        fprintf(to, "/step=%s/test=", r->n_gen == 0 ? "prefill" : r->n_prompt == 0 ? "generate"
                                                                                   : "total");
        print_name(to, test);
        fprintf(to, "/threads=%" PRIu32, r->n_threads);
        if (r->side) {
            fprintf(to, "/side=%c", r->side);
        }
        fprintf(to, " 1 %.2f ns/token %.2f token/sec\n",
                1e9 * r->seconds[i] / bench_row_tokens(r), bench_row_tokens(r) / r->seconds[i]);
    }
}

void bench_print_fields(FILE *to, bench_format format, const bench *b, const bench_row *r,
                        bool first) {
    fields f = {.n = 0};
    add_theirs(&f, b, r);
    add_machine(&f, b, r);
    add_special(&f, b, r);
    switch (format) {
    case BENCH_CSV:
        print_csv_row(to, &f, first);
        break;
    case BENCH_JSON:
        fputs(first ? "" : ",\n", to);
        print_json_row(to, &f, r, false);
        break;
    case BENCH_JSONL:
        print_json_row(to, &f, r, true);
        break;
    case BENCH_SQL:
        print_sql_row(to, &f, first);
        break;
    default:
        print_benchstat(to, b, r, first);
        break;
    }
}
