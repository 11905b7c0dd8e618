/*
 * bench_stats.c - statistics of samples.
 */
#include "cli/bench/results/bench_stats.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Student's t ---------------------------------------------------------------------------- */

/* The regularised incomplete beta function by its continued fraction (DLMF 8.17.22, evaluated as
 * Lentz does).  For x below (a + 1) / (a + b + 2), where it converges fast. */
static double beta_fraction(double x, double a, double b) {
    const double tiny = 1e-300;
    double c = 1.0;
    double d = 1.0 / (1.0 - (a + b) * x / (a + 1));
    double value = d;
    for (int m = 1; m < 300; m++) {
        const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        d = 1.0 / (1.0 + even * d + tiny);
        c = 1.0 + even / c;
        value *= c * d;
        d = 1.0 / (1.0 + odd * d + tiny);
        c = 1.0 + odd / c;
        value *= c * d;
        if (fabs(c * d - 1.0) < 1e-14) break;
    }
    return value * exp(a * log(x) + b * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)) / a;
}

static double incomplete_beta(double x, double a, double b) {
    return x < (a + 1) / (a + b + 2) ? beta_fraction(x, a, b) : 1.0 - beta_fraction(1.0 - x, b, a);
}

double stats_t_quantile(double freedom) {
    const double v = freedom < 1 ? 1 : freedom > 1e6 ? 1e6 : freedom;
    double low = 1.9;
    double high = 13.0; /* 12.71 for one degree of freedom, 1.96 for very many */
    for (int i = 0; i < 60; i++) {
        const double t = 0.5 * (low + high);
        const double beyond = incomplete_beta(v / (v + t * t), 0.5 * v, 0.5); /* P(|T| > t) */
        if (beyond > 0.05) {
            low = t;
        } else {
            high = t;
        }
    }
    return 0.5 * (low + high);
}

/* ---- One set of samples --------------------------------------------------------------------- */

double stats_mean(const double *x, size_t n, double *spread) {
    double sum = 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
    }
    const double mean = n > 0 ? sum / (double)n : 0.0;
    for (size_t i = 0; i < n; i++) {
        squares += (x[i] - mean) * (x[i] - mean);
    }
    *spread = n > 1 ? sqrt(squares / (double)(n - 1)) : 0.0;
    return mean;
}

double stats_uncertainty(const double *x, size_t n) {
    double spread = 0.0;
    const double mean = stats_mean(x, n, &spread);
    if (n < 3 || mean <= 0) return 1.0;
    return stats_t_quantile((double)(n - 1)) * spread / sqrt((double)n) / mean;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_percentile(double *x, size_t n, double p) {
    if (n == 0) return 0.0;
    qsort(x, n, sizeof *x, by_size);
    const double at = p * (double)(n - 1);
    const size_t low = (size_t)at;
    const size_t high = low + 1 < n ? low + 1 : low;
    return x[low] + (at - (double)low) * (x[high] - x[low]);
}

/* ---- Two sets ------------------------------------------------------------------------------- */

/* From the difference of mean logarithms, its error, and the degrees of freedom. */
static stats_gain gain_of(double difference, double error, double freedom) {
    const double half = error > 0 ? stats_t_quantile(freedom) * error : 0.0;
    return (stats_gain){100 * expm1(difference), 100 * expm1(difference - half),
                        100 * expm1(difference + half)};
}

/* Mean of log x[i], or of log x[i] / over[i], and the variance of that mean. */
static double log_mean(const double *x, const double *over, size_t n, double *variance) {
    double sum = 0.0;
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += log(over ? x[i] / over[i] : x[i]);
    }
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = log(over ? x[i] / over[i] : x[i]) - mean;
        squares += d * d;
    }
    *variance = squares / (double)(n - 1) / (double)n;
    return mean;
}

