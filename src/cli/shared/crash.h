/*
 * crash.h - the last line of a program that cannot go on.
 *
 * A model is used where it lies in its file.  When somebody makes that file shorter, or its disk
 * fails, the processor finds no memory there and the system sends SIGBUS: that is told in a line,
 * as other errors of input are, and the exit code is 1.  The state is global; signal handlers need
 * it.
 */
#ifndef CLI_SHARED_CRASH_H
#define CLI_SHARED_CRASH_H

/* From now on. */
void crash_catch(void);

/* The file to name; of several, none is named. */
void crash_name_file(const char *path);

/* Called before the end, in a signal handler; NULL for nothing. */
void crash_on_end(void (*restore)(void));

#endif
