/*
 * tune.h - the numbers of threads that were measured to be the best on this machine.
 *
 * `lfm bench --tune` writes them to $XDG_CONFIG_HOME/lfm/tune (~/.config/lfm/tune); sessions whose
 * threads nobody chose begin with them.  They change the speed, never an answer.  A file that was
 * made on another processor, or with other cores allowed, is not used, and a line says so; unless
 * it is this run that has fewer cores.
 */
#ifndef CLI_SHARED_TUNE_H
#define CLI_SHARED_TUNE_H

#include "cli/options/options.h"

#include "lfm.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char cpu[96];     /* the processor it holds for ... */
    uint32_t cores;   /* ... and how many cores were allowed */
    uint32_t decode;  /* threads for one token at a time */
    uint32_t prefill; /* and for prompts */
    bool fast;        /* on the fast cores of a hybrid processor only */
} tune;

typedef enum {
    TUNE_ABSENT, /* no file, or no place for one */
    TUNE_GOOD,
    TUNE_STALE,  /* another machine's */
    TUNE_BROKEN  /* not such a file */
} tune_state;

/* This machine, without numbers of threads. */
void tune_here(tune *t);

/* Where the file is; false when neither XDG_CONFIG_HOME nor HOME names a place. */
bool tune_path(char *out, size_t cap);

/* Read the text of a file, [n] bytes.  TUNE_STALE when it does not fit `here`. */
tune_state tune_parse(tune *t, const char *text, size_t n, const tune *here);

/* Read the file at `path`. */
tune_state tune_read(tune *t, const char *path, const tune *here);

/* Write it: made beside and renamed, folders made as needed. */
lfm_status tune_write(const tune *t, const char *path, lfm_error *err);

typedef enum {
    THREADS_ASKED,
    THREADS_TUNED,
    THREADS_TUNED_FAST, /* and on fast cores only (cores_use_fast) */
    THREADS_CORES
} threads_origin;

/* Where nobody chose threads (-t, LFM_THREADS), take the tuned ones; says in one line why a file is
 * not used if `tell`. */
threads_origin tune_apply(lfm_session_options *opt, bool tell);

/* The same for the one session of a command: it keeps to the fast cores if it is to. */
threads_origin tune_begin(lfm_session_options *opt, bool tell);

#endif
