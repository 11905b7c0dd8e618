/*
 * truncate.h - a prompt that does not fit, cut where the user wants it cut: --truncate.
 */
#ifndef CLI_PROMPT_TRUNCATE_H
#define CLI_PROMPT_TRUNCATE_H

#include "base/json.h"
#include "cli/options/options.h"

#include "lfm.h"

#include <stddef.h>

/* The most tokens that a prompt may have with --truncate: what the context holds, less room for an
 * answer (-n, or a quarter of the context; never more than three quarters). */
size_t truncate_limit(const cli_options *o, size_t n_ctx);

/* Take about `n_drop` tokens out of a text, and never part of a character: from the place that
 * `how` names.  `flags` are those of lfm_tokenize.  LFM_ERR_FULL when the text has no more
 * than that. */
lfm_status truncate_text(json_out *text, const lfm_model *m, opt_truncate how, int flags,
                         size_t n_drop, lfm_error *err);

/* Make the tokens of a prompt again, now that its text is shorter; *n: how many they are. */
typedef lfm_status truncate_again_fn(void *ctx, size_t *n, lfm_error *err);

/* Cut the text of a prompt of `n` tokens until all of it is within truncate_limit.  *n_cut is how
 * many tokens it lost.  The text alone is cut, not what `again` puts around it. */
lfm_status truncate_to_fit(json_out *text, const lfm_model *m, const cli_options *o, size_t n_ctx,
                           size_t n, truncate_again_fn *again, void *ctx, size_t *n_cut,
                           lfm_error *err);

/* Where --truncate cuts, for messages: "beginning". */
const char *truncate_place(opt_truncate how);

#endif
