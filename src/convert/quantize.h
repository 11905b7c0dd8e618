/*
 * quantize.h - rows of floats -> blocks: the reference quantisation of every type that is good
 * without calibration data.
 *
 * The output equals that of llama.cpp (d32676d7) without an importance matrix bit for bit, on every
 * machine and with any compiler, so files from both programs can be compared byte by byte.
 */
#ifndef CONVERT_QUANTIZE_H
#define CONVERT_QUANTIZE_H

#include "gguf/qtype.h"

#include <stdbool.h>
#include <stddef.h>

/* Can rows of this type be made?  The IQ types below 4 bits cannot: without an importance matrix
 * they ruin a model. */
bool kern_can_quantize(qtype type);

/* out = n_rows rows of `k` weights each; k is a multiple of the type's block_weights, and the type
 * one that kern_can_quantize knows.  `out` has n_rows * qtype_row_bytes(type, k) bytes, of any
 * alignment.  False when a value of x is NaN or infinite, or so large that the type's
 * half-precision scales cannot hold it; `out` is then undefined. */
bool kern_quantize_rows(qtype type, void *restrict out, const float *restrict x, size_t n_rows,
                        size_t k);

#endif
