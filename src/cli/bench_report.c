/*
 * bench_report.c - results in llama-bench's table and fields, so that they paste side by side.
 */
#include "cli/bench.h"

#include "base/utf8.h"
#include "cli/cli.h"
#include "cli/divergence.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Numbers -------------------------------------------------------------------------------- */

static double tokens_of(const bench_row *r) {
    return (double)r->n_prompt + (double)r->n_gen;
}

static double deviation(const moments *m) {
    return moments_error(m) * sqrt((double)m->n);
}

double bench_rate(const bench_row *r, double *spread) {
    moments m = {0};
    for (size_t i = 0; i < r->n; i++) {
        moments_add(&m, tokens_of(r) / r->seconds[i]);
    }
    *spread = m.n > 1 ? deviation(&m) : 0.0;
    return moments_mean(&m);
}

double bench_uncertainty(const bench_row *r) {
    /* Student's t for 95 %, two-sided, by degrees of freedom. */
    static const double t95[] = {0,    12.71, 4.303, 3.182, 2.776, 2.571, 2.447,
                                 2.365, 2.306, 2.262, 2.228, 2.201, 2.179};
    double spread = 0.0;
    const double mean = bench_rate(r, &spread);
    if (r->n < 3 || mean <= 0) {
        return 1.0;
    }
    const size_t freedom = r->n - 1;
    const double t = freedom < sizeof t95 / sizeof *t95 ? t95[freedom] : 2.1;
    return t * spread / sqrt((double)r->n) / mean;
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

static void test_name(char *out, size_t cap, const bench_row *r) {
    char name[48];
    if (r->n_prompt > 0 && r->n_gen > 0) {
        snprintf(name, sizeof name, "pp%" PRIu32 "+tg%" PRIu32, r->n_prompt, r->n_gen);
    } else {
        snprintf(name, sizeof name, "%s%" PRIu32, r->n_prompt > 0 ? "pp" : "tg",
                 r->n_prompt + r->n_gen);
    }
    if (r->n_depth > 0) {
        snprintf(out, cap, "%s @ d%" PRIu32, name, r->n_depth);
    } else {
        snprintf(out, cap, "%s", name);
    }
}

static void print_md(FILE *to, const bench_facts *f, const bench_row *r) {
    char test[64];
    char rate[48];
    double spread = 0.0;
    const double mean = bench_rate(r, &spread);
    const double size = (double)f->info->tensor_bytes;
    const double gib = 1024.0 * 1024.0 * 1024.0;
    char size_text[24];
    char params[24];
    test_name(test, sizeof test, r);
    snprintf(size_text, sizeof size_text, size >= gib ? "%.2f GiB" : "%.2f MiB",
             size >= gib ? size / gib : size / gib * 1024);
    snprintf(params, sizeof params, f->info->n_params >= 1000000000 ? "%.2f B" : "%.2f M",
             (double)f->info->n_params * (f->info->n_params >= 1000000000 ? 1e-9 : 1e-6));
    snprintf(rate, sizeof rate, "%s%.2f \xc2\xb1 %.2f", r->noisy ? "~ " : "", mean, spread);
    /* The sign takes two bytes and one column. */
    fprintf(to, "| %-30s | %10s | %10s | %-10s | %7" PRIu32 " | %15s | %21s |\n", f->type,
            size_text, params, "CPU", r->n_threads, test, rate);
    fflush(to);
}

/* ---- Fields --------------------------------------------------------------------------------- */

static double percent_of_peak(const bench_facts *f, const bench_row *r) {
    double spread = 0.0;
    return r->n_prompt == 0 && f->read_bandwidth > 0
               ? 100.0 * bench_rate(r, &spread) * r->bytes_per_token / f->read_bandwidth
               : 0.0;
}

typedef struct {
    const char *name;
    char value[160];
    bool quoted;
} field;

enum { MAX_FIELDS = 40 };

static size_t all_fields(field *out, const bench_facts *f, const bench_row *r) {
    size_t n = 0;
    moments ns = {0};
    double spread = 0.0;
    const double mean = bench_rate(r, &spread);
    char when[32];
    struct tm utc;
    for (size_t i = 0; i < r->n; i++) {
        moments_add(&ns, r->seconds[i] * 1e9);
    }
    gmtime_r(&r->when, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
#define TEXT_FIELD(key, ...) \
    out[n].name = key; out[n].quoted = true; \
    snprintf(out[n++].value, sizeof out->value, __VA_ARGS__)
#define NUMBER_FIELD(key, ...) \
    out[n].name = key; out[n].quoted = false; \
    snprintf(out[n++].value, sizeof out->value, __VA_ARGS__)
    TEXT_FIELD("build_commit", "lfm-%s", LFM_VERSION);
    NUMBER_FIELD("build_number", "0");
    TEXT_FIELD("cpu_info", "%s", f->machine.cpu);
    TEXT_FIELD("gpu_info", "%s", "");
    TEXT_FIELD("backends", "CPU");
    TEXT_FIELD("model_filename", "%.150s", f->path);
    TEXT_FIELD("model_type", "%s", f->type);
    NUMBER_FIELD("model_size", "%" PRIu64, f->info->tensor_bytes);
    NUMBER_FIELD("model_n_params", "%" PRIu64, f->info->n_params);
    NUMBER_FIELD("n_batch", "%" PRIu32, r->n_batch);
    NUMBER_FIELD("n_ubatch", "%" PRIu32, r->n_batch);
    NUMBER_FIELD("n_threads", "%" PRIu32, r->n_threads);
    TEXT_FIELD("type_k", "%s", f->o->kv == KV_F16 ? "f16" : f->o->kv == KV_F32 ? "f32" : "q8_0");
    TEXT_FIELD("type_v", "%s", f->o->kv == KV_F16 ? "f16" : f->o->kv == KV_F32 ? "f32" : "q8_0");
    NUMBER_FIELD("n_prompt", "%" PRIu32, r->n_prompt);
    NUMBER_FIELD("n_gen", "%" PRIu32, r->n_gen);
    NUMBER_FIELD("n_depth", "%" PRIu32, r->n_depth);
    TEXT_FIELD("test_time", "%s", when);
    NUMBER_FIELD("avg_ns", "%.0f", moments_mean(&ns));
    NUMBER_FIELD("stddev_ns", "%.0f", ns.n > 1 ? deviation(&ns) : 0.0);
    NUMBER_FIELD("avg_ts", "%.6f", mean);
    NUMBER_FIELD("stddev_ts", "%.6f", spread);
    TEXT_FIELD("isa", "%s", f->info->isa);
    TEXT_FIELD("governor", "%s", f->machine.governor);
    TEXT_FIELD("power", "%s", f->machine.power);
    TEXT_FIELD("system", "%s", f->machine.system);
    NUMBER_FIELD("load", "%.2f", f->machine.load);
    NUMBER_FIELD("noisy", "%s", r->noisy ? "true" : "false");
    NUMBER_FIELD("bytes_per_token", "%.0f", r->bytes_per_token);
    NUMBER_FIELD("peak_read_gbs", "%.3f", f->read_bandwidth * 1e-9);
    NUMBER_FIELD("pct_peak", "%.2f", percent_of_peak(f, r));
    if (r->joules >= 0) {
        NUMBER_FIELD("j_per_token", "%.4f", r->joules);
    } else {
        NUMBER_FIELD("j_per_token", "null");
    }
#undef TEXT_FIELD
#undef NUMBER_FIELD
    return n;
}

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

static void print_quoted(FILE *to, const char *text, char quote) {
    if (quote == '"') {
        print_json_text(to, text);
        return;
    }
    fputc(quote, to);
    for (; *text; text++) {
        fputc(*text, to);
        if (*text == quote) {
            fputc(quote, to);
        }
    }
    fputc(quote, to);
}

static void print_samples(FILE *to, const bench_row *r, bool rates) {
    for (size_t i = 0; i < r->n; i++) {
        if (rates) {
            fprintf(to, "%s%.4f", i ? ", " : "", tokens_of(r) / r->seconds[i]);
        } else {
            fprintf(to, "%s%.0f", i ? ", " : "", r->seconds[i] * 1e9);
        }
    }
}

static void print_json_row(FILE *to, const bench_facts *f, const bench_row *r, bool lines) {
    field fields[MAX_FIELDS];
    const size_t n = all_fields(fields, f, r);
    const char *gap = lines ? " " : "\n    ";
    fprintf(to, lines ? "{" : "  {\n    ");
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "\"%s\": ", fields[i].name);
        if (fields[i].quoted) {
            print_quoted(to, fields[i].value, '"');
        } else {
            fputs(fields[i].value, to);
        }
        fprintf(to, ",%s", gap);
    }
    fprintf(to, "\"samples_ns\": [");
    print_samples(to, r, false);
    fprintf(to, "],%s\"samples_ts\": [", gap);
    print_samples(to, r, true);
    fprintf(to, lines ? "]}\n" : "]\n  }");
}

