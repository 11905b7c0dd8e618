/*
 * bench_report.c - results in llama-bench's table, so that they paste side by side, and what else
 * is worth knowing below it.
 */
#include "cli/bench/bench.h"

#include "base/error.h"
#include "cli/shared/common.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifndef LFM_COMMIT
#define LFM_COMMIT "" /* the Makefile tells it in a checkout */
#endif

const char *bench_build(void) {
    return LFM_COMMIT[0] ? "lfm-" LFM_VERSION "-" LFM_COMMIT : "lfm-" LFM_VERSION;
}

double bench_percent_of_peak(const bench_row *r) {
    double spread = 0.0;
    return r->read_bandwidth > 0
               ? 100.0 * bench_rate(r, &spread) * r->bytes_per_token / r->read_bandwidth : 0.0;
}

/* ---- The name of the model ------------------------------------------------------------------ */

/* Names of general.file_type, as llama.cpp prints them. */
static const char *mix_name(unsigned long type) {
    static const struct {
        unsigned long type;
        const char *name;
    } names[] = {
        {0, "all F32"}, {1, "F16"}, {2, "Q4_0"}, {3, "Q4_1"}, {7, "Q8_0"}, {8, "Q5_0"},
        {9, "Q5_1"}, {10, "Q2_K - Medium"}, {11, "Q3_K - Small"}, {12, "Q3_K - Medium"},
        {13, "Q3_K - Large"}, {14, "Q4_K - Small"}, {15, "Q4_K - Medium"}, {16, "Q5_K - Small"},
        {17, "Q5_K - Medium"}, {18, "Q6_K"}, {25, "IQ4_NL - 4.5 bpw"}, {30, "IQ4_XS - 4.25 bpw"},
        {32, "BF16"}, {38, "MXFP4 MoE"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].type == type) {
            return names[i].name;
        }
    }
    return "unknown mix";
}

/* The value of a metadata key as text; "" when it is absent. */
static void key_text(const lfm_model *m, const char *wanted, char *out, size_t cap) {
    const char *key = NULL;
    const char *type = NULL;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; lfm_model_key(m, i, &key, &len, &type, out, cap); i++) {
        if (len == strlen(wanted) && memcmp(key, wanted, len) == 0) {
            return;
        }
    }
    out[0] = '\0';
}

void bench_model_type(char *out, size_t cap, const lfm_model *m) {
    const lfm_model_info *i = lfm_model_get_info(m);
    const double billions = (double)i->n_params * 1e-9;
    char size[32];
    char mix[24];
    key_text(m, "general.file_type", mix, sizeof mix);
    if (i->n_expert > 0 && billions >= 1) { /* a mixture is named by both its sizes */
        const double active = billions * (double)i->token_bytes / (double)i->tensor_bytes;
        snprintf(size, sizeof size, "%.0fB.A%.0fB", billions, floor(active < 1 ? 1 : active));
    } else if (billions >= 1) {
        snprintf(size, sizeof size, "%.1fB", billions);
    } else {
        snprintf(size, sizeof size, "%.0fM", billions >= 0.1 ? 10 * round(billions * 100)
                                                             : billions * 1000);
    }
    snprintf(out, cap, "%s %s %s", i->arch, size, mix[0] ? mix_name(strtoul(mix, NULL, 10)) : "?");
}

/* ---- The table ------------------------------------------------------------------------------ */

void bench_test_name(char *out, size_t cap, const bench_row *r) {
    char name[32];
    char depth[24] = "";
    if (r->n_prompt > 0 && r->n_gen > 0) {
        snprintf(name, sizeof name, "pp%" PRIu32 "+tg%" PRIu32, r->n_prompt, r->n_gen);
    } else {
        snprintf(name, sizeof name, "%s%" PRIu32, r->n_prompt > 0 ? "pp" : "tg",
                 r->n_prompt + r->n_gen);
    }
    if (r->n_depth > 0 && !r->is_text) {
        snprintf(depth, sizeof depth, " @ d%" PRIu32, r->n_depth);
    }
    snprintf(out, cap, "%s%s%s%s%s%c", name, depth, r->is_text ? " text" : "",
             r->fast ? " fast" : "", r->side ? " " : "", r->side);
}

const char *bench_kv_name(opt_kv kv) {
    return kv == KV_F16 ? "f16" : kv == KV_F32 ? "f32" : "q8_0";
}

/* llama-bench's columns; those of settings only where they are not the default. */
static void print_md_head(FILE *to, const bench *b) {
    fprintf(to, "| model                          |       size |     params | backend    | threads "
            "|%s%s            test |                  t/s |\n", b->show_batch ? " n_batch |" : "",
            b->show_kv ? " type_k | type_v |" : "");
    fprintf(to, "| ------------------------------ | ---------: | ---------: | ---------- | ------: "
            "|%s%s --------------: | -------------------: |\n", b->show_batch ? " ------: |" : "",
            b->show_kv ? " -----: | -----: |" : "");
}

