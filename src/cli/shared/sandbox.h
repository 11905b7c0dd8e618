/*
 * sandbox.h - limiting the system calls of the program once everything is loaded.
 *
 * A model file or a prompt that exploits a bug in this program cannot then start a program, reach
 * the network, open a file, or signal or trace another process.
 */
#ifndef CLI_SHARED_SANDBOX_H
#define CLI_SHARED_SANDBOX_H

#include <stdbool.h>

typedef enum {
    SANDBOX_CLOSED, /* only open files may be read and written */
    SANDBOX_FILES   /* files may be opened, written, renamed and removed as well */
} sandbox_kind;

/* Applies to all threads until the program ends; start threads before.  Other system calls fail
 * with EPERM.  False where it is not available (it needs Linux's seccomp). */
bool sandbox_enter(sandbox_kind kind);

#endif
