/*
 * tokenizer.h - bytes <-> token ids: byte-level BPE as the LFM2 family uses it.
 *
 * The vocabulary, merges and special tokens come from the GGUF (tokenizer.ggml.*); the text is
 * split by the llama-3 rule (pretok.c) before merges are applied inside each piece.
 */
#ifndef TOKEN_TOKENIZER_H
#define TOKEN_TOKENIZER_H

#include "base/error.h"
#include "gguf/gguf.h"
#include "token/tok_list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* tokenizer.ggml.token_type */
enum { TOK_NORMAL = 1, TOK_UNKNOWN, TOK_CONTROL, TOK_USER_DEFINED, TOK_UNUSED, TOK_BYTE };

typedef struct tokenizer tokenizer; /* immutable once loaded */

/* Read the tokenizer.ggml.* keys.  The file's arrays are checked (types, counts, ranges, names that
 * are not in the GPT-2 byte alphabet); afterwards only the mapping of the file must stay. */
lfm_status tok_load(tokenizer **out, const gguf_file *f, lfm_error *err);
void tok_free(tokenizer *t); /* NULL is fine */

size_t tok_n_vocab(const tokenizer *t);
int32_t tok_bos(const tokenizer *t);       /* -1 = none */
bool tok_adds_bos(const tokenizer *t);     /* does the file ask for it? */
bool tok_is_control(const tokenizer *t, int32_t id);
bool tok_is_end(const tokenizer *t, int32_t id); /* eos, <|im_end|>, <|endoftext|> */
int32_t tok_find(const tokenizer *t, const char *text, size_t len); /* exact text; -1 = none */

/* The bytes of a token, NUL not included; control and user-defined tokens give their text.
 * The pointer lives as long as the tokenizer.  Ids outside the vocabulary give length 0. */
const char *tok_bytes(const tokenizer *t, int32_t id, size_t *len);

/* Append the ids of `n` bytes to `out`; no BOS.  `special`: control tokens written in the text
 * become those tokens; otherwise only user-defined ones do.  Any bytes are accepted and decode back
 * to themselves.  Time is linear in n, apart from the logarithm of a piece's length. */
lfm_status tok_encode(const tokenizer *t, const char *text, size_t n, bool special, tok_list *out,
                      lfm_error *err);

/* The same for a text of which own[i] says whether byte i may be a part of a control token's name:
 * only names whose bytes all may be become tokens. */
lfm_status tok_encode_own(const tokenizer *t, const char *text, const char *own, size_t n,
                          tok_list *out, lfm_error *err);

#endif
