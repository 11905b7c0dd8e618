/*
 * vocab.h - a vocabulary and merges of our own, laid out as the family's files are.
 *
 * Byte-level BPE: a token for every byte, then tokens that merge two earlier ones, and the
 * family's special tokens at their true ids.  The words are made up by rule.
 */
#ifndef MKMODEL_VOCAB_H
#define MKMODEL_VOCAB_H

#include "base/error.h"
#include "gguf/gguf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
    VOCAB_SMALL, /* specials, bytes, merges; any size from VOCAB_SMALL_MIN */
    VOCAB_65K,   /* LFM2 and the smaller LFM2.5 models */
    VOCAB_128K   /* LFM2.5-8B-A1B and LFM2.5-2.6B */
} vocab_layout;

enum { VOCAB_SMALL_MIN = 16 + 256, VOCAB_65K_MIN = 64400, VOCAB_128K_MIN = 125011 };

typedef struct {
    gguf_str *tokens;  /* [n], in GPT-2's byte alphabet; specials as they are */
    int32_t *types;    /* [n] */
    size_t n;
    gguf_str *merges;  /* [n_merges] "left right" */
    size_t n_merges;
    uint32_t bos, eos, pad;
    bool says_add_bos; /* the file has add_bos_token */
    char *text;        /* all of the above points here */
} vocab;

/* Make a vocabulary of `n` tokens; a layout that does not fit into n becomes VOCAB_SMALL.
 * LFM_ERR_ARG below VOCAB_SMALL_MIN. */
lfm_status vocab_build(vocab *v, vocab_layout layout, size_t n, lfm_error *err);
void vocab_drop(vocab *v); /* safe on a zeroed struct */

#endif
