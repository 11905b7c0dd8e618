/*
 * plan.c - the table of models, the recipes of types, and the tensors that follow from both.
 *
 * Source: the configurations published with the LFM2 and LFM2.5 models; the rules of llama.cpp's
 * llama-quant.cpp (d32676d7) for the types.
 */
#include "plan.h"

#include "base/checked.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Models --------------------------------------------------------------------------------- */

#define L(layer) (UINT64_C(1) << (layer))
#define ATTN_8B (L(2) | L(6) | L(10) | L(14) | L(18) | L(21))
#define ATTN_24B (L(2) | L(6) | L(10) | L(14) | L(18) | L(22) | L(26) | L(30) | L(34) | L(38))
#define ATTN_230M (L(2) | L(4) | L(6) | L(8) | L(10) | L(12))
#define ATTN_16 (L(2) | L(5) | L(8) | L(10) | L(12) | L(14))
#define ATTN_30 (L(2) | L(5) | L(9) | L(13) | L(17) | L(21) | L(24) | L(27))

/* preset, layers, width, heads, kv heads, dense ff; dense layers, experts, used, ff of one;
 * context, rope theta, vocabulary, attention layers, own output.weight, redundant head keys */
static const shape shapes[] = {
    {"lfm2-8b-a1b", 24, 2048, 32, 8, 7168, 2, 32, 4, 1792,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_8B, false, false},
    {"lfm2.5-8b-a1b", 24, 2048, 32, 8, 7168, 2, 32, 4, 1792,
     128000, 5e6f, VOCAB_128K, 128000, ATTN_8B, false, false},
    {"lfm2-24b-a2b", 40, 2048, 32, 8, 11776, 2, 64, 4, 1536,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_24B, false, false},
    {"lfm2.5-230m", 14, 1024, 16, 8, 2560, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_230M, false, false},
    {"lfm2-350m", 16, 1024, 16, 8, 4608, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_16, false, false},
    {"lfm2-700m", 16, 1536, 24, 8, 6912, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_16, false, false},
    {"lfm2-1.2b", 16, 2048, 32, 8, 8192, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_16, false, false},
    {"lfm2-2.6b", 30, 2048, 32, 8, 10752, 0, 0, 0, 0,
     128000, 1e6f, VOCAB_65K, 65536, ATTN_30, false, false},
    {"lfm2.5-2.6b", 30, 2048, 32, 8, 10752, 0, 0, 0, 0,
     131072, 1e7f, VOCAB_128K, 128000, ATTN_30, false, false},
    /* Small ones for tests.  `odd` has no number that is a power of two where another would do. */
    {"nano-moe", 5, 128, 2, 1, 256, 2, 32, 4, 64,
     4096, 1e6f, VOCAB_SMALL, 512, L(2) | L(4), false, false},
    {"kq-moe", 3, 256, 4, 2, 512, 1, 8, 4, 256,
     4096, 1e6f, VOCAB_SMALL, 512, L(1), false, false},
    {"nano-dense", 5, 128, 2, 1, 384, 0, 0, 0, 0,
     4096, 1e6f, VOCAB_SMALL, 512, L(2) | L(4), false, false},
    {"odd-moe", 5, 192, 6, 2, 352, 1, 12, 3, 96,
     4096, 5e5f, VOCAB_SMALL, 509, L(1) | L(3), true, true},
};

#undef L

const shape *shape_at(size_t i) {
    return i < sizeof shapes / sizeof shapes[0] ? &shapes[i] : NULL;
}

const shape *shape_find(const char *preset) {
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(shapes[i].preset, preset) == 0) {
            return &shapes[i];
        }
    }
    return NULL;
}

/* ---- Recipes of types ----------------------------------------------------------------------- */

/* Recipes with exceptions; all the others are the plain use of a type. */
static const mix recipes[] = {
    {"Q4_K_S", QTYPE_Q4_K, MIX_K_S, 14},
    {"Q4_K_M", QTYPE_Q4_K, MIX_K_M, 15},
    {"Q5_K_S", QTYPE_Q5_K, MIX_PURE, 16},
    {"Q5_K_M", QTYPE_Q5_K, MIX_K_M, 17},
    {"MXFP4_MOE", QTYPE_MXFP4, MIX_MXFP4_MOE, 38},
};

