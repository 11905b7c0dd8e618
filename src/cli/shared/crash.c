/*
 * crash.c - the last message of a program that cannot continue.
 */
#include "cli/shared/crash.h"

#include "base/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Set before signals can use them; handlers only read. */
static char line[512];
static void (*restore_terminal)(void);

static void on_bus_error(int number, siginfo_t *info, void *context) {
    (void)context;
    if (restore_terminal) {
        restore_terminal();
    }
    if (info->si_code != BUS_ADRERR) { /* not a mapped file: a bug, or faulty memory */
        signal(number, SIG_DFL);
        raise(number);
        return;
    }
    (void)!write(STDERR_FILENO, line, strlen(line));
    _exit(1); /* the output so far is correct but incomplete */
}

static void set_line(const char *path) {
    char shown[300];
    err_escape(shown, sizeof shown, path, strlen(path));
    snprintf(line, sizeof line, "lfm: %s: the file became shorter while it was in use, or its disk "
             "cannot be read; start again when it is complete\n", shown);
}

void crash_catch(void) {
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    set_line("a model");
    sigaction(SIGBUS, &action, NULL);
}

void crash_name_file(const char *path) {
    static char named[300];
    if (named[0] && strncmp(named, path, sizeof named - 1) != 0) {
        path = "a model";
    }
    snprintf(named, sizeof named, "%s", path);
    set_line(path);
}

void crash_on_end(void (*restore)(void)) {
    restore_terminal = restore;
}
