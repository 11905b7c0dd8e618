/*
 * lfm.h - run Liquid AI's LFM2 models on a CPU.
 *
 * lfm_tools.h has the tools around it: making model files, checking this machine.
 *
 *     lfm_model *model = NULL;
 *     lfm_session *session = NULL;
 *     lfm_sampler *sampler = NULL;
 *     lfm_answer *answer = NULL;
 *     const lfm_message question = {.role = "user", .text = "Who are you?", .len = 12};
 *     int32_t *tokens = NULL;
 *     size_t n = 0, n_reused = 0;
 *     lfm_error err;
 *     lfm_status st = lfm_model_open(&model, "model.gguf", NULL, &err);
 *     if (st == LFM_OK) st = lfm_session_new(&session, model, NULL, &err);
 *     if (st == LFM_OK) st = lfm_sampler_new(&sampler, model, NULL, &err);
 *     if (st == LFM_OK) {
 *         st = lfm_chat_tokenize_messages(model, &question, 1, NULL, &tokens, &n, NULL, NULL,
 *                                         &err);
 *     }
 *     if (st == LFM_OK) st = lfm_session_sync(session, tokens, n, &n_reused, &err);
 *     if (st == LFM_OK) {
 *         st = lfm_answer_new(&answer, session, sampler, NULL, NULL, tokens, n, &err);
 *     }
 *     if (st == LFM_OK) st = lfm_answer_run(answer, NULL, NULL, &err);
 *     if (st == LFM_OK) st = lfm_answer_end(answer, LFM_FINISH_NONE, &err);
 *     if (st == LFM_OK) puts(lfm_answer_get(answer)->text);
 *     if (st != LFM_OK) fprintf(stderr, "%s\n", err.text);
 *
 * A model is immutable once opened; threads may share it.  A session is one timeline of tokens; use
 * it from one thread at a time.  Functions that can fail return a status and fill `err`, which may
 * be NULL; its text is one line without a newline at the end.
 */
#ifndef LFM_H
#define LFM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Until 1.0 a new minor version may change anything here; a new patch version changes nothing that
 * a program can see.  From 1.0 on, names stay, and structs grow at their ends only. */
#define LFM_VERSION_MAJOR 0
#define LFM_VERSION_MINOR 1
#define LFM_VERSION_PATCH 0
#define LFM_VERSION_QUOTE(x) #x
#define LFM_VERSION_JOIN(a, b, c) \
    LFM_VERSION_QUOTE(a) "." LFM_VERSION_QUOTE(b) "." LFM_VERSION_QUOTE(c)
#define LFM_VERSION LFM_VERSION_JOIN(LFM_VERSION_MAJOR, LFM_VERSION_MINOR, LFM_VERSION_PATCH)

/* The version of the library that runs; LFM_VERSION is that of the header. */
const char *lfm_version(void);

/* Option structs begin with struct_size.  Zero the struct, then set fields: zero is the default
 * (fill lfm_sampling and lfm_answer_options with their defaults instead).  A struct_size of 0 means
 * the fields of version 0.1; set it to sizeof to use fields that were added later.  A library that
 * does not know them returns LFM_ERR_ARG unless they are zero. */

typedef enum {
    LFM_OK = 0,
    LFM_ERR_IO,          /* the operating system refused: open, read, map, thread */
    LFM_ERR_FORMAT,      /* the file is damaged or contradicts itself */
    LFM_ERR_UNSUPPORTED, /* a valid file or request that this program does not implement */
    LFM_ERR_MEMORY,      /* an allocation failed, or the plan does not fit */
    LFM_ERR_ARG,         /* the caller's arguments are wrong */
    LFM_ERR_FULL,        /* the context has no room for these tokens */
    LFM_ERR_NUMERIC,     /* the model produced NaN or infinity */
    LFM_ERR_STOPPED      /* a callback of the caller asked to stop */
} lfm_status;

