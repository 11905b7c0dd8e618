/*
 * bench_compare.c - lfm bench compare A.json B.json: is B faster than A?
 *
 * Reads results of `-o json` and `-o jsonl`, llama-bench's too.
 */
#include "cli/bench/results/bench_compare.h"

#include "cli/bench/results/bench_row.h"
#include "cli/shared/common.h"
#include "cli/shared/input.h"
#include "cli/shared/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    json_out text;
    json_doc doc;
} result_file;

/* Read a file of `-o json`, or of `-o jsonl` by turning its lines into a list. */
static lfm_status read_results(result_file *f, const char *path, lfm_error *err) {
    json_out file = {0};
    lfm_error why = {0};
    f->path = path;
    lfm_status st = input_read_file(&file, path, INPUT_CODE, err);
    if (st != LFM_OK) {
        json_out_free(&file);
        return st;
    }
    if (json_parse(&f->doc, file.ptr, file.len, &why) != LFM_OK ||
        f->doc.root->kind != JSON_ARRAY) {
        json_doc_free(&f->doc);
        json_write_text(&f->text, "[");
        for (size_t i = 0, start = 0; i < file.len; i++) {
            if (file.ptr[i] == '\n' || i + 1 == file.len) {
                const size_t end = file.ptr[i] == '\n' ? i : i + 1;
                json_write_text(&f->text, end > start && f->text.len > 1 ? "," : "");
                json_write_raw(&f->text, file.ptr + start, end - start);
                start = i + 1;
            }
        }
        json_write_text(&f->text, "]");
        st = json_finish(&f->text, err);
        if (st == LFM_OK && json_parse(&f->doc, f->text.ptr, f->text.len, &why) != LFM_OK) {
            st = err_set(err, why.status == LFM_ERR_MEMORY ? LFM_ERR_MEMORY : LFM_ERR_ARG,
                         "%s is not a result of 'lfm bench -o json': %s", path, why.text);
        }
    }
    json_out_free(&file);
    return st;
}

/* ---- Pairs of rows -------------------------------------------------------------------------- */