bool stats_compare(const double *a, size_t n_a, const double *b, size_t n_b, stats_gain *out) {
    if (n_a < 2 || n_b < 2) return false;
    double va = 0.0;
    double vb = 0.0;
    const double difference = log_mean(a, NULL, n_a, &va) - log_mean(b, NULL, n_b, &vb);
    const double both = va + vb;
    const double freedom = both > 0 ? both * both / (va * va / (double)(n_a - 1) +
                                                     vb * vb / (double)(n_b - 1))
                                    : 1.0;
    *out = gain_of(difference, sqrt(both), freedom);
    return true;
}

bool stats_compare_pairs(const double *a, const double *b, size_t n, stats_gain *out) {
    double variance = 0.0;
    if (n < 2) return false;
    const double mean = log_mean(a, b, n, &variance);
    *out = gain_of(mean, sqrt(variance), (double)(n - 1));
    return true;
}

bool stats_is_shown(const stats_gain *g) {
    return g->low > 0 || g->high < 0;
}

void stats_verdict(char *out, size_t cap, const stats_gain *g) {
    if (!stats_is_shown(g)) {
        snprintf(out, cap, "no difference shown (%+.1f %% [%.1f, %.1f])", g->gain, g->low, g->high);
    } else if (g->gain > 0) {
        snprintf(out, cap, "faster %.1f %% [%.1f, %.1f]", g->gain, g->low, g->high);
    } else {
        snprintf(out, cap, "slower %.1f %% [%.1f, %.1f]", -g->gain, -g->high, -g->low);
    }
}

/* ---- Over time ------------------------------------------------------------------------------ */

bool stats_drift(const double *x, const double *y, size_t n, stats_gain *out) {
    double mx = 0.0;
    double my = 0.0;
    double xx = 0.0;
    double xy = 0.0;
    double left = 0.0;
    for (size_t i = 0; i < n; i++) {
        mx += x[i] / (double)n;
        my += log(y[i]) / (double)n;
    }
    for (size_t i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (log(y[i]) - my);
    }
    if (n < 3 || xx <= 0) return false;
    const double slope = xy / xx;
    for (size_t i = 0; i < n; i++) {
        const double d = log(y[i]) - my - slope * (x[i] - mx);
        left += d * d;
    }
    *out = gain_of(slope, sqrt(left / (double)(n - 2) / xx), (double)(n - 2));
    return true;
}

double stats_mean_between(const double *x, const double *y, size_t n, double from, double to) {
    double sum = 0.0;
    size_t inside = 0;
    size_t nearest = 0;
    const double middle = 0.5 * (from + to);
    for (size_t i = 0; i < n; i++) {
        if (x[i] >= from && x[i] < to) {
            sum += y[i];
            inside++;
        }
        nearest = fabs(x[i] - middle) < fabs(x[nearest] - middle) ? i : nearest;
    }
    return inside > 0 ? sum / (double)inside : n > 0 ? y[nearest] : 0.0;
}

void stats_sparkline(char out[STATS_SPARK_BYTES], const double *x, const double *y, size_t n,
                     double end, double *low, double *high) {
    static const char blocks[8][4] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
                                      "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
                                      "\xe2\x96\x87", "\xe2\x96\x88"}; /* U+2581 to U+2588 */
    const size_t columns = n < STATS_COLUMNS ? n : STATS_COLUMNS;
    double column[STATS_COLUMNS];
    size_t len = 0;
    *low = *high = 0.0;
    for (size_t i = 0; i < columns; i++) {
        const double width = end / (double)columns;
        column[i] = stats_mean_between(x, y, n, (double)i * width, (double)(i + 1) * width);
        *low = i == 0 || column[i] < *low ? column[i] : *low;
        *high = i == 0 || column[i] > *high ? column[i] : *high;
    }
    /* The lowest block is half the highest rate, so that noise does not look like a collapse. */
    const double base = *low < 0.5 * *high ? *low : 0.5 * *high;
    for (size_t i = 0; i < columns; i++) {
        const double share = *high > base ? (column[i] - base) / (*high - base) : 1.0;
        memcpy(out + len, blocks[(size_t)(7 * share + 0.5)], 3);
        len += 3;
    }
    out[len] = '\0';
}
