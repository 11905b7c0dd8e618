/*
 * check.h - the parts of kernel_check: slots of a kern_table, cases that exercise them, timing.
 *
 * A case is one call with inputs and sizes that follow from (seed, slot, number of the case) alone,
 * so any failure can be repeated by itself.
 */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include "../support/guard.h"
#include "kernel/kernel.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MAX_ISAS = 16,
    MAX_SLOTS = QTYPE_COUNT + 16,
    MAX_INPUTS = 8,
    MAX_TOKENS = 130,
    MAX_REGIONS = MAX_TOKENS + 4,
    AREA_BYTES = 6 << 20 /* of each input and output */
};

/* A part of the output area that the slot writes: n elements of `size` bytes (4: float, 2: half,
 * 1: byte).  What lies between regions must stay as it was. */
typedef struct {
    size_t at;
    size_t n;
    size_t size;
} region;

typedef struct slot slot;

typedef struct {
    const slot *slot;
    uint64_t seed;            /* of this case's random numbers */
    size_t index;             /* number of the case */
    size_t n_drawn;
    const guard *area;        /* [MAX_INPUTS] */
    char text[200];           /* its sizes and kinds of inputs */

    size_t n, rows, k, block, dim, n_q, stride;
    float scalar;             /* eps, a, or scale */
    kern_kv kv;
    bool in_place;
    uint8_t *in[MAX_INPUTS];
    const void *x[MAX_TOKENS];

    region region[MAX_REGIONS];
    size_t n_regions;
    size_t out_bytes;         /* with what lies between the regions */
} kase;

struct slot {
    char name[24];
    qtype type;                                      /* of the weights, for products */
    size_t offset;                                   /* of the function in a kern_table */
    size_t n_cases;
    void (*prepare)(kase *c);                        /* sizes, inputs, layout of the output */
    void (*run)(const kase *c, const kern_table *t, uint8_t *out);
};

/* Do two tables have the same function there? */
bool same_slot(const kern_table *a, const kern_table *b, const slot *s);

/* ---- Drawing --------------------------------------------------------------------------------- */

/* The next 64 random bits of a case. */
uint64_t draw(kase *c);

/* A number in [0, n). */
size_t draw_below(kase *c, size_t n);

/* A number in [0, n) that takes every value once in n successive cases. */
size_t draw_cycle(kase *c, size_t n);

/* Place input i: n_bytes at a multiple of `align`, against the upper guard page or, in half of the
 * cases, some bytes after the lower one. */
void *place(kase *c, int i, size_t n_bytes, size_t align);

/* Append a region, with room that must stay untouched before it; `align` is that of the region. */
void add_region(kase *c, size_t n, size_t size, size_t align);

/* Append to c->text. */
__attribute__((format(printf, 2, 3))) void say(kase *c, const char *format, ...);

/* ---- Inputs ---------------------------------------------------------------------------------- */

enum { N_FLAVOURS = 18, N_PATTERNS = 13, FLAVOUR_VANISHING = 10 };

/* Fill x[n] with floats of one flavour (0 is plain); returns its name. */
const char *fill_floats(kase *c, float *x, size_t n, size_t flavour);

/* Fill whole blocks of weights with one pattern (0 is plain), or float weights with some flavour;
 * returns its name.  Every eighth case has float weights whose products with FLAVOUR_VANISHING are
 * zeros with a sign. */
const char *fill_weights(kase *c, uint8_t *w, size_t n_bytes, qtype type, size_t pattern);

/* ---- Slots ----------------------------------------------------------------------------------- */

size_t slots_mul(slot *out);   /* check_mul.c; the number of slots written to `out` */
size_t slots_rows(slot *out);  /* check_rows.c */

/* ---- Timing ---------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    kern_table table;
} isa;

/* Time the slots named `only` (NULL = all) of each instruction set; false when memory runs out. */
bool bench(const isa *isas, size_t n_isas, const char *only);

#endif