typedef struct {
    lfm_status status;
    char text[400];
} lfm_error;

typedef struct lfm_model lfm_model;     /* immutable once opened */
typedef struct lfm_session lfm_session; /* one timeline of tokens */

/* ---- Model ---------------------------------------------------------------------------------- */

typedef struct {
    size_t struct_size;
    bool vocab_only;  /* read only the tokenizer and the metadata; no session can be made */
    const char *isa;  /* highest instruction set to use, NULL = the best this CPU has */
    bool no_map;      /* read the whole file into memory instead of mapping it */
    const char *chat_template;   /* a Jinja program to use instead of the file's; NULL = none */
    const char *template_kwargs; /* its further variables, a JSON object; NULL = none */
} lfm_model_options;

/* Open a GGUF file, or the first part of a split one (-00001-of-0000N), and check everything in it
 * that is used.  `opt` may be NULL.  On failure *out is NULL.
 * The file stays mapped.  If another process truncates it, reading raises SIGBUS; catch that signal
 * to survive it, or set no_map. */
lfm_status lfm_model_open(lfm_model **out, const char *path, const lfm_model_options *opt,
                          lfm_error *err);

/* Close a model.  NULL is fine.  Free its sessions and constraints first. */
void lfm_model_close(lfm_model *m);

/* Lock the whole model into physical memory until it is closed, so that it is never read again.
 * LFM_ERR_MEMORY when the system does not allow that much; the text gives the limit and how to
 * raise it, and the model still works. */
lfm_status lfm_model_lock(lfm_model *m, lfm_error *err);

/* Facts about a model.  The strings live as long as the model.  They come from the file and may
 * hold any byte: escape them before printing to a terminal. */
typedef struct {
    const char *arch;       /* "lfm2" or "lfm2moe" */
    const char *name;       /* general.name, or "" */
    const char *isa;        /* instruction set of the kernels in use */
    uint32_t n_layer;
    uint32_t n_conv;        /* layers with a short convolution */
    uint32_t n_attn;        /* layers with attention */
    uint32_t n_dense;       /* layers with a dense feed-forward block */
    uint32_t n_embd;
    uint32_t n_head;
    uint32_t n_head_kv;
    uint32_t head_dim;
    uint32_t n_ff;          /* dense feed-forward width */
    uint32_t n_ff_expert;   /* width of one expert, 0 for dense models */
    uint32_t n_expert;
    uint32_t n_expert_used;
    uint32_t n_vocab;
    uint32_t n_ctx_max;     /* longest context, according to the file */
    float rope_theta;
    float norm_eps;
    uint64_t n_params;      /* weights in all tensors */
    uint64_t tensor_bytes;  /* their size in the file */
    uint64_t token_bytes;   /* bytes of weights read to decode one token */
    uint64_t file_bytes;
    uint32_t n_parts;       /* files that the model is split into */
    const char *template_name; /* where the chat template comes from: own, given, built-in */
    const char *card;          /* the model whose card gives lfm_sampling_default, "" = unknown */
    uint32_t n_sampling_keys;  /* settings that the file gives instead (general.sampling.*) */
    bool template_tools;    /* what the chat template writes: the list of tools, .. */
    bool template_calls;    /* .. tool calls, .. */
    bool template_thoughts; /* .. thoughts of earlier answers */
    bool template_opens_thoughts; /* its prompts end in <think>: answers begin there */
} lfm_model_info;

const lfm_model_info *lfm_model_get_info(const lfm_model *m);

/* A warning about the file, which lfm runs nevertheless: a key that it does not know, or one that
 * contradicts the tensors; "" = none. */
const char *lfm_model_warning(const lfm_model *m);

/* Metadata in file order: key `i` and its value as text.  Writes at most `cap` bytes to `value`,
 * including the NUL; long arrays and strings are shortened with "...".  False past the end. */
