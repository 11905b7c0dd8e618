/*
 * plan.c - the table of models, and the tensors of a model with their types.
 *
 * Source: the configurations published with the LFM2 and LFM2.5 models.
 */
#include "plan.h"

#include "base/checked.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Models --------------------------------------------------------------------------------- */

#define L(layer) (UINT64_C(1) << (layer))
#define ATTN_8B (L(2) | L(6) | L(10) | L(14) | L(18) | L(21))
#define ATTN_24B (L(2) | L(6) | L(10) | L(14) | L(18) | L(22) | L(26) | L(30) | L(34) | L(38))
#define ATTN_230M (L(2) | L(4) | L(6) | L(8) | L(10) | L(12))
#define ATTN_16 (L(2) | L(5) | L(8) | L(10) | L(12) | L(14))
#define ATTN_30 (L(2) | L(5) | L(9) | L(13) | L(17) | L(21) | L(24) | L(27))

/* preset, layers, width, heads, kv heads, dense ff; dense layers, experts, used, ff of one;
 * context, rope theta, vocabulary, attention layers, own output.weight, redundant head keys,
 * weights by hand */
static const shape shapes[] = {
    {"lfm2-8b-a1b", 24, 2048, 32, 8, 7168, 2, 32, 4, 1792,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_8B, false, false, false},
    {"lfm2.5-8b-a1b", 24, 2048, 32, 8, 7168, 2, 32, 4, 1792,
     128000, 5e6f, VOCAB_128K, 128000, ATTN_8B, false, false, false},
    {"lfm2-24b-a2b", 40, 2048, 32, 8, 11776, 2, 64, 4, 1536,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_24B, false, false, false},
    /* Not published yet.  Assumed: LFM2-24B-A2B with the vocabulary of LFM2.5-8B-A1B. */
    {"lfm2.5-24b-a2b", 40, 2048, 32, 8, 11776, 2, 64, 4, 1536,
     128000, 1e6f, VOCAB_128K, 128000, ATTN_24B, false, false, false},
    {"lfm2.5-230m", 14, 1024, 16, 8, 2560, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_230M, false, false, false},
    {"lfm2-350m", 16, 1024, 16, 8, 4608, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_16, false, false, false},
    {"lfm2-700m", 16, 1536, 24, 8, 6912, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_16, false, false, false},
    {"lfm2-1.2b", 16, 2048, 32, 8, 8192, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_16, false, false, false},
    {"lfm2-2.6b", 30, 2048, 32, 8, 10752, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_30, false, false, false},
    {"lfm2.5-2.6b", 30, 2048, 32, 8, 10752, 0, 0, 0, 0,
     131072, 1e7f, VOCAB_128K, 128000, ATTN_30, false, false, false},
    /* Small ones for tests.  `odd` has no number that is a power of two where another would do. */
    {"nano-moe", 5, 128, 2, 1, 256, 2, 32, 4, 64,
     4096, 1e6f, VOCAB_SMALL, 512, L(2) | L(4), false, false, false},
    {"kq-moe", 3, 256, 4, 2, 512, 1, 8, 4, 256,
     4096, 1e6f, VOCAB_SMALL, 512, L(1), false, false, false},
    {"nano-dense", 5, 128, 2, 1, 384, 0, 0, 0, 0,
     4096, 1e6f, VOCAB_SMALL, 512, L(2) | L(4), false, false, false},
    {"odd-moe", 5, 192, 6, 2, 352, 1, 12, 3, 96,
     4096, 5e5f, VOCAB_SMALL, 509, L(1) | L(3), true, true, false},
    /* It copies what followed the last token before. */
    {"induction", 2, 128, 2, 1, 32, 0, 0, 0, 0,
     131072, 1e28f, VOCAB_SMALL, 512, L(1), false, false, true},
};

#undef L

const shape *shape_at(size_t i) {
    return i < sizeof shapes / sizeof shapes[0] ? &shapes[i] : NULL;
}

