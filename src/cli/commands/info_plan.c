/*
 * info_plan.c - what a model costs: memory for contexts, and how fast it can be.
 */
#include "cli/commands/info_plan.h"

#include "cli/reading/measure.h"
#include "cli/shared/common.h"
#include "lfm_tools.h"

#include <inttypes.h>
#include <stdio.h>

/* Set the times of the rows, the last of which is the longest. */
static lfm_status plan_times(const lfm_model *m, const cli_options *o, info_plan_row *rows,
                             size_t n, lfm_error *err) {
    lfm_session *s = NULL;
    reading_cost cost = {0};
    lfm_status st = cli_new_session(&s, m, o, err);
    if (st == LFM_OK) st = reading_measure(&cost, s, rows[n - 1].n_tokens, err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        rows[i].read_s = reading_seconds(cost, 0, rows[i].n_tokens);
    }
    lfm_session_free(s);
    return st;
}

lfm_status info_plan(const lfm_model *m, const cli_options *o, info_plan_row rows[INFO_MAX_PLANS],
                     size_t *n, lfm_error *err) {
    const uint32_t most = lfm_model_get_info(m)->n_ctx_max;
    const lfm_session_options opt = cli_session_options(o);
    const uint32_t lengths[INFO_MAX_PLANS] = {1024, 8192, 32768, most};
    *n = 0;
    for (size_t i = 0; i < INFO_MAX_PLANS; i++) {
        const uint32_t length = opt.n_ctx ? opt.n_ctx : lengths[i];
        if (i + 1 < INFO_MAX_PLANS && length >= most && !opt.n_ctx) continue;
        info_plan_row *row = &rows[(*n)++];
        *row = (info_plan_row){.n_tokens = length};
        const lfm_status st =
            lfm_session_plan(m, &opt, length, &row->state_bytes, &row->scratch_bytes, err);
        if (st != LFM_OK) return st;
        if (opt.n_ctx) break;
    }
    return o->plan ? plan_times(m, o, rows, *n, err) : LFM_OK;
}

lfm_status info_print_plan(const lfm_model *m, const cli_options *o, lfm_error *err) {
    info_plan_row rows[INFO_MAX_PLANS];
    size_t n = 0;
    const lfm_model_info *info = lfm_model_get_info(m);
    const lfm_status st = info_plan(m, o, rows, &n, err);
    if (st != LFM_OK) return st;
    printf("memory     weights %s, mapped from the file; %s of them are read for every token\n",
           cli_size(info->tensor_bytes).text, cli_size(info->token_bytes).text);
    for (size_t i = 0; i < n; i++) {
        printf("           context %7s   state %10s   scratch %10s%s%s\n",
               cli_grouped(rows[i].n_tokens).text, cli_size(rows[i].state_bytes).text,
               cli_size(rows[i].scratch_bytes).text, o->plan ? "   read in " : "",
               o->plan ? reading_about(rows[i].read_s).text : "");
    }
    return LFM_OK;
}

lfm_status info_measure(const lfm_model *m, const cli_options *o, info_ceiling *c, lfm_error *err) {
    lfm_session *s = NULL;
    lfm_status st = cli_new_session(&s, m, o, err);
    if (st == LFM_OK) {
        st = lfm_read_bandwidth(s, &c->read_bytes_per_s, err);
        c->n_threads = lfm_session_n_threads(s);
        c->max_tok_s = c->read_bytes_per_s / (double)lfm_model_get_info(m)->token_bytes;
        const double ops = (double)lfm_int8_ops(m, false);
        c->int8_ops_per_s = lfm_int8_peak(s);
        c->max_prompt_tok_s = ops > 0 ? c->int8_ops_per_s / ops : 0.0;
    }
    lfm_session_free(s);
    return st;
}

lfm_status info_print_probe(const lfm_model *m, const cli_options *o, lfm_error *err) {
    info_ceiling c = {0};
    const lfm_status st = info_measure(m, o, &c, err);
    if (st == LFM_OK) {
        printf("speed      at most %.0f tok/s: %" PRIu32 " thread%s read %.1f GB/s, and a token "
               "takes %s\n",
               c.max_tok_s, c.n_threads, c.n_threads == 1 ? "" : "s", c.read_bytes_per_s * 1e-9,
               cli_size(lfm_model_get_info(m)->token_bytes).text);
    }
    if (st == LFM_OK && c.max_prompt_tok_s > 0) {
        printf("           prompts at most %.0f tok/s: %.0f GOP/s on int8, and a token takes "
               "%.3g GOP\n",
               c.max_prompt_tok_s, c.int8_ops_per_s * 1e-9,
               1e-9 * c.int8_ops_per_s / c.max_prompt_tok_s);
    }
    return st;
}