bool lfm_model_key(const lfm_model *m, size_t i, const char **key, size_t *key_len,
                   const char **type, char *value, size_t cap);

/* The metadata string with this key; false when it is absent or not a string. */
bool lfm_model_key_string(const lfm_model *m, const char *key, const char **value, size_t *len);

typedef struct {
    const char *name;
    size_t name_len;
    const char *type;
    uint32_t n_dims;
    uint64_t dim[4];   /* dim[0] is the contiguous one */
    uint64_t n_bytes;
} lfm_tensor_info;

bool lfm_model_tensor(const lfm_model *m, size_t i, lfm_tensor_info *out);

/* ---- Tokens --------------------------------------------------------------------------------- */

enum {
    LFM_TOKENIZE_BOS = 1,    /* begin with the begin-of-text token, if the file asks for it and the
                                text does not begin with it */
    LFM_TOKENIZE_SPECIAL = 2 /* names of control tokens in the text become those tokens */
};

/* Bytes -> token ids.  The bytes need not be UTF-8 and may include NUL.  On success *tokens is
 * allocated: free it with lfm_free.  It may be NULL when *n is 0. */
lfm_status lfm_tokenize(const lfm_model *m, const char *text, size_t n_bytes, int flags,
                        int32_t **tokens, size_t *n, lfm_error *err);

/* The bytes of a token, not NUL-terminated; those of a control token are its name, such as
 * "<|im_end|>".  The length is 0 for an id outside the vocabulary. */
const char *lfm_token_bytes(const lfm_model *m, int32_t token, size_t *n_bytes);

bool lfm_token_is_control(const lfm_model *m, int32_t token);
bool lfm_token_is_end(const lfm_model *m, int32_t token); /* ends an answer */
int32_t lfm_token_bos(const lfm_model *m);                /* -1 = none */
int32_t lfm_token_find(const lfm_model *m, const char *name); /* by exact text; -1 = none */

/* ---- Chat ----------------------------------------------------------------------------------- */

/* Render a conversation with the model's own chat template and tokenize it.  `json` is
 * {"messages":[{"role":..,"content":..},..],"tools":[..]} as in the OpenAI interface; its
 * "chat_template_kwargs" are further variables of the template.
 * Text in messages never becomes control tokens.  `prefill` (may be NULL) is text that the answer
 * begins with.  *text (`text` may be NULL) receives the rendered text of *text_len bytes,
 * NUL-terminated.  Free *tokens and *text with lfm_free. */
lfm_status lfm_chat_tokenize(const lfm_model *m, const char *json, size_t json_len,
                             const char *prefill, int32_t **tokens, size_t *n,
                             char **text, size_t *text_len, lfm_error *err);

typedef struct {
    const char *role; /* "system", "user", "assistant" or "tool" */
    const char *text; /* bytes; need not be NUL-terminated */
    size_t len;
} lfm_message;

/* The same for a conversation that is not JSON. */
lfm_status lfm_chat_tokenize_messages(const lfm_model *m, const lfm_message *messages,
                                      size_t n_messages, const char *prefill, int32_t **tokens,
                                      size_t *n, char **text, size_t *text_len, lfm_error *err);

/* Why the file's chat template is not used; "" = it is. */
const char *lfm_chat_warning(const lfm_model *m);

/* ---- Session -------------------------------------------------------------------------------- */

/* Q8: int8 with one scale per position and head; half the memory of F16. */
typedef enum { LFM_KV_F16 = 0, LFM_KV_F32, LFM_KV_Q8 } lfm_kv_type;

typedef struct {
    size_t struct_size;
    uint32_t n_ctx;     /* longest context; 0 = the model's maximum.  Memory grows as needed */
    uint32_t n_batch;   /* most tokens evaluated together; 0 = 512.  Results do not depend on it */
    uint32_t n_threads; /* 0 = number of physical cores.  Results do not depend on it */
    lfm_kv_type kv;     /* how keys and values are kept */
    uint32_t n_threads_batch; /* threads for batches of more than one token; 0 = n_threads */
} lfm_session_options;

