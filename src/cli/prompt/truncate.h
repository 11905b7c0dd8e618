/*
 * truncate.h - cutting a prompt that is too long for the context: --truncate.
 */
#ifndef CLI_PROMPT_TRUNCATE_H
#define CLI_PROMPT_TRUNCATE_H

#include "base/json.h"
#include "cli/options/options.h"

#include "lfm.h"

#include <stddef.h>

/* Most tokens of a prompt with --truncate: the context, less room for an answer (-n, or a quarter
 * of the context; at most three quarters). */
size_t truncate_limit(const cli_options *o, size_t n_ctx);

/* Cut about `n_drop` tokens out of a text, always whole characters, at the place that `how` names.
 * `flags` are those of lfm_tokenize.  LFM_ERR_FULL when the text has no more tokens than that. */
lfm_status truncate_text(json_out *text, const lfm_model *m, opt_truncate how, int flags,
                         size_t n_drop, lfm_error *err);

/* Tokenize a prompt again, now that its text is shorter; *n is the number of tokens. */
typedef lfm_status truncate_again_fn(void *ctx, size_t *n, lfm_error *err);

/* Cut the text of a prompt of `n` tokens until the whole prompt is within truncate_limit.  *n_cut
 * is the number of tokens that were cut.  Only `text` is cut, not what `again` puts around it. */
lfm_status truncate_to_fit(json_out *text, const lfm_model *m, const cli_options *o, size_t n_ctx,
                           size_t n, truncate_again_fn *again, void *ctx, size_t *n_cut,
                           lfm_error *err);

/* Where --truncate cuts, for messages: "beginning". */
const char *truncate_place(opt_truncate how);

#endif
