/*
 * test_cli_sandbox.c - what a process in the sandbox can do, and what it cannot.
 *
 * Each try is a child of its own, because nobody leaves a sandbox.
 */
#include "cli/shared/sandbox.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

typedef bool action(void); /* did it work? */

/* ---- What must fail ------------------------------------------------------------------------- */

static bool open_file(void) {
    return open("/etc/passwd", O_RDONLY) >= 0;
}

static bool start_program(void) {
    execl("/bin/true", "true", (char *)NULL);
    return errno != EPERM;
}

static bool make_process(void) {
    const pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    return child > 0;
}

static bool reach_network(void) {
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool signal_parent(void) {
    return kill(getppid(), 0) == 0;
}

static bool make_code(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
           MAP_FAILED;
}

static bool make_memory_code(void) {
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

#ifdef TIOCSTI
static bool type_into_terminal(void) {
    return ioctl(0, TIOCSTI, "x") == 0 || errno != EPERM;
}
#endif

static bool change_folder(void) {
    return chdir("/") == 0 || chmod("/tmp/none", 0700) == 0 || symlink("a", "/tmp/none") == 0;
}

/* ---- What must work ------------------------------------------------------------------------- */

static bool use_memory(void) {
    char *p = malloc(1 << 24);
    if (!p) {
        return false;
    }
    memset(p, 1, 1 << 24);
    char *more = realloc(p, 1 << 25);
    free(more);
    return more != NULL;
}

static bool use_pipe_and_signals(void) {
    struct stat info;
    return write(STDERR_FILENO, "", 0) == 0 && fstat(0, &info) == 0 && kill(getpid(), 0) == 0 &&
           signal(SIGINT, SIG_IGN) != SIG_ERR && raise(SIGINT) == 0 &&
           (isatty(0) || errno != EPERM);
}

static bool use_file(void) {
    const char *path = "build/sandbox-test.tmp";
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return fd >= 0 && write(fd, "x", 1) == 1 && fchmod(fd, 0600) == 0 && fsync(fd) == 0 &&
           close(fd) == 0 && rename(path, "build/sandbox-test2.tmp") == 0 &&
           unlink("build/sandbox-test2.tmp") == 0;
}

/* ---- Tests ---------------------------------------------------------------------------------- */

/* -1: this system has no sandbox; else whether it worked. */
static int try_inside(sandbox_kind kind, action *act) {
    int status = 0;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(!sandbox_enter(kind) ? 2 : act() ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 2 ? -1 : WEXITSTATUS(status);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *name;
        action *act;
        bool with_files; /* refused there too */
    } tries[] = {
        {"open a file", open_file, false},
        {"start a program", start_program, true},
        {"make a process", make_process, true},
        {"reach the network", reach_network, true},
        {"signal another process", signal_parent, true},
        {"map code", make_code, true},
        {"make memory code", make_memory_code, true},
#ifdef TIOCSTI
        {"type into the terminal", type_into_terminal, true},
#endif
        {"change folder, mode, links", change_folder, true},
    };
    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        for (int kind = SANDBOX_CLOSED; kind <= SANDBOX_FILES; kind++) {
            if (kind == SANDBOX_FILES && !tries[i].with_files) {
                continue;
            }
            const int worked = try_inside((sandbox_kind)kind, tries[i].act);
            if (worked < 0) {
                skip();
            }
            if (worked) {
                fail_msg("in the sandbox one can %s", tries[i].name);
            }
        }
    }
}

static void test_allowed(void **state) {
    (void)state;
    static action *const acts[] = {use_memory, use_pipe_and_signals, use_file};
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        const int worked = try_inside(SANDBOX_FILES, acts[i]);
        if (worked < 0) {
            skip();
        }
        assert_true(worked);
    }
}

static atomic_int go;

static void *wait_and_open(void *result) {
    while (!go) {
    }
    *(bool *)result = open_file();
    return NULL;
}

static bool do_nothing(void) {
    return false;
}

/* Threads that were there before are in it too. */
static void test_threads(void **state) {
    (void)state;
    int status = 0;
    if (try_inside(SANDBOX_CLOSED, do_nothing) < 0) {
        skip();
    }
    const pid_t child = fork();
    if (child == 0) {
        pthread_t thread;
        bool opened = true;
        if (pthread_create(&thread, NULL, wait_and_open, &opened) != 0 ||
            !sandbox_enter(SANDBOX_CLOSED)) {
            _exit(3);
        }
        go = 1;
        pthread_join(thread, NULL);
        _exit(opened);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_allowed),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
