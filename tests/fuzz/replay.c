/*
 * replay.c - runs a fuzz target over files, without a fuzzer: any compiler, any processor.
 *
 *     build/release/fuzz/fuzz_gguf FILE|FOLDER ... [--mutate N] [--seed S]
 *
 * Every file is run as it is and then N times with small changes (bytes set, flipped, cut out,
 * doubled, cut off; numbers set to their extremes).  The changes depend on the seed, the file's
 * bytes and the count alone, so whatever is found can be found again.
 */
#include "fuzz.h"

#include "base/rng.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FILE = 1 << 24, MAX_GROWTH = 4096 };

typedef struct {
    unsigned long long n_mutations, seed;
    unsigned long long n_files, n_runs;
} replay;

static void die(const char *what, const char *name) {
    fprintf(stderr, "replay: %s: %s\n", name, what);
    exit(1);
}

/* On a copy of exactly `n` bytes, so that a sanitizer sees every read past the end. */
static void run_once(replay *r, const uint8_t *bytes, size_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy) {
        die("out of memory", "input");
    }
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
    r->n_runs++;
}

typedef struct {
    uint64_t seed, n;
} dice;

static size_t roll(dice *d, size_t sides) {
    return sides ? (size_t)(rng_at(d->seed, d->n++) % sides) : 0;
}

/* One change; returns the new length, at most `cap`. */
static size_t change(dice *d, uint8_t *p, size_t n, size_t cap) {
    static const uint64_t extremes[] = {
        0, 1, 2, 5, 32, 127, 128, 255, 256, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff,
        0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
    };
    const size_t at = roll(d, n);
    const size_t span = roll(d, n - at < 64 ? n - at : 64);
    const size_t n_extremes = sizeof extremes / sizeof *extremes;
    if (n == 0) {
        p[0] = (uint8_t)roll(d, 256);
        return 1;
    }
    switch (roll(d, 6)) {
    case 0: p[at] ^= (uint8_t)(1u << roll(d, 8)); return n;
    case 1: p[at] = (uint8_t)roll(d, 256); return n;
    case 2: return at;
    case 3: memmove(p + at, p + at + span, n - at - span); return n - span;
    case 4:
        if (n + span > cap) {
            return n;
        }
        memmove(p + at + span, p + at, n - at);
        return n + span;
    default: {
        const uint64_t v = extremes[roll(d, n_extremes)];
        const size_t width = (size_t)1 << roll(d, 4);
        memcpy(p + at, &v, n - at < width ? n - at : width);
        return n;
    }
    }
}

static void run_file(replay *r, const char *path) {
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = malloc(MAX_FILE);
    uint8_t *changed = malloc(MAX_FILE + MAX_GROWTH);
    if (!f || !bytes || !changed) {
        die("cannot be read", path);
    }
    const size_t n = fread(bytes, 1, MAX_FILE, f);
    fclose(f);
    uint64_t mix = r->seed ^ n;
    for (size_t i = 0; i < n; i++) {
        mix = (mix ^ bytes[i]) * 0x100000001b3u;
    }
    run_once(r, bytes, n);
    dice d = {.seed = mix};
    for (unsigned long long i = 0; i < r->n_mutations; i++) {
        size_t len = n;
        memcpy(changed, bytes, n);
        for (size_t k = 1 + roll(&d, 4); k > 0; k--) {
            len = change(&d, changed, len, n + MAX_GROWTH);
        }
        run_once(r, changed, len);
    }
    r->n_files++;
    free(bytes);
    free(changed);
}

static void run_folder(replay *r, const char *path) {
    struct dirent **names = NULL;
    const int n = scandir(path, &names, NULL, alphasort);
    if (n < 0) {
        die("cannot be read", path);
    }
    for (int i = 0; i < n; i++) {
        char whole[1024];
        snprintf(whole, sizeof whole, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') {
            run_file(r, whole);
        }
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv) {
    replay r = {0};
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (strcmp(argv[i], "--mutate") == 0 && i + 1 < argc) {
            r.n_mutations = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            r.seed = strtoull(argv[++i], NULL, 10);
        } else if (stat(argv[i], &st) != 0) {
            die("is not there", argv[i]);
        }
    }
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (strncmp(argv[i], "--", 2) == 0) {
            i++;
        } else if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            run_folder(&r, argv[i]);
        } else {
            run_file(&r, argv[i]);
        }
    }
    printf("%llu files, %llu runs\n", r.n_files, r.n_runs);
    return r.n_files == 0;
}
