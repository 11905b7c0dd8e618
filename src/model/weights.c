/*
 * weights.c - binding tensors by name.
 *
 * Names and shapes: MODEL.md, "Tensors".
 */
#include "model/weights.h"

#include "kernel/kernel.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The arguments that all binding functions share. */
typedef struct {
    model_weights *w;
    const model_shape *s;
    const gguf_file *f;
    size_t n_bound;
    uint64_t float_bytes; /* of the vectors, all of which a token reads */
    lfm_error *err;
} binder;

typedef struct {
    char text[64];
} tensor_name;

/* "blk.<layer>.<name>.weight", or just <name> for layer -1. */
static tensor_name name_of(int layer, const char *name) {
    tensor_name n;
    if (layer < 0) {
        snprintf(n.text, sizeof n.text, "%s", name);
    } else {
        snprintf(n.text, sizeof n.text, "blk.%d.%s", layer, name);
    }
    return n;
}

/* Find a tensor and compare its shape; dims are in GGUF order, absent ones 1. */
static lfm_status find(binder *b, const char *name, uint64_t d0, uint64_t d1, uint64_t d2,
                       const gguf_tensor **out) {
    const gguf_tensor *t = gguf_get_tensor(b->f, name);
    if (!t) return err_set(b->err, LFM_ERR_FORMAT, "%s: tensor '%s' is missing", b->f->path, name);
    if (t->dim[0] != d0 || t->dim[1] != d1 || t->dim[2] != d2 || t->dim[3] != 1) {
        return err_set(b->err, LFM_ERR_FORMAT, "%s: tensor '%s' has the shape [%" PRIu64
                       ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 "]; expected [%" PRIu64 ", %" PRIu64
                       ", %" PRIu64 ", 1]", b->f->path, name, t->dim[0], t->dim[1], t->dim[2],
                       t->dim[3], d0, d1, d2);
    }
    b->n_bound++;
    *out = t;
    return LFM_OK;
}

/* Vectors are few, so all are checked.  A NaN need not show in an answer: in the bias of a router
 * it only chooses the wrong experts. */
static lfm_status check_finite(const binder *b, const char *name, const float *x, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) {
            return err_set(b->err, LFM_ERR_FORMAT, "%s: tensor '%s' has %s at weight %" PRIu64
                           ", which is not finite: the file is damaged, or was converted "
                           "incorrectly", b->f->path, name, isnan(x[i]) ? "NaN" : "infinity", i);
        }
    }
    return LFM_OK;
}

/* An F32 vector or small table.  GGUF aligns tensors to 8 bytes or more (gguf.c checks), so floats
 * can be used where they lie. */
static lfm_status bind_floats(binder *b, int layer, const char *suffix, uint64_t d0, uint64_t d1,
                              const float **out) {
    const tensor_name name = name_of(layer, suffix);
    const gguf_tensor *t = NULL;
    const lfm_status st = find(b, name.text, d0, d1, 1, &t);
    if (st != LFM_OK) return st;
    if (t->type != QTYPE_F32) {
        return err_set(b->err, LFM_ERR_FORMAT, "%s: tensor '%s' has type %s; expected F32",
                       b->f->path, name.text, qtype_get(t->type)->name);
    }
    b->float_bytes += t->n_bytes;
    *out = (const float *)(const void *)t->data;
    return check_finite(b, name.text, *out, d0 * d1);
}

static bool has(const binder *b, int layer, const char *suffix) {
    return gguf_get_tensor(b->f, name_of(layer, suffix).text) != NULL;
}

/* Beside "NAME.weight" there may be "NAME.scale", a factor of each matrix: NVFP4 is made for it,
 * because its own scales end at 448.  "NAME.input_scale" serves programs that round activations to
 * four bits as well. */
static lfm_status bind_scale(binder *b, int layer, const char *suffix, uint64_t n,
                             const float **out) {
    char scale[48];
    char input[48];
    const int stem = (int)(strlen(suffix) - strlen("weight"));
    snprintf(scale, sizeof scale, "%.*sscale", stem, suffix);
    snprintf(input, sizeof input, "%.*sinput_scale", stem, suffix);
    b->n_bound += has(b, layer, input);
    return has(b, layer, scale) ? bind_floats(b, layer, scale, n, 1, out) : LFM_OK;
}

static lfm_status bind_matrix(binder *b, int layer, const char *suffix, uint64_t cols,
                              uint64_t rows, uint64_t n, weight *out) {
    const tensor_name name = name_of(layer, suffix);
    const gguf_tensor *t = NULL;
    const lfm_status st = find(b, name.text, cols, rows, n, &t);
    if (st != LFM_OK) return st;
    const size_t row_bytes = qtype_row_bytes(t->type, (size_t)cols);
    *out = (weight){
        .type = t->type,
        .rows = (uint32_t)rows,
        .cols = (uint32_t)cols,
        .n = (uint32_t)n,
        .data = t->data,
        .row_bytes = row_bytes,
        .matrix_bytes = row_bytes * (size_t)rows,
    };
    return bind_scale(b, layer, suffix, n, &out->scale);
}

