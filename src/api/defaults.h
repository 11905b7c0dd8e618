/*
 * defaults.h - the sampler settings that a model asks for.
 */
#ifndef API_DEFAULTS_H
#define API_DEFAULTS_H

#include "gguf/gguf.h"
#include "lfm.h"
#include "model/shape.h"

/* Set what the keys general.sampling.* of a file ask for, the rest as the model's card recommends.
 * Returns the name of the model whose card it is, "" when none is known; *n_keys is the number of
 * settings that the file gives.  A key with an impossible value is ignored. */
const char *defaults_sampling(lfm_sampling *out, uint32_t *n_keys, const gguf_file *f,
                              const model_shape *s);

#endif
