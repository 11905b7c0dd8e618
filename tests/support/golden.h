/*
 * golden.h - the files of golden/forward: tokens and logits that another engine computed.
 *
 * A few of them are committed in tests/golden/forward; all are in $LFM_SHARED/golden/forward, where
 * LFM_SHARED is ../shared by default.  Tests run from the root of the repository.
 */
#ifndef SUPPORT_GOLDEN_H
#define SUPPORT_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char text[1024];
} golden_path;

/* Where the file `name` is; false when it is in neither place. */
bool golden_find(golden_path *path, const char *name);

/* The little-endian floats of a file; NULL when it is absent.  To be freed. */
float *golden_floats(const char *name, size_t *n);

/* The token ids of a text file, separated by white space; NULL when it is absent.  To be freed. */
int32_t *golden_tokens(const char *name, size_t *n);

/* Difference of x[n] from what it should be. */
typedef struct {
    double max;  /* largest absolute difference; NaN or infinite if any value is */
    double nmse; /* sum of squared differences / sum of squared wanted values */
} golden_error;

golden_error golden_compare(const float *x, const float *want, size_t n);

#endif