static lfm_status bind_conv(binder *b, int i, layer_weights *l) {
    const uint64_t n = b->s->n_embd;
    lfm_status st = bind_matrix(b, i, "shortconv.in_proj.weight", n, 3 * n, 1, &l->conv.in);
    if (st == LFM_OK) st = bind_floats(b, i, "shortconv.conv.weight", 3, n, &l->conv.taps);
    if (st == LFM_OK) st = bind_matrix(b, i, "shortconv.out_proj.weight", n, n, 1, &l->conv.out);
    return st;
}

static lfm_status bind_attn(binder *b, int i, layer_weights *l) {
    const model_shape *s = b->s;
    const uint64_t n = s->n_embd;
    const uint64_t n_q = (uint64_t)s->n_head * s->head_dim;
    const uint64_t n_kv = (uint64_t)s->n_head_kv * s->head_dim;
    lfm_status st = bind_matrix(b, i, "attn_q.weight", n, n_q, 1, &l->attn.q);
    if (st == LFM_OK) st = bind_matrix(b, i, "attn_k.weight", n, n_kv, 1, &l->attn.k);
    if (st == LFM_OK) st = bind_matrix(b, i, "attn_v.weight", n, n_kv, 1, &l->attn.v);
    if (st == LFM_OK) st = bind_matrix(b, i, "attn_output.weight", n_q, n, 1, &l->attn.out);
    if (st == LFM_OK) st = bind_floats(b, i, "attn_q_norm.weight", s->head_dim, 1, &l->attn.q_norm);
    if (st == LFM_OK) st = bind_floats(b, i, "attn_k_norm.weight", s->head_dim, 1, &l->attn.k_norm);
    return st;
}

static lfm_status bind_dense(binder *b, int i, layer_weights *l) {
    const uint64_t n = b->s->n_embd;
    const uint64_t ff = b->s->n_ff;
    lfm_status st = bind_matrix(b, i, "ffn_gate.weight", n, ff, 1, &l->dense.gate);
    if (st == LFM_OK) st = bind_matrix(b, i, "ffn_up.weight", n, ff, 1, &l->dense.up);
    if (st == LFM_OK) st = bind_matrix(b, i, "ffn_down.weight", ff, n, 1, &l->dense.down);
    return st;
}

/* In one tensor, the rows of an expert's gate stand before those of its up. */
static lfm_status bind_gate_up(binder *b, int i, layer_weights *l) {
    static const char fused[] = "ffn_gate_up_exps.weight";
    const uint64_t n = b->s->n_embd;
    const uint32_t ff = b->s->n_ff_expert;
    const uint64_t n_expert = b->s->n_expert;
    lfm_status st = LFM_OK;
    if (!has(b, i, fused)) {
        st = bind_matrix(b, i, "ffn_gate_exps.weight", n, ff, n_expert, &l->moe.gate);
        if (st == LFM_OK) st = bind_matrix(b, i, "ffn_up_exps.weight", n, ff, n_expert, &l->moe.up);
        return st;
    }
    st = bind_matrix(b, i, fused, n, 2 * (uint64_t)ff, n_expert, &l->moe.gate);
    l->moe.gate.rows = ff;
    l->moe.up = l->moe.gate;
    if (st == LFM_OK) l->moe.up.data += ff * l->moe.up.row_bytes;
    return st;
}

static lfm_status bind_moe(binder *b, int i, layer_weights *l) {
    const uint64_t n = b->s->n_embd;
    const uint64_t ff = b->s->n_ff_expert;
    const uint64_t n_expert = b->s->n_expert;
    l->is_moe = true;
    lfm_status st = bind_matrix(b, i, "ffn_gate_inp.weight", n, n_expert, 1, &l->moe.router);
    if (st == LFM_OK && l->moe.router.type != QTYPE_F32) {
        st = err_set(b->err, LFM_ERR_FORMAT, "%s: tensor 'blk.%d.ffn_gate_inp.weight' has type %s; "
                     "expected F32", b->f->path, i, qtype_get(l->moe.router.type)->name);
    }
    if (st == LFM_OK) st = bind_floats(b, i, "exp_probs_b.bias", n_expert, 1, &l->moe.bias);
    if (st == LFM_OK) st = bind_gate_up(b, i, l);
    if (st == LFM_OK) st = bind_matrix(b, i, "ffn_down_exps.weight", ff, n, n_expert, &l->moe.down);
    return st;
}

