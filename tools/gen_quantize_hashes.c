/*
 * gen_quantize_hashes.c - ask ggml what floats of every kind quantise to.
 *
 * Prints tests/golden/blocks/quantized.tsv: the type, and a hash of the bytes that ggml makes of
 * floats_sweep(x, 1).  Links with ggml (d32676d7 was used) and with the generator of floats that
 * the test has.  From the root of the repository:
 *
 *     cc -D_GNU_SOURCE -Isrc -Iinclude -I$GGML/include tools/gen_quantize_hashes.c \
 *         tests/support/floats.c src/gguf/qtype.c libggml-base.a -lstdc++ -lm -lpthread -o gen
 *     ./gen > tests/golden/blocks/quantized.tsv
 */
#include "../tests/support/floats.h"
#include "gguf/qtype.h"

#include <ggml.h>
#include <inttypes.h>
#include <stdio.h>

static const qtype types[] = {
    QTYPE_F16,  QTYPE_BF16, QTYPE_Q4_0, QTYPE_Q4_1,   QTYPE_Q5_0,
    QTYPE_Q5_1, QTYPE_Q8_0, QTYPE_Q2_K, QTYPE_Q3_K,   QTYPE_Q4_K,
    QTYPE_Q5_K, QTYPE_Q6_K, QTYPE_IQ4_NL, QTYPE_IQ4_XS, QTYPE_MXFP4,
};

static float x[FLOATS_SWEEP];
static uint8_t out[2 * FLOATS_SWEEP];

int main(void) {
    floats_sweep(x, 1);
    printf("type\thash\n");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const qtype_info *info = qtype_get(types[i]);
        const size_t n = ggml_quantize_chunk((enum ggml_type)info->number, x, out, 0,
                                             FLOATS_SWEEP / FLOATS_RUN, FLOATS_RUN, NULL);
        printf("%s\t%016" PRIx64 "\n", info->name, floats_hash(out, n));
    }
    return 0;
}
