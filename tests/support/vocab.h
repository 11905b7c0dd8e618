/*
 * vocab.h - makes small GGUF files that hold nothing but a tokenizer, for tests.
 *
 * The vocabulary is: the extra tokens first, then one token per byte in order of the bytes, then
 * the results of the merges that are not tokens yet.
 */
#ifndef SUPPORT_VOCAB_H
#define SUPPORT_VOCAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *text; /* as it stands in the file */
    uint32_t type;
} vocab_token;

/* Zeroed: a file that can be loaded, with no merges, no special tokens and no ids. */
typedef struct {
    const char *model;       /* NULL = "gpt2", "" = no key */
    const char *pre;         /* NULL = "lfm2", "" = no key */
    const vocab_token *extra;
    size_t n_extra;
    const char *const *merges; /* "left right", in GPT-2's alphabet */
    size_t n_merges;
    const char *const *ids; /* pairs "bos", "17": tokenizer.ggml.bos_token_id = 17 */
    size_t n_ids;
    int add_bos;          /* 0 = no key, 1 = false, 2 = true */
    int drop_byte;        /* this byte + 1 has no token; 0 = all have one */
    int more_types;       /* elements of token_type less the number of tokens */
    uint32_t types_kind;  /* element type of token_type in the file; 0 = i32 (5) */
    uint32_t tokens_kind; /* element type of tokens: 0 = string (8) */
    bool no_types;
    bool empty_merges;    /* none; otherwise n_merges 0 gives one that no test needs */
    bool no_merges;       /* no key */
    size_t long_token;    /* one more token with so many letters */
} vocab_spec;

/* The bytes of the file; to be freed.  Ends the program when memory runs out. */
uint8_t *vocab_file(const vocab_spec *spec, size_t *size);

#endif
