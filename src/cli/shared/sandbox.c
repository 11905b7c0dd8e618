/*
 * sandbox.c - a seccomp filter: listed system calls are allowed, all others fail with EPERM.
 *
 * Source: Linux's Documentation/userspace-api/seccomp_filter.rst.
 */
#include "cli/shared/sandbox.h"

/* NO_SANDBOX: leak sanitizers trace the program at its end, and coverage writes files. */
#if defined(__linux__) && (defined(__x86_64__) || defined(__aarch64__)) && !defined(NO_SANDBOX)

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#else
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

/* Open files, memory, waiting, time, our own signals, and exit. */
static const uint32_t always[] = {
    __NR_read, __NR_readv, __NR_pread64, __NR_write, __NR_writev, __NR_pwrite64, __NR_lseek,
    __NR_close, __NR_fstat, __NR_fcntl, __NR_dup, __NR_ppoll, __NR_pselect6,
    __NR_munmap, __NR_mremap, __NR_madvise, __NR_brk, __NR_mincore,
    __NR_futex, __NR_sched_yield, __NR_getcpu, __NR_nanosleep, __NR_clock_nanosleep,
    __NR_clock_gettime, __NR_gettimeofday, __NR_restart_syscall,
    __NR_rt_sigaction, __NR_rt_sigprocmask, __NR_rt_sigreturn, __NR_sigaltstack,
    __NR_getpid, __NR_gettid, __NR_getrusage, __NR_getrandom, __NR_set_robust_list,
    __NR_exit, __NR_exit_group,
#ifdef __NR_newfstatat
    __NR_newfstatat,
#endif
#ifdef __NR_poll
    __NR_poll,
#endif
#ifdef __NR_select
    __NR_select,
#endif
#ifdef __NR_rseq
    __NR_rseq,
#endif
};

static const uint32_t for_files[] = {
    __NR_openat, __NR_renameat, __NR_unlinkat, __NR_faccessat, __NR_fchmod, __NR_ftruncate,
    __NR_fallocate, __NR_flock, __NR_fsync, __NR_fdatasync, __NR_geteuid,
#ifdef __NR_renameat2
    __NR_renameat2,
#endif
#ifdef __NR_open
    __NR_open,
#endif
#ifdef __NR_rename
    __NR_rename,
#endif
#ifdef __NR_unlink
    __NR_unlink,
#endif
#ifdef __NR_access
    __NR_access,
#endif
#ifdef __NR_stat
    __NR_stat,
#endif
};

/* A terminal's size and modes; not TIOCSTI, which types into it. */
static const uint32_t requests[] = {TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ};

enum { MAX_STEPS = 160 };

typedef struct {
    struct sock_filter step[MAX_STEPS];
    uint16_t n;
} filter;

static void add(filter *f, uint16_t code, uint32_t k, uint8_t if_true, uint8_t if_false) {
    f->step[f->n++] = (struct sock_filter){.code = code, .jt = if_true, .jf = if_false, .k = k};
}

static void load(filter *f, size_t offset) {
    add(f, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(filter *f, uint32_t verdict) {
    add(f, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Allow if the loaded word is `value`. */
static void allow_if(filter *f, uint32_t value) {
    add(f, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    answer(f, SECCOMP_RET_ALLOW);
}

/* Allow system call `number` only with one of `values` as argument `i`. */
static void allow_with(filter *f, uint32_t number, size_t i, const uint32_t *values, size_t n) {
    add(f, BPF_JMP | BPF_JEQ | BPF_K, number, 0, (uint8_t)(2 * n + 2));
    load(f, offsetof(struct seccomp_data, args) + 8 * i); /* the low half, little-endian */
    for (size_t v = 0; v < n; v++) {
        allow_if(f, values[v]);
    }
    answer(f, SECCOMP_RET_ERRNO | EPERM);
}

/* Allow system call `number` only without PROT_EXEC in its third argument. */
static void allow_data(filter *f, uint32_t number) {
    add(f, BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4);
    load(f, offsetof(struct seccomp_data, args) + 8 * 2);
    add(f, BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1);
    answer(f, SECCOMP_RET_ERRNO | EPERM);
    answer(f, SECCOMP_RET_ALLOW);
}

static void build(filter *f, sandbox_kind kind) {
    const uint32_t self = (uint32_t)getpid();
    load(f, offsetof(struct seccomp_data, arch));
    add(f, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
    answer(f, SECCOMP_RET_ERRNO | EPERM); /* the calls of another architecture */
    load(f, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        allow_if(f, always[i]);
    }
    for (size_t i = 0; i < sizeof for_files / sizeof *for_files && kind == SANDBOX_FILES; i++) {
        allow_if(f, for_files[i]);
    }
    allow_with(f, __NR_ioctl, 1, requests, sizeof requests / sizeof *requests);
    allow_with(f, __NR_kill, 0, &self, 1);
    allow_with(f, __NR_tgkill, 0, &self, 1);
    allow_data(f, __NR_mmap);
    allow_data(f, __NR_mprotect);
    answer(f, SECCOMP_RET_ERRNO | EPERM);
}

bool sandbox_enter(sandbox_kind kind) {
    filter f = {.n = 0};
    build(&f, kind);
    const struct sock_fprog program = {.len = f.n, .filter = f.step};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

#else

bool sandbox_enter(sandbox_kind kind) {
    (void)kind;
    return false;
}

#endif
