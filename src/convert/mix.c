/*
 * mix.c - the table of mixes, and their rules.
 */
#include "convert/mix.h"

#include <string.h>
#include <strings.h>

/* One exception: everywhere, or at the places that the second word names. */
#define ALL(type) {{MIX_EVERYWHERE, QTYPE_##type}}
#define AT(where, type) {{MIX_##where, QTYPE_##type}}
#define AT_AND_ELSE(where, type, other) \
    {{MIX_##where, QTYPE_##type}, {MIX_EVERYWHERE, QTYPE_##other}}

/* From large to small. */
static const mix mixes[] = {
    {.name = "F32", .base = QTYPE_F32, .file_type = 0},
    {.name = "BF16", .base = QTYPE_BF16, .file_type = 32},
    {.name = "F16", .base = QTYPE_F16, .file_type = 1},
    {.name = "Q8_0", .base = QTYPE_Q8_0, .file_type = 7},
    {.name = "Q6_K", .base = QTYPE_Q6_K, .file_type = 18},
    {.name = "Q5_1", .base = QTYPE_Q5_1, .file_type = 9},
    {.name = "Q5_K_M", .base = QTYPE_Q5_K, .file_type = 17, .attn_v = AT(MORE_BITS, Q6_K),
     .ffn_down = AT(MORE_BITS, Q6_K)},
    {.name = "Q5_K_S", .base = QTYPE_Q5_K, .file_type = 16},
    {.name = "Q5_0", .base = QTYPE_Q5_0, .file_type = 8},
    {.name = "Q4_1", .base = QTYPE_Q4_1, .file_type = 3},
    {.name = "Q4_K_M", .base = QTYPE_Q4_K, .file_type = 15, .attn_v = AT(MORE_BITS, Q6_K),
     .ffn_down = AT(MORE_BITS, Q6_K), .attn_output_of_8 = ALL(Q5_K)},
    {.name = "Q4_K_S", .base = QTYPE_Q4_K, .file_type = 14, .attn_v = AT(FIRST_4, Q5_K),
     .ffn_down = AT(FIRST_EIGHTH, Q5_K), .attn_output_of_8 = ALL(Q5_K)},
    {.name = "Q4_0", .base = QTYPE_Q4_0, .file_type = 2},
    {.name = "IQ4_NL", .base = QTYPE_IQ4_NL, .file_type = 25, .ffn_down = AT(FIRST_EIGHTH, Q5_K),
     .attn_output_of_8 = ALL(Q5_K)},
    {.name = "IQ4_XS", .base = QTYPE_IQ4_XS, .file_type = 30, .ffn_down = AT(FIRST_EIGHTH, Q5_K),
     .attn_output_of_8 = ALL(Q5_K)},
    {.name = "MXFP4_MOE", .base = QTYPE_MXFP4, .file_type = 38, .experts_only = true},
    {.name = "Q3_K_L", .base = QTYPE_Q3_K, .file_type = 13, .attn_v = ALL(Q5_K),
     .ffn_down = ALL(Q5_K), .attn_output = ALL(Q5_K)},
    {.name = "Q3_K_M", .base = QTYPE_Q3_K, .file_type = 12,
     .attn_v = AT_AND_ELSE(FIRST_2, Q5_K, Q4_K),
     .ffn_down = AT_AND_ELSE(FIRST_SIXTEENTH, Q5_K, Q4_K), .attn_output = ALL(Q4_K),
     .attn_output_of_8 = ALL(Q5_K)},
    {.name = "Q3_K_S", .base = QTYPE_Q3_K, .file_type = 11, .attn_output_of_8 = ALL(Q5_K)},
    {.name = "Q2_K", .base = QTYPE_Q2_K, .file_type = 10, .attn_v = ALL(Q3_K),
     .ffn_down = ALL(Q3_K), .attn_output = ALL(Q3_K), .attn_output_of_8 = ALL(Q5_K)},
};

/* general.file_type of files that are mostly of one type, from llama.h. */
static const uint8_t file_types[QTYPE_COUNT] = {
    [QTYPE_F32] = 0,      [QTYPE_F16] = 1,      [QTYPE_Q4_0] = 2,     [QTYPE_Q4_1] = 3,
    [QTYPE_Q8_0] = 7,     [QTYPE_Q5_0] = 8,     [QTYPE_Q5_1] = 9,     [QTYPE_Q2_K] = 10,
    [QTYPE_Q3_K] = 11,    [QTYPE_Q4_K] = 14,    [QTYPE_Q5_K] = 16,    [QTYPE_Q6_K] = 18,
    [QTYPE_IQ2_XXS] = 19, [QTYPE_IQ2_XS] = 20,  [QTYPE_IQ3_XXS] = 23, [QTYPE_IQ1_S] = 24,
    [QTYPE_IQ4_NL] = 25,  [QTYPE_IQ3_S] = 26,   [QTYPE_IQ2_S] = 28,   [QTYPE_IQ4_XS] = 30,
    [QTYPE_IQ1_M] = 31,   [QTYPE_BF16] = 32,    [QTYPE_TQ1_0] = 36,   [QTYPE_TQ2_0] = 37,
    [QTYPE_MXFP4] = 38,   [QTYPE_NVFP4] = 39,   [QTYPE_Q1_0] = 40,    [QTYPE_Q2_0] = 41,
};

const mix *mix_at(size_t i) {
    return i < sizeof mixes / sizeof mixes[0] ? &mixes[i] : NULL;
}

bool mix_find(const char *name, mix *out) {
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++) {
        if (strcasecmp(mixes[i].name, name) == 0) {
            *out = mixes[i];
            return true;
        }
    }
    return false;
}

mix mix_plain(qtype type) {
    return (mix){.name = qtype_get(type)->name, .base = type, .file_type = file_types[type],
                 .plain = true};
}

/* ---- Names ---------------------------------------------------------------------------------- */

static bool is(gguf_str name, const char *whole) {
    return name.len == strlen(whole) && memcmp(name.ptr, whole, name.len) == 0;
}

static bool ends_with(gguf_str name, const char *end) {
    const size_t n = strlen(end);
    return name.len >= n && memcmp(name.ptr + name.len - n, end, n) == 0;
}

/* The number in "blk.N."; false for tensors outside the layers. */
static bool layer_of(gguf_str name, uint32_t *layer) {
    static const char prefix[] = "blk.";
    size_t i = sizeof prefix - 1;
    if (name.len <= i || memcmp(name.ptr, prefix, i) != 0) return false;
    *layer = 0;
    const size_t first = i;
    for (; i < name.len && name.ptr[i] >= '0' && name.ptr[i] <= '9'; i++) {
        *layer = *layer * 10 + (uint32_t)(name.ptr[i] - '0');
        if (*layer >= MIX_MAX_LAYERS) return false;
    }
    return i > first && i < name.len && name.ptr[i] == '.';
}

void mix_note(mix_model *model, gguf_str name) {
    uint32_t layer = 0;
    model->untied = model->untied || is(name, "output.weight");
    if (ends_with(name, ".attn_v.weight") && layer_of(name, &layer)) {
        model->attn[layer / 64] |= UINT64_C(1) << layer % 64;
        model->n_attn++;
    }
}

/* Attention layers before `layer`. */
static uint32_t attn_before(const mix_model *model, uint32_t layer) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < layer; i++) {
        n += (uint32_t)(model->attn[i / 64] >> i % 64 & 1);
    }
    return n;
}

