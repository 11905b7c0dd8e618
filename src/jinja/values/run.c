/*
 * run.c - failing, and limits.
 */
#include "jinja/values/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const value value_none = {.kind = VALUE_NONE};

/* Write the place of `source` below v, like messages[2].content, into out[cap]; *n grows.  JSON is
 * at most JSON_MAX_DEPTH deep. */
static bool find_path(const json_value *v, const json_value *source, char *out, size_t cap,
                      size_t *n) {
    if (v == source) return true;
    size_t i = 0;
    for (const json_value *item = v->first; item; item = item->next, i++) {
        const size_t before = *n;
        const int added = v->kind == JSON_OBJECT
                              ? snprintf(out + before, cap - before, ".%.*s",
                                         (int)(item->key_len < 40 ? item->key_len : 40), item->key)
                              : snprintf(out + before, cap - before, "[%zu]", i);
        *n = before + (size_t)added < cap ? before + (size_t)added : cap - 1;
        if (find_path(item, source, out, cap, n)) return true;
        *n = before;
        out[before] = '\0';
    }
    return false;
}

static void write_path(const run *r, const json_value *source, char *out, size_t cap) {
    out[0] = '\0';
    for (size_t i = 0; i < r->n_globals && source; i++) {
        const jinja_global *g = &r->globals[i];
        size_t n = g->value ? (size_t)snprintf(out, cap, ": %s", g->name) : 0;
        if (g->value && n < cap && find_path(g->value, source, out, cap, &n)) return;
        out[0] = '\0';
    }
}

value run_fail(run *r, const value *culprit, const char *format, ...) {
    if (r->failed) return value_none;
    char what[400];
    char path[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    write_path(r, culprit ? culprit->source : NULL, path, sizeof path);
    r->failed = true;
    r->status = LFM_ERR_ARG;
    err_set(r->err, LFM_ERR_ARG, "chat template, line %u, column %u: %s%s", r->at.line,
            r->at.column, what, path);
    return value_none;
}

value run_fail_undefined(run *r, value undefined) {
    return run_fail(r, &undefined, "%.*s", (int)undefined.string.len, undefined.string.ptr);
}

void run_fail_limit(run *r, const char *what) {
    run_fail(r, NULL, "%s", what);
    r->status = LFM_ERR_UNSUPPORTED;
}

void *run_get(run *r, size_t n) {
    void *p = r->failed ? NULL : jinja_memory_get(&r->memory, n);
    if (!p && !r->failed && r->memory.is_full) {
        run_fail_limit(r, "it needs too much memory");
    } else if (!p && !r->failed) {
        r->failed = true;
        r->status = err_no_memory(r->err, "the prompt");
    }
    return p;
}

void run_charge(run *r, size_t steps) {
    r->steps += steps;
    if (r->steps > JINJA_MAX_STEPS && !r->failed) {
        run_fail_limit(r, "it takes too many steps; is there a loop that does not end soon?");
    }
}

bool run_enter(run *r) {
    if (++r->depth > JINJA_MAX_DEPTH && !r->failed) {
        run_fail_limit(r, "it is nested too deeply; does a macro call itself?");
    }
    return !r->failed;
}

void run_leave(run *r) {
    r->depth--;
}
