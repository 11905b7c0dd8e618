/*
 * bench_compare.c - lfm bench compare A.json B.json: is B faster than A?
 *
 * Welch's test on the logarithms of the samples: a ratio with its 95 % confidence interval,
 * whatever the spread on either side.
 */
#include "cli/bench.h"

#include "cli/cli.h"
#include "cli/divergence.h"
#include "cli/prompt.h"
#include "cli/term.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct {
    const char *path;
    json_out text;
    json_doc doc;
} result_file;

/* A file of `-o json`, or of `-o jsonl`, whose lines become a list. */
static lfm_status read_results(result_file *f, const char *path, lfm_error *err) {
    json_out file = {0};
    lfm_error why = {0};
    f->path = path;
    lfm_status st = prompt_read_file(&file, path, false, err);
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
                         "%s is no result of 'lfm bench -o json': %s", path, why.text);
        }
    }
    json_out_free(&file);
    return st;
}

static bool same_value(const json_value *a, const json_value *b, const char *key) {
    const json_value *x = json_get(a, key);
    const json_value *y = json_get(b, key);
    return x && y && x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

static bool same_test(const json_value *a, const json_value *b) {
    return same_value(a, b, "n_prompt") && same_value(a, b, "n_gen") && same_value(a, b, "n_depth");
}

/* Logarithms of a row's samples. */
static moments log_samples(const json_value *row) {
    moments m = {0};
    const json_value *list = json_get(row, "samples_ns");
    for (const json_value *v = list ? list->first : NULL; v; v = v->next) {
        if (v->kind == JSON_NUMBER && v->number > 0) {
            moments_add(&m, log(v->number));
        }
    }
    return m;
}

/* The 97.5 % quantile of Student's t, to three digits (Hill's expansion of the normal one). */
static double t_quantile(double freedom) {
    const double z = 1.959964;
    const double g1 = (z * z * z + z) / 4;
    const double g2 = (5 * pow(z, 5) + 16 * z * z * z + 3 * z) / 96;
    const double g3 = (3 * pow(z, 7) + 19 * pow(z, 5) + 17 * z * z * z - 15 * z) / 384;
    return freedom < 1.5 ? 12.71
                         : z + g1 / freedom + g2 / (freedom * freedom) + g3 / pow(freedom, 3);
}

/* The gain of B in per cent, and its interval. */
static bool gain_of(const json_value *a, const json_value *b, double *gain, double *low,
                    double *high) {
    const moments x = log_samples(a);
    const moments y = log_samples(b);
    if (x.n < 2 || y.n < 2) {
        return false;
    }
    const double ex = moments_error(&x);
    const double ey = moments_error(&y);
    const double vx = ex * ex;
    const double vy = ey * ey;
    const double error = sqrt(vx + vy);
    const double freedom = vx + vy > 0 ? (vx + vy) * (vx + vy) /
                                             (vx * vx / (double)(x.n - 1) +
                                              vy * vy / (double)(y.n - 1))
                                       : 1e9;
    const double d = moments_mean(&x) - moments_mean(&y);
    const double half = t_quantile(freedom) * error;
    *gain = 100 * (exp(d) - 1);
    *low = 100 * (exp(d - half) - 1);
    *high = 100 * (exp(d + half) - 1);
    return true;
}

static void print_verdict(const json_value *a, double gain, double low, double high) {
    const json_value *p = json_get(a, "n_prompt");
    const json_value *g = json_get(a, "n_gen");
    const json_value *d = json_get(a, "n_depth");
    printf("pp%.0f tg%.0f d%.0f\t", p ? p->number : 0, g ? g->number : 0, d ? d->number : 0);
    if (low <= 0 && high >= 0) {
        printf("no difference shown (%+.1f %% [%.1f, %.1f])\n", gain, low, high);
    } else {
        printf("%s %.1f %% [%.1f, %.1f]\n", gain > 0 ? "faster" : "slower", fabs(gain),
               gain > 0 ? low : -high, gain > 0 ? high : -low);
    }
}

/* What makes the comparison one of two things at once. */
static void print_differences(const json_value *a, const json_value *b) {
    static const char *const keys[] = {"cpu_info", "model_type", "model_size", "n_threads", "isa",
                                       "type_k", "governor", "power"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        const json_value *x = json_get(a, keys[i]);
        const json_value *y = json_get(b, keys[i]);
        if (x && y && !same_value(a, b, keys[i])) {
            printf("note: %s differs: %.*s and %.*s\n", keys[i], (int)x->len, x->text, (int)y->len,
                   y->text);
        }
    }
}

static int compare(const result_file *a, const result_file *b, double limit) {
    int code = CLI_DONE;
    size_t n = 0;
    for (const json_value *x = a->doc.root->first; x; x = x->next) {
        for (const json_value *y = b->doc.root->first; y; y = y->next) {
            double gain, low, high;
            if (!same_test(x, y) || !gain_of(x, y, &gain, &low, &high)) {
                continue;
            }
            if (n++ == 0) {
                print_differences(x, y);
            }
            print_verdict(x, gain, low, high);
            if (limit > 0 && high < 0 && gain <= -limit) {
                code = CLI_SLOWER;
            }
            break;
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
                                      : err_set(&err, LFM_ERR_ARG, "two results are compared: lfm "
                                                "bench compare A.json B.json");
    if (st == LFM_OK) {
        st = read_results(&a, o->choices[0], &err);
    }
    if (st == LFM_OK) {
        st = read_results(&b, o->choices[1], &err);
    }
    code = st == LFM_OK ? compare(&a, &b, o->fail_if_slower.value) : cli_fail(&err);
    json_doc_free(&a.doc);
    json_doc_free(&b.doc);
    json_out_free(&a.text);
    json_out_free(&b.text);
    return code;
}
