/*
 * bench_model.c - the model's name, its file, and the settings of its sessions.
 */
#include "cli/bench/bench_model.h"

#include "cli/shared/common.h"
#include "cli/shared/tune.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The name ------------------------------------------------------------------------------- */

/* Names of general.file_type, as llama.cpp prints them. */
static const char *mix_name(unsigned long type) {
    static const struct {
        unsigned long type;
        const char *name;
    } names[] = {
        {0, "all F32"}, {1, "F16"}, {2, "Q4_0"}, {3, "Q4_1"}, {7, "Q8_0"}, {8, "Q5_0"},
        {9, "Q5_1"}, {10, "Q2_K - Medium"}, {11, "Q3_K - Small"}, {12, "Q3_K - Medium"},
        {13, "Q3_K - Large"}, {14, "Q4_K - Small"}, {15, "Q4_K - Medium"}, {16, "Q5_K - Small"},
        {17, "Q5_K - Medium"}, {18, "Q6_K"}, {25, "IQ4_NL - 4.5 bpw"}, {30, "IQ4_XS - 4.25 bpw"},
        {32, "BF16"}, {38, "MXFP4 MoE"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].type == type) return names[i].name;
    }
    return "unknown mix";
}

/* The value of a metadata key as text; "" when it is absent. */
static void key_text(const lfm_model *m, const char *wanted, char *out, size_t cap) {
    const char *key = NULL;
    const char *type = NULL;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; lfm_model_key(m, i, &key, &len, &type, out, cap); i++) {
        if (len == strlen(wanted) && memcmp(key, wanted, len) == 0) return;
    }
    out[0] = '\0';
}

void bench_model_type(char *out, size_t cap, const lfm_model *m) {
    const lfm_model_info *i = lfm_model_get_info(m);
    const double billions = (double)i->n_params * 1e-9;
    char size[32];
    char mix[24];
    key_text(m, "general.file_type", mix, sizeof mix);
    if (i->n_expert > 0 && billions >= 1) { /* a mixture: all weights, and active ones */
        const double active = billions * (double)i->token_bytes / (double)i->tensor_bytes;
        snprintf(size, sizeof size, "%.0fB.A%.0fB", billions, floor(active < 1 ? 1 : active));
    } else if (billions >= 1) {
        snprintf(size, sizeof size, "%.1fB", billions);
    } else {
        snprintf(size, sizeof size, "%.0fM", billions >= 0.1 ? 10 * round(billions * 100)
                                                             : billions * 1000);
    }
    snprintf(out, cap, "%s %s %s", i->arch, size, mix[0] ? mix_name(strtoul(mix, NULL, 10)) : "?");
}

/* ---- The file ------------------------------------------------------------------------------- */

double bench_cached_share(const char *path) {
    double share = -1.0;
#ifdef __linux__
    struct stat info;
    const long page = sysconf(_SC_PAGESIZE);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &info) == 0 && info.st_size > 0 && page > 0) {
        const size_t bytes = (size_t)info.st_size;
        const size_t n = (bytes + (size_t)page - 1) / (size_t)page;
        void *map = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
        unsigned char *there = malloc(n);
        if (map != MAP_FAILED && there && mincore(map, bytes, there) == 0) {
            size_t cached = 0;
            for (size_t i = 0; i < n; i++) {
                cached += there[i] & 1;
            }
            share = (double)cached / (double)n;
        }
        free(there);
        if (map != MAP_FAILED) {
            munmap(map, bytes);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
#else
    (void)path;
#endif
    return share;
}

/* ---- Sessions ------------------------------------------------------------------------------- */

lfm_session_options bench_session_options(const cli_options *o, uint32_t n_ctx,
                                          const bench_row *r, bool *fast) {
    lfm_session_options opt = cli_session_options(o);
    opt.n_ctx = n_ctx;
    opt.n_batch = r->n_batch;
    opt.n_threads = r->n_threads;
    *fast = tune_apply(&opt, false) == THREADS_TUNED_FAST || r->fast;
    if (r->n_gen == 0 && !r->is_text && opt.n_threads_batch > 0) { /* only a prompt */
        opt.n_threads = opt.n_threads_batch;
    }
    return opt;
}