const shape *shape_find(const char *preset) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(shapes[i].preset, preset) == 0) return &shapes[i];
    }
    return NULL;
}

bool plan_find_mix(const char *name, mix *out) {
    qtype type = QTYPE_F32;
    if (mix_find(name, out)) return true;
    if (!qtype_from_name(name, strlen(name), &type)) return false;
    *out = mix_plain(type);
    return true;
}

/* ---- Tensors -------------------------------------------------------------------------------- */

enum { MAX_PER_LAYER = 16, N_GLOBAL = 3, N_TAPS = 3 };

/* Which layers have a tensor. */
enum { IN_CONV = 1, IN_ATTN = 2, IN_DENSE = 4, IN_MOE = 8, IN_ALL = 15 };

typedef enum { ONE, WIDTH, WIDTH_3, KV, HEAD, FF, FF_EXPERT, EXPERTS, TAPS } size_name;

/* In the order of a file: by name. */
static const struct {
    const char *name;
    role role;
    int where;
    size_name dim[3];
} per_layer[] = {
    {"attn_k.weight", ROLE_MATRIX, IN_ATTN, {WIDTH, KV, ONE}},
    {"attn_k_norm.weight", ROLE_NORM, IN_ATTN, {HEAD, ONE, ONE}},
    {"attn_norm.weight", ROLE_NORM, IN_ALL, {WIDTH, ONE, ONE}},
    {"attn_output.weight", ROLE_MATRIX, IN_ATTN, {WIDTH, WIDTH, ONE}},
    {"attn_q.weight", ROLE_MATRIX, IN_ATTN, {WIDTH, WIDTH, ONE}},
    {"attn_q_norm.weight", ROLE_NORM, IN_ATTN, {HEAD, ONE, ONE}},
    {"attn_v.weight", ROLE_MATRIX, IN_ATTN, {WIDTH, KV, ONE}},
    {"exp_probs_b.bias", ROLE_BIAS, IN_MOE, {EXPERTS, ONE, ONE}},
    {"ffn_down.weight", ROLE_MATRIX, IN_DENSE, {FF, WIDTH, ONE}},
    {"ffn_down_exps.weight", ROLE_MATRIX, IN_MOE, {FF_EXPERT, WIDTH, EXPERTS}},
    {"ffn_gate.weight", ROLE_MATRIX, IN_DENSE, {WIDTH, FF, ONE}},
    {"ffn_gate_exps.weight", ROLE_MATRIX, IN_MOE, {WIDTH, FF_EXPERT, EXPERTS}},
    {"ffn_gate_inp.weight", ROLE_MATRIX, IN_MOE, {WIDTH, EXPERTS, ONE}},
    {"ffn_norm.weight", ROLE_NORM, IN_ALL, {WIDTH, ONE, ONE}},
    {"ffn_up.weight", ROLE_MATRIX, IN_DENSE, {WIDTH, FF, ONE}},
    {"ffn_up_exps.weight", ROLE_MATRIX, IN_MOE, {WIDTH, FF_EXPERT, EXPERTS}},
    {"shortconv.conv.weight", ROLE_CONV, IN_CONV, {TAPS, WIDTH, ONE}},
    {"shortconv.in_proj.weight", ROLE_MATRIX, IN_CONV, {WIDTH, WIDTH_3, ONE}},
    {"shortconv.out_proj.weight", ROLE_MATRIX, IN_CONV, {WIDTH, WIDTH, ONE}},
};

static uint64_t size_of(const shape *s, size_name name) {
    switch (name) {
    case ONE:
        return 1;
    case WIDTH:
        return s->n_embd;
    case WIDTH_3:
        return 3 * (uint64_t)s->n_embd;
    case KV:
        return (uint64_t)s->n_head_kv * (s->n_embd / s->n_head);
    case HEAD:
        return s->n_embd / s->n_head;
    case FF:
        return s->n_ff;
    case FF_EXPERT:
        return s->n_ff_expert;
    case EXPERTS:
        return s->n_expert;
    case TAPS:
        return N_TAPS;
    }
    return 1;
}

