/*
 * batch_line.h - one line of `lfm batch`: what it asks for, and the line that answers it.
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

/* How a line is written, and so how its answer is. */
typedef enum { LINE_PLAIN, LINE_OBJECT, LINE_OPENAI } line_format;

/* A zeroed struct is an empty one. */
typedef struct {
    line_format format;
    json_out id;           /* as JSON: that of the line, or its number */
    cli_options o;         /* the command's, with what the line changes; borrowed but for what is
                              owned below */
    json_out prompt;       /* the text that --each is put around; empty with "messages" */
    conversation talk;     /* up to the prompt; empty with --raw */
    bool has_prompt;       /* the prompt is the last message of it */
    json_out text;         /* the prompt with --raw */
    char *prefill;         /* owned; o.prefill points to it */
    char **stops;          /* [n_stops] owned; o.stops points to it */
    size_t n_stops;
    lfm_logit_bias *bias;  /* owned; o.bias points to it */

    tools_offered tools;
    char *tool_choice;     /* owned; o.tool_choice points to it */
    json_out shape;        /* what the answer must be, in the notation of `shape_kind`; empty = what
                              the command line says */
    lfm_constraint_kind shape_kind;
    bool shapeless;        /* the line wants no form, whatever the command line says */

    batch_session *session; /* that the line belongs to; NULL = none */
    bool waits;             /* the session is busy: read the line again when it is not */
} batch_line;

/* Read line `number` (from 1).  `system` is the shared system prompt, NULL: none; `open` the
 * sessions, NULL: lines can have none.  The id is set even when the line is wrong. */
lfm_status batch_line_read(batch_line *l, const cli_options *o, const json_out *system,
                           batch_sessions *open, const char *text, size_t len, size_t number,
                           lfm_error *err);
void batch_line_drop(batch_line *l);

/* Make the conversation, or with --raw the text, of l->prompt once more: it was cut. */
lfm_status batch_line_render(batch_line *l, lfm_error *err);

/* Read what the keys of a line (in OpenAI's format, of its body) say about the answer: into l->o,
 * l->shape and so on.  LFM_ERR_ARG for a key that is unknown. */
lfm_status batch_keys_read(batch_line *l, const json_value *body, lfm_error *err);

/* Is it a text, not empty, that C can take?  A copy of it; NULL when memory runs out. */
bool batch_is_text(const json_value *v);
char *batch_copy_text(const json_value *v);

typedef struct {
    const lfm_answer_state *state;
    bool logprobs; /* were asked for */
    uint64_t seed;
    size_t n_prompt, n_reused;
    size_t n_truncated; /* tokens that --truncate took away */
    double prefill_ms, decode_ms;
    const lfm_model *model;
} batch_answer;

/* The answer as a line with its newline. */
void batch_line_answer(json_out *out, const batch_line *l, const batch_answer *a);

/* The same for a line that failed; `code` is the exit code that it would have had alone. */
void batch_line_error(json_out *out, const batch_line *l, int code, const char *message);

/* The id of a line of OUT as JSON text; false when it is not an answer to count. */
bool batch_line_done_id(json_out *id, const char *text, size_t len);

#endif