/* general.file_type of the plain use of each type, from llama.h. */
static const uint8_t file_types[QTYPE_COUNT] = {
    [QTYPE_F32] = 0,      [QTYPE_F16] = 1,      [QTYPE_Q4_0] = 2,    [QTYPE_Q4_1] = 3,
    [QTYPE_Q8_0] = 7,     [QTYPE_Q5_0] = 8,     [QTYPE_Q5_1] = 9,    [QTYPE_Q2_K] = 10,
    [QTYPE_Q3_K] = 11,    [QTYPE_Q4_K] = 14,    [QTYPE_Q5_K] = 16,   [QTYPE_Q6_K] = 18,
    [QTYPE_IQ2_XXS] = 19, [QTYPE_IQ2_XS] = 20,  [QTYPE_IQ3_XXS] = 23, [QTYPE_IQ1_S] = 24,
    [QTYPE_IQ4_NL] = 25,  [QTYPE_IQ3_S] = 26,   [QTYPE_IQ2_S] = 28,  [QTYPE_IQ4_XS] = 30,
    [QTYPE_IQ1_M] = 31,   [QTYPE_BF16] = 32,    [QTYPE_TQ1_0] = 36,  [QTYPE_TQ2_0] = 37,
    [QTYPE_MXFP4] = 38,   [QTYPE_NVFP4] = 39,   [QTYPE_Q1_0] = 40,   [QTYPE_Q2_0] = 41,
};

bool mix_find(const char *name, mix *out) {
    for (size_t i = 0; i < sizeof recipes / sizeof recipes[0]; i++) {
        if (strcasecmp(recipes[i].name, name) == 0) {
            *out = recipes[i];
            return true;
        }
    }
    qtype type = QTYPE_F32;
    if (!qtype_from_name(name, strlen(name), &type)) {
        return false;
    }
    *out = (mix){qtype_get(type)->name, type, MIX_PURE, file_types[type]};
    return true;
}

/* Layers that the K_M recipes give more bits: the first and last eighth, and every third. */
static bool gets_more_bits(uint32_t i, uint32_t n) {
    return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
}

/* The tied token embedding, or output.weight when there is one: it computes the logits. */
static qtype type_of_head(qtype base) {
    switch (base) {
    case QTYPE_F32:
    case QTYPE_F16:
    case QTYPE_BF16:
    case QTYPE_Q8_0:
        return base;
    case QTYPE_MXFP4:
        return QTYPE_Q8_0;
    case QTYPE_IQ1_S:
    case QTYPE_IQ1_M:
    case QTYPE_IQ2_XXS:
    case QTYPE_IQ2_XS:
    case QTYPE_IQ2_S:
    case QTYPE_IQ3_XXS:
        return QTYPE_Q5_K;
    default:
        return QTYPE_Q6_K;
    }
}

/* What the recipes of the K types say about a matrix.  `i_attn` counts attention layers. */
static qtype type_by_recipe(const shape *s, const mix *m, role r, uint32_t layer,
                            uint32_t i_attn) {
    const uint32_t n_attn = (uint32_t)__builtin_popcountll(s->attn);
    const bool medium = m->rule == MIX_K_M;
    if (s->n_expert == 8 && (r == ROLE_ATTN_V || r == ROLE_ATTN_K)) {
        return QTYPE_Q8_0;
    }
    switch (r) {
    case ROLE_ATTN_V:
        return medium ? gets_more_bits(i_attn, n_attn) ? QTYPE_Q6_K : m->base
             : i_attn < 4 ? QTYPE_Q5_K : m->base;
    case ROLE_FFN_DOWN:
        return medium ? gets_more_bits(layer, s->n_layer) ? QTYPE_Q6_K : m->base
             : layer < s->n_layer / 8 ? QTYPE_Q5_K : m->base;
    case ROLE_ATTN_OUT:
        return s->n_expert == 8 && m->base == QTYPE_Q4_K ? QTYPE_Q5_K : m->base;
    default:
        return m->base;
    }
}

/* The type for rows that are not whole blocks of the wanted one. */
static qtype type_that_fits(qtype wanted, uint64_t row) {
    qtype type = wanted;
    if (row % qtype_get(type)->block_weights != 0) {
        switch (type) {
        case QTYPE_Q4_K:
            type = QTYPE_Q5_0;
            break;
        case QTYPE_Q5_K:
            type = QTYPE_Q5_1;
            break;
        case QTYPE_Q6_K:
            type = QTYPE_Q8_0;
            break;
        case QTYPE_Q2_0:
        case QTYPE_Q2_K:
        case QTYPE_Q3_K:
        case QTYPE_TQ1_0:
        case QTYPE_TQ2_0:
            type = QTYPE_Q4_0;
            break;
        default:
            type = QTYPE_IQ4_NL;
            break;
        }
    }
    return row % qtype_get(type)->block_weights == 0 ? type : QTYPE_F16;
}

