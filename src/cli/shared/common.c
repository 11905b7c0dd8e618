/*
 * common.c - what the commands share.
 */
#include "cli/shared/common.h"

#include "base/grow.h"
#include "cli/shared/machine.h"
#include "cli/shared/term.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_fail(const lfm_error *err) {
    term_message("%s", err->text);
    switch (err->status) {
    case LFM_ERR_ARG: return CLI_USAGE;
    case LFM_ERR_FULL: return CLI_TOO_LONG;
    default: return CLI_FAILED;
    }
}

const char *cli_base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- Files and sessions --------------------------------------------------------------------- */

void cli_nearest_file(const char *path, char *found, size_t cap) {
    const char *name = cli_base_name(path);
    char folder[1024] = ".";
    if (name > path && (size_t)(name - path) < sizeof folder) {
        memcpy(folder, path, (size_t)(name - path));
        folder[name - path] = '\0';
    }
    found[0] = '\0';
    DIR *dir = opendir(folder);
    size_t best = SIZE_MAX;
    for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (e->d_name[0] != '.' && opt_is_near(name, e->d_name, &best)) {
            snprintf(found, cap, "%.*s%s", (int)(name - path), path, e->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

lfm_session_options cli_session_options(const cli_options *o) {
    return (lfm_session_options){
        .n_ctx = (uint32_t)o->n_ctx.value,
        .n_batch = (uint32_t)o->n_batch.value,
        .n_threads = o->n_threads.value > 0 ? (uint32_t)o->n_threads.value : 0,
        .n_threads_batch = o->n_threads_batch.value > 0 ? (uint32_t)o->n_threads_batch.value : 0,
        .kv = o->kv == KV_F16 ? LFM_KV_F16 : o->kv == KV_F32 ? LFM_KV_F32 : LFM_KV_Q8,
    };
}

int cli_progress(const cli_options *o) {
    return o->progress == PROGRESS_ALWAYS ? TERM_ALWAYS
         : o->progress == PROGRESS_NEVER || o->quiet ? TERM_NEVER : TERM_AUTO;
}

lfm_status cli_new_tuned_session(lfm_session **out, threads_origin *origin, const lfm_model *m,
                                 const cli_options *o, lfm_error *err) {
    lfm_session_options opt = cli_session_options(o);
    *origin = tune_begin(&opt, !o->quiet && !o->cpus); /* --cpus makes another machine on purpose */
    const lfm_status st = lfm_session_new(out, m, &opt, err);
    if (st == LFM_OK && !o->quiet) {
        const uint32_t n = lfm_session_n_threads(*out);
        if (n < opt.n_threads) {
            term_message("the system allows only %u threads, not %u", (unsigned)n,
                         (unsigned)opt.n_threads);
        }
        if (!o->isa && strcmp(lfm_model_get_info(m)->isa, "scalar") == 0) {
            term_message("this processor has none of the vector instructions that lfm knows; lfm "
                         "works, but slowly");
        }
    }
    return st;
}

lfm_status cli_new_session(lfm_session **out, const lfm_model *m, const cli_options *o,
                           lfm_error *err) {
    threads_origin origin;
    return cli_new_tuned_session(out, &origin, m, o, err);
}

lfm_status cli_no_file(const char *path, int cause, lfm_error *err) {
    char near[1024] = "";
    if (cause == ENOENT) {
        cli_nearest_file(path, near, sizeof near);
    }
    return err_set(err, LFM_ERR_IO, "%s: cannot be opened: %s%s%s%s", path, strerror(cause),
                   near[0] ? ". Did you mean '" : "", near, near[0] ? "'?" : "");
}

/* ---- Text ----------------------------------------------------------------------------------- */

cli_text cli_size(uint64_t n_bytes) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    cli_text t;
    double value = (double)n_bytes;
    size_t unit = 0;
    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(t.text, sizeof t.text, unit == 0 ? "%.0f %s" : value < 10 ? "%.2f %s" : "%.1f %s",
             value, units[unit]);
    return t;
}

cli_text cli_count(uint64_t n) {
    static const char *const units[] = {"", " K", " M", " B"};
    cli_text t;
    double value = (double)n;
    size_t unit = 0;
    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(t.text, sizeof t.text, unit == 0 || value >= 100 ? "%.0f%s" : value < 10 ? "%.2f%s"
             : "%.1f%s", value, units[unit]);
    return t;
}

cli_text cli_grouped(uint64_t n) {
    char digits[24];
    cli_text t;
    const int len = snprintf(digits, sizeof digits, "%" PRIu64, n);
    size_t to = 0;
    for (int i = 0; i < len && to + 2 < sizeof t.text; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            t.text[to++] = ' ';
        }
        t.text[to++] = digits[i];
    }
    t.text[to] = '\0';
    return t;
}

lfm_status cli_read_ids(const char *text, const char *name, int32_t **ids, size_t *n,
                        lfm_error *err) {
    static const char between[] = " \t\r\n,[]";
    size_t cap = 0;
    *ids = NULL;
    *n = 0;
    for (const char *p = text + strspn(text, between); *p; p += strspn(p, between)) {
        const size_t len = strcspn(p, between);
        const size_t n_digits = strspn(p, "0123456789");
        const unsigned long long id = strtoull(p, NULL, 10);
        lfm_status st = LFM_OK;
        if (n_digits != len || len > 10 || id > INT32_MAX) {
            st = err_set(err, LFM_ERR_ARG, "%s: word %zu, '%.*s', is not a token id", name, *n + 1,
                         len > 40 ? 40 : (int)len, p);
        } else if (*n == cap) {
            const size_t want = cap ? 2 * cap : 256;
            int32_t *grown = grow_array(*ids, &cap, want, sizeof *grown);
            if (grown) {
                *ids = grown;
            } else {
                st = err_set(err, LFM_ERR_MEMORY, "out of memory for %zu token ids", want);
            }
        }
        if (st != LFM_OK) {
            free(*ids);
            *ids = NULL;
            *n = 0;
            return st;
        }
        (*ids)[(*n)++] = (int32_t)id;
        p += len;
    }
    return LFM_OK;
}

void cli_print(const char *bytes, size_t n) {
    if (!term_out_is_tty()) {
        fwrite(bytes, 1, n, stdout);
        return;
    }
    for (size_t i = 0; i < n;) { /* without memory of its own, so that nothing can be missing */
        term_shown shown;
        i += term_escape_one(&shown, bytes + i, n - i);
        fputs(shown.text, stdout);
    }
}
