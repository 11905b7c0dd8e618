/*
 * batch_line.h - one line of `lfm batch`: the request, and the line of its answer.
 */
#ifndef CLI_BATCH_BATCH_LINE_H
#define CLI_BATCH_BATCH_LINE_H

#include "base/json.h"
#include "cli/batch/batch_session.h"
#include "cli/options/options.h"
#include "cli/prompt/conversation.h"
#include "cli/prompt/tools_offered.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>

/* The format of a line and of its answer. */
typedef enum { LINE_PLAIN, LINE_OBJECT, LINE_OPENAI } line_format;

/* A zeroed struct is an empty one. */
typedef struct {
    line_format format;
    json_out id;           /* as JSON: the id in the line, or the number of the line */
    cli_options o;         /* the command's options, with the changes of the line; pointers are
                              borrowed, or owned by the fields below */
    json_out prompt;       /* the prompt, without the text of --each; empty with "messages" */
    conversation talk;     /* all messages up to the prompt; empty with --raw */
    bool has_prompt;       /* the last message of `talk` is the prompt */
    json_out text;         /* with --raw: the prompt in the text of --each */
    char *prefill;         /* owned; o.prefill points to it */
    json_out kwargs;       /* owned; o.template_kwargs points to it */
    char **stops;          /* [n_stops] owned; o.stops points to it */
    size_t n_stops;
    lfm_logit_bias *bias;  /* owned; o.bias points to it */

    tools_offered tools;
    char *tool_choice;     /* owned; o.tool_choice points to it */
    json_out grammar;      /* the grammar of the answer, in the notation of `grammar_kind`; empty =
                              that of the command line */
    lfm_constraint_kind grammar_kind;
    bool no_grammar;       /* the answer is unconstrained, even if the command line has a grammar */

    batch_session *session; /* the session that the line continues; NULL = none */
    bool waits;             /* the session is busy: read the line again when it is free */
} batch_line;

/* Read line `number` (from 1).  `system` is the shared system prompt, or NULL.  `named` are the
 * sessions; NULL = lines cannot name one.  The id is set even when the line is wrong. */
lfm_status batch_line_read(batch_line *l, const cli_options *o, const json_out *system,
                           batch_sessions *named, const char *text, size_t len, size_t number,
                           lfm_error *err);
void batch_line_drop(batch_line *l);

/* Build the conversation, or with --raw the text, from l->prompt again, after it was cut. */
lfm_status batch_line_render(batch_line *l, lfm_error *err);

/* Read the keys of a line (in OpenAI's format, of its body) that concern the answer, into l->o,
 * l->grammar and so on.  LFM_ERR_ARG for an unknown key. */
lfm_status batch_keys_read(batch_line *l, const json_value *body, lfm_error *err);

/* Is it a string, not empty, without NUL?  A copy of such a string; NULL = out of memory. */
bool batch_is_text(const json_value *v);
char *batch_copy_text(const json_value *v);

typedef struct {
    const lfm_answer_state *state;
    bool logprobs; /* write log-probabilities */
    uint64_t seed;
    size_t n_prompt, n_reused;
    size_t n_truncated; /* prompt tokens that --truncate cut */
    double prefill_ms, decode_ms;
    const lfm_model *model;
} batch_answer;

/* Append the answer as a line, with its newline. */
void batch_line_answer(json_out *out, const batch_line *l, const batch_answer *a);

/* The same for a line that failed.  `code` is the exit code that `lfm run` would have returned. */
void batch_line_error(json_out *out, const batch_line *l, int code, const char *message);

/* Append the id of a line of OUT, as JSON.  False when the line is not an answer without error. */
bool batch_line_done_id(json_out *id, const char *text, size_t len);

#endif