static void print_csv_row(FILE *to, const bench_facts *f, const bench_row *r, bool head) {
    field fields[MAX_FIELDS];
    const size_t n = all_fields(fields, f, r);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", to);
        if (head) {
            fputs(fields[i].name, to);
        } else {
            fputc('"', to);
            for (const char *c = fields[i].value; *c; c++) {
                fputs(*c == '"' ? "\"\"" : (const char[]){*c, '\0'}, to);
            }
            fputc('"', to);
        }
    }
    fputc('\n', to);
}

static void print_sql_row(FILE *to, const bench_facts *f, const bench_row *r, bool first) {
    field fields[MAX_FIELDS];
    const size_t n = all_fields(fields, f, r);
    if (first) {
        fprintf(to, "CREATE TABLE IF NOT EXISTS llama_bench (\n");
        for (size_t i = 0; i < n; i++) {
            fprintf(to, "  %s %s%s\n", fields[i].name, fields[i].quoted ? "TEXT" : "REAL",
                    i + 1 < n ? "," : "");
        }
        fprintf(to, ");\n\n");
    }
    fprintf(to, "INSERT INTO llama_bench (");
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "%s%s", i ? ", " : "", fields[i].name);
    }
    fprintf(to, ") VALUES (");
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", to);
        if (fields[i].quoted) {
            print_quoted(to, fields[i].value, '\'');
        } else {
            fputs(fields[i].value, to);
        }
    }
    fprintf(to, ");\n");
}

