/*
 * hurry.h - how much of a long test is run: a part in `make test`, everything in `make check-all`.
 */
#ifndef SUPPORT_HURRY_H
#define SUPPORT_HURRY_H

#include <stdbool.h>
#include <stdlib.h>

static inline bool is_set(const char *variable) {
    const char *value = getenv(variable);
    return value && *value;
}

/* $LFM_SANITIZED: this is a slow build. */
static inline bool is_sanitized(void) {
    return is_set("LFM_SANITIZED");
}

/* $LFM_TEST_ALL: nothing is left out, however long it takes. */
static inline bool test_all(void) {
    return is_set("LFM_TEST_ALL");
}

/* A slow build, and somebody waits for it. */
static inline bool test_hurries(void) {
    return is_sanitized() && !test_all();
}

#endif
