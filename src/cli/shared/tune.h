/*
 * tune.h - the measured best numbers of threads for this machine.
 *
 * `lfm bench --tune` writes them to $XDG_CONFIG_HOME/lfm/tune (~/.config/lfm/tune).  They apply to
 * sessions without -t or LFM_THREADS, and change the speed, never an answer.  A file made on
 * another processor, or with other cores allowed, is ignored with a warning; without one if this
 * run has fewer cores.
 */
#ifndef CLI_SHARED_TUNE_H
#define CLI_SHARED_TUNE_H

#include "cli/options/options.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char cpu[96];     /* the processor it was made on ... */
    uint32_t cores;   /* ... and the cores that were allowed */
    uint32_t decode;  /* threads for single tokens */
    uint32_t prefill; /* threads for prompts */
    bool fast;        /* on the fast cores of a hybrid processor only */
} tune;

typedef enum {
    TUNE_ABSENT, /* no such file */
    TUNE_GOOD,
    TUNE_STALE,  /* made on another machine */
    TUNE_BROKEN  /* not a file of --tune */
} tune_state;

/* This machine, without numbers of threads. */
void tune_here(tune *t);

/* Where the file is; false when neither XDG_CONFIG_HOME nor HOME names a place. */
bool tune_path(char *out, size_t cap);

/* Parse text[n] of a file.  TUNE_STALE when it was not made on `here`. */
tune_state tune_parse(tune *t, const char *text, size_t n, const tune *here);

/* Read the file at `path`. */
tune_state tune_read(tune *t, const char *path, const tune *here);

/* Write it, atomically; creates missing folders. */
lfm_status tune_write(const tune *t, const char *path, lfm_error *err);

typedef enum {
    THREADS_ASKED,
    THREADS_TUNED,
    THREADS_TUNED_FAST, /* and on fast cores only: see cores_use_fast */
    THREADS_CORES
} threads_origin;

/* Set the tuned numbers of threads, unless -t or LFM_THREADS chose them.  `tell`: warn when a file
 * is ignored. */
threads_origin tune_apply(lfm_session_options *opt, bool tell);

/* The same for the only session of a command; also restricts it to fast cores if so tuned. */
threads_origin tune_begin(lfm_session_options *opt, bool tell);

#endif
