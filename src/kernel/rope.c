/*
 * rope.c - powers, sines and cosines in double precision from + - * / alone.
 *
 * libm's results differ between systems and versions; these do not.  The errors stay below 1e-15
 * relative (powers) and 1e-10 absolute (angles up to 2^30), far under the float that is kept.
 */
#include "kernel/rope.h"

#include <math.h>

/* ln x for x > 1: x = m 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m - 1) / (m + 1)). */
static double natural_log(double x) {
    int e = 0;
    double m = frexp(x, &e);
    if (m < 0.70710678118654752) {
        m *= 2;
        e--;
    }
    const double t = (m - 1) / (m + 1);
    const double t2 = t * t;
    double sum = 0;
    for (int k = 25; k >= 1; k -= 2) {
        sum = sum * t2 + 1.0 / k;
    }
    return e * 0.69314718055994531 + 2 * t * sum;
}

/* e^x for moderate x: x = n ln2 + r, Taylor series of r, then 2^n. */
static double exponential(double x) {
    const double n = rint(x * 1.4426950408889634);
    const double r = (x - n * 6.93147180369123816490e-01) - n * 1.90821492927058770002e-10;
    double sum = 1;
    for (int k = 18; k >= 1; k--) {
        sum = 1 + r / k * sum;
    }
    return ldexp(sum, (int)n);
}

void rope_frequencies(double *freq, double theta, size_t dim) {
    const double log_theta = natural_log(theta);
    for (size_t i = 0; i < dim / 2; i++) {
        freq[i] = exponential(-log_theta * (double)(2 * i) / (double)dim);
    }
}

/* sin and cos of r in [-pi/4, pi/4] by their Taylor series (the remainder is below 1e-17). */
static void sine_cosine(double r, double *s, double *c) {
    const double r2 = r * r;
    double sum_s = 1;
    double sum_c = 1;
    for (int k = 9; k >= 1; k--) {
        sum_s = 1 - r2 / (2 * k * (2 * k + 1)) * sum_s;
        sum_c = 1 - r2 / ((2 * k - 1) * (2 * k)) * sum_c;
    }
    *s = r * sum_s;
    *c = sum_c;
}

void rope_angles(float *cosine, float *sine, const double *freq, size_t n, uint32_t pos) {
    for (size_t i = 0; i < n; i++) {
        const double angle = pos * freq[i];
        const double quarter = rint(angle * 0.63661977236758134); /* 2 / pi */
        /* pi/2 in three parts of 33 bits each, so that the products are exact (constants of
         * fdlibm). */
        const double r = ((angle - quarter * 1.57079632673412561417e+00) -
                          quarter * 6.07710050630396597660e-11) -
                         quarter * 2.02226624879595063154e-21;
        double s = 0;
        double c = 0;
        sine_cosine(r, &s, &c);
        switch ((uint64_t)quarter & 3) {
        case 0: sine[i] = (float)s; cosine[i] = (float)c; break;
        case 1: sine[i] = (float)c; cosine[i] = (float)-s; break;
        case 2: sine[i] = (float)-s; cosine[i] = (float)-c; break;
        default: sine[i] = (float)-c; cosine[i] = (float)s; break;
        }
    }
}