/* Start an empty timeline.  `opt` may be NULL.  The model must outlive the session. */
lfm_status lfm_session_new(lfm_session **out, const lfm_model *m, const lfm_session_options *opt,
                           lfm_error *err);
void lfm_session_free(lfm_session *s);

/* Create another, empty session with the options of `s`.  Cheap, because it shares the scratch
 * memory and the threads of `s`.  All sessions that come from one lfm_session_new are a family: use
 * them from one thread at a time, and free them in any order. */
lfm_status lfm_session_fork(lfm_session **out, lfm_session *s, lfm_error *err);

/* Forget all tokens: like a new session, without its cost. */
void lfm_session_reset(lfm_session *s);

/* Copy tokens, cache and logits.  Both sessions must have the same model and type of cache.
 * LFM_ERR_FULL when the context of `to` is too small. */
lfm_status lfm_session_copy(lfm_session *to, const lfm_session *from, lfm_error *err);

/* Evaluate `n` tokens, at least one, at the current position and move forward by `n`.
 * On success the logits of the last token are ready in lfm_logits().
 * LFM_ERR_FULL when position + n would pass the context size; the session is then unchanged.
 * LFM_ERR_NUMERIC names the layer in which NaN or infinity first appeared.  LFM_ERR_IO when the
 * model's file has changed since it was opened. */
lfm_status lfm_eval(lfm_session *s, const int32_t *tokens, size_t n, lfm_error *err);

/* The same; `logits` [n][n_vocab] receives the logits of every token. */
lfm_status lfm_eval_all(lfm_session *s, const int32_t *tokens, size_t n, float *logits,
                        lfm_error *err);

/* Evaluate one token in each of n different sessions of a family at once: faster than one after the
 * other, with the same results. */
enum { LFM_MAX_EACH = 64 };
lfm_status lfm_eval_each(lfm_session *const *s, const int32_t *tokens, size_t n, lfm_error *err);

/* Make the session hold exactly `tokens`, with the logits of the last one ready.  Tokens that it
 * already holds are reused up to the last place to which it can rewind: the ends of the last 32
 * prompts given to this function, every 256th token, and the current position.  *n_reused is their
 * number; the results do not depend on it.  Errors as for lfm_eval. */
lfm_status lfm_session_sync(lfm_session *s, const int32_t *tokens, size_t n, size_t *n_reused,
                            lfm_error *err);

/* Write the session to a file (mode 0600).  The file replaces an old one when it is complete, or
 * not at all.  `note` is any bytes that the caller wants to keep with it, at most 64 MiB; NULL when
 * note_len is 0. */
lfm_status lfm_session_save(lfm_session *s, const char *path, const void *note, size_t note_len,
                            lfm_error *err);

/* Restore a saved session; it continues with the same bits.  LFM_ERR_UNSUPPORTED when the file
 * belongs to another model or type of cache, or was written by another version; LFM_ERR_FORMAT when
 * it is not a session file or is damaged; LFM_ERR_FULL when the context is too small.  After an
 * error the session is empty or unchanged.  *note (`note` may be NULL) is allocated, with a NUL
 * after its *note_len bytes; free it with lfm_free. */
lfm_status lfm_session_load(lfm_session *s, const char *path, char **note, size_t *note_len,
                            lfm_error *err);

/* What is in a session file, without its model and without checking its checksum. */
typedef struct {
    uint32_t version;
    uint32_t n_tokens;
    uint32_t n_vocab;    /* of the model that it belongs to */
    uint32_t n_marks;    /* places to rewind to, besides every 256th token */
    lfm_kv_type kv;
    uint64_t file_bytes;
    uint64_t model;      /* identifies the weights: equal for session files of the same model */
} lfm_session_info;

