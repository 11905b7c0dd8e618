/*
 * group.h - limits of the process groups (cgroups) that we are in, from the files of Linux.
 *
 * All paths begin at `root`: "" for this machine; tests pass a folder that imitates one.
 */
#ifndef BASE_SYSTEM_GROUP_H
#define BASE_SYSTEM_GROUP_H

#include <stdint.h>
#include <stdio.h>

/* Open root/path for reading; NULL when it is not there. */
FILE *group_open(const char *root, const char *path);

/* The number that a file begins with; -1 when it is not there, or has none. */
long long group_number(const char *root, const char *path);

/* The limit of one group, such as "/user.slice"; UINT64_MAX: none. */
typedef uint64_t group_limit_fn(const char *root, const char *group);

/* The lowest limit of our group and of all groups above it (cgroup v2). */
uint64_t group_least(const char *root, group_limit_fn *limit);

#endif
