/*
 * sampling.h - from the command line to a sampler.
 */
#ifndef CLI_PROMPT_SAMPLING_H
#define CLI_PROMPT_SAMPLING_H

#include "cli/options/options.h"

#include "lfm.h"

/* A sampler with the settings of --preset and what else was given.  *settings tells them, with the
 * seed that was taken, but without the bias. */
lfm_status sampling_choose(lfm_sampler **out, lfm_sampling *settings, const lfm_model *m,
                           const cli_options *o, lfm_error *err);

#endif
