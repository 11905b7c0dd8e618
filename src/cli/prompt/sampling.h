/*
 * sampling.h - command-line options -> a sampler.
 */
#ifndef CLI_PROMPT_SAMPLING_H
#define CLI_PROMPT_SAMPLING_H

#include "cli/options/options.h"

#include "lfm.h"

/* Make a sampler from --preset and the other options.  *settings receives its settings, with the
 * seed that is used, but without the biases. */
lfm_status sampling_choose(lfm_sampler **out, lfm_sampling *settings, const lfm_model *m,
                           const cli_options *o, lfm_error *err);

#endif
