/*
 * crash.h - the last message of a program that cannot continue.
 *
 * Models are mapped files.  If the file shrinks or its disk fails, reading the mapping raises
 * SIGBUS.  The handler reports that in one line, like other errors of input, with exit code 1.  The
 * state is global because signal handlers need it.
 */
#ifndef CLI_SHARED_CRASH_H
#define CLI_SHARED_CRASH_H

/* Install the handler. */
void crash_catch(void);

/* The file to name in the message.  After calls with different files it names none. */
void crash_name_file(const char *path);

/* Call `restore` in the signal handler before the end; NULL = nothing. */
void crash_on_end(void (*restore)(void));

#endif