static void print_settings(char *out, size_t cap, const bench *b, const bench_row *r) {
    const char *kv = bench_kv_name((opt_kv)b->o->kv);
    int n = 0;
    out[0] = '\0';
    if (b->show_batch) {
        n = snprintf(out, cap, " %7" PRIu32 " |", r->n_batch);
    }
    if (b->show_kv) {
        snprintf(out + n, cap - (size_t)n, " %6s | %6s |", kv, kv);
    }
}

static void print_md(FILE *to, const bench *b, const bench_row *r) {
    char test[64];
    char settings[64];
    char rate[48];
    double spread = 0.0;
    const double mean = bench_rate(r, &spread);
    const double size = (double)b->info->tensor_bytes;
    const double gib = 1024.0 * 1024.0 * 1024.0;
    char size_text[24];
    char params[24];
    bench_test_name(test, sizeof test, r);
    snprintf(size_text, sizeof size_text, size >= gib ? "%.2f GiB" : "%.2f MiB",
             size >= gib ? size / gib : size / gib * 1024);
    snprintf(params, sizeof params, b->info->n_params >= 1000000000 ? "%.2f B" : "%.2f M",
             (double)b->info->n_params * (b->info->n_params >= 1000000000 ? 1e-9 : 1e-6));
    snprintf(rate, sizeof rate, "%s%.2f \xc2\xb1 %.2f", r->noise ? "~ " : "", mean, spread);
    print_settings(settings, sizeof settings, b, r);
    /* The sign takes two bytes and one column. */
    fprintf(to, "| %-30s | %10s | %10s | %-10s | %7" PRIu32 " |%s %15s | %21s |\n", b->type,
            size_text, params, "CPU", r->n_threads, settings, test, rate);
}

/* ---- What comes below ----------------------------------------------------------------------- */

static const bench_row *first_decode(const bench_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bench_is_decode(&rows[i])) {
            return &rows[i];
        }
    }
    return NULL;
}

static void print_memory(FILE *to, const bench *b, const bench_row *rows, size_t n) {
    const bench_row *r = first_decode(rows, n);
    double spread = 0.0;
    const bench_row *any = r ? r : rows;
    if (!any || n == 0 || any->read_bandwidth <= 0) {
        return;
    }
    fprintf(to, "memory   read %.1f GB/s measured (%" PRIu32 " %s)", 1e-9 * any->read_bandwidth,
            any->n_threads, any->n_threads == 1 ? "thread" : "threads");
    if (r) {
        fprintf(to, " \xc2\xb7 decode moves %.3g GB/token \xc2\xb7 %.1f GB/s = %.0f %% of measured "
                "peak%s", 1e-9 * r->bytes_per_token,
                1e-9 * bench_rate(r, &spread) * r->bytes_per_token, bench_percent_of_peak(r),
                bench_percent_of_peak(r) <= 100             ? ""
                : b->info->token_bytes <= BENCH_CACHEABLE ? " (weights come from the cache)"
                                                          : " (the probe was disturbed)");
    }
    fputc('\n', to);
}

/* "41.2 ms", "0.52 s". */
static cli_text time_text(double seconds) {
    cli_text t;
    if (seconds < 0.1) {
        snprintf(t.text, sizeof t.text, "%.1f ms", 1e3 * seconds);
    } else {
        snprintf(t.text, sizeof t.text, "%.2f s", seconds);
    }
    return t;
}

static void print_latency(FILE *to, const bench *b) {
    const char *cached = b->cached < 0     ? ""
                         : b->cached > 0.9 ? " (warm)"
                         : b->cached < 0.1 ? " (cold)"
                                           : " (partly cached)";
    fprintf(to, "latency  load %s%s \xc2\xb7 first token %s for 16 tokens\n",
            time_text(b->load_s).text, cached, time_text(b->first_token_s).text);
}

static void print_energy(FILE *to, const bench *b, const bench_row *rows, size_t n) {
    static const char *const names[N_POWER_DOMAINS] = {"", " core", " dram", " psys"};
    const bench_row *decode = first_decode(rows, n);
    const bench_row *r = decode ? decode : rows;
    if (b->o->power == OPT_POWER_NONE) {
        return;
    }
    if (n == 0 || r->joules[POWER_PACKAGE] < 0) {
        fputs("energy   not readable, see lfm help energy\n", to);
        return;
    }
    fprintf(to, "energy   %.3g J/token over idle (%s)", r->joules[POWER_PACKAGE],
            b->power.source == POWER_BATTERY ? "battery" : "package RAPL");
    for (size_t i = POWER_CORE; i < N_POWER_DOMAINS; i++) {
        if (r->joules[i] >= 0) {
            fprintf(to, " \xc2\xb7 %.3g%s", r->joules[i], names[i]);
        }
    }
    fputc('\n', to);
}

static void print_machine(FILE *to, const bench *b, const bench_row *rows, size_t n) {
    const machine_facts *m = &b->machine;
    uint64_t throttled = 0;
    for (size_t i = 0; i < n; i++) {
        throttled += rows[i].throttled;
    }
    fprintf(to, "machine  %s \xc2\xb7 %s", m->cpu, m->cores);
    if (m->governor[0]) {
        fprintf(to, " \xc2\xb7 %s governor", m->governor);
    }
    if (m->power[0]) {
        fprintf(to, " \xc2\xb7 %s", m->power);
    }
    if (m->has_throttled && throttled == 0) {
        fputs(" \xc2\xb7 no throttling", to);
    } else if (m->has_throttled) {
        fprintf(to, " \xc2\xb7 throttled %" PRIu64 " times", throttled);
    }
    if (m->load >= 0) {
        fprintf(to, " \xc2\xb7 load %.1f", m->load);
    }
    fputc('\n', to);
}

