/*
 * divergence.c - sums and quantiles over positions.
 */
#include "cli/commands/divergence.h"

#include "base/grow.h"

#include <math.h>
#include <stdlib.h>

double log_sum_exp(const float *x, size_t n) {
    float most = -INFINITY;
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        most = x[i] > most ? x[i] : most;
    }
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)x[i] - (double)most);
    }
    return (double)most + log(sum);
}

void moments_add(moments *m, double x) {
    m->n++;
    m->sum += x;
    m->squares += x * x;
}

double moments_mean(const moments *m) {
    return m->n ? m->sum / (double)m->n : 0.0;
}

double moments_error(const moments *m) {
    if (m->n < 2) return 0.0;
    const double mean = moments_mean(m);
    const double variance = m->squares / (double)m->n - mean * mean;
    return variance > 0.0 ? sqrt(variance / (double)(m->n - 1)) : 0.0;
}

static size_t top_of(const float *x, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++) {
        best = x[i] > x[best] ? i : best;
    }
    return best;
}

static lfm_status keep(divergence *d, double kl, lfm_error *err) {
    if (d->n == d->cap) {
        const size_t cap = d->cap ? 2 * d->cap : 4096;
        float *all = grow_array(d->all, &d->cap, cap, sizeof *all);
        if (!all) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu positions", cap);
        d->all = all;
    }
    d->all[d->n++] = (float)kl;
    return LFM_OK;
}

lfm_status divergence_add(divergence *d, const float *base, const float *model, size_t n_vocab,
                          int32_t next, lfm_error *err) {
    const double base_sum = log_sum_exp(base, n_vocab);
    const double model_sum = log_sum_exp(model, n_vocab);
    double kl = 0.0;
    for (size_t i = 0; i < n_vocab; i++) {
        const double log_p = (double)base[i] - base_sum;
        if (log_p > -50.0) { /* the rest adds less than a vocabulary times 1e-20 */
            kl += exp(log_p) * (log_p - ((double)model[i] - model_sum));
        }
    }
    const double p = exp((double)base[next] - base_sum);
    const double q = exp((double)model[next] - model_sum);
    moments_add(&d->kl, kl);
    moments_add(&d->same_top, top_of(base, n_vocab) == top_of(model, n_vocab) ? 1.0 : 0.0);
    moments_add(&d->delta_p, (q - p) * (q - p));
    return keep(d, kl, err);
}

static int by_size(const void *a, const void *b) {
    const float x = *(const float *)a;
    const float y = *(const float *)b;
    return (x > y) - (x < y);
}

double divergence_percentile(divergence *d, double p) {
    if (d->n == 0) return 0.0;
    qsort(d->all, d->n, sizeof *d->all, by_size);
    const double at = p * (double)(d->n - 1);
    const size_t low = (size_t)at;
    const size_t high = low + 1 < d->n ? low + 1 : low;
    return (double)d->all[low] + (at - (double)low) * ((double)d->all[high] - (double)d->all[low]);
}

void divergence_drop(divergence *d) {
    free(d->all);
    *d = (divergence){0};
}
