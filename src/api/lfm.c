/*
 * lfm.c - models, tokens and sampling: joins the rooms that do not know each other.
 */
#include "api/defaults.h"
#include "api/internal.h"

#include "base/versioned.h"
#include "gguf/format.h"
#include "gguf/pack.h"
#include "kernel/choose.h"
#include "token/logprobs.h"
#include "token/sampler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Model ---------------------------------------------------------------------------------- */

static void describe(lfm_model *m) {
    const model_shape *s = &m->shape;
    gguf_str name = {"", 0};
    gguf_get_str(&m->file, "general.name", &name, NULL);
    const size_t len = name.len < sizeof m->name - 1 ? name.len : sizeof m->name - 1;
    memcpy(m->name, name.ptr, len);
    m->name[len] = '\0';
    m->info = (lfm_model_info){
        .arch = s->is_moe_arch ? "lfm2moe" : "lfm2",
        .name = m->name,
        .isa = m->kern.name,
        .n_layer = s->n_layer,
        .n_conv = s->n_conv,
        .n_attn = s->n_attn,
        .n_dense = s->n_dense,
        .n_embd = s->n_embd,
        .n_head = s->n_head,
        .n_head_kv = s->n_head_kv,
        .head_dim = s->head_dim,
        .n_ff = s->n_ff,
        .n_ff_expert = s->n_ff_expert,
        .n_expert = s->n_expert,
        .n_expert_used = s->n_expert_used,
        .n_vocab = (uint32_t)tok_n_vocab(m->tok),
        .n_ctx_max = s->n_ctx,
        .rope_theta = s->rope_theta,
        .norm_eps = s->eps,
        .n_params = m->weights.n_params,
        .tensor_bytes = m->weights.bytes,
        .token_bytes = m->weights.token_bytes,
        .file_bytes = m->file.file_bytes,
        .n_parts = m->file.n_parts,
        .template_name = m->template.origin,
        .template_tools = m->template.has_tools,
        .template_calls = m->template.has_calls,
        .template_thoughts = m->template.has_thoughts,
        .template_opens_thoughts = m->template.opens_thoughts,
    };
    m->info.card = defaults_sampling(&m->sampling, &m->info.n_sampling_keys, &m->file, s);
}

/* Every token needs a row of the embedding: ids of a larger vocabulary would point outside it. */
static lfm_status check_vocab(const lfm_model *m, lfm_error *err) {
    if (tok_n_vocab(m->tok) != m->shape.n_vocab) {
        return err_set(err, LFM_ERR_FORMAT, "%s: the tokenizer has %zu tokens, but "
                       "'token_embd.weight' has %" PRIu32 " rows", m->file.path,
                       tok_n_vocab(m->tok), m->shape.n_vocab);
    }
    return LFM_OK;
}

static lfm_status open_template(lfm_model *m, const lfm_model_options *o, lfm_error *err) {
    gguf_str text = {NULL, 0};
    size_t bos_len = 0;
    const char *bos = tok_bytes(m->tok, tok_bos(m->tok), &bos_len);
    const lfm_status st = gguf_get_str(&m->file, "tokenizer.chat_template", &text, err);
    return st == LFM_OK ? template_open(&m->template, text.ptr, text.len, o->chat_template,
                                        o->template_kwargs, bos, bos_len, err)
                        : st;
}

lfm_status lfm_model_open(lfm_model **out, const char *path, const lfm_model_options *opt,
                          lfm_error *err) {
    lfm_model_options o;
    *out = NULL;
    err_clear(err);
    lfm_status st = versioned_read(&o, sizeof o, opt, "lfm_model_options", err);
    if (st != LFM_OK) return st;
    lfm_model *m = calloc(1, sizeof *m);
    if (!m) return err_set(err, LFM_ERR_MEMORY, "out of memory opening %s", path);
    m->vocab_only = o.vocab_only;
    const uint8_t *sums = NULL; /* of the weights: read by lfm_verify only */
    st = kern_choose(&m->kern, o.isa, err);
    if (st == LFM_OK) st = gguf_open_how(&m->file, path, o.no_map, err);
    if (st == LFM_OK) st = pack_read(&m->file, &sums, err);
    if (st == LFM_OK) st = shape_read(&m->shape, &m->file, err);
    if (st == LFM_OK && !m->vocab_only) st = weights_bind(&m->weights, &m->shape, &m->file, err);
    if (st == LFM_OK) st = tok_load(&m->tok, &m->file, err);
    if (st == LFM_OK && !m->vocab_only) st = check_vocab(m, err);
    if (st == LFM_OK) st = open_template(m, &o, err);
    if (st != LFM_OK) {
        lfm_model_close(m); /* every part tolerates being all zero */
        return st;
    }
    describe(m);
    *out = m;
    return LFM_OK;
}

void lfm_model_close(lfm_model *m) {
    if (!m) return;
    template_close(&m->template);
    tok_free(m->tok);
    weights_drop(&m->weights);
    gguf_close(&m->file);
    free(m);
}

lfm_status lfm_model_lock(lfm_model *m, lfm_error *err) {
    err_clear(err);
    return gguf_lock(&m->file, err);
}