static lfm_status bind_layer(binder *b, int i, layer_weights *l) {
    const uint64_t n = b->s->n_embd;
    l->kind = (layer_kind)b->s->kind[i];
    lfm_status st = bind_floats(b, i, "attn_norm.weight", n, 1, &l->norm_in);
    if (st == LFM_OK) st = bind_floats(b, i, "ffn_norm.weight", n, 1, &l->norm_ffn);
    if (st == LFM_OK) st = l->kind == LAYER_CONV ? bind_conv(b, i, l) : bind_attn(b, i, l);
    if (st == LFM_OK) st = (uint32_t)i < b->s->n_dense ? bind_dense(b, i, l) : bind_moe(b, i, l);
    return st;
}

/* The embedding gives the size of the vocabulary; the head may be a tensor of its own. */
static lfm_status bind_ends(binder *b, model_shape *s) {
    const gguf_tensor *t = gguf_get_tensor(b->f, "token_embd.weight");
    if (t && (t->dim[1] == 0 || t->dim[1] > INT32_MAX)) {
        return err_set(b->err, LFM_ERR_FORMAT, "%s: tensor 'token_embd.weight' has %" PRIu64
                       " rows, which is not a vocabulary size", b->f->path, t->dim[1]);
    }
    const uint64_t n_vocab = t ? t->dim[1] : 1;
    lfm_status st = bind_matrix(b, -1, "token_embd.weight", s->n_embd, n_vocab, 1,
                                &b->w->embedding);
    s->n_vocab = (uint32_t)n_vocab;
    b->w->head = b->w->embedding;
    if (st == LFM_OK && gguf_get_tensor(b->f, "output.weight")) {
        st = bind_matrix(b, -1, "output.weight", s->n_embd, n_vocab, 1, &b->w->head);
    }
    /* Files call the norm before the head by an old misnomer, others by its name (ollama37 438). */
    const bool right = has(b, -1, "output_norm.weight");
    if (st == LFM_OK && right && has(b, -1, "token_embd_norm.weight")) {
        st = err_set(b->err, LFM_ERR_UNSUPPORTED, "%s: 'output_norm.weight' and "
                     "'token_embd_norm.weight' are two names of the norm before the head; the "
                     "file has both, and one of them would be ignored", b->f->path);
    }
    if (st == LFM_OK) {
        st = bind_floats(b, -1, right ? "output_norm.weight" : "token_embd_norm.weight", s->n_embd,
                         1, &b->w->norm_out);
    }
    return st;
}

/* Every tensor must have been bound; name one that was not. */
static lfm_status check_all_bound(const binder *b) {
    if (b->n_bound == b->f->n_tensors) return LFM_OK;
    static const char *const in_layer[] = {
        "attn_norm.weight", "ffn_norm.weight", "shortconv.in_proj.weight", "shortconv.conv.weight",
        "shortconv.out_proj.weight", "attn_q.weight", "attn_k.weight", "attn_v.weight",
        "attn_output.weight", "attn_q_norm.weight", "attn_k_norm.weight", "ffn_gate.weight",
        "ffn_up.weight", "ffn_down.weight", "ffn_gate_inp.weight", "exp_probs_b.bias",
        "ffn_gate_exps.weight", "ffn_up_exps.weight", "ffn_down_exps.weight",
        "ffn_gate_up_exps.weight",
    };
    const gguf_tensor *stranger = NULL;
    for (size_t i = 0; i < b->f->n_tensors && !stranger; i++) {
        const gguf_tensor *t = &b->f->tensors[i];
        char name[64];
        int layer = -1;
        int used = 0;
        snprintf(name, sizeof name, "%.*s", (int)t->name.len, t->name.ptr);
        bool known = strcmp(name, "token_embd.weight") == 0 || strcmp(name, "output.weight") == 0 ||
                     strcmp(name, "token_embd_norm.weight") == 0;
        if (sscanf(name, "blk.%d.%n", &layer, &used) == 1 && used > 0 && layer >= 0 &&
            (uint32_t)layer < b->s->n_layer) {
            for (size_t j = 0; j < sizeof in_layer / sizeof in_layer[0]; j++) {
                known = known || strcmp(name + used, in_layer[j]) == 0;
            }
        }
        stranger = known ? NULL : t;
    }
    if (!stranger) { /* a known name in a layer of the other kind */
        return err_set(b->err, LFM_ERR_UNSUPPORTED, "%s: the file has %zu tensors, but its layers "
                       "use %zu", b->f->path, b->f->n_tensors, b->n_bound);
    }
    return err_set(b->err, LFM_ERR_UNSUPPORTED, "%s: tensor '%.*s' is not part of this "
                   "architecture as lfm knows it", b->f->path, (int)stranger->name.len,
                   stranger->name.ptr);
}

/* ---- Steps ---------------------------------------------------------------------------------- */