static qtype type_of(const shape *s, const mix *m, const tensor *t, uint32_t layer,
                     uint32_t i_attn) {
    if (t->role <= ROLE_CONV) {
        return QTYPE_F32;
    }
    qtype type = m->base;
    if (t->role == ROLE_OUTPUT || (t->role == ROLE_EMBD && !s->untied)) {
        type = type_of_head(m->base);
    } else if (m->rule == MIX_MXFP4_MOE) {
        type = t->n_dims == 3 ? QTYPE_MXFP4 : QTYPE_Q8_0;
    } else if (m->rule != MIX_PURE) {
        type = type_by_recipe(s, m, t->role, layer, i_attn);
    }
    return type_that_fits(type, t->dim[0]);
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
    {"attn_k.weight", ROLE_ATTN_K, IN_ATTN, {WIDTH, KV, ONE}},
    {"attn_k_norm.weight", ROLE_NORM, IN_ATTN, {HEAD, ONE, ONE}},
    {"attn_norm.weight", ROLE_NORM, IN_ALL, {WIDTH, ONE, ONE}},
    {"attn_output.weight", ROLE_ATTN_OUT, IN_ATTN, {WIDTH, WIDTH, ONE}},
    {"attn_q.weight", ROLE_MATRIX, IN_ATTN, {WIDTH, WIDTH, ONE}},
    {"attn_q_norm.weight", ROLE_NORM, IN_ATTN, {HEAD, ONE, ONE}},
    {"attn_v.weight", ROLE_ATTN_V, IN_ATTN, {WIDTH, KV, ONE}},
    {"exp_probs_b.bias", ROLE_BIAS, IN_MOE, {EXPERTS, ONE, ONE}},
    {"ffn_down.weight", ROLE_FFN_DOWN, IN_DENSE, {FF, WIDTH, ONE}},
    {"ffn_down_exps.weight", ROLE_FFN_DOWN, IN_MOE, {FF_EXPERT, WIDTH, EXPERTS}},
    {"ffn_gate.weight", ROLE_MATRIX, IN_DENSE, {WIDTH, FF, ONE}},
    {"ffn_gate_exps.weight", ROLE_MATRIX, IN_MOE, {WIDTH, FF_EXPERT, EXPERTS}},
    {"ffn_gate_inp.weight", ROLE_ROUTER, IN_MOE, {WIDTH, EXPERTS, ONE}},
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

/* Choose the type of a tensor whose shape is set, and count it. */
static void finish(plan *p, const shape *s, const mix *m, uint32_t layer, uint32_t i_attn) {
    tensor *t = &p->tensors[p->n++];
    t->n_dims = t->dim[2] != 1 ? 3 : t->dim[1] != 1 ? 2 : 1;
    t->type = type_of(s, m, t, layer, i_attn);
    const uint64_t rows = t->dim[1] * t->dim[2];
    t->n_bytes = rows * qtype_row_bytes(t->type, (size_t)t->dim[0]);
    p->n_bytes += t->n_bytes;
    p->n_weights += rows * t->dim[0];
    p->n_expert_weights += t->n_dims == 3 ? rows * t->dim[0] : 0;
}

static void add_global(plan *p, const shape *s, const mix *m, const char *name, role r,
                       uint64_t rows) {
    tensor *t = &p->tensors[p->n];
    *t = (tensor){.role = r, .dim = {s->n_embd, rows, 1, 1}};
    snprintf(t->name, sizeof t->name, "%s", name);
    finish(p, s, m, 0, 0);
}

static void add_layer(plan *p, const shape *s, const mix *m, uint32_t layer) {
    const bool attn = s->attn >> layer & 1;
    const bool moe = s->n_expert != 0 && layer >= s->n_dense;
    const int here = (attn ? IN_ATTN : IN_CONV) | (moe ? IN_MOE : IN_DENSE);
    const uint64_t before = s->attn & ((UINT64_C(1) << layer) - 1);
    const uint32_t i_attn = (uint32_t)__builtin_popcountll(before);
    for (size_t i = 0; i < sizeof per_layer / sizeof per_layer[0]; i++) {
        if ((per_layer[i].where & here) == 0) {
            continue;
        }
        tensor *t = &p->tensors[p->n];
        *t = (tensor){.role = per_layer[i].role, .dim = {1, 1, 1, 1}};
        for (int d = 0; d < 3; d++) {
            t->dim[d] = size_of(s, per_layer[i].dim[d]);
        }
        snprintf(t->name, sizeof t->name, "blk.%" PRIu32 ".%s", layer, per_layer[i].name);
        finish(p, s, m, layer, i_attn);
    }
}

lfm_status plan_build(plan *p, const shape *s, const mix *m, lfm_error *err) {
    *p = (plan){0};
    assert(s->n_layer <= 64); /* shape.attn has a bit for each */
    const size_t cap = N_GLOBAL + (size_t)MAX_PER_LAYER * s->n_layer;
    p->tensors = calloc(cap, sizeof p->tensors[0]);
    if (!p->tensors) {
        return err_set(err, LFM_ERR_MEMORY, "out of memory (%zu tensors)", cap);
    }
    if (s->untied) {
        add_global(p, s, m, "output.weight", ROLE_OUTPUT, s->n_vocab);
    }
    add_global(p, s, m, "token_embd.weight", ROLE_EMBD, s->n_vocab);
    add_global(p, s, m, "token_embd_norm.weight", ROLE_NORM, 1);
    for (uint32_t layer = 0; layer < s->n_layer; layer++) {
        add_layer(p, s, m, layer);
    }
    return LFM_OK;
}

void plan_drop(plan *p) {
    free(p->tensors);
    *p = (plan){0};
}
