/*
 * weights.c - weights that are no numbers (# 105, 106), and parts of split files (# 126).
 */
#include "hostile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All floats of a tensor become `value`.  Vectors are looked at when a model is opened, matrices
 * only when they are used. */
static void weight_case(corpus *c, const char *name, const char *tensor, float value) {
    tiny_file *f = good();
    tiny_tensor *t = tiny_get_tensor(f, tensor);
    const uint16_t half = isnan(value) ? 0x7e00 : 0x7c00;
    for (size_t i = 0; i + 4 <= t->n_bytes; i += t->type == TINY_F32 ? 4 : 34) {
        if (t->type == TINY_F32) {
            memcpy(t->data + i, &value, 4);
        } else {
            memcpy(t->data + i, &half, 2);
        }
    }
    const bool vector = t->type == TINY_F32 && !strstr(tensor, "gate_inp");
    put_file(c, name, f, vector ? BAD_TENSORS : BAD_WEIGHTS, vector ? "is not finite" : "");
}

void make_weight_cases(corpus *c) {
    static const char *const every[] = {
        "token_embd.weight", "token_embd_norm.weight", "blk.0.attn_norm.weight",
        "blk.0.ffn_norm.weight", "blk.0.shortconv.in_proj.weight", "blk.0.shortconv.conv.weight",
        "blk.0.shortconv.out_proj.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight",
        "blk.0.ffn_down.weight", "blk.1.attn_q.weight", "blk.1.attn_k.weight",
        "blk.1.attn_v.weight", "blk.1.attn_output.weight", "blk.1.attn_q_norm.weight",
        "blk.1.attn_k_norm.weight", "blk.2.ffn_gate_inp.weight", "blk.2.exp_probs_b.bias",
        "blk.2.ffn_gate_exps.weight", "blk.2.ffn_up_exps.weight", "blk.2.ffn_down_exps.weight",
    };
    char name[80];
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        snprintf(name, sizeof name, "w105-nan-%s", every[i]);
        weight_case(c, name, every[i], NAN);
        snprintf(name, sizeof name, "w105-inf-%s", every[i]);
        weight_case(c, name, every[i], INFINITY);
    }
    tiny_file *f = good();
    for (size_t i = 0; i < f->n_tensors; i++) {
        memset(f->tensors[i].data, 0, f->tensors[i].n_bytes);
    }
    accepted(c, "w106-all-zero", f);
    f = good();
    for (size_t i = 0; i < f->n_tensors; i++) {
        memset(f->tensors[i].data, 0xff, f->tensors[i].n_bytes);
    }
    put_file(c, "w105-all-nan", f, BAD_TENSORS, "finite");
    f = good_dense();
    for (size_t i = 0; i < f->n_tensors; i++) {
        memset(f->tensors[i].data, 0x7e, f->tensors[i].n_bytes);
    }
    put_file(c, "w105-all-huge", f, BAD_WEIGHTS, "");
}

/* ---- Split files ---------------------------------------------------------------------------- */

static void split_case(corpus *c, const char *name, uint32_t no, uint32_t count, uint32_t n_tensors,
                       badness bad, const char *says) {
    tiny_file *f = good();
    const uint16_t small[2] = {(uint16_t)no, (uint16_t)count};
    tiny_put(f, "split.no", 2, &small[0], 2);
    tiny_put(f, "split.count", 2, &small[1], 2);
    tiny_put_u32(f, "split.tensors.count", n_tensors ? n_tensors : (uint32_t)f->n_tensors);
    put_file(c, name, f, bad, says);
}

void make_split_cases(corpus *c) {
    split_case(c, "s126-alone-of-3", 0, 3, 0, BAD_FILE, "part 1 of 3");
    split_case(c, "s126-no-5", 5, 1, 0, BAD_FILE, "part 6 of 1");
    split_case(c, "s126-count-0", 0, 0, 0, GOOD, "");
    split_case(c, "s126-count-1", 0, 1, 0, GOOD, "");
    split_case(c, "s126-too-few-tensors", 0, 1, 9, BAD_FILE, "there should be 9");
    split_case(c, "s126-count-max", 0, 65535, 0, BAD_FILE, "part 1 of 65535");
    split_case(c, "s126-missing-00001-of-00002.gguf", 0, 2, 0, BAD_FILE, "00002-of-00002.gguf");
    split_case(c, "s126-not-first-00002-of-00002.gguf", 1, 2, 0, BAD_FILE, "00001-of-00002.gguf");
    split_case(c, "s126-one-00001-of-00001.gguf", 0, 1, 0, GOOD, "");
    split_case(c, "s126-unsaid-00001-of-00003.gguf", 0, 2, 0, BAD_FILE, "part 1 of 2");
    split_case(c, "s126-zero-00000-of-00002.gguf", 0, 2, 0, BAD_FILE, "not possible");
    split_case(c, "s126-past-00003-of-00002.gguf", 0, 2, 0, BAD_FILE, "not possible");
    split_case(c, "s126-huge-00001-of-99999.gguf", 0, 2, 0, BAD_FILE, "not possible");
    tiny_file *f = good();
    tiny_put_str(f, "split.count", "3");
    refused(c, "s126-count-string", f, "should be an integer");
    f = good();
    tiny_put_f32(f, "split.no", 1.5f);
    refused(c, "s126-no-f32", f, "should be an integer");
    /* Twice the same part: every tensor is there twice. */
    split_case(c, "s126-twin-00001-of-00002.gguf", 0, 2, 0, BAD_FILE, "");
    split_case(c, "s126-twin-00002-of-00002.gguf", 1, 2, 0, BAD_FILE, "appears twice");
}
