/*
 * machine.c - machines made of files.
 */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>

char machine_root[64];

int machine_begin(void **state) {
    (void)state;
    snprintf(machine_root, sizeof machine_root, "/tmp/lfm-machine-XXXXXX");
    return mkdtemp(machine_root) ? 0 : -1;
}

int machine_end(void **state) {
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", machine_root);
    return system(command);
}

static void check(int good, const char *path) {
    if (!good) {
        perror(path);
        abort();
    }
}

void machine_file(const char *path, const char *text) {
    char full[512];
    snprintf(full, sizeof full, "mkdir -p $(dirname %s%s)", machine_root, path);
    check(system(full) == 0, path);
    snprintf(full, sizeof full, "%s%s", machine_root, path);
    FILE *f = fopen(full, "w");
    check(f != NULL, path);
    fputs(text, f);
    check(fclose(f) == 0, path);
}