/* LFM_ERR_FORMAT when the file is not a session file (*is_session is then false) or is cut off.
 * *note as for lfm_session_load. */
lfm_status lfm_session_describe(const char *path, lfm_session_info *info, bool *is_session,
                                char **note, size_t *note_len, lfm_error *err);

/* The logits [n_vocab] of the last token, valid until the next call.  NULL when there are none:
 * before the first evaluation, and after one that ended halfway. */
const float *lfm_logits(const lfm_session *s);

const int32_t *lfm_session_tokens(const lfm_session *s, size_t *n); /* valid until the next call */
const lfm_model *lfm_session_model(const lfm_session *s);
uint32_t lfm_session_pos(const lfm_session *s); /* tokens evaluated so far */
uint32_t lfm_session_n_ctx(const lfm_session *s);
uint32_t lfm_session_n_threads(const lfm_session *s);
uint32_t lfm_session_n_threads_batch(const lfm_session *s);

/* The bytes of memory that a session with these options needs for `n_tokens` tokens. */
lfm_status lfm_session_plan(const lfm_model *m, const lfm_session_options *opt, uint32_t n_tokens,
                            uint64_t *kv_bytes, uint64_t *scratch_bytes, lfm_error *err);

/* Called after each batch of a long evaluation.  `done` and `total` count the tokens that the
 * current call evaluates.  Return false to stop: the call returns LFM_ERR_STOPPED, the position has
 * moved by `done`, and there are no logits.  After the last batch there is nothing left to stop,
 * and the result is ignored. */
typedef bool lfm_progress_fn(void *ctx, size_t done, size_t total);
void lfm_session_on_progress(lfm_session *s, lfm_progress_fn *fn, void *ctx);

/* ---- Choosing a token ----------------------------------------------------------------------- */

typedef struct {
    int32_t token;
    float bias;
} lfm_logit_bias;

/* What a sampler does to the logits before it draws.  The logit bias always comes first. */
typedef enum {
    LFM_STAGE_END = 0,
    LFM_STAGE_PENALTIES,
    LFM_STAGE_TOP_K,
    LFM_STAGE_TYPICAL,
    LFM_STAGE_TOP_P,
    LFM_STAGE_MIN_P,
    LFM_STAGE_TEMPERATURE,
    LFM_N_STAGES /* including the end */
} lfm_stage;

typedef struct {
    size_t struct_size;
    float temperature;       /* <= 0: greedy, the lowest id among equals */
    int32_t top_k;           /* <= 0: off */
    float typical_p;         /* >= 1: off */
    float top_p;             /* >= 1: off */
    float min_p;             /* <= 0: off */
    float repeat_penalty;    /* 1: off */
    int32_t repeat_last_n;   /* most recent tokens that the penalties count; 0 = off, -1 = all */
    float presence_penalty;  /* 0: off */
    float frequency_penalty; /* 0: off */
    uint64_t seed;
    const lfm_logit_bias *bias;
    size_t n_bias;
    uint8_t stages[LFM_N_STAGES]; /* lfm_stage values in order, up to LFM_STAGE_END; a missing stage
                                     is off (missing temperature: 1).  All zero: the order of
                                     lfm_stage, which is llama.cpp's */
} lfm_sampling;

typedef struct lfm_sampler lfm_sampler;

/* The settings that the model asks for: those in its file (general.sampling.*), the others as its
 * card recommends.  `size` is sizeof *out. */
void lfm_sampling_default(const lfm_model *m, lfm_sampling *out, size_t size);

/* `settings` may be NULL: the defaults. */
lfm_status lfm_sampler_new(lfm_sampler **out, const lfm_model *m, const lfm_sampling *settings,
                           lfm_error *err);
void lfm_sampler_free(lfm_sampler *s);

/* Report a token that is now part of the text (prompt or answer): the penalties count it. */
lfm_status lfm_sampler_accept(lfm_sampler *s, int32_t token, lfm_error *err);