const lfm_model_info *lfm_model_get_info(const lfm_model *m) {
    return &m->info;
}

const char *lfm_model_warning(const lfm_model *m) {
    return m->shape.note;
}

bool lfm_model_key(const lfm_model *m, size_t i, const char **key, size_t *key_len,
                   const char **type, char *value, size_t cap) {
    if (i >= m->file.n_keys) return false;
    const gguf_key *k = &m->file.keys[i];
    *key = k->name.ptr;
    *key_len = k->name.len;
    *type = gguf_type_name(k->type);
    gguf_format_value(k, value, cap);
    return true;
}

bool lfm_model_key_string(const lfm_model *m, const char *key, const char **value, size_t *len) {
    const gguf_key *k = gguf_get(&m->file, key);
    if (!k || k->type != GGUF_STRING) return false;
    const uint8_t *at = k->data;
    const gguf_str s = gguf_next_str(&at);
    *value = s.ptr;
    *len = s.len;
    return true;
}

bool lfm_model_tensor(const lfm_model *m, size_t i, lfm_tensor_info *out) {
    if (i >= m->file.n_tensors) return false;
    const gguf_tensor *t = &m->file.tensors[i];
    *out = (lfm_tensor_info){
        .name = t->name.ptr,
        .name_len = t->name.len,
        .type = qtype_get(t->type)->name,
        .n_dims = t->n_dims,
        .dim = {t->dim[0], t->dim[1], t->dim[2], t->dim[3]},
        .n_bytes = t->n_bytes,
    };
    return true;
}

/* ---- Tokens --------------------------------------------------------------------------------- */

lfm_status lfm_tokenize(const lfm_model *m, const char *text, size_t n_bytes, int flags,
                        int32_t **tokens, size_t *n, lfm_error *err) {
    err_clear(err);
    *tokens = NULL;
    *n = 0;
    tok_list list = {0};
    const int32_t bos = flags & LFM_TOKENIZE_BOS && tok_adds_bos(m->tok) ? tok_bos(m->tok) : -1;
    lfm_status st = bos >= 0 ? tok_push(&list, bos, err) : LFM_OK;
    if (st == LFM_OK) {
        st = tok_encode(m->tok, text, n_bytes, (flags & LFM_TOKENIZE_SPECIAL) != 0, &list, err);
    }
    if (st == LFM_OK && bos >= 0 && list.n > 1 && list.ids[1] == bos) { /* the text has its own */
        memmove(list.ids, list.ids + 1, --list.n * sizeof *list.ids);
    }
    if (st != LFM_OK) {
        tok_list_free(&list);
        return st;
    }
    *tokens = list.ids;
    *n = list.n;
    return LFM_OK;
}

const char *lfm_token_bytes(const lfm_model *m, int32_t token, size_t *n_bytes) {
    return tok_bytes(m->tok, token, n_bytes);
}

bool lfm_token_is_control(const lfm_model *m, int32_t token) {
    return tok_is_control(m->tok, token);
}

bool lfm_token_is_end(const lfm_model *m, int32_t token) {
    return tok_is_end(m->tok, token);
}

int32_t lfm_token_bos(const lfm_model *m) {
    return tok_bos(m->tok);
}

int32_t lfm_token_find(const lfm_model *m, const char *name) {
    return tok_find(m->tok, name, strlen(name));
}

/* ---- Sampling ------------------------------------------------------------------------------- */

void lfm_sampling_default(const lfm_model *m, lfm_sampling *out, size_t size) {
    lfm_sampling s = m->sampling;
    s.struct_size = size;
    versioned_write(out, size, &s, sizeof s);
}

lfm_status lfm_sampler_new(lfm_sampler **out, const lfm_model *m, const lfm_sampling *settings,
                           lfm_error *err) {
    lfm_sampling ours;
    err_clear(err);
    *out = NULL;
    lfm_sampling_default(m, &ours, sizeof ours);
    lfm_status st = LFM_OK;
    if (settings) st = versioned_read(&ours, sizeof ours, settings, "lfm_sampling", err);
    return st == LFM_OK ? sampler_new(out, &ours, tok_n_vocab(m->tok), err) : st;
}

void lfm_sampler_free(lfm_sampler *s) {
    sampler_free(s);
}

lfm_status lfm_sampler_accept(lfm_sampler *s, int32_t token, lfm_error *err) {
    err_clear(err);
    return sampler_accept(s, token, err);
}

lfm_status lfm_sampler_pick(lfm_sampler *s, const float *logits, int32_t *token, lfm_error *err) {
    err_clear(err);
    return sampler_pick(s, logits, token, err);
}

lfm_status lfm_logprobs(const float *logits, size_t n_vocab, int32_t token, float *chosen,
                        lfm_logprob *top, size_t k, lfm_error *err) {
    err_clear(err);
    return sampler_logprobs(logits, n_vocab, token, chosen, top, k, err);
}

const char *lfm_version(void) {
    return LFM_VERSION;
}

void lfm_free(void *p) {
    free(p);
}
