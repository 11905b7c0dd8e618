/*
 * gen_block_hashes.c - ask ggml what blocks of every type dequantise to.
 *
 * Prints tests/golden/blocks/hashes.tsv: the type, a hash of the floats of TYPE.raw, and one of the
 * floats of random blocks that reach every entry of every code book.  Links with ggml (d32676d7 was
 * used) and with the generator of blocks that the test has.  From the root of the repository:
 *
 *     cc -D_GNU_SOURCE -Isrc -Iinclude -I$GGML/include tools/gen_block_hashes.c \
 *         tests/support/blocks.c src/gguf/qtype.c libggml-base.a -lstdc++ -lm -fopenmp -o gen
 *     ./gen > tests/golden/blocks/hashes.tsv
 */
#include "../tests/support/blocks.h"

#include <ggml.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_BYTES = 1 << 20, MAX_WEIGHTS = 1 << 20 };

static uint8_t raw[MAX_BYTES];
static float weights[MAX_WEIGHTS];

static void print_hash(const qtype_info *info, size_t n_bytes) {
    const size_t k = n_bytes / info->block_bytes * info->block_weights;
    ggml_get_type_traits((enum ggml_type)info->number)->to_float(raw, weights, (int64_t)k);
    printf("\t%016" PRIx64, blocks_hash(weights, k));
}

int main(void) {
    printf("type\tgolden\tsweep\n");
    for (int type = 0; type < QTYPE_COUNT; type++) {
        const qtype_info *info = qtype_get((qtype)type);
        if (type == QTYPE_F32) { /* ggml has no function that does nothing */
            continue;
        }
        printf("%s", info->name);
        char path[64];
        snprintf(path, sizeof path, "tests/golden/blocks/%s", blocks_file(info, "raw").text);
        FILE *f = fopen(path, "rb");
        if (f) {
            print_hash(info, fread(raw, 1, sizeof raw, f));
            fclose(f);
        } else {
            printf("\t-");
        }
        const size_t n_bytes = BLOCKS_SWEEP * info->block_bytes;
        blocks_fill(raw, n_bytes, (qtype)type, BLOCKS_ANY, info->number);
        print_hash(info, n_bytes);
        printf("\n");
    }
    return 0;
}