/* Choose a token from `logits` [n_vocab].  The choice depends only on the settings, the number of
 * tokens drawn so far, the logits and the accepted tokens. */
lfm_status lfm_sampler_pick(lfm_sampler *s, const float *logits, int32_t *token, lfm_error *err);

typedef struct {
    int32_t token;
    float logprob; /* natural logarithm of its probability, <= 0; -infinity when impossible */
} lfm_logprob;

/* Log probabilities: logit - log(sum of exp(logits)), before any setting of a sampler.  *chosen
 * (may be NULL) receives that of `token`; top[k] the k most probable tokens, best first, the lower
 * id first among equals.  LFM_ERR_ARG when `token` is outside the vocabulary, or k is more than
 * n_vocab or LFM_MAX_TOP; LFM_ERR_NUMERIC when a logit is NaN or +infinity, or all are
 * -infinity. */
enum { LFM_MAX_TOP = 100 };
lfm_status lfm_logprobs(const float *logits, size_t n_vocab, int32_t token, float *chosen,
                        lfm_logprob *top, size_t k, lfm_error *err);

/* ---- Constrained answers -------------------------------------------------------------------- */

typedef enum {
    LFM_CONSTRAINT_GBNF,        /* a grammar in llama.cpp's notation */
    LFM_CONSTRAINT_JSON_SCHEMA, /* a JSON schema: the answer is a JSON value that it allows, and no
                                   object in it has a key twice */
    LFM_CONSTRAINT_CONCISE,     /* a short notation for schemas, such as "name, age int" */
    LFM_CONSTRAINT_CHOICES,     /* one of "yes,no,not sure"; "\," is a comma */
    LFM_CONSTRAINT_TOOLS,       /* a JSON list of tools: the answer is tool calls */
    LFM_CONSTRAINT_TOOL         /* the same, exactly one call */
} lfm_constraint_kind;

/* Which texts are allowed.  Needs no model, and is immutable: threads may share it. */
typedef struct lfm_grammar lfm_grammar;

/* Read a grammar; does not keep `text`.  LFM_ERR_ARG says what is wrong in it, and where;
 * LFM_ERR_UNSUPPORTED names what is valid but not implemented. */
lfm_status lfm_grammar_new(lfm_grammar **out, lfm_constraint_kind kind, const char *text,
                           size_t len, lfm_error *err);
void lfm_grammar_free(lfm_grammar *g); /* NULL is fine */

/* What a person should know about a grammar, such as formats that mean nothing: lines, or "".  The
 * grammar owns them. */
const char *lfm_grammar_notes(const lfm_grammar *g);

/* A grammar applied to an answer: what may follow the text so far.  Use a constraint and all of its
 * clones from one thread at a time. */
typedef struct lfm_constraint lfm_constraint;

enum {
    LFM_CONSTRAINT_THOUGHTS = 1 /* <think>..</think> may come before the text, if the vocabulary has
                                   these tokens; it is not constrained, nor are line breaks after
                                   it */
};

/* Begin an answer.  The model and the grammar must outlive the constraint.  `flags` are those
 * above.  LFM_ERR_ARG when the grammar names a token that the model does not have. */
lfm_status lfm_constraint_new(lfm_constraint **out, const lfm_model *m, const lfm_grammar *g,
                              int flags, lfm_error *err);
void lfm_constraint_free(lfm_constraint *c); /* NULL is fine */

/* Another constraint at the same place in the text; cheap.  Free them in any order. */
lfm_status lfm_constraint_clone(lfm_constraint **out, lfm_constraint *c, lfm_error *err);

/* Back to the beginning of the answer. */
void lfm_constraint_reset(lfm_constraint *c);

/* Set the logits [n_vocab] of tokens that cannot follow to -infinity.  Tokens that end an answer
 * can follow only where the text is complete.  From every token that remains, a complete text can
 * be reached.  LFM_ERR_UNSUPPORTED when the grammar is too ambiguous to follow any further, or the
 * vocabulary has no token that can follow. */
