/*
 * mix.h - which type each tensor of a quantised file has: "Q4_K_M" and its like.
 *
 * A mix is a type for the matrices, with a few exceptions that cost little and help much.  The
 * names, the numbers and the rules are those of llama.cpp (llama-quant.cpp, d32676d7, without an
 * importance matrix), so that a file of a given name holds the same types from either program.
 * Only rules that concern LFM2 are here; its first layer is a convolution, so rules for many query
 * heads per KV head never apply.
 */
#ifndef CONVERT_MIX_H
#define CONVERT_MIX_H

#include "gguf/gguf.h"
#include "gguf/qtype.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a mix has an exception. */
typedef enum {
    MIX_NOWHERE,
    MIX_EVERYWHERE,
    MIX_FIRST_2,         /* of the layers that have this matrix */
    MIX_FIRST_4,
    MIX_FIRST_EIGHTH,    /* of all layers */
    MIX_FIRST_SIXTEENTH,
    MIX_MORE_BITS        /* the first and the last eighth, and every third between */
} mix_where;

typedef struct {
    mix_where where;
    qtype type;
} mix_rule;

typedef struct {
    const char *name;
    qtype base;
    uint32_t file_type;      /* general.file_type */
    mix_rule attn_v[2];      /* the first rule that applies; otherwise the base */
    mix_rule ffn_down[2];
    mix_rule attn_output[1];
    mix_rule attn_output_of_8[1]; /* instead, for models with 8 experts */
    bool experts_only;       /* everything but the experts' matrices is Q8_0 */
    bool plain;              /* no exception except for the head */
} mix;

/* The mix with this name, in any case; false when there is none. */
bool mix_find(const char *name, mix *out);

/* All mixes that have names; NULL past the end. */
const mix *mix_at(size_t i);

/* One type for all matrices whose rows are whole blocks of it. */
mix mix_plain(qtype type);

/* What the rules need to know about a model. */
enum { MIX_MAX_LAYERS = 512 };
typedef struct {
    uint32_t n_layer;
    uint32_t n_expert;
    bool untied;                          /* has an output.weight */
    uint32_t n_attn;                      /* layers with attention */
    uint64_t attn[MIX_MAX_LAYERS / 64];   /* and which they are, a bit each */
} mix_model;

/* Describe a tensor to the rules: every one, before the first mix_type. */
void mix_note(mix_model *model, gguf_str name);

/* The type for a tensor of this name and shape.  Norms, routers, biases and the kernel of the
 * convolution keep their present type, `now`. */
qtype mix_type(const mix *m, const mix_model *model, gguf_str name, const uint64_t dim[4],
               qtype now);

#endif
