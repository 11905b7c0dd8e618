/*
 * pretok.h - how a text is split before merges are applied.
 *
 * The llama-3 rule, which tokenizer.ggml.pre = "lfm2" and "llama-bpe" share.  At each place the
 * first alternative that matches is taken, as long as it can be:
 *
 *     (?i:'s|'t|'re|'ve|'m|'ll|'d)
 *     [^\r\n\p{L}\p{N}]?\p{L}+
 *     \p{N}{1,3}
 *      ?[^\s\p{L}\p{N}]+[\r\n]*
 *     \s*[\r\n]+
 *     \s+(?!\S)
 *     \s+
 *
 * Source: llama.cpp's expression for LLAMA_VOCAB_PRE_TYPE_LLAMA3.
 *
 * Text is UTF-8.  A byte that is not part of a well-formed character (overlong forms, surrogates
 * and values past U+10FFFF included) counts as one character that is neither letter, number nor
 * white space, which is how U+FFFD would be classified.  So every text can be split, and its pieces
 * together are the text.
 */
#ifndef TOKEN_PRETOK_H
#define TOKEN_PRETOK_H

#include "base/unicode/unicode.h"

#include <stddef.h>

/* Length in bytes of the first piece of text[n], n >= 1; at least 1, at most n.  The rule "white
 * space before the end" takes the end of `text` as the end.  Splitting a whole text piece by piece
 * takes time linear in its length. */
size_t tok_next_piece(const char *text, size_t n);

/* Class of the character at text[0], n >= 1, and its length in bytes. */
unicode_class tok_char_class(const char *text, size_t n, size_t *len);

#endif
