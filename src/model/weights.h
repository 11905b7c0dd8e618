/*
 * weights.h - what each layer multiplies by, and in which order: views into the mapped file.
 */
#ifndef MODEL_WEIGHTS_H
#define MODEL_WEIGHTS_H

#include "base/error.h"
#include "gguf/gguf.h"
#include "model/shape.h"

#include <stddef.h>
#include <stdint.h>

/* A matrix W[rows][cols]; n matrices of that shape for experts. */
typedef struct {
    qtype type;
    uint32_t rows;
    uint32_t cols;
    uint32_t n;
    const uint8_t *data;
    size_t row_bytes;
    size_t matrix_bytes; /* from one matrix to the next; rows * row_bytes when they are alone */
    const float *scale;  /* [n] factors of whole matrices; NULL: none */
} weight;

/* The layouts in which activations meet weights: plain floats, int8 in blocks of 32 or of 256. */
typedef enum { ACT_F32, ACT_Q32, ACT_Q256, ACT_LAYOUTS } act_layout;

/* The layout that a weight type takes. */
act_layout act_layout_of(qtype type);

static inline unsigned act_layout_bit(const weight *w) {
    return 1u << act_layout_of(w->type);
}

/* Matrices that multiply the same activations together.  The matrices of experts are known only
 * when their tokens are: for them n is 0. */
enum { STEP_MATRICES = 3 };
typedef struct {
    const weight *w[STEP_MATRICES];
    size_t n;
    unsigned layouts; /* bits of the layouts that must be filled before this step */
} weights_step;

typedef struct {
    layer_kind kind;       /* says which of conv and attn is live */
    bool is_moe;           /* likewise for dense and moe */
    const float *norm_in;  /* [n_embd] */
    const float *norm_ffn; /* [n_embd] */
    union {
        struct {
            weight in;         /* [3 n_embd][n_embd]: b, c, v */
            weight out;        /* [n_embd][n_embd] */
            const float *taps; /* [n_embd][3], the last one for the current token */
        } conv;
        struct {
            weight q, k, v, out;
            const float *q_norm; /* [head_dim], shared by all heads */
            const float *k_norm;
        } attn;
    };
    union {
        struct {
            weight gate, up, down;
        } dense;
        struct {
            weight router;     /* [n_expert][n_embd] F32 */
            const float *bias; /* [n_expert]: steers the choice, not the mixture */
            weight gate, up, down; /* n_expert matrices each */
        } moe;
    };
} layer_weights;

typedef struct {
    weight embedding;      /* [n_vocab][n_embd] */
    weight head;           /* the same unless the file has output.weight */
    const float *norm_out; /* [n_embd] */
    layer_weights *layers; /* [n_layer] */
    weights_step *steps;   /* [n_steps] in the order in which a batch meets them: four for each
                            * layer (into and out of its mixer, into and out of its feed-forward
                            * block), then the head */
    size_t n_steps;
    uint64_t n_params;     /* weights in all tensors */
    uint64_t bytes;        /* of all tensors */
    uint64_t token_bytes;  /* that one decoded token reads */
} model_weights;

/* Bind every tensor by name and check its type and shape.  Sets s->n_vocab from the embedding.
 * A tensor that the architecture does not have is LFM_ERR_UNSUPPORTED: it would change the answer.
 * Steps point into *w, which must not move. */
lfm_status weights_bind(model_weights *w, model_shape *s, const gguf_file *f, lfm_error *err);
void weights_drop(model_weights *w); /* safe on a zeroed struct */

#endif
