/*
 * golden.c - finding and reading the files of golden/forward.
 */
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void *checked(void *p) {
    if (!p) {
        fputs("golden: out of memory\n", stderr);
        abort();
    }
    return p;
}

bool golden_find(golden_path *path, const char *name) {
    const char *shared = getenv("LFM_SHARED");
    const char *const folders[] = {shared ? shared : "../shared", "tests"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path->text, sizeof path->text, "%s/golden/forward/%s", folders[i], name);
        FILE *f = fopen(path->text, "rb");
        if (f) {
            fclose(f);
            return true;
        }
    }
    return false;
}

/* The bytes of a file and a NUL. */
static char *read_all(const char *name, size_t *size) {
    golden_path path;
    FILE *f = golden_find(&path, name) ? fopen(path.text, "rb") : NULL;
    if (!f) {
        return NULL;
    }
    size_t cap = 1 << 16;
    size_t n = 0;
    char *bytes = checked(malloc(cap));
    for (size_t got; (got = fread(bytes + n, 1, cap - 1 - n, f)) > 0; n += got) {
        if (cap - 1 - n == got) {
            cap *= 2;
            bytes = checked(realloc(bytes, cap));
        }
    }
    fclose(f);
    bytes[n] = '\0';
    *size = n;
    return bytes;
}

float *golden_floats(const char *name, size_t *n) {
    size_t size = 0;
    void *bytes = read_all(name, &size);
    *n = size / sizeof(float);
    return bytes;
}

int32_t *golden_tokens(const char *name, size_t *n) {
    size_t size = 0;
    char *text = read_all(name, &size);
    if (!text) {
        return NULL;
    }
    int32_t *tokens = checked(calloc(size / 2 + 1, sizeof *tokens)); /* a digit and a blank each */
    const char *at = text;
    *n = 0;
    for (char *end;; at = end) {
        const long id = strtol(at, &end, 10);
        if (end == at) {
            break;
        }
        tokens[(*n)++] = (int32_t)id;
    }
    free(text);
    return tokens;
}

golden_error golden_compare(const float *x, const float *want, size_t n) {
    golden_error e = {0};
    double square = 0;
    for (size_t i = 0; i < n; i++) {
        const double d = (double)x[i] - (double)want[i];
        if (!(fabs(d) <= e.max) && !isnan(e.max)) { /* the first NaN stays */
            e.max = fabs(d);
        }
        e.nmse += d * d;
        square += (double)want[i] * (double)want[i];
    }
    e.nmse = square > 0 ? e.nmse / square : e.nmse;
    return e;
}
