/*
 * tune.c - reading, writing and applying the file of --tune.
 */
#include "cli/shared/tune.h"

#include "base/system/cores.h"
#include "cli/shared/machine_facts.h"
#include "cli/shared/output.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 4096, MAX_PATH = 1024, MAX_THREADS = 4096 };

static const char first_line[] = "lfm-tune 1";
static const char fast_line[] = "on fast cores";

void tune_here(tune *t) {
    *t = (tune){.cores = (uint32_t)cores_default()};
    machine_cpu_name(t->cpu, sizeof t->cpu, "");
}

bool tune_path(char *out, size_t cap) {
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    int n = -1;
    if (config && config[0] == '/') { /* the XDG standard ignores relative paths */
        n = snprintf(out, cap, "%s/lfm/tune", config);
    } else if (home && home[0]) {
        n = snprintf(out, cap, "%s/.config/lfm/tune", home);
    }
    return n > 0 && (size_t)n < cap;
}

/* ---- Reading -------------------------------------------------------------------------------- */

/* A positive number and nothing else. */
static bool read_count(const char *text, uint32_t *out) {
    const size_t n = strspn(text, "0123456789");
    const unsigned long v = n > 0 && n < 6 && text[n] == '\0' ? strtoul(text, NULL, 10) : 0;
    *out = (uint32_t)v;
    return v > 0 && v <= MAX_THREADS;
}

static bool read_line(tune *t, const char *line) {
    if (strncmp(line, "cpu ", 4) == 0) {
        const size_t n = strlen(line + 4);
        if (n == 0 || n >= sizeof t->cpu) return false;
        memcpy(t->cpu, line + 4, n + 1);
        return true;
    }
    if (strncmp(line, "cores ", 6) == 0) return read_count(line + 6, &t->cores);
    if (strncmp(line, "decode ", 7) == 0) return read_count(line + 7, &t->decode);
    if (strcmp(line, fast_line) == 0) {
        t->fast = true;
        return true;
    }
    return strncmp(line, "prefill ", 8) == 0 && read_count(line + 8, &t->prefill);
}

tune_state tune_parse(tune *t, const char *text, size_t n, const tune *here) {
    const char *end = text + n;
    bool head = false;
    *t = (tune){0};
    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        const size_t len = (size_t)((newline ? newline : end) - text);
        char line[256];
        if (!newline || len >= sizeof line || memchr(text, '\0', len)) {
            return TUNE_BROKEN; /* our files end every line */
        }
        memcpy(line, text, len);
        line[len] = '\0';
        text += len + 1;
        if (line[0] == '#') continue;
        if (!head) {
            head = strcmp(line, first_line) == 0;
            if (!head) return TUNE_BROKEN;
        } else if (!read_line(t, line)) {
            return TUNE_BROKEN;
        }
    }
    if (!t->cpu[0] || !t->cores || !t->decode || !t->prefill) return TUNE_BROKEN;
    return strcmp(t->cpu, here->cpu) == 0 && t->cores == here->cores ? TUNE_GOOD : TUNE_STALE;
}

tune_state tune_read(tune *t, const char *path, const tune *here) {
    char text[MAX_FILE];
    *t = (tune){0};
    FILE *f = fopen(path, "re");
    if (!f) return errno == ENOENT || errno == ENOTDIR ? TUNE_ABSENT : TUNE_BROKEN;
    const size_t n = fread(text, 1, sizeof text, f);
    const bool whole = !ferror(f) && n < sizeof text;
    fclose(f);
    return whole ? tune_parse(t, text, n, here) : TUNE_BROKEN;
}

/* ---- Writing -------------------------------------------------------------------------------- */

/* Create missing folders above `path`. */
static lfm_status make_folders(const char *path, lfm_error *err) {
    char folder[MAX_PATH];
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        const size_t n = (size_t)(slash - path);
        if (n >= sizeof folder) return err_set(err, LFM_ERR_IO, "%s: the path is too long", path);
        memcpy(folder, path, n);
        folder[n] = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            return err_set(err, LFM_ERR_IO, "%s: cannot be created: %s", folder, strerror(errno));
        }
    }
    return LFM_OK;
}

lfm_status tune_write(const tune *t, const char *path, lfm_error *err) {
    char text[MAX_FILE];
    output out;
    const int n = snprintf(text, sizeof text,
                           "# Threads that were the fastest here; made by lfm bench MODEL --tune.\n"
                           "# They hold while the processor and the allowed cores are these.\n"
                           "%s\ncpu %s\ncores %" PRIu32 "\ndecode %" PRIu32 "\nprefill %" PRIu32
                           "\n%s%s", first_line, t->cpu, t->cores, t->decode, t->prefill,
                           t->fast ? fast_line : "", t->fast ? "\n" : "");
    lfm_status st = make_folders(path, err);
    if (st == LFM_OK) st = output_open(&out, path, err);
    if (st != LFM_OK) return st;
    st = output_write(&out, text, (size_t)n, err);
    const lfm_status closed = output_close(&out, st == LFM_OK, err);
    return st == LFM_OK ? closed : st;
}

/* ---- Applying ------------------------------------------------------------------------------- */

threads_origin tune_apply(lfm_session_options *opt, bool tell) {
    char path[MAX_PATH];
    tune here;
    tune t;
    if (opt->n_threads > 0) return THREADS_ASKED;
    if (!tune_path(path, sizeof path) || access(path, F_OK) != 0) return THREADS_CORES;
    tune_here(&here);
    const tune_state state = tune_read(&t, path, &here);
    if (state == TUNE_GOOD) {
        opt->n_threads = t.decode;
        opt->n_threads_batch = opt->n_threads_batch ? opt->n_threads_batch : t.prefill;
        return t.fast ? THREADS_TUNED_FAST : THREADS_TUNED;
    }
    /* If only this run has fewer cores (taskset, --cpus, a container), the file is fine but does
     * not apply: no warning. */
    const bool fewer = state == TUNE_STALE && strcmp(t.cpu, here.cpu) == 0 && here.cores < t.cores;
    if (state != TUNE_ABSENT && !fewer && tell) {
        term_message(state == TUNE_STALE
                         ? "%s was made for another processor or other cores and is not used; make "
                           "it again: lfm bench MODEL --tune"
                         : "%s is not a file of 'lfm bench --tune' and is not used; remove it, or "
                           "make it again: lfm bench MODEL --tune", path);
    }
    return THREADS_CORES;
}

threads_origin tune_begin(lfm_session_options *opt, bool tell) {
    cores_set before;
    const threads_origin origin = tune_apply(opt, tell);
    if (origin == THREADS_TUNED_FAST) {
        cores_use_fast(&before);
    }
    return origin;
}
