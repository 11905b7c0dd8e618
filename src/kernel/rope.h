/*
 * rope.h - the angles of rotary position embedding, the same bits on every machine.
 */
#ifndef KERNEL_ROPE_H
#define KERNEL_ROPE_H

#include <stddef.h>
#include <stdint.h>

/* freq[i] = theta^(-2i / dim) for i < dim / 2. */
void rope_frequencies(double *freq, double theta, size_t dim);

/* cosine[i], sine[i] of pos * freq[i] for i < n. */
void rope_angles(float *cosine, float *sine, const double *freq, size_t n, uint32_t pos);

#endif
