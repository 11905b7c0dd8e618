/*
 * wrap.c - calls to the system that fail when they are told to.
 */
#include "wrap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool on;
static long calls;
static long fail_at;
static bool ever;
static long live;
static const char *failed = "";

void wrap_start(long n, bool for_ever) {
    on = true;
    calls = live = 0;
    fail_at = n;
    ever = for_ever;
    failed = "";
}

long wrap_stop(void) {
    on = false;
    return calls;
}

long wrap_live(void) {
    return live;
}

const char *wrap_failed(void) {
    return failed;
}

/* Is this the call?  Then errno is set. */
static bool fails(const char *name, int error) {
    if (!on) {
        return false;
    }
    const long n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    if (fail_at == 0 || (ever ? n < fail_at : n != fail_at)) {
        return false;
    }
    if (n == fail_at) {
        failed = name;
    }
    errno = error;
    return true;
}

static void *counted(void *p) {
    if (p && on) {
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    }
    return p;
}

static void uncounted(const void *p) {
    if (p && on) {
        __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    }
}

/* A function that is called only here: its declarations, and its body. */
#define WRAP(type, name, ...) \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

/* ---- Memory --------------------------------------------------------------------------------- */

WRAP(void *, malloc, size_t n) {
    return fails("malloc", ENOMEM) ? NULL : counted(__real_malloc(n));
}

WRAP(void *, calloc, size_t n, size_t size) {
    return fails("calloc", ENOMEM) ? NULL : counted(__real_calloc(n, size));
}

WRAP(void *, realloc, void *p, size_t n) {
    if (fails("realloc", ENOMEM)) {
        return NULL;
    }
    return p ? __real_realloc(p, n) : counted(__real_realloc(p, n));
}

WRAP(void *, aligned_alloc, size_t align, size_t n) {
    return fails("aligned_alloc", ENOMEM) ? NULL : counted(__real_aligned_alloc(align, n));
}

WRAP(char *, strdup, const char *s) {
    return fails("strdup", ENOMEM) ? NULL : counted(__real_strdup(s));
}

WRAP(void, free, void *p) {
    uncounted(p);
    __real_free(p);
}

WRAP(void *, mmap, void *at, size_t n, int prot, int flags, int fd, off_t offset) {
    if (fails("mmap", ENOMEM)) {
        return MAP_FAILED;
    }
    void *p = __real_mmap(at, n, prot, flags, fd, offset);
    if (p != MAP_FAILED) {
        counted(p);
    }
    return p;
}

WRAP(int, munmap, void *p, size_t n) {
    uncounted(p);
    return __real_munmap(p, n);
}

/* ---- Threads -------------------------------------------------------------------------------- */

WRAP(int, pthread_create, pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
     void *arg) {
    return fails("pthread_create", EAGAIN) ? EAGAIN : __real_pthread_create(t, attr, fn, arg);
}

/* ---- Files ---------------------------------------------------------------------------------- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...) {
    mode_t mode = 0;
    if (flags & O_CREAT) {
        va_list args;
        va_start(args, flags);
        mode = (mode_t)va_arg(args, int);
        va_end(args);
    }
    return fails("open", flags & O_CREAT ? ENOSPC : EMFILE) ? -1 : __real_open(path, flags, mode);
}

WRAP(ssize_t, read, int fd, void *p, size_t n) {
    return fails("read", EIO) ? -1 : __real_read(fd, p, n);
}

WRAP(ssize_t, pread, int fd, void *p, size_t n, off_t at) {
    return fails("pread", EIO) ? -1 : __real_pread(fd, p, n, at);
}

WRAP(ssize_t, write, int fd, const void *p, size_t n) {
    return fails("write", ENOSPC) ? -1 : __real_write(fd, p, n);
}

WRAP(int, fstat, int fd, struct stat *st) {
    return fails("fstat", EIO) ? -1 : __real_fstat(fd, st);
}

WRAP(int, fsync, int fd) {
    return fails("fsync", EIO) ? -1 : __real_fsync(fd);
}

WRAP(int, ftruncate, int fd, off_t n) {
    return fails("ftruncate", EIO) ? -1 : __real_ftruncate(fd, n);
}

WRAP(int, fallocate, int fd, int mode, off_t at, off_t n) {
    return fails("fallocate", ENOSPC) ? -1 : __real_fallocate(fd, mode, at, n);
}

WRAP(int, fchmod, int fd, mode_t mode) {
    return fails("fchmod", EROFS) ? -1 : __real_fchmod(fd, mode);
}

WRAP(int, flock, int fd, int operation) {
    return fails("flock", EWOULDBLOCK) ? -1 : __real_flock(fd, operation);
}

WRAP(off_t, lseek, int fd, off_t at, int from) {
    return fails("lseek", EIO) ? -1 : __real_lseek(fd, at, from);
}

WRAP(int, rename, const char *from, const char *to) {
    return fails("rename", EACCES) ? -1 : __real_rename(from, to);
}

/* Closes in any case, as Linux does. */
WRAP(int, close, int fd) {
    const int result = __real_close(fd);
    return fails("close", EIO) ? -1 : result;
}

/* ---- Standard I/O --------------------------------------------------------------------------- */

WRAP(FILE *, fopen, const char *path, const char *mode) {
    return fails("fopen", mode[0] == 'r' ? EMFILE : ENOSPC) ? NULL : __real_fopen(path, mode);
}

WRAP(FILE *, fdopen, int fd, const char *mode) {
    return fails("fdopen", ENOMEM) ? NULL : __real_fdopen(fd, mode);
}

WRAP(int, fflush, FILE *f) {
    return fails("fflush", ENOSPC) ? EOF : __real_fflush(f);
}

WRAP(DIR *, opendir, const char *path) {
    return fails("opendir", EMFILE) ? NULL : __real_opendir(path);
}
