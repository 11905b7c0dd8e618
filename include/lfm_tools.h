/*
 * lfm_tools.h - the tools around the models of lfm.h: making model files, checking this machine.
 */
#ifndef LFM_TOOLS_H
#define LFM_TOOLS_H

#include "lfm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Quantising a file ---------------------------------------------------------------------- */

typedef struct {
    const char *name;
    size_t name_len;
    const char *from; /* its type in the input */
    const char *to;   /* and in the output */
    uint64_t n_weights;
    uint64_t from_bytes;
    uint64_t to_bytes;
} lfm_quantize_tensor;

typedef void lfm_quantize_tensor_fn(void *ctx, const lfm_quantize_tensor *t);

typedef struct {
    size_t struct_size; /* see lfm.h */
    uint32_t n_threads; /* 0 = number of physical cores.  The file does not depend on it */
    bool force;         /* replace the output if it exists */
    bool dry_run;       /* check the input and report; write nothing */
    lfm_quantize_tensor_fn *on_tensor; /* may be NULL; every tensor, before the work begins */
    lfm_progress_fn *on_progress;      /* may be NULL; `done` and `total` are bytes of the output.
                                          false: LFM_ERR_STOPPED, and no output */
    void *ctx;                         /* for both */
} lfm_quantize_options;

/* Quantise the model in the file `in` to the file `out`.  `mix` names the types: "Q4_K_M", "Q8_0",
 * "F16", ...; llama.cpp's quantiser without an importance matrix writes the same bytes.  The input
 * may have F32, F16, BF16 and Q8_0 tensors, and others only where the output keeps their type.  All
 * metadata is kept.  `out` appears when it is complete, or not at all.  Uses less than 32 MiB of
 * memory besides the mapped input.  `opt` may be NULL, and `out` in a dry run.
 * LFM_ERR_ARG for an unknown mix (the text lists them) and when `out` exists; LFM_ERR_NUMERIC names
 * a tensor with NaN, infinity, or a value that is too large for its new type. */
lfm_status lfm_quantize(const char *in, const char *out, const char *mix,
                        const lfm_quantize_options *opt, lfm_error *err);

typedef struct {
    size_t struct_size;           /* see lfm.h */
    uint32_t n_threads;           /* 0 = number of physical cores */
    bool force;                   /* lfm_pack: replace the output if it exists */
    lfm_progress_fn *on_progress; /* may be NULL; `done` and `total` are bytes of work.
                                     false: LFM_ERR_STOPPED, and no output */
    void *ctx;
} lfm_file_options;

/* Copy the model in the file `in` (all its parts) to the single file `out` and add a checksum of
 * every tensor and of the metadata.  Refuses what lfm_verify refuses.  The copy is a GGUF file with
 * the same weights, so it computes the same bits.  lfm_model_open checks the metadata of such a
 * file and refuses unknown versions; lfm_verify checks everything.  `out` appears when it is
 * complete, or not at all. */
lfm_status lfm_pack(const char *in, const char *out, const lfm_file_options *opt, lfm_error *err);

/* Open a model as lfm_model_open does and check every weight: against the checksums of a packed
 * file (*has_sums is then true), for NaN and infinity in any other.  LFM_ERR_FORMAT names the first
 * damaged tensor. */
lfm_status lfm_verify(const char *path, const lfm_file_options *opt, bool *has_sums,
                      lfm_error *err);

/* ---- Checking this machine ------------------------------------------------------------------ */

/* The instruction sets that can be used here, lowest ("scalar") first; NULL past the end. */
const char *lfm_isa_name(size_t i);

/* Compare the kernels of an instruction set bit for bit with the scalar ones, which define the
 * right results, on fixed inputs.  Takes a few tenths of a second.  *n_checks (`n_checks` may be
 * NULL) is the number of results compared.  LFM_ERR_NUMERIC names the first one that differs. */
lfm_status lfm_selftest(const char *isa, size_t *n_checks, lfm_error *err);

/* Measure how fast the threads of a session read memory that no cache holds, in bytes per second:
 * the limit for generating tokens.  The best of several ways of reading; whatever else the machine
 * does lowers it.  Takes some tenths of a second and, for a model smaller than 1 GiB, up to 1 GiB
 * of memory. */
lfm_status lfm_read_bandwidth(lfm_session *s, double *bytes_per_s, lfm_error *err);

/* Measure how many operations on int8 a second the threads that read prompts can do with the
 * instruction set in use, from registers: the limit for prompts.  A multiplication and an addition
 * are two.  Takes some hundredths of a second. */
double lfm_int8_peak(lfm_session *s);

/* How many of them the quantised weights need for a token; of a prompt, only the last token needs
 * the output layer (`with_head`).  Weights of F32, F16 and BF16 need none. */
uint64_t lfm_int8_ops(const lfm_model *m, bool with_head);

/* Make a session pretend that it has read `n` tokens, and forget what it holds: its cache is zeros.
 * What is evaluated next means nothing, but takes as long as it would behind a real text.
 * LFM_ERR_FULL when the context is too small. */
lfm_status lfm_session_pretend(lfm_session *s, uint32_t n, lfm_error *err);

/* ---- Looking into an evaluation ------------------------------------------------------------- */

/* Called after each layer of each batch with the residual stream `x` [n][n_embd]; for tests and
 * profiling. */
typedef void lfm_layer_fn(void *ctx, uint32_t layer, const float *x, size_t n);
void lfm_session_on_layer(lfm_session *s, lfm_layer_fn *fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
