/*
 * ref_forward.h - a slow forward pass of LFM2 and LFM2-MoE in double precision, for tests.
 *
 * Written from the description of the model alone and sharing no line with src/model, so that a
 * misunderstanding there cannot hide here.  It keeps every weight as a double and every token of
 * a sequence in memory: for models of some megabytes.
 *
 * Nothing here fails softly: a missing tensor or a wrong shape ends the program with a message.
 *
 * Source: Hugging Face transformers, modeling_lfm2.py and modeling_lfm2_moe.py.
 */
#ifndef SUPPORT_REF_FORWARD_H
#define SUPPORT_REF_FORWARD_H

#include "gguf/gguf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ref_model ref_model;

/* Dequantise all of a file; nothing of `f` is kept.  Shapes come from the tensors themselves. */
ref_model *ref_open(const gguf_file *f);
ref_model *ref_open_file(const char *path);
void ref_free(ref_model *m); /* NULL is fine */

typedef struct {
    size_t n_layer;
    size_t n_embd;
    size_t n_vocab;
    size_t n_used; /* experts per token, 0 = none */
} ref_shape;

ref_shape ref_get_shape(const ref_model *m);
bool ref_is_conv(const ref_model *m, size_t layer); /* short convolution, otherwise attention */

/* Round the activations x[k] in place, as an engine does before they meet weights of `type`. */
typedef void ref_round_fn(double *x, size_t k, qtype type);

/* What to compute beside the plain mathematics, and what of it to keep; all zero: nothing. */
typedef struct {
    ref_round_fn *round; /* NULL: activations stay as they are */
    bool kv_f16;         /* keys and values are rounded to half precision */
    size_t first_logits; /* position of the first wanted logits */
    double *logits;      /* [n - first_logits][n_vocab] */
    double *layers;      /* [n_layer][n][n_embd]: the stream after each layer */
    int32_t *experts;    /* [n_layer][n][n_used], ascending; -1 in layers without experts */
    double *margins;     /* [n_layer][n]: how far the last chosen expert's score lies above the
                            best one left out; infinite in layers without experts */
} ref_run;

/* Evaluate `n` tokens from the beginning of a text. */
void ref_eval(const ref_model *m, const int32_t *tokens, size_t n, const ref_run *run);

#endif
