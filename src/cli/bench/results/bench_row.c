/*
 * bench_row.c - samples of one test.
 */
#include "cli/bench/results/bench_row.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

lfm_status bench_row_add(bench_row *r, double seconds, double ended, lfm_error *err) {
    if (r->n == r->cap) {
        const size_t cap = r->cap ? 2 * r->cap : 16;
        double *times = realloc(r->seconds, cap * sizeof *times);
        r->seconds = times ? times : r->seconds;
        double *ends = times ? realloc(r->ended, cap * sizeof *ends) : NULL;
        if (!ends) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu samples", cap);
        r->ended = ends;
        r->cap = cap;
    }
    r->seconds[r->n] = seconds;
    r->ended[r->n++] = ended;
    return LFM_OK;
}

void bench_row_drop(bench_row *r) {
    free(r->seconds);
    free(r->ended);
    *r = (bench_row){0};
}

double bench_row_tokens(const bench_row *r) {
    return (double)r->n_prompt + (double)r->n_gen;
}

double bench_row_rate(const bench_row *r, double *spread) {
    double sum = 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < r->n; i++) {
        sum += bench_row_tokens(r) / r->seconds[i];
    }
    const double mean = r->n > 0 ? sum / (double)r->n : 0.0;
    for (size_t i = 0; i < r->n; i++) {
        const double d = bench_row_tokens(r) / r->seconds[i] - mean;
        squares += d * d;
    }
    *spread = r->n > 1 ? sqrt(squares / (double)(r->n - 1)) : 0.0;
    return mean;
}

double bench_row_uncertainty(const bench_row *r) {
    return stats_uncertainty(r->seconds, r->n);
}

bool bench_row_is_spread(const bench_row *r) {
    return r->n > 2 && bench_row_uncertainty(r) > 0.03;
}

bool bench_row_is_decode(const bench_row *r) {
    return r->n_prompt == 0;
}

void bench_row_raise_peaks(bench_row *r, bool from_cache) {
    double best = 0.0; /* tokens per second */
    for (size_t i = 0; i < r->n; i++) {
        const double rate = bench_row_tokens(r) / r->seconds[i];
        best = rate > best ? rate : best;
    }
    if (r->read_bandwidth > 0 && !from_cache) {
        r->read_bandwidth = fmax(r->read_bandwidth, best * r->bytes_per_token);
    }
    if (r->int8_peak > 0) {
        r->int8_peak = fmax(r->int8_peak, best * r->ops_per_token);
    }
}

static double percent(const bench_row *r, double per_token, double peak) {
    double spread = 0.0;
    const double own = bench_row_rate(r, &spread) * per_token;
    return peak > 0 ? 100.0 * own / fmax(peak, own) : 0.0;
}

double bench_row_percent_of_read(const bench_row *r) {
    return percent(r, r->bytes_per_token, r->read_bandwidth);
}

double bench_row_percent_of_int8(const bench_row *r) {
    return percent(r, r->ops_per_token, r->int8_peak);
}

void bench_row_name(char *out, size_t cap, const bench_row *r) {
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
