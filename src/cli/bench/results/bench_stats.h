/*
 * bench_stats.h - statistics of samples: means, intervals, ratios, drift.
 *
 * Times and rates are compared by their logarithms, so that "10 % faster" and "10 % slower" weigh
 * the same and a ratio has one interval in both directions.  All intervals are 95 % confidence
 * intervals.
 */
#ifndef CLI_BENCH_RESULTS_BENCH_STATS_H
#define CLI_BENCH_RESULTS_BENCH_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* The 97.5 % quantile of Student's t; `freedom` below 1 counts as 1. */
double stats_t_quantile(double freedom);

/* Mean of x[n] and its standard deviation (divided by n - 1; 0 for fewer than two). */
double stats_mean(const double *x, size_t n, double *spread);

/* Half the interval of the mean of x[n], as a share of it; 1 for fewer than three samples. */
double stats_uncertainty(const double *x, size_t n);

/* The p-quantile of x[n], p in [0, 1], interpolated linearly.  Sorts x; 0 when n is 0. */
double stats_percentile(double *x, size_t n, double p);

/* A gain in per cent, and its interval. */
typedef struct {
    double gain, low, high;
} stats_gain;

/* The gain of B over A from seconds per token a[n_a] and b[n_b], measured independently (Welch's
 * test).  False for fewer than two samples on a side. */
bool stats_compare(const double *a, size_t n_a, const double *b, size_t n_b, stats_gain *out);

/* The same for pairs measured side by side, a[i] with b[i]: what slows both of a pair cancels out.
 * False for fewer than two pairs. */
bool stats_compare_pairs(const double *a, const double *b, size_t n, stats_gain *out);

/* Is a difference shown: does the interval exclude 0? */
bool stats_is_shown(const stats_gain *g);

/* "faster 3.1 % [2.4, 3.8]", "slower ...", or "no difference shown (+0.2 % [-0.5, 0.9])". */
void stats_verdict(char *out, size_t cap, const stats_gain *g);

/* Growth of y with x, by least squares on log y: per cent for each unit of x, with its interval.
 * False for fewer than three samples or when all x are the same. */
bool stats_drift(const double *x, const double *y, size_t n, stats_gain *out);

/* Mean of the y whose x lies in [from, to); of the y nearest in x when there is none. */
double stats_mean_between(const double *x, const double *y, size_t n, double from, double to);

enum { STATS_COLUMNS = 60, STATS_SPARK_BYTES = 3 * STATS_COLUMNS + 1 };

/* Draw y over x in [0, end] as a line of blocks of eight heights, in STATS_COLUMNS columns or n if
 * that is less.  The highest block is the highest column; the lowest is half of that, or the lowest
 * column if that is less.  *low and *high receive the lowest and the highest column. */
void stats_sparkline(char out[STATS_SPARK_BYTES], const double *x, const double *y, size_t n,
                     double end, double *low, double *high);

#endif
