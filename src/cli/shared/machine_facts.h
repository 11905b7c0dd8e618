/*
 * machine_facts.h - what a measurement should tell about the machine it was made on.
 *
 * Everything comes from files that any user may read on Linux; elsewhere it is "unknown".  `root`
 * is put before every path: "" for the real files, a folder in tests.
 */
#ifndef CLI_SHARED_MACHINE_FACTS_H
#define CLI_SHARED_MACHINE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char cpu[96];
    char cores[96];     /* "6P+8E+2LP cores", "8 cores, 16 threads", "2 CPUs" */
    char governor[32];
    char power[16];     /* "on AC", "on battery", or empty */
    char system[96];    /* operating system and release */
    double load;        /* average of the last minute; below 0: unknown */
    uint64_t throttled; /* events since the machine started, of all CPUs */
    bool has_throttled;
} bench_machine;

void bench_machine_read(bench_machine *m, const char *root);

/* How often CPUs have throttled themselves since the machine started; *known is false when none of
 * them counts it. */
uint64_t bench_throttled(const char *root, bool *known);

/* The processor's name, or "unknown processor". */
void bench_cpu_name(char *out, size_t cap, const char *root);

/* The first line of root + path without its newline; false (and "") when there is none. */
bool bench_first_line(const char *root, const char *path, char *out, size_t cap);

/* The number in that line; `otherwise` when there is none. */
double bench_read_number(const char *root, const char *path, double otherwise);

typedef struct {
    char text[80];
} bench_path;

enum { BENCH_MAX_SUPPLIES = 8 };

/* The folders of power supplies of a type: "Mains" or "Battery". */
size_t bench_supplies(const char *root, const char *type, bench_path supplies[BENCH_MAX_SUPPLIES]);

/* How warm and how fast the processor is at this moment. */
typedef struct {
    double celsius; /* of its hottest sensor; below -100: unknown */
    double hertz;   /* mean over the CPUs; 0: unknown */
} bench_heat;

bench_heat bench_heat_read(const char *root);

/* Is `now` as good as `idle`: within 3 degrees of it, and not busier by a tenth?  What is unknown
 * does not count. */
bool bench_heat_is_idle(bench_heat now, bench_heat idle);

/* The share of a file that is in the system's cache, 0 to 1; below 0: unknown. */
double bench_cached_share(const char *path);

#endif
