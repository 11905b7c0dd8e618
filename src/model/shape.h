/*
 * shape.h - the hyper-parameters of an LFM2 model, read from the file and checked once.
 */
#ifndef MODEL_SHAPE_H
#define MODEL_SHAPE_H

#include "base/error.h"
#include "gguf/gguf.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    SHAPE_MAX_LAYERS = 512,
    SHAPE_MAX_EXPERTS = 1024,
    SHAPE_MAX_USED = 64,
    SHAPE_MAX_HEAD_DIM = 256
};

typedef enum { LAYER_CONV, LAYER_ATTN } layer_kind;

typedef struct {
    bool is_moe_arch;      /* "lfm2moe"; otherwise "lfm2" */
    uint32_t n_layer;
    uint32_t n_conv, n_attn;
    uint8_t kind[SHAPE_MAX_LAYERS];   /* layer_kind */
    uint32_t n_embd;
    uint32_t n_head;
    uint32_t n_head_kv;    /* of the attention layers */
    uint32_t head_dim;
    uint32_t n_ff;         /* dense feed-forward width */
    uint32_t n_dense;      /* leading layers with a dense feed-forward block */
    uint32_t n_ff_expert;
    uint32_t n_expert;
    uint32_t n_expert_used;
    float expert_scale;    /* on top of the normalised weights; 1 in all released models */
    uint32_t n_vocab;
    uint32_t n_ctx;        /* longest context promised */
    float eps;
    float rope_theta;
} model_shape;

/* Read <arch>.* keys.  LFM_ERR_UNSUPPORTED names an architecture or a key that would change the
 * mathematics in a way this program does not implement; LFM_ERR_FORMAT a key that is missing or
 * wrong. */
lfm_status shape_read(model_shape *s, const gguf_file *f, lfm_error *err);

#endif