static bool same_value(const json_value *a, const json_value *b, const char *key) {
    const json_value *x = json_get(a, key);
    const json_value *y = json_get(b, key);
    if (!x || !y) return !x && !y;
    return x->kind == y->kind && x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

static bool same_test(const json_value *a, const json_value *b) {
    return same_value(a, b, "n_prompt") && same_value(a, b, "n_gen") &&
           same_value(a, b, "n_depth");
}

/* Settings that should be equal, so that only one thing is compared.  `weight`: how much an equal
 * value makes a row of the other file the better partner. */
static const struct {
    const char *key;
    int weight;
} settings[] = {
    {"cpu_info", 0}, {"model_type", 16}, {"model_size", 16}, {"n_threads", 8}, {"n_batch", 4},
    {"type_k", 8}, {"isa", 8}, {"input", 8}, {"side", 32}, {"fast_cores", 32},
    {"governor", 0}, {"power", 0}, {"kernel", 0},
};

enum { N_SETTINGS = sizeof settings / sizeof *settings, MAX_ROWS = 4096 };

/* The row of B that is most like x and not taken yet; NULL when B has no such test. */
static const json_value *partner(const json_value *x, const result_file *b, const bool *taken,
                                 size_t *at) {
    const json_value *best = NULL;
    int most = -1;
    size_t i = 0;
    for (const json_value *y = b->doc.root->first; y && i < MAX_ROWS; y = y->next, i++) {
        int score = 0;
        for (size_t k = 0; k < N_SETTINGS; k++) {
            score += same_value(x, y, settings[k].key) ? settings[k].weight : 0;
        }
        if (!taken[i] && same_test(x, y) && score > most) {
            most = score;
            best = y;
            *at = i;
        }
    }
    return best;
}

/* Report each setting that differs in some pair, once. */
static void print_differences(const json_value *a, const json_value *b, bool *told) {
    for (size_t i = 0; i < N_SETTINGS; i++) {
        const json_value *x = json_get(a, settings[i].key);
        const json_value *y = json_get(b, settings[i].key);
        char from[80];
        char to[80];
        if (!x || !y || told[i] || same_value(a, b, settings[i].key)) continue;
        err_escape(from, sizeof from, x->text ? x->text : "", x->text ? x->len : 0);
        err_escape(to, sizeof to, y->text ? y->text : "", y->text ? y->len : 0);
        printf("note: %s differs: '%s' and '%s'\n", settings[i].key, from, to);
        told[i] = true;
    }
}

/* ---- Verdicts ------------------------------------------------------------------------------- */

static double number_of(const json_value *row, const char *key) {
    const json_value *v = json_get(row, key);
    return v && v->kind == JSON_NUMBER ? v->number : 0.0;
}

/* The seconds of a row's samples; allocated (free it).  *n is 0 without samples or memory. */
static double *samples_of(const json_value *row, size_t *n) {
    const json_value *list = json_get(row, "samples_ns");
    double *out = list && list->n > 0 ? malloc(list->n * sizeof *out) : NULL;
    *n = 0;
    for (const json_value *v = out ? list->first : NULL; v; v = v->next) {
        if (v->kind == JSON_NUMBER && v->number > 0) {
            out[(*n)++] = 1e-9 * v->number;
        }
    }
    return out;
}

static bool gain_of(const json_value *a, const json_value *b, stats_gain *gain) {
    size_t n_a = 0;
    size_t n_b = 0;
    double *x = samples_of(a, &n_a);
    double *y = samples_of(b, &n_b);
    const bool is = stats_compare(x, n_a, y, n_b, gain);
    free(x);
    free(y);
    return is;
}

static uint32_t count_of(const json_value *row, const char *key) {
    const double v = number_of(row, key);
    return v > 0 && v < 4294967295.0 ? (uint32_t)v : 0;
}

static void print_verdict(const json_value *a, const stats_gain *gain) {
    char test[64];
    char text[96];
    const bench_row row = {.n_prompt = count_of(a, "n_prompt"), .n_gen = count_of(a, "n_gen"),
                           .n_depth = count_of(a, "n_depth"),
                           .is_text = json_is(json_get(a, "input"), "text")};
    bench_row_name(test, sizeof test, &row);
    stats_verdict(text, sizeof text, gain);
    if (json_get(a, "n_threads")) {
        printf("%s, %.0f threads: %s\n", test, number_of(a, "n_threads"), text);
    } else {
        printf("%s: %s\n", test, text);
    }
}

/* Print the differences of all pairs, then their verdicts. */
static int compare(const result_file *a, const result_file *b, const opt_number *limit) {
    int code = CLI_DONE;
    size_t n = 0;
    bool told[N_SETTINGS] = {false};
    for (int pass = 0; pass < 2; pass++) {
        bool taken[MAX_ROWS] = {false};
        for (const json_value *x = a->doc.root->first; x; x = x->next) {
            stats_gain gain;
            size_t at = 0;
            const json_value *y = partner(x, b, taken, &at);
            if (!y || !gain_of(x, y, &gain)) continue;
            taken[at] = true;
            n += pass;
            if (pass == 0) {
                print_differences(x, y, told);
                continue;
            }
            print_verdict(x, &gain);
            if (limit->given && gain.high < 0 && gain.gain <= -limit->value) {
                code = CLI_SLOWER;
            }
        }
    }
    if (n == 0) {
        term_message("%s and %s have no test in common (with two samples or more)", a->path,
                     b->path);
        return CLI_FAILED;
    }
    return code;
}

int bench_compare(const cli_options *o) {
    result_file a = {0};
    result_file b = {0};
    lfm_error err = {0};
    int code = CLI_FAILED;
    lfm_status st = o->n_choices == 2 ? LFM_OK
                                      : err_set(&err, LFM_ERR_ARG,
                                                "compare needs two results: lfm bench compare "
                                                "A.json B.json");
    if (st == LFM_OK) st = read_results(&a, o->choices[0], &err);
    if (st == LFM_OK) st = read_results(&b, o->choices[1], &err);
    code = st == LFM_OK ? compare(&a, &b, &o->fail_if_slower) : cli_fail(&err);
    json_doc_free(&a.doc);
    json_doc_free(&b.doc);
    json_out_free(&a.text);
    json_out_free(&b.text);
    return code;
}
