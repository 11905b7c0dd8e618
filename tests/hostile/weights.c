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
    char name[80];
    for (size_t i = 0; tensor_names[i]; i++) {
        snprintf(name, sizeof name, "w105-nan-%s", tensor_names[i]);
        weight_case(c, name, tensor_names[i], NAN);
        snprintf(name, sizeof name, "w105-inf-%s", tensor_names[i]);
        weight_case(c, name, tensor_names[i], INFINITY);
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
    f = good();
    tiny_tensor *scale = tiny_add_tensor(f, "blk.1.ffn_up_exps.scale", TINY_F32, 4, 1, 1);
    memset(scale->data, 0xff, scale->n_bytes);
    tiny_layout(f);
    put_file(c, "w105-nan-scale", f, BAD_TENSORS, "'blk.1.ffn_up_exps.scale' has NaN");
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
