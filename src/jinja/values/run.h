/*
 * run.h - a rendering under way: its limits, and how it fails.
 */
#ifndef JINJA_VALUES_RUN_H
#define JINJA_VALUES_RUN_H

#include "jinja/values/limits.h"
#include "jinja/values/value.h"

struct arguments;
struct native;
struct jinja_program;

/* Line and column of a template, from 1. */
typedef struct {
    uint32_t line, column;
} run_place;

struct run {
    jinja_memory memory;
    const jinja_global *globals;
    size_t n_globals;
    const jinja_marks *marks; /* or NULL */
    int64_t now;
    size_t steps;
    int depth, calls;
    run_place at; /* in the template, for messages */
    bool failed;
    lfm_status status;
    lfm_error *err;

    /* What only some files know. */
    const struct native *(*find_filter)(text name);
    const struct native *(*find_test)(text name);
    value (*call_macro)(run *r, const struct macro *m, const struct arguments *a);
    const struct jinja_program *program;
    value *top;          /* [n_names] variables of the program; ABSENT = not set */
    struct scope *scope; /* innermost, NULL = top */
    buffer *out;         /* where text goes */
    int jump;            /* NODE_BREAK or NODE_CONTINUE until the loop notices it; else 0 */
    uint32_t loop_name, caller_name, varargs_name, kwargs_name; /* or UINT32_MAX: not read */
};

/* Record that the run failed; the first failure counts.  `culprit` (may be NULL) is the value that
 * was not good enough: when it came from a variable, the message ends in its path. */
value run_fail(run *r, const value *culprit, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
value run_fail_undefined(run *r, value undefined); /* its text is the message */
void run_fail_limit(run *r, const char *what);     /* LFM_ERR_UNSUPPORTED */
void *run_get(run *r, size_t n);                   /* zeroed memory; NULL = the run has failed */
void run_charge(run *r, size_t steps);
bool run_enter(run *r); /* one level deeper; false = the run has failed.  run_leave in any case */
void run_leave(run *r);

#endif
