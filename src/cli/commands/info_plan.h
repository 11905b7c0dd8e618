/*
 * info_plan.h - what a model costs: memory for contexts, and how fast it can be.
 */
#ifndef CLI_COMMANDS_INFO_PLAN_H
#define CLI_COMMANDS_INFO_PLAN_H

#include "cli/options/options.h"

#include "lfm.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t n_tokens;
    uint64_t state_bytes, scratch_bytes;
    double read_s; /* of reading a prompt of this length; 0: not measured */
} info_plan_row;

enum { INFO_MAX_PLANS = 4 };

/* The memory for contexts of a few lengths, or of -c alone; with --plan, the time to read them,
 * which is measured. */
lfm_status info_plan(const lfm_model *m, const cli_options *o, info_plan_row rows[INFO_MAX_PLANS],
                     size_t *n, lfm_error *err);
lfm_status info_print_plan(const lfm_model *m, const cli_options *o, lfm_error *err);

/* The limits of this machine: decoding a token reads its share of the weights once, and a token of
 * a prompt takes operations on int8. */
typedef struct {
    double read_bytes_per_s;
    double max_tok_s;
    double int8_ops_per_s;
    double max_prompt_tok_s; /* 0: the weights are floats */
    uint32_t n_threads;
} info_ceiling;

lfm_status info_measure(const lfm_model *m, const cli_options *o, info_ceiling *c, lfm_error *err);
lfm_status info_print_probe(const lfm_model *m, const cli_options *o, lfm_error *err);

#endif