lfm_status lfm_constraint_mask(lfm_constraint *c, float *logits, lfm_error *err);

/* Add a token to the answer.  LFM_ERR_ARG when it cannot follow. */
lfm_status lfm_constraint_accept(lfm_constraint *c, int32_t token, lfm_error *err);

/* Add bytes to the answer, such as a given beginning.  LFM_ERR_ARG names the first byte that cannot
 * follow; the constraint is then unchanged. */
lfm_status lfm_constraint_accept_text(lfm_constraint *c, const char *text, size_t n,
                                      lfm_error *err);

/* The tokens of the text that must follow: accept and evaluate them without sampling.  *n is 0, and
 * *tokens NULL, when there is a choice; otherwise free *tokens with lfm_free.  The last token is
 * left out when a longer one could stand in its place. */
lfm_status lfm_constraint_forced(lfm_constraint *c, int32_t **tokens, size_t *n, lfm_error *err);

bool lfm_constraint_has_begun(const lfm_constraint *c);   /* any thoughts are over */
bool lfm_constraint_is_complete(const lfm_constraint *c); /* the text may end here */
bool lfm_constraint_is_final(const lfm_constraint *c);    /* the text must end here */

/* ---- Answers -------------------------------------------------------------------------------- */

/* Why an answer ended. */
typedef enum {
    LFM_FINISH_NONE = 0,    /* it has not ended */
    LFM_FINISH_STOP,        /* the model ended it */
    LFM_FINISH_STOP_STRING, /* a stop string came; the text ends before it */
    LFM_FINISH_LENGTH,      /* max_tokens were generated, or the context is full */
    LFM_FINISH_GRAMMAR,     /* it satisfies its constraint, and nothing can follow */
    LFM_FINISH_TOOL_CALLS,  /* the model ended it, with tool calls */
    LFM_FINISH_LOOP,        /* the same few tokens came over and over */
    LFM_FINISH_INTERRUPTED, /* the caller stopped it */
    LFM_FINISH_ERROR,       /* an evaluation failed */
    LFM_N_FINISHES
} lfm_finish;

/* "stop", "stop_string", "length", "grammar", "tool_calls", "loop", "interrupted", "error"; "" for
 * LFM_FINISH_NONE. */
const char *lfm_finish_name(lfm_finish finish);

typedef enum {
    LFM_TOOL_CALLS_HIDDEN, /* calls are text; their markers are control tokens like others */
    LFM_TOOL_CALLS_TEXT,   /* calls are text, markers and all */
    LFM_TOOL_CALLS_READ    /* calls are read, and no part of the text */
} lfm_tool_calls;

/* Start from lfm_answer_defaults().  Strings are kept, not copied. */
typedef struct {
    size_t struct_size;
    int64_t max_tokens;       /* thoughts included; < 0: until the context is full */
    int64_t max_thoughts;     /* tokens of thoughts; < 0: as many as leave room for an answer */
    const char *thoughts_end; /* written where max_thoughts cuts thoughts off; NULL = nothing */
    const char *prefill;      /* how the answer begins, which is part of the prompt; NULL = empty */
    const char *const *stops; // [n_stops] strings that end the answer; none is empty
    size_t n_stops;
    lfm_tool_calls tool_calls;
    bool no_thoughts;   /* <think>..</think> is text, as where there is no chat template */
    bool show_control;  /* control tokens are text */
    bool allow_loops;   /* never end with LFM_FINISH_LOOP */
    bool shift_context; /* a full context forgets the older half instead of ending */
    size_t n_keep;      /* first tokens that shifting keeps */
    bool logprobs;      /* log-probabilities of every token .. */
    size_t n_top;       /* .. and of its most probable alternatives, LFM_MAX_TOP at most */
    const char *tools;  /* the JSON list of tools in the prompt; NULL = unknown.  Where calls are
                           read, [NAME(..)] of one of them is a call without markers, too */
} lfm_answer_options;

