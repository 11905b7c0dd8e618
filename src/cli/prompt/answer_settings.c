/*
 * answer_settings.c - command-line options -> lfm_answer_options.
 */
#include "cli/prompt/answer_settings.h"

lfm_answer_options answer_settings(const cli_options *o, const char *begins,
                                   const json_out *tools) {
    lfm_answer_options s;
    lfm_answer_defaults(&s, sizeof s);
    if (o->n_predict.given && o->n_predict.value >= 0) {
        s.max_tokens = (int64_t)o->n_predict.value;
    }
    if (opt_thinking(o) == THINK_OFF) {
        s.max_thoughts = 0;
    } else if (o->think_budget.given && o->think_budget.value >= 0) {
        s.max_thoughts = (int64_t)o->think_budget.value;
    }
    s.thoughts_end = o->think_message;
    s.prefill = begins;
    s.stops = o->stops;
    s.n_stops = o->n_stops;
    if (tools->len > 0) {
        s.tools = tools->ptr;
        s.tool_calls = o->tool_calls == TOOL_CALLS_RAW ? LFM_TOOL_CALLS_TEXT : LFM_TOOL_CALLS_READ;
    }
    s.no_thoughts = o->raw;
    s.show_control = o->special;
    s.allow_loops = o->loop_guard || o->ignore_eos;
    s.shift_context = o->on_overflow == OVERFLOW_SHIFT;
    s.n_keep = o->n_keep.value > 0 ? (size_t)o->n_keep.value : 0;
    s.logprobs = o->logprobs.given;
    s.n_top = (size_t)o->logprobs.value;
    return s;
}
