/*
 * plan.h - which model, which types: shapes and the list of tensors of a synthetic file.
 */
#ifndef MKMODEL_PLAN_H
#define MKMODEL_PLAN_H

#include "base/error.h"
#include "convert/mix.h"
#include "gguf/qtype.h"
#include "vocab.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *preset;
    uint32_t n_layer;
    uint32_t n_embd;
    uint32_t n_head;
    uint32_t n_head_kv;
    uint32_t n_ff;
    uint32_t n_dense;      /* leading layers with a dense feed-forward block, of an MoE model */
    uint32_t n_expert;     /* 0: the dense architecture, lfm2 */
    uint32_t n_used;
    uint32_t n_ff_expert;
    uint32_t n_ctx;
    float rope_theta;
    vocab_layout layout;
    uint32_t n_vocab;
    uint64_t attn;         /* bit i: layer i is an attention layer */
    bool untied;           /* with its own output.weight */
    bool head_keys;        /* write attention.key_length and rope.dimension_count as well */
    bool by_hand;          /* weights are not random: induction.h */
} shape;

/* The preset with this name; NULL when there is none. */
const shape *shape_find(const char *preset);
const shape *shape_at(size_t i); /* NULL past the end */

/* What a tensor is for: it decides the values of its weights.  Its name decides its type. */
typedef enum { ROLE_NORM, ROLE_BIAS, ROLE_CONV, ROLE_MATRIX } role;

typedef struct {
    char name[64];
    role role;
    qtype type;
    uint32_t n_dims;
    uint64_t dim[4];
    uint64_t n_bytes;
    bool by_hand;
} tensor;

typedef struct {
    tensor *tensors;
    size_t n;
    uint64_t n_bytes;   /* of all tensors, without padding */
    uint64_t n_weights;
    uint64_t n_expert_weights; /* in the experts' matrices */
} plan;

/* A mix of types ("Q4_K_M") or the plain use of one ("Q4_K"), in any case; false = none. */
bool plan_find_mix(const char *name, mix *out);

/* The tensors of `s` in the order of quantised files: by layer, then by name.
 * LFM_ERR_ARG for weights by hand in a type with blocks. */
lfm_status plan_build(plan *p, const shape *s, const mix *m, lfm_error *err);
void plan_drop(plan *p); /* safe on a zeroed struct */

#endif