/* `size` is sizeof *out. */
void lfm_answer_defaults(lfm_answer_options *out, size_t size);

typedef struct {
    const char *name; /* NUL-terminated, as is the next */
    size_t name_len;
    const char *arguments; /* a JSON object */
    size_t arguments_len;
} lfm_tool_call;

/* An answer so far.  Texts are NUL-terminated; pointers are valid until the next call. */
typedef struct {
    lfm_finish finish;
    bool is_thinking;
    const char *text; /* [text_len] without thoughts and tool calls */
    size_t text_len;
    size_t text_settled;  /* bytes that no longer depend on what follows: show these */
    const char *thoughts; /* [thoughts_len] */
    size_t thoughts_len;
    size_t thoughts_settled;
    const char *said; /* [said_len] what belongs into the conversation: thoughts and text */
    size_t said_len;
    const lfm_tool_call *calls; // [n_calls]
    size_t n_calls;
    size_t n_unread_calls; /* texts between the markers of calls that are none; part of `text` */
    const lfm_logprob *logprobs; // [n_logprobs]
    const lfm_logprob *top;      // [n_logprobs][n_top]
    size_t n_logprobs, n_top;
    size_t n_generated; /* tokens */
    size_t n_reasoning; /* of them, thoughts */
    size_t n_room;      /* tokens that the answer may have; SIZE_MAX = any number */
    size_t n_pending;   /* tokens that were chosen and not yet evaluated */
    size_t n_lost_calls;        /* calls that could not be read, beside others; no part of `text` */
    const char *undefined_call; /* name of the first call of a tool that is not among `tools`;
                                   NULL = there is none, or `tools` are unknown */
} lfm_answer_state;

/* An answer in the making. */
typedef struct lfm_answer lfm_answer;

/* Begin the answer to a prompt of `n` tokens, which `s` must hold (lfm_session_sync) before the
 * first token is taken.  `constraint` may be NULL; so may `opt`, for the defaults.  Session,
 * sampler and constraint must outlive the answer, and are its own until then. */
lfm_status lfm_answer_new(lfm_answer **out, lfm_session *s, lfm_sampler *sampler,
                          lfm_constraint *constraint, const lfm_answer_options *opt,
                          const int32_t *prompt, size_t n, lfm_error *err);
void lfm_answer_free(lfm_answer *a); /* NULL is fine */

/* Called after every token.  LFM_ERR_STOPPED ends the answer as LFM_FINISH_INTERRUPTED; another
 * error ends lfm_answer_run with it. */
typedef lfm_status lfm_answer_fn(void *ctx, const lfm_answer_state *state, lfm_error *err);

/* Generate until the answer has finished.  `on_token` may be NULL. */
lfm_status lfm_answer_run(lfm_answer *a, lfm_answer_fn *on_token, void *ctx, lfm_error *err);

/* The same in steps, for several answers at once: choose one token, and those that the constraint
 * forces to follow it; unless that finished the answer, evaluate what was chosen, for up to
 * LFM_MAX_EACH answers of one family of sessions together. */
lfm_status lfm_answer_take(lfm_answer *a, lfm_error *err);
lfm_status lfm_answer_eval(lfm_answer *const *a, size_t n, lfm_error *err);

/* Nothing follows: settle the text, without a character that was cut, and read calls that were left
 * open.  `why` is the finish of an answer that has none yet. */
lfm_status lfm_answer_end(lfm_answer *a, lfm_finish why, lfm_error *err);

const lfm_answer_state *lfm_answer_get(const lfm_answer *a);

/* Has a finished answer not got what its constraint asks for? */
bool lfm_answer_is_cut(const lfm_answer *a);

/* Free what this interface allocated for the caller. */
void lfm_free(void *p);

#ifdef __cplusplus
}
#endif
#endif
