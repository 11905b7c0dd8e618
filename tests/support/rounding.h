/*
 * rounding.h - how two engines round activations before they meet quantised weights.
 *
 * With these, ref_eval computes what an engine would if all its other arithmetic were exact, and
 * so tells which experts it chose.
 */
#ifndef SUPPORT_ROUNDING_H
#define SUPPORT_ROUNDING_H

#include "gguf/qtype.h"

/* Ours, contract 1 of kernel/kernel.h. */
void rounding_lfm(double *x, size_t k, qtype type);

/* llama.cpp's on a CPU: halves for F16 weights; Q8_K with the scale of the largest value for
 * blocks of 256 weights; otherwise Q8_0, whose scale is a half. */
void rounding_llamacpp(double *x, size_t k, qtype type);

#endif
