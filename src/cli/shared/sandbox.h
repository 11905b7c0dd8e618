/*
 * sandbox.h - what the program may still ask of the system once everything is loaded.
 *
 * A model file or a prompt that found a mistake in this program could then not start a program,
 * reach the network, open a file, or signal or trace another process.
 */
#ifndef CLI_SHARED_SANDBOX_H
#define CLI_SHARED_SANDBOX_H

#include <stdbool.h>

typedef enum {
    SANDBOX_CLOSED, /* what is open may be read and written */
    SANDBOX_FILES   /* files may be opened, written, renamed and removed too */
} sandbox_kind;

/* For all threads, until the program ends; threads must have been started.  A call that is not
 * allowed fails with EPERM.  False where the system has no such means (it is Linux's seccomp). */
bool sandbox_enter(sandbox_kind kind);

#endif