/* ---- The report ----------------------------------------------------------------------------- */

void bench_begin(FILE *to, bench_format format, const bench_facts *f) {
    (void)f;
    if (format == BENCH_MD) {
        fputs("| model                          |       size |     params | backend    | threads | "
              "           test |                  t/s |\n"
              "| ------------------------------ | ---------: | ---------: | ---------- | ------: | "
              "--------------: | -------------------: |\n", to);
    } else if (format == BENCH_JSON) {
        fputs("[\n", to);
    }
    fflush(to);
}

void bench_print(FILE *to, bench_format format, const bench_facts *f, const bench_row *r,
                 bool first) {
    switch (format) {
    case BENCH_MD:
        print_md(to, f, r);
        break;
    case BENCH_CSV:
        if (first) {
            print_csv_row(to, f, r, true);
        }
        print_csv_row(to, f, r, false);
        break;
    case BENCH_JSON:
        fputs(first ? "" : ",\n", to);
        print_json_row(to, f, r, false);
        break;
    case BENCH_JSONL:
        print_json_row(to, f, r, true);
        break;
    default:
        print_sql_row(to, f, r, first);
        break;
    }
    fflush(to);
}

static void print_memory(FILE *to, const bench_facts *f, const bench_row *rows, size_t n) {
    fprintf(to, "memory   read %.1f GB/s measured", f->read_bandwidth * 1e-9);
    for (size_t i = 0; i < n; i++) { /* the first decode */
        double spread = 0.0;
        if (rows[i].n_prompt == 0) {
            const double rate = bench_rate(&rows[i], &spread) * rows[i].bytes_per_token;
            fprintf(to, " \xc2\xb7 decode moves %.3g GB/token \xc2\xb7 %.1f GB/s = %.0f %% of it",
                    rows[i].bytes_per_token * 1e-9, rate * 1e-9, 100.0 * rate / f->read_bandwidth);
            break;
        }
    }
    fputc('\n', to);
}

static void print_energy(FILE *to, const bench_row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (rows[i].n_prompt == 0 && rows[i].joules >= 0) {
            fprintf(to, "energy   %.2f J/token over idle (package)\n", rows[i].joules);
            return;
        }
    }
    fputs("energy   not readable here\n", to);
}

static void print_machine(FILE *to, const bench_facts *f, const bench_row *rows, size_t n) {
    const bench_machine *m = &f->machine;
    bool noisy = false;
    for (size_t i = 0; i < n; i++) {
        noisy = noisy || rows[i].noisy;
    }
    fprintf(to, "machine  %s \xc2\xb7 %s", m->cpu, m->cores);
    if (m->governor[0]) {
        fprintf(to, " \xc2\xb7 %s governor", m->governor);
    }
    if (m->power[0]) {
        fprintf(to, " \xc2\xb7 %s", m->power);
    }
    if (m->load >= 0) {
        fprintf(to, " \xc2\xb7 load %.1f", m->load);
    }
    fputs(noisy ? " \xc2\xb7 ~ marks rows of a busy, hot or unsteady machine\n" : "\n", to);
}

void bench_end(FILE *to, bench_format format, const bench_facts *f, const bench_row *rows,
               size_t n) {
    if (format == BENCH_JSON) {
        fputs("\n]\n", to);
    }
    if (format != BENCH_MD) {
        return;
    }
    fprintf(to, "\nbuild: lfm %s %s\n\n", LFM_VERSION, f->info->isa);
    print_memory(to, f, rows, n);
    fprintf(to, "latency  load %.2f s \xc2\xb7 first token %.2f s after a prompt of 16\n",
            f->load_s, f->first_token_s);
    print_energy(to, rows, n);
    print_machine(to, f, rows, n);
}
