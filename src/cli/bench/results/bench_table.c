/*
 * bench_table.c - results in llama-bench's table, and a summary below it.
 */
#include "cli/bench/results/results_internal.h"

#include "base/error.h"
#include "cli/shared/common.h"

#include <inttypes.h>
#include <string.h>

/* ---- The table ------------------------------------------------------------------------------ */

/* llama-bench's columns; those of settings only where they are not the default. */
void bench_table_begin(FILE *to, const bench_context *c) {
    fprintf(to, "| model                          |       size |     params | backend    | threads "
            "|%s%s            test |                  t/s |\n", c->show_batch ? " n_batch |" : "",
            c->show_kv ? " type_k | type_v |" : "");
    fprintf(to, "| ------------------------------ | ---------: | ---------: | ---------- | ------: "
            "|%s%s --------------: | -------------------: |\n", c->show_batch ? " ------: |" : "",
            c->show_kv ? " -----: | -----: |" : "");
}

static void print_settings(char *out, size_t cap, const bench_context *c, const bench_row *r) {
    const char *kv = bench_kv_name(c);
    int n = 0;
    out[0] = '\0';
    if (c->show_batch) {
        n = snprintf(out, cap, " %7" PRIu32 " |", r->n_batch);
    }
    if (c->show_kv) {
        snprintf(out + n, cap - (size_t)n, " %6s | %6s |", kv, kv);
    }
}

void bench_table_row(FILE *to, const bench_context *c, const bench_row *r, bool first) {
    (void)first;
    char test[64];
    char settings[64];
    char rate[48];
    double spread = 0.0;
    const double mean = bench_row_rate(r, &spread);
    const double size = (double)c->info->tensor_bytes;
    const double gib = 1024.0 * 1024.0 * 1024.0;
    char size_text[24];
    char params[24];
    bench_row_name(test, sizeof test, r);
    snprintf(size_text, sizeof size_text, size >= gib ? "%.2f GiB" : "%.2f MiB",
             size >= gib ? size / gib : size / gib * 1024);
    snprintf(params, sizeof params, c->info->n_params >= 1000000000 ? "%.2f B" : "%.2f M",
             (double)c->info->n_params * (c->info->n_params >= 1000000000 ? 1e-9 : 1e-6));
    snprintf(rate, sizeof rate, "%s%.2f \xc2\xb1 %.2f", r->noise ? "~ " : "", mean, spread);
    print_settings(settings, sizeof settings, c, r);
    /* The sign takes two bytes and one column. */
    fprintf(to, "| %-30s | %10s | %10s | %-10s | %7" PRIu32 " |%s %15s | %21s |\n", c->type,
            size_text, params, "CPU", r->n_threads, settings, test, rate);
}

/* ---- The summary ---------------------------------------------------------------------------- */

static const bench_row *first_decode(const bench_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bench_row_is_decode(&rows[i])) return &rows[i];
    }
    return NULL;
}

static const bench_row *first_prompt(const bench_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n_gen == 0) return &rows[i];
    }
    return NULL;
}

static const char *threads_text(const bench_row *r) {
    return r->n_threads == 1 ? "thread" : "threads";
}

static void print_memory(FILE *to, const bench_row *rows, size_t n) {
    const bench_row *r = first_decode(rows, n);
    const bench_row *any = r ? r : rows;
    if (!any || n == 0 || any->read_bandwidth <= 0) return;
    fprintf(to, "memory   read %.1f GB/s measured (%" PRIu32 " %s)", 1e-9 * any->read_bandwidth,
            any->n_threads, threads_text(any));
    if (r) {
        double spread = 0.0;
        const double own = bench_row_rate(r, &spread) * r->bytes_per_token;
        fprintf(to, " \xc2\xb7 decode moves %.3g GB/token \xc2\xb7 %.1f GB/s = %.0f %% of "
                "measured peak%s",
                1e-9 * r->bytes_per_token, 1e-9 * own, bench_row_percent_of_read(r),
                own > r->read_bandwidth ? " (weights come from the cache)" : "");
    }
    fputc('\n', to);
}

/* The integer units, which limit prompts. */
static void print_int8(FILE *to, const bench_row *rows, size_t n) {
    const bench_row *r = first_prompt(rows, n);
    double spread = 0.0;
    if (!r || r->int8_peak <= 0 || r->ops_per_token <= 0) return;
    fprintf(to, "int8     %.0f GOP/s measured (%" PRIu32 " %s) \xc2\xb7 prompt takes %.3g "
            "GOP/token \xc2\xb7 %.0f GOP/s = %.0f %% of measured peak\n",
            1e-9 * r->int8_peak, r->n_threads, threads_text(r), 1e-9 * r->ops_per_token,
            1e-9 * bench_row_rate(r, &spread) * r->ops_per_token, bench_row_percent_of_int8(r));
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

static void print_latency(FILE *to, const bench_context *c) {
    const char *cached = c->cached < 0     ? ""
                         : c->cached > 0.9 ? " (warm)"
                         : c->cached < 0.1 ? " (cold)"
                                           : " (partly cached)";
    fprintf(to, "latency  load %s%s \xc2\xb7 first token %s for 16 tokens\n",
            time_text(c->load_s).text, cached, time_text(c->first_token_s).text);
}

static void print_energy(FILE *to, const bench_context *c, const bench_row *rows, size_t n) {
    static const char *const names[N_POWER_DOMAINS] = {"", " core", " dram", " psys"};
    const bench_row *decode = first_decode(rows, n);
    const bench_row *r = decode ? decode : rows;
    if (c->o->power == OPT_POWER_NONE) return;
    if (n == 0 || r->joules[POWER_PACKAGE] < 0) {
        fputs("energy   not readable, see lfm help energy\n", to);
        return;
    }
    fprintf(to, "energy   %.3g J/token over idle (%s)", r->joules[POWER_PACKAGE],
            c->on_battery ? "battery" : "package RAPL");
    for (size_t i = POWER_CORE; i < N_POWER_DOMAINS; i++) {
        if (r->joules[i] >= 0) {
            fprintf(to, " \xc2\xb7 %.3g%s", r->joules[i], names[i]);
        }
    }
    fputc('\n', to);
}

static void print_machine(FILE *to, const bench_context *c, const bench_row *rows, size_t n) {
    const machine_facts *m = &c->machine;
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

/* Explain the marks of rows. */
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

static void print_text(FILE *to, const bench_context *c, const bench_row *rows, size_t n) {
    if (c->o->text && n > 0) {
        const bench_waits *w = &rows[0].waits;
        char name[128];
        const char *base = cli_base_name(c->o->text);
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
    bench_row_name(test, sizeof test, r);
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

void bench_table_end(FILE *to, const bench_context *c, const bench_row *rows, size_t n) {
    const char *commit = bench_commit();
    fprintf(to, "\nbuild: lfm %s%s%s%s %s\n\n", LFM_VERSION, commit[0] ? " (" : "", commit,
            commit[0] ? ")" : "", c->info->isa);
    print_memory(to, rows, n);
    print_int8(to, rows, n);
    print_latency(to, c);
    print_text(to, c, rows, n);
    for (size_t i = 0; c->o->sustain.given && i < n; i++) {
        print_course(to, &rows[i]);
    }
    print_energy(to, c, rows, n);
    print_machine(to, c, rows, n);
    print_noise(to, rows, n);
}
