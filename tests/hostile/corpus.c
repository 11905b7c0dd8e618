/*
 * corpus.c - writing malformed and almost malformed model files, and what must be said to each.
 *
 * The folder's MANIFEST has a line for each: file, where it is bad, and a part of the error line,
 * separated by tabs.  The same bytes every time.
 */
#include "hostile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const tensor_names[] = {
    "token_embd.weight", "token_embd_norm.weight", "blk.0.attn_norm.weight",
    "blk.0.ffn_norm.weight", "blk.0.shortconv.in_proj.weight", "blk.0.shortconv.conv.weight",
    "blk.0.shortconv.out_proj.weight", "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight",
    "blk.0.ffn_down.weight", "blk.1.attn_q.weight", "blk.1.attn_k.weight",
    "blk.1.attn_v.weight", "blk.1.attn_output.weight", "blk.1.attn_q_norm.weight",
    "blk.1.attn_k_norm.weight", "blk.2.ffn_gate_inp.weight", "blk.2.exp_probs_b.bias",
    "blk.2.ffn_gate_exps.weight", "blk.2.ffn_up_exps.weight", "blk.2.ffn_down_exps.weight",
    NULL,
};

void put_bytes(corpus *c, const char *name, const void *bytes, size_t n, badness bad,
               const char *says) {
    char path[512];
    struct stat info;
    const char *end = strstr(name, ".gguf") ? "" : ".gguf";
    snprintf(path, sizeof path, "%s/%s%s", c->folder, name, end);
    if (stat(path, &info) == 0) {
        fprintf(stderr, "hostile: two cases are called %s\n", name);
        exit(1);
    }
    tiny_save(path, bytes, n);
    fprintf(c->manifest, "%s%s\t%d\t%s\n", name, end, (int)bad, says);
    c->n++;
}

void put_file(corpus *c, const char *name, tiny_file *f, badness bad, const char *says) {
    size_t n = 0;
    uint8_t *bytes = tiny_bytes(f, &n);
    put_bytes(c, name, bytes, n, bad, says);
    free(bytes);
    tiny_free(f);
}

void refused(corpus *c, const char *name, tiny_file *f, const char *says) {
    put_file(c, name, f, BAD_FILE, says);
}

void accepted(corpus *c, const char *name, tiny_file *f) {
    put_file(c, name, f, GOOD, "");
}

tiny_file *good(void) {
    return tiny_new(true, TINY_Q8_0);
}

tiny_file *good_dense(void) {
    return tiny_new(false, TINY_Q8_0);
}

int make_corpus(const char *folder) {
    char path[512];
    corpus c = {.folder = folder};
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/MANIFEST", folder);
    c.manifest = fopen(path, "w");
    if (!c.manifest) {
        perror(path);
        exit(1);
    }
    accepted(&c, "good-moe", good());
    accepted(&c, "good-dense", good_dense());
    make_header_cases(&c);
    make_key_cases(&c);
    make_tensor_cases(&c);
    make_shape_cases(&c);
    make_weight_cases(&c);
    make_vocab_cases(&c);
    make_split_cases(&c);
    if (fclose(c.manifest) != 0) {
        perror(path);
        exit(1);
    }
    return c.n;
}
