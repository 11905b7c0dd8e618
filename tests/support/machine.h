/*
 * machine.h - machines made of files: what Linux tells of one in /proc and /sys, in a folder.
 */
#ifndef SUPPORT_MACHINE_H
#define SUPPORT_MACHINE_H

/* The folder, while a test runs between machine_begin and machine_end (setup and teardown). */
extern char machine_root[64];
int machine_begin(void **state);
int machine_end(void **state);

/* Make the file machine_root/path, and the folders above it. */
void machine_file(const char *path, const char *text);

#endif