/* ---- Rules ---------------------------------------------------------------------------------- */

/* Does a rule apply to the i-th of n layers? */
static bool holds(mix_where where, uint32_t i, uint32_t n) {
    switch (where) {
    case MIX_EVERYWHERE:
        return true;
    case MIX_FIRST_2:
        return i < 2;
    case MIX_FIRST_4:
        return i < 4;
    case MIX_FIRST_EIGHTH:
        return i < n / 8;
    case MIX_FIRST_SIXTEENTH:
        return i < n / 16;
    case MIX_MORE_BITS:
        return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2;
    default:
        return false;
    }
}

static qtype choose(const mix_rule *rules, size_t n_rules, uint32_t i, uint32_t n, qtype base) {
    for (size_t r = 0; r < n_rules; r++) {
        if (holds(rules[r].where, i, n)) return rules[r].type;
    }
    return base;
}

/* The tied token embedding, or output.weight when there is one: it computes the logits. */
static qtype type_of_head(qtype base, uint64_t row) {
    if (row % qtype_get(base)->block_weights != 0) return QTYPE_Q8_0;
    switch (base) {
    case QTYPE_Q8_0:
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

/* The exceptions for a matrix of a layer.  In models with 8 experts attention is so small that it
 * may cost a little more. */
static qtype type_in_layer(const mix *m, const mix_model *model, gguf_str name) {
    uint32_t layer = 0;
    const bool of_8 = model->n_expert == 8;
    const bool attn_v = ends_with(name, ".attn_v.weight");
    if (!layer_of(name, &layer)) return m->base;
    if (of_8 && (attn_v || ends_with(name, ".attn_k.weight"))) return QTYPE_Q8_0;
    if (attn_v) return choose(m->attn_v, 2, attn_before(model, layer), model->n_attn, m->base);
    if (ends_with(name, ".ffn_down.weight") || ends_with(name, ".ffn_down_exps.weight")) {
        return choose(m->ffn_down, 2, layer, model->n_layer, m->base);
    }
    if (ends_with(name, ".attn_output.weight")) {
        return choose(of_8 ? m->attn_output_of_8 : m->attn_output, 1, 0, 1, m->base);
    }
    return m->base;
}

/* The type for rows that are not whole blocks of the wanted one: about as large, in blocks of
 * 32. */
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

/* May this matrix be quantised?  Routers and the kernel of the convolution are small and matter
 * much. */
static bool is_matrix(gguf_str name, const uint64_t dim[4]) {
    return (dim[1] > 1 || dim[2] > 1 || dim[3] > 1) && ends_with(name, "weight") &&
           !ends_with(name, "_norm.weight") && !ends_with(name, "ffn_gate_inp.weight") &&
           !ends_with(name, "shortconv.conv.weight");
}

qtype mix_type(const mix *m, const mix_model *model, gguf_str name, const uint64_t dim[4],
               qtype now) {
    if (!is_matrix(name, dim)) return now;
    if (qtype_get(m->base)->block_weights == 1) return m->base;
    qtype type = m->base;
    if (is(name, model->untied ? "output.weight" : "token_embd.weight")) {
        type = type_of_head(m->base, dim[0]);
    } else if (m->experts_only) {
        type = dim[2] > 1 ? m->base : QTYPE_Q8_0;
    } else if (!m->plain) {
        type = type_in_layer(m, model, name);
    }
    return type_that_fits(type, dim[0]);
}
