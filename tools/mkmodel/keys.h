/*
 * keys.h - the metadata of a synthetic file.
 */
#ifndef MKMODEL_KEYS_H
#define MKMODEL_KEYS_H

#include "convert/write.h"
#include "plan.h"
#include "vocab.h"

/* Put every key that the published files have, in their order. */
void keys_put(gguf_writer *w, const shape *s, const mix *m, const plan *p, const vocab *v);

#endif
