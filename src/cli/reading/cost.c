/*
 * cost.c - how long a prompt takes to read, from the times of its first batches.
 *
 * Relative errors count, (1 - fit / s)^2 weighted with n: a batch that was held up, however long,
 * adds at most the square of 1.  How much faster attention grows than the rest is a property of the
 * machine, and all batches tell it; how fast the machine is may change (other programs, heat), and
 * only recent ones do.
 */
#include "cli/reading/cost.h"

#include <stdbool.h>

/* Measured: about 2.9 with AVX2, 3.5 with AVX-512 VNNI, 9 with the scalar kernels.  Where it is
 * wrong by half, the time of 8,192 tokens is wrong by a fifth until the batches show it. */
static const double int8_speed = 3; /* operations on int8 in the time of one on floats */

/* The expected ratio counts as much as these tokens do: it is known to a third, and the time of a
 * batch of 512 tokens to a twentieth or so. */
static const double expected_tokens = 16;

static const double most_wrong = 3;   /* times: beyond, the machine has become faster or slower */
static const double slow_first = 1.1; /* times the fit of the other batches: it waited */
static const double memory = 0.75;    /* of recent batches: the last four count most */

double reading_seconds(reading_cost c, double pos, double n) {
    return c.token * n + c.position * n * (pos + n / 2);
}

reading_cost reading_cost_of_ops(double weights, double attention) {
    return (reading_cost){.token = weights, .position = int8_speed * attention};
}

/* a * share + b */
static reading_sums joined(const reading_sums *a, double share, const reading_sums *b) {
    return (reading_sums){.n = share * a->n + b->n, .uu = share * a->uu + b->uu,
                          .uv = share * a->uv + b->uv, .vv = share * a->vv + b->vv,
                          .u = share * a->u + b->u, .v = share * a->v + b->v};
}

void reading_add(reading_times *t, double pos, double n, double seconds) {
    if (!(n > 0 && seconds > 0)) return;
    const double u = n / seconds;
    const double v = u * (pos + n / 2);
    const reading_sums one = {.n = n, .uu = n * u * u, .uv = n * u * v, .vv = n * v * v,
                              .u = n * u, .v = n * v};
    if (t->first.n <= 0) {
        t->first = one;
    } else {
        t->rest = joined(&t->rest, 1, &one);
        t->recent = joined(&t->recent, memory, &one);
    }
}

/* position / token by least squares; the expected ratio is one more equation. */
static double fit_ratio(const reading_sums *s, double expected) {
    const double weight = expected_tokens * s->uu / s->n;
    const double tt = s->uu + weight;
    const double tp = s->uv - weight / expected;
    const double pp = s->vv + weight / (expected * expected);
    const double token = s->u * pp - s->v * tp; /* both times the determinant */
    const double position = s->v * tt - s->u * tp;
    if (position * most_wrong < token * expected) return expected / most_wrong;
    return position > token * expected * most_wrong ? expected * most_wrong : position / token;
}

/* The cost with this ratio. */
static reading_cost fit_token(const reading_sums *s, double ratio) {
    const double token =
        (s->u + ratio * s->v) / (s->uu + 2 * ratio * s->uv + ratio * ratio * s->vv);
    return (reading_cost){.token = token, .position = ratio * token};
}

/* Has the first batch taken longer than the others let expect? */
static bool first_is_slow(const reading_times *t) {
    const reading_cost c = fit_token(&t->rest, fit_ratio(&t->rest, t->ratio));
    const double u = t->first.u / t->first.n; /* 1 / s; v / u is x */
    return (u * c.token + t->first.v / t->first.n * c.position) * slow_first < 1;
}

reading_cost reading_fit(const reading_times *t) {
    if (t->first.n <= 0) return (reading_cost){0};
    if (t->rest.n <= 0) return fit_token(&t->first, t->ratio);
    const reading_sums all = joined(&t->first, first_is_slow(t) ? 0 : 1, &t->rest);
    return fit_token(&t->recent, fit_ratio(&all, t->ratio));
}
