/*
 * kernel_check.c - every kernel of every instruction set that this machine has, against the scalar
 * one: the same bits, and nothing read or written beside its rows.
 *
 *     kernel_check                     everything, seed 1
 *     kernel_check 7                   everything, other inputs
 *     kernel_check 7 --slot=mul_q4_0 --isa=avx2 --case=31
 *     kernel_check --bench             times instead
 *
 * In the manner of dav1d's checkasm.  Own main and no library, so that it runs under an emulator
 * too.  A NaN counts as one value: its sign and payload may differ.
 */
#include "check.h"

#include "base/bytes.h"
#include "base/rng.h"
#include "kernel/choose.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CANARY = 0xa5 };

/* Builds that look for errors or measure coverage are some ten times slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
enum { USUAL_PERCENT = 10 };
#else
enum { USUAL_PERCENT = 100 };
#endif

typedef struct {
    uint64_t seed;
    const char *slot; /* NULL = all */
    const char *isa;
    long only_case;   /* -1 = all */
    size_t percent;   /* of the cases of a slot */
    bool bench;
} options;

typedef struct {
    options opt;
    kern_table scalar;
    isa isas[MAX_ISAS];
    size_t n_isas;
    guard in[MAX_INPUTS];
    guard out[2]; /* of the scalar kernel, and of the one that is checked */
    size_t passed;
    size_t failed;
} check;

/* What is running, for the handler of faults; it can be told in no other way. */
static char running[600];

/* ---- Telling --------------------------------------------------------------------------------- */

static void describe(char *to, size_t size, const kase *c, const char *isa_name, uint64_t seed) {
    const char *name = c->slot->name;
    snprintf(to, size, "%s on %s, seed %" PRIu64 ", case %zu: %s\n"
             "  again: kernel_check %" PRIu64 " --slot=%s --isa=%s --case=%zu\n",
             name, isa_name, seed, c->index, c->text, seed, name, isa_name, c->index);
}

static void on_fault(int signal_number) {
    const char *what = signal_number == SIGILL ? "FAILED: instruction not available: "
                                               : "FAILED: memory outside its rows: ";
    ssize_t n = write(STDOUT_FILENO, what, strlen(what));
    n += write(STDOUT_FILENO, running, strlen(running));
    _exit(n > 0 ? 1 : 2);
}

static void catch_faults(void) {
    const struct sigaction action = {.sa_handler = on_fault};
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGILL, &action, NULL);
}

/* ---- Comparing ------------------------------------------------------------------------------- */

static bool same_element(const uint8_t *a, const uint8_t *b, size_t size) {
    if (memcmp(a, b, size) == 0) {
        return true;
    }
    if (size == 4) {
        const uint32_t inf = 0x7f800000u;
        return (load_u32(a) & ~(1u << 31)) > inf && (load_u32(b) & ~(1u << 31)) > inf;
    }
    return size == 2 && (load_u16(a) & 0x7fffu) > 0x7c00u && (load_u16(b) & 0x7fffu) > 0x7c00u;
}

static void print_element(const uint8_t *p, size_t size) {
    if (size == 4) {
        printf("%.9g (%08x)", (double)f32_from_bits(load_u32(p)), (unsigned)load_u32(p));
    } else {
        printf("%0*x", (int)(2 * size), size == 2 ? (unsigned)load_u16(p) : (unsigned)*p);
    }
}

/* Bytes [from, to) still hold the canary? */
static bool untouched(const uint8_t *out, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        if (out[i] != CANARY) {
            printf("FAILED: byte %zu of the output area, outside every row, was written\n  ", i);
            return false;
        }
    }
    return true;
}

/* Compare what was written with what should have been, and look between. */
static bool same_output(const kase *c, const uint8_t *want, const uint8_t *got) {
    size_t at = 0;
    for (size_t r = 0; r < c->n_regions; r++) {
        const region *g = &c->region[r];
        if (!untouched(got, at, g->at)) {
            return false;
        }
        at = g->at + g->n * g->size;
        for (size_t i = g->at; i < at; i += g->size) {
            if (!same_element(want + i, got + i, g->size)) {
                printf("FAILED: part %zu, element %zu is ", r, (i - g->at) / g->size);
                print_element(got + i, g->size);
                printf(", not ");
                print_element(want + i, g->size);
                printf("\n  ");
                return false;
            }
        }
    }
    return untouched(got, at, c->out_bytes);
}

/* ---- Running --------------------------------------------------------------------------------- */

static const void *slot_of(const kern_table *t, const slot *s) {
    return (const char *)t + s->offset;
}

bool same_slot(const kern_table *a, const kern_table *b, const slot *s) {
    return memcmp(slot_of(a, s), slot_of(b, s), sizeof(kern_mul_fn *)) == 0;
}

/* Does instruction set i bring a function of its own for this slot? */
static bool is_new(const check *k, size_t i, const slot *s) {
    bool own = !same_slot(&k->isas[i].table, &k->scalar, s);
    for (size_t j = 0; j < i; j++) {
        own = own && !same_slot(&k->isas[i].table, &k->isas[j].table, s);
    }
    return own;
}

static uint8_t *run_into(const guard *area, const kase *c, const kern_table *t) {
    const bool is_act = c->slot->offset == offsetof(kern_table, quantize);
    uint8_t *out = guard_end(area, c->out_bytes, is_act ? 64 : sizeof(float));
    memset(out, CANARY, (size_t)(area->first + area->room - out));
    c->slot->run(c, t, out);
    return out;
}

