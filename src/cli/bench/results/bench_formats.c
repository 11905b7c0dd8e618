/*
 * bench_formats.c - JSON, CSV, SQL and benchstat.
 */
#include "cli/bench/results/results_internal.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

/* ---- JSON ----------------------------------------------------------------------------------- */

/* A JSON text.  Allocates nothing, so that it cannot fail. */
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

static void print_json_row(FILE *to, const bench_context *c, const bench_row *r, bool lines) {
    const char *gap = lines ? " " : "\n    ";
    bench_fields f;
    bench_fields_read(&f, c, r);
    fprintf(to, lines ? "{" : "  {\n    ");
    for (size_t i = 0; i < f.n; i++) {
        fprintf(to, "\"%s\": ", f.at[i].name);
        if (f.at[i].quoted) {
            print_json_text(to, f.at[i].value);
        } else {
            fputs(f.at[i].value, to);
        }
        fprintf(to, ",%s", gap);
    }
    fprintf(to, "\"samples_ns\": [");
    print_samples(to, r, false);
    fprintf(to, "],%s\"samples_ts\": [", gap);
    print_samples(to, r, true);
    fprintf(to, lines ? "]}\n" : "]\n  }");
}

void bench_json_begin(FILE *to, const bench_context *c) {
    (void)c;
    fputs("[\n", to);
}

void bench_json_row(FILE *to, const bench_context *c, const bench_row *r, bool first) {
    fputs(first ? "" : ",\n", to);
    print_json_row(to, c, r, false);
}

void bench_json_end(FILE *to, const bench_context *c, const bench_row *rows, size_t n) {
    (void)c;
    (void)rows;
    (void)n;
    fputs("\n]\n", to);
}

void bench_jsonl_row(FILE *to, const bench_context *c, const bench_row *r, bool first) {
    (void)first;
    print_json_row(to, c, r, true);
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

void bench_csv_row(FILE *to, const bench_context *c, const bench_row *r, bool first) {
    bench_fields f;
    bench_fields_read(&f, c, r);
    for (size_t i = 0; first && i < f.n; i++) {
        fprintf(to, "%s%s", f.at[i].name, i + 1 < f.n ? "," : "\n");
    }
    for (size_t i = 0; i < f.n; i++) {
        fputs(i ? "," : "", to);
        print_doubled(to, f.at[i].value, '"');
    }
    fputc('\n', to);
}

void bench_sql_row(FILE *to, const bench_context *c, const bench_row *r, bool first) {
    bench_fields f;
    bench_fields_read(&f, c, r);
    if (first) {
        fprintf(to, "CREATE TABLE IF NOT EXISTS llama_bench (\n");
        for (size_t i = 0; i < f.n; i++) {
            fprintf(to, "  %s %s%s\n", f.at[i].name, f.at[i].quoted ? "TEXT" : "REAL",
                    i + 1 < f.n ? "," : "");
        }
        fprintf(to, ");\n\n");
    }
    fprintf(to, "INSERT INTO llama_bench (");
    for (size_t i = 0; i < f.n; i++) {
        fprintf(to, "%s%s", i ? ", " : "", f.at[i].name);
    }
    fprintf(to, ") VALUES (");
    for (size_t i = 0; i < f.n; i++) {
        fputs(i ? ", " : "", to);
        if (f.at[i].quoted) {
            print_doubled(to, f.at[i].value, '\'');
        } else {
            fputs(f.at[i].value, to);
        }
    }
    fprintf(to, ");\n");
}

/* ---- benchstat ------------------------------------------------------------------------------ */

/* A part of a benchmark's name: '_' for blanks, slashes and '='. */
static void print_name(FILE *to, const char *text) {
    for (; *text; text++) {
        fputc((unsigned char)*text <= ' ' || *text == '/' || *text == '=' ? '_' : *text, to);
    }
}

/* Go's benchmark format (golang.org/design/14313-benchmark-format), a line for each sample.  Steps
 * have the names that ollama's bench gives them. */
void bench_benchstat_row(FILE *to, const bench_context *c, const bench_row *r, bool first) {
    char test[64];
    bench_row_name(test, sizeof test, r);
    if (first) {
        fprintf(to, "cpu: %s\nbuild: %s %s\n", c->machine.cpu, bench_build(), c->info->isa);
    }
    for (size_t i = 0; i < r->n; i++) {
        fputs("BenchmarkModel/name=", to);
        print_name(to, c->type);
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
