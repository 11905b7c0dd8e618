/*
 * tokenizer_internal.h - what the files of the tokenizer share.
 */
#ifndef TOKEN_TOKENIZER_INTERNAL_H
#define TOKEN_TOKENIZER_INTERNAL_H

#include "token/bpe.h"
#include "token/specials.h"
#include "token/tokenizer.h"

/* Hash table: bytes -> token. */
typedef struct {
    uint32_t tag; /* upper half of the hash */
    uint32_t id;  /* + 1; 0 = empty slot */
} tok_slot;

struct tokenizer {
    uint32_t n_vocab;
    uint8_t *types;    /* [n_vocab] */
    uint32_t *starts;  /* [n_vocab + 1] in `pool` */
    char *pool;        /* the bytes of all tokens */
    tok_slot *slots;  /* tokens that are written in the alphabet, by their bytes */
    size_t n_slots;    /* a power of two */
    size_t longest;    /* bytes of the longest one of those */
    tok_merges merges;
    int32_t byte_id[256]; /* -1 = none */
    tok_specials specials;     /* control, user-defined and unknown tokens */
    tok_specials user_defined; /* only these are found in untrusted text */
    int32_t bos; /* -1 = none */
    bool adds_bos;
    int32_t ends[5];
    int n_ends;
};

/* The hash of a text, for the table of tokens. */
uint64_t tok_hash(const char *text, size_t n);
void tok_prefetch(const tokenizer *t, uint64_t hash);

/* The slot of a text, or the empty one where it belongs. */
tok_slot *tok_slot_of(const tokenizer *t, const char *text, size_t len, uint64_t hash);

/* The token with these bytes, or -1. */
int32_t tok_find_text(const tokenizer *t, const char *text, size_t len);

/* The same among tokens that ordinary text may become; len is not 0. */
int32_t tok_find_symbol(const tokenizer *t, const char *text, size_t len);
int32_t tok_find_hashed(const tokenizer *t, const char *text, size_t len, uint64_t hash);

#endif