/* One case on every instruction set that is still `alive`; a failure takes it out. */
static void run_case(check *k, const slot *s, size_t index, bool *alive) {
    static kase c;
    c = (kase){.slot = s, .index = index, .area = k->in};
    c.seed = rng_mix(k->opt.seed);
    for (const char *p = s->name; *p; p++) {
        c.seed = rng_mix(c.seed + (uint8_t)*p);
    }
    c.seed += index;
    s->prepare(&c);
    describe(running, sizeof running, &c, "scalar", k->opt.seed);
    const uint8_t *want = run_into(&k->out[0], &c, &k->scalar);
    if (!same_output(&c, want, want)) {
        printf("%s", running);
        k->failed++;
    }
    for (size_t i = 0; i < k->n_isas; i++) {
        if (!alive[i]) {
            continue;
        }
        describe(running, sizeof running, &c, k->isas[i].name, k->opt.seed);
        if (same_output(&c, want, run_into(&k->out[1], &c, &k->isas[i].table))) {
            k->passed++;
        } else {
            printf("%s", running);
            k->failed++;
            alive[i] = false;
        }
    }
}

static void run_slot(check *k, const slot *s) {
    bool alive[MAX_ISAS] = {false};
    size_t n_alive = 0;
    for (size_t i = 0; i < k->n_isas; i++) {
        alive[i] = is_new(k, i, s);
        n_alive += alive[i];
    }
    if (n_alive == 0) {
        return;
    }
    const size_t n_cases = (s->n_cases * k->opt.percent + 99) / 100;
    const size_t before = k->passed;
    if (k->opt.only_case >= 0) {
        run_case(k, s, (size_t)k->opt.only_case, alive);
    } else {
        for (size_t i = 0; i < n_cases; i++) {
            run_case(k, s, i, alive);
        }
    }
    printf("  %-14s %6zu checks:", s->name, k->passed - before);
    for (size_t i = 0; i < k->n_isas; i++) {
        if (is_new(k, i, s)) {
            printf(" %s%s", k->isas[i].name, alive[i] ? "" : " (FAILED)");
        }
    }
    printf("\n");
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: kernel_check [SEED] [--slot=NAME] [--isa=NAME] [--case=N] [--percent=N] [--bench]\n";

static bool read_options(options *o, int argc, char **argv) {
    *o = (options){.seed = 1, .only_case = -1, .percent = USUAL_PERCENT};
    for (int i = 1; i < argc; i++) {
        char *end = NULL;
        const char *value = strchr(argv[i], '=');
        value = value ? value + 1 : argv[i];
        const unsigned long long number = strtoull(value, &end, 10);
        const bool is_number = *value >= '0' && *value <= '9' && *end == '\0';
        if (strncmp(argv[i], "--slot=", 7) == 0) {
            o->slot = value;
        } else if (strncmp(argv[i], "--isa=", 6) == 0) {
            o->isa = value;
        } else if (strncmp(argv[i], "--case=", 7) == 0 && is_number) {
            o->only_case = (long)number;
        } else if (strncmp(argv[i], "--percent=", 10) == 0 && is_number && number > 0) {
            o->percent = (size_t)number;
        } else if (strcmp(argv[i], "--bench") == 0) {
            o->bench = true;
        } else if (value == argv[i] && is_number) {
            o->seed = number;
        } else {
            fprintf(stderr, "kernel_check: what is '%s'?\n%s", argv[i], usage);
            return false;
        }
    }
    return true;
}

/* The instruction sets of this machine, or the one that was asked for; says which are not here. */
static bool find_isas(check *k) {
    static const char *const all[] = {"avx2", "avxvnni", "avx512vnni", "amx",
                                      "neon", "dotprod", "i8mm"};
    kern_scalar(&k->scalar);
    if (k->opt.bench) {
        k->isas[k->n_isas++] = (isa){"scalar", k->scalar};
    }
    printf("instruction sets not on this machine:");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        isa *to = &k->isas[k->n_isas];
        to->name = all[i];
        if (kern_choose(&to->table, all[i], NULL) != LFM_OK) {
            printf(" %s", all[i]);
        } else if (!k->opt.isa || strcmp(k->opt.isa, all[i]) == 0) {
            k->n_isas++;
        }
    }
    printf("\n");
    if (k->opt.isa && k->n_isas == (k->opt.bench ? 1 : 0)) {
        fprintf(stderr, "kernel_check: there is no instruction set '%s' here\n", k->opt.isa);
        return false;
    }
    return true;
}

static bool map_areas(check *k) {
    bool ok = guard_init(&k->out[0], AREA_BYTES) && guard_init(&k->out[1], AREA_BYTES);
    for (int i = 0; i < MAX_INPUTS; i++) {
        ok = ok && guard_init(&k->in[i], AREA_BYTES);
    }
    return ok;
}

static void run_slots(check *k) {
    slot slots[MAX_SLOTS];
    size_t n = slots_mul(slots);
    n += slots_rows(slots + n);
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (!k->opt.slot || strcmp(k->opt.slot, slots[i].name) == 0) {
            found = true;
            run_slot(k, &slots[i]);
        }
    }
    if (!found) {
        printf("FAILED: there is no slot '%s'\n", k->opt.slot);
        k->failed++;
    }
}

int main(int argc, char **argv) {
    static check k;
    if (!read_options(&k.opt, argc, argv)) {
        return 2;
    }
    if (!find_isas(&k)) {
        return 1;
    }
    if (k.opt.bench) {
        return bench(k.isas, k.n_isas, k.opt.slot) ? 0 : 1;
    }
    if (!map_areas(&k)) {
        fprintf(stderr, "kernel_check: out of memory\n");
        return 1;
    }
    catch_faults();
    run_slots(&k);
    for (int i = 0; i < MAX_INPUTS; i++) {
        guard_drop(&k.in[i]);
    }
    guard_drop(&k.out[0]);
    guard_drop(&k.out[1]);
    printf("%zu passed, %zu failed\n", k.passed, k.failed);
    return k.failed > 0;
}