/* Count a tensor whose name and shape are set. */
static void finish(plan *p) {
    tensor *t = &p->tensors[p->n++];
    t->n_dims = t->dim[2] != 1 ? 3 : t->dim[1] != 1 ? 2 : 1;
    p->n_weights += t->dim[0] * t->dim[1] * t->dim[2];
    p->n_expert_weights += t->n_dims == 3 ? t->dim[0] * t->dim[1] * t->dim[2] : 0;
}

static void add_global(plan *p, const shape *s, const char *name, role r, uint64_t rows) {
    tensor *t = &p->tensors[p->n];
    *t = (tensor){.role = r, .dim = {s->n_embd, rows, 1, 1}};
    snprintf(t->name, sizeof t->name, "%s", name);
    finish(p);
}

static void add_layer(plan *p, const shape *s, uint32_t layer) {
    const bool attn = s->attn >> layer & 1;
    const bool moe = s->n_expert != 0 && layer >= s->n_dense;
    const int here = (attn ? IN_ATTN : IN_CONV) | (moe ? IN_MOE : IN_DENSE);
    for (size_t i = 0; i < sizeof per_layer / sizeof per_layer[0]; i++) {
        if ((per_layer[i].where & here) == 0) continue;
        tensor *t = &p->tensors[p->n];
        *t = (tensor){.role = per_layer[i].role, .dim = {1, 1, 1, 1}};
        for (int d = 0; d < 3; d++) {
            t->dim[d] = size_of(s, per_layer[i].dim[d]);
        }
        snprintf(t->name, sizeof t->name, "blk.%" PRIu32 ".%s", layer, per_layer[i].name);
        finish(p);
    }
}

/* Choose the types: the rules look at all names before the first choice. */
static void choose_types(plan *p, const shape *s, const mix *m) {
    mix_model model = {.n_layer = s->n_layer, .n_expert = s->n_expert};
    for (size_t i = 0; i < p->n; i++) {
        mix_note(&model, (gguf_str){p->tensors[i].name, strlen(p->tensors[i].name)});
    }
    for (size_t i = 0; i < p->n; i++) {
        tensor *t = &p->tensors[i];
        const gguf_str name = {t->name, strlen(t->name)};
        t->by_hand = s->by_hand;
        t->type = mix_type(m, &model, name, t->dim, QTYPE_F32);
        t->n_bytes = t->dim[1] * t->dim[2] * qtype_row_bytes(t->type, (size_t)t->dim[0]);
        p->n_bytes += t->n_bytes;
    }
}

lfm_status plan_build(plan *p, const shape *s, const mix *m, lfm_error *err) {
    *p = (plan){0};
    assert(s->n_layer <= 64); /* shape.attn has a bit for each */
    const size_t cap = N_GLOBAL + (size_t)MAX_PER_LAYER * s->n_layer;
    p->tensors = calloc(cap, sizeof p->tensors[0]);
    if (!p->tensors) return err_set(err, LFM_ERR_MEMORY, "out of memory (%zu tensors)", cap);
    if (s->untied) {
        add_global(p, s, "output.weight", ROLE_MATRIX, s->n_vocab);
    }
    add_global(p, s, "token_embd.weight", ROLE_MATRIX, s->n_vocab);
    add_global(p, s, "token_embd_norm.weight", ROLE_NORM, 1);
    for (uint32_t layer = 0; layer < s->n_layer; layer++) {
        add_layer(p, s, layer);
    }
    choose_types(p, s, m);
    for (size_t i = 0; s->by_hand && i < p->n; i++) {
        if (qtype_get(p->tensors[i].type)->block_weights != 1) {
            return err_set(err, LFM_ERR_ARG, "%s is made as F32, F16 or BF16 only; lfm quantize "
                           "makes other types of it", s->preset);
        }
    }
    return LFM_OK;
}

void plan_drop(plan *p) {
    free(p->tensors);
    *p = (plan){0};
}