/* Why rows bear a mark. */
static void print_noise(FILE *to, const bench_row *rows, size_t n) {
    unsigned noise = 0;
    for (size_t i = 0; i < n; i++) {
        noise |= rows[i].noise;
    }
    static const char *const why[] = {"the processor throttled itself",
                                      "the machine was busy at the start",
                                      "the mean is not known to 3 % (see --until)"};
    const char *before = "~        marks rows that are less certain: ";
    for (size_t i = 0; i < sizeof why / sizeof *why; i++) {
        if (noise & (1u << i)) {
            fprintf(to, "%s%s", before, why[i]);
            before = "; ";
        }
    }
    fputs(noise ? "\n" : "", to);
}

static void print_text(FILE *to, const bench *b, const bench_row *rows, size_t n) {
    if (b->o->text && n > 0) {
        const bench_waits *w = &rows[0].waits;
        char name[128];
        const char *base = cli_base_name(b->o->text);
        err_escape(name, sizeof name, base, strlen(base));
        fprintf(to, "text     %s \xc2\xb7 tokenise %.2f ms \xc2\xb7 first token %s \xc2\xb7 "
                "between tokens p50 %.2f ms, p95 %.2f ms \xc2\xb7 sampling %.1f %%\n",
                name, 1e3 * w->tokenize, time_text(w->first_token).text, 1e3 * w->p50,
                1e3 * w->p95, 100 * w->sampling);
    }
}

static void print_course(FILE *to, const bench_row *r) {
    const bench_course *c = &r->course;
    char test[64];
    bench_test_name(test, sizeof test, r);
    fprintf(to, "sustain  %s: burst %.2f tok/s, sustained %.2f (%+.1f %%)", test, c->burst,
            c->sustained, c->burst > 0 ? 100 * (c->sustained / c->burst - 1) : 0.0);
    if (c->has_drift && stats_is_shown(&c->drift)) {
        fprintf(to, ", drift %+.2f %%/min [%.2f, %.2f]", c->drift.gain, c->drift.low,
                c->drift.high);
    } else {
        fputs(", no drift shown", to);
    }
    fprintf(to, "\n         %s %.2f..%.2f tok/s\n", c->spark, c->low, c->high);
}

static void print_below(FILE *to, const bench *b, const bench_row *rows, size_t n) {
    fprintf(to, "\nbuild: lfm %s%s%s%s %s\n\n", LFM_VERSION, LFM_COMMIT[0] ? " (" : "", LFM_COMMIT,
            LFM_COMMIT[0] ? ")" : "", b->info->isa);
    print_memory(to, b, rows, n);
    print_latency(to, b);
    print_text(to, b, rows, n);
    for (size_t i = 0; b->o->sustain.given && i < n; i++) {
        print_course(to, &rows[i]);
    }
    print_energy(to, b, rows, n);
    print_machine(to, b, rows, n);
    print_noise(to, rows, n);
}

/* ---- The report ----------------------------------------------------------------------------- */

/* What was told so far can be seen, or it is known that it cannot. */
static void flush(bench *b, FILE *to) {
    errno = 0;
    if (fflush(to) != 0 && b->write_error == 0) {
        b->write_error = errno ? errno : EIO;
    }
}

lfm_status bench_outcome(const bench *b, lfm_status st, lfm_error *err) {
    return st == LFM_OK && b->write_error
               ? err_set(err, LFM_ERR_IO, "standard output: cannot be written: %s",
                         strerror(b->write_error))
               : st;
}

void bench_begin(bench *b) {
    for (size_t i = 0; i < b->n_outputs; i++) {
        FILE *to = b->outputs[i].to;
        if (b->outputs[i].format == BENCH_MD) {
            print_md_head(to, b);
        } else if (b->outputs[i].format == BENCH_JSON) {
            fputs("[\n", to);
        }
        flush(b, to);
    }
}

void bench_print(bench *b, const bench_row *r, bool first) {
    for (size_t i = 0; i < b->n_outputs; i++) {
        FILE *to = b->outputs[i].to;
        if (b->outputs[i].format == BENCH_MD) {
            print_md(to, b, r);
        } else {
            bench_print_fields(to, b->outputs[i].format, b, r, first);
        }
        flush(b, to);
    }
}

void bench_end(bench *b, const bench_row *rows, size_t n) {
    for (size_t i = 0; i < b->n_outputs; i++) {
        FILE *to = b->outputs[i].to;
        if (b->outputs[i].format == BENCH_JSON) {
            fputs("\n]\n", to);
        } else if (b->outputs[i].format == BENCH_MD) {
            print_below(to, b, rows, n);
        }
        flush(b, to);
    }
}
