/*
 * pack.c - the checksum of a model file's head.
 */
#include "gguf/pack.h"

#include "base/bytes.h"
#include "base/checksum.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

bool pack_owns_key(gguf_str name) {
    static const char prefix[] = "lfm.pack.";
    return name.len > sizeof prefix - 1 && memcmp(name.ptr, prefix, sizeof prefix - 1) == 0;
}

static bool is_split_key(gguf_str name) {
    return name.len > 6 && memcmp(name.ptr, "split.", 6) == 0;
}

uint64_t pack_head(const gguf_file *f, const uint64_t *sums) {
    uint64_t sum = PACK_VERSION;
    for (size_t i = 0; i < f->n_keys; i++) {
        const gguf_key *k = &f->keys[i];
        const uint64_t kind[3] = {k->type, k->element, k->count};
        /* The alignment belongs to the file, not to the model, and a packed model is one file. */
        if (pack_owns_key(k->name) || is_split_key(k->name) ||
            (k->name.len == 17 && memcmp(k->name.ptr, "general.alignment", 17) == 0)) {
            continue;
        }
        sum = checksum(k->name.ptr, k->name.len, sum);
        sum = checksum(kind, sizeof kind, sum);
        sum = checksum(k->data, k->n_bytes, sum);
    }
    for (size_t i = 0; i < f->n_tensors; i++) {
        const gguf_tensor *t = &f->tensors[i];
        const uint64_t shape[6] = {t->type, t->dim[0], t->dim[1], t->dim[2], t->dim[3], sums[i]};
        sum = checksum(t->name.ptr, t->name.len, sum);
        sum = checksum(shape, sizeof shape, sum);
    }
    return sum;
}

static lfm_status damaged(const gguf_file *f, const char *what, lfm_error *err) {
    return err_set(err, LFM_ERR_FORMAT, "%s: %s: the file is damaged. Copy or pack it again",
                   f->path, what);
}

lfm_status pack_read(const gguf_file *f, const uint8_t **sums, lfm_error *err) {
    const gguf_key *head = gguf_get(f, PACK_KEY_HEAD);
    const gguf_key *tensors = gguf_get(f, PACK_KEY_TENSORS);
    uint32_t version = 0;
    *sums = NULL;
    lfm_status st = gguf_get_u32(f, PACK_KEY_VERSION, 0, UINT32_MAX, &version, err);
    if (st != LFM_OK || (!gguf_get(f, PACK_KEY_VERSION) && !head && !tensors)) return st;
    if (version != PACK_VERSION) {
        return err_set(err, LFM_ERR_UNSUPPORTED, "%s: packed by another version of lfm (%" PRIu32
                       "; this one reads %u). Pack the original file again", f->path, version,
                       PACK_VERSION);
    }
    if (!head || head->type != GGUF_U64 || !tensors || tensors->type != GGUF_ARRAY ||
        tensors->element != GGUF_U64 || tensors->count != f->n_tensors) {
        return damaged(f, "its checksums are incomplete", err);
    }
    uint64_t *aligned = malloc((f->n_tensors ? f->n_tensors : 1) * sizeof *aligned);
    if (!aligned) return err_set(err, LFM_ERR_MEMORY, "out of memory checking %s", f->path);
    for (size_t i = 0; i < f->n_tensors; i++) {
        aligned[i] = load_u64(tensors->data + 8 * i);
    }
    const bool same = pack_head(f, aligned) == load_u64(head->data);
    free(aligned);
    if (!same) return damaged(f, "metadata and checksum disagree", err);
    *sums = tensors->data;
    return LFM_OK;
}
