/*
 * hostile.h - what the makers of malformed files share.
 *
 * The numbers of classes ("# 50") are those of the catalogue in README.md.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "../support/put.h"
#include "../support/tiny.h"

#include <stdio.h>

/* A literal and its length, NULs in it included. */
#define TEXT(literal) (literal), sizeof(literal) - 1

typedef struct {
    const char *folder;
    FILE *manifest;
    int n;
} corpus;

/* The part of a model in which a case is bad, which tells who must refuse it.  `lfm run`, `verify`
 * and `quantize` refuse all of them; `info` does not look at weights, and `tokenize` neither at
 * weights nor at which tensors there are. */
typedef enum { GOOD, BAD_FILE, BAD_TENSORS, BAD_VOCAB, BAD_WEIGHTS } badness;

/* Write bytes as the next file.  The error line holds `says`. */
void put_bytes(corpus *c, const char *name, const void *bytes, size_t n, badness bad,
               const char *says);

/* The same for a file in pieces, which is freed. */
void put_file(corpus *c, const char *name, tiny_file *f, badness bad, const char *says);

/* The same with BAD_FILE, and with GOOD. */
void refused(corpus *c, const char *name, tiny_file *f, const char *says);
void accepted(corpus *c, const char *name, tiny_file *f);

/* Good models: mixture of experts and dense, Q8_0. */
tiny_file *good(void);
tiny_file *good_dense(void);

/* A tensor of each kind that good() has; NULL at the end. */
extern const char *const tensor_names[];

void make_header_cases(corpus *c);
void make_key_cases(corpus *c);
void make_tensor_cases(corpus *c);
void make_shape_cases(corpus *c);
void make_weight_cases(corpus *c);
void make_vocab_cases(corpus *c);
void make_split_cases(corpus *c);

/* All of them into a folder, which is made.  Ends the program when that cannot be done. */
int make_corpus(const char *folder);

#endif