act_layout act_layout_of(qtype type) {
    switch (kern_act_block(qtype_get(type)->block_weights)) {
    case 0: return ACT_F32;
    case 32: return ACT_Q32;
    default: return ACT_Q256;
    }
}

/* A step of up to three matrices; unused ones are NULL. */
static weights_step step_of(const weight *a, const weight *b, const weight *c) {
    weights_step s = {.w = {a, b, c}};
    while (s.n < STEP_MATRICES && s.w[s.n]) {
        s.layouts |= act_layout_bit(s.w[s.n]);
        s.n++;
    }
    return s;
}

/* The four steps of a layer; returns where those of the next one go. */
static weights_step *add_layer_steps(weights_step *at, const layer_weights *l) {
    if (l->kind == LAYER_CONV) {
        *at++ = step_of(&l->conv.in, NULL, NULL);
        *at++ = step_of(&l->conv.out, NULL, NULL);
    } else {
        *at++ = step_of(&l->attn.q, &l->attn.k, &l->attn.v);
        *at++ = step_of(&l->attn.out, NULL, NULL);
    }
    if (l->is_moe) { /* what enters the router enters the experts too */
        *at = step_of(&l->moe.router, NULL, NULL);
        at++->layouts |= act_layout_bit(&l->moe.gate) | act_layout_bit(&l->moe.up);
        *at++ = (weights_step){.layouts = act_layout_bit(&l->moe.down)};
    } else {
        *at++ = step_of(&l->dense.gate, &l->dense.up, NULL);
        *at++ = step_of(&l->dense.down, NULL, NULL);
    }
    return at;
}

static void list_steps(model_weights *w, const model_shape *s) {
    weights_step *at = w->steps;
    for (uint32_t i = 0; i < s->n_layer; i++) {
        at = add_layer_steps(at, &w->layers[i]);
    }
    *at = step_of(&w->head, NULL, NULL);
}

static uint64_t one_matrix(const weight *w) {
    return (uint64_t)w->rows * w->row_bytes;
}

/* Bytes of the tensors that one decoded token touches: all but the experts not chosen, and of an
 * embedding that is not the head one row. */
static uint64_t count_token_bytes(const model_weights *w, const model_shape *s) {
    uint64_t bytes = w->head.data != w->embedding.data ? w->embedding.row_bytes : 0;
    for (size_t i = 0; i < w->n_steps; i++) {
        for (size_t j = 0; j < w->steps[i].n; j++) {
            bytes += one_matrix(w->steps[i].w[j]);
        }
    }
    for (uint32_t i = s->n_dense; i < s->n_layer; i++) {
        const layer_weights *l = &w->layers[i];
        bytes += s->n_expert_used * (one_matrix(&l->moe.gate) + one_matrix(&l->moe.up) +
                                     one_matrix(&l->moe.down));
    }
    return bytes;
}

/* ---- Binding -------------------------------------------------------------------------------- */

/* Some converters wrote the width before it is cut to two thirds (12288 for 8192: ollama37 438).
 * The tensors are right, if they agree with each other. */
static void take_width(model_shape *s, const gguf_file *f) {
    const gguf_tensor *t = s->n_dense > 0 ? gguf_get_tensor(f, "blk.0.ffn_gate.weight") : NULL;
    if (t && t->dim[1] != s->n_ff && t->dim[1] <= SHAPE_MAX_WIDTH) {
        shape_note(s, "the key feed_forward_length is %" PRIu32 ", but the tensors are %" PRIu64
                   " wide, which counts", s->n_ff, t->dim[1]);
        s->n_ff = (uint32_t)t->dim[1];
    }
}

lfm_status weights_bind(model_weights *w, model_shape *s, const gguf_file *f, lfm_error *err) {
    *w = (model_weights){0};
    binder b = {.w = w, .s = s, .f = f, .err = err};
    w->n_steps = 4 * (size_t)s->n_layer + 1;
    w->layers = calloc(s->n_layer, sizeof *w->layers);
    w->steps = calloc(w->n_steps, sizeof *w->steps);
    if (!w->layers || !w->steps) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu32 " layers", f->path,
                       s->n_layer);
    }
    take_width(s, f);
    lfm_status st = bind_ends(&b, s);
    for (uint32_t i = 0; i < s->n_layer && st == LFM_OK; i++) {
        st = bind_layer(&b, (int)i, &w->layers[i]);
    }
    if (st == LFM_OK) st = check_all_bound(&b);
    if (st != LFM_OK) return st;
    list_steps(w, s);
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_tensor *t = &f->tensors[i];
        w->n_params += t->dim[0] * t->dim[1] * t->dim[2] * t->dim[3];
        w->bytes += t->n_bytes;
    }
    w->token_bytes = b.float_bytes + count_token_bytes(w, s);
    return LFM_OK;
}

void weights_drop(model_weights *w) {
    free(w->layers);
    free(w->steps);
    *w = (model_weights){0};
}
