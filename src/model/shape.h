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
    SHAPE_MAX_HEAD_DIM = 256,
    SHAPE_MAX_WIDTH = 1 << 20
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
    bool expert_norm;      /* divide the weights of a mixture by their sum; true in all releases */
    float expert_scale;    /* on top of the weights; 1 in all released models */
    uint32_t n_vocab;
    uint32_t n_ctx;        /* longest context promised */
    float eps;
    float rope_theta;
    char note[512];        /* what is odd about the file, and harmless; "" = nothing */
} model_shape;

/* Read <arch>.* keys.  LFM_ERR_UNSUPPORTED names an architecture or a key that would change the
 * mathematics in a way this program does not implement; LFM_ERR_FORMAT a key that is missing or
 * wrong. */
lfm_status shape_read(model_shape *s, const gguf_file *f, lfm_error *err);

/* Add to the note. */
void shape_note(model_shape *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The parts of shape_read that know other models: refuse their architectures, and their keys. */
lfm_status shape_refuse_arch(const gguf_file *f, gguf_str arch, lfm_error *err);
lfm_status shape_check_keys(model_shape *s, const gguf_file *f, lfm_error *err);

#endif
