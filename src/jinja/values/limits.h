/*
 * limits.h - what a template may use, and what it is given.
 */
#ifndef JINJA_VALUES_LIMITS_H
#define JINJA_VALUES_LIMITS_H

#include "base/json.h"

enum {
    JINJA_MAX_SOURCE = 1024 * 1024,       /* bytes of a template */
    JINJA_MAX_NAMES = 1000,               /* variables of a template */
    JINJA_MAX_ARGUMENTS = 100,            /* of a call, or parameters of a macro */
    JINJA_MAX_OUTPUT = 16 * 1024 * 1024,  /* bytes of a rendered text */
    JINJA_MAX_MEMORY = 256 * 1024 * 1024, /* bytes of values while rendering */
    JINJA_MAX_STEPS = 10 * 1000 * 1000,   /* expressions and statements, and 32 bytes searched */
    JINJA_MAX_CALLS = 64,                 /* macros that call each other */
    JINJA_MAX_DEPTH = 300                 /* nodes of the program, or values, inside each other */
};

/* A variable that the program can read: a JSON value, or text that counts as the template's own. */
typedef struct {
    const char *name;
    const json_value *value; /* NULL: `own` */
    const char *own;         /* NUL-terminated */
} jinja_global;

/* Texts that a caller made out of its own words and values: the strings among the variables that
 * lie in bytes[n] have these marks. */
typedef struct {
    const char *bytes;
    const char *own; /* [n] 1: counts as the template's own */
    size_t n;
} jinja_marks;

#endif
