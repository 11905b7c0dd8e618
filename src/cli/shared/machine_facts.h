/*
 * machine_facts.h - what a measurement reports about the machine that it ran on.
 *
 * Read from files that are open to any user on Linux; elsewhere everything is unknown.  `root` is
 * put before every path: "" for the real files, a folder in tests.
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
} machine_facts;

void machine_facts_read(machine_facts *m, const char *root);

/* How often CPUs have throttled themselves since the machine started; *known is false when no CPU
 * counts it. */
uint64_t machine_throttled(const char *root, bool *known);

/* The processor's name, or "unknown processor". */
void machine_cpu_name(char *out, size_t cap, const char *root);

/* The first line of root + path without its newline; false (and "") when there is none. */
bool machine_first_line(const char *root, const char *path, char *out, size_t cap);

/* The number in that line; `otherwise` when there is none. */
double machine_number(const char *root, const char *path, double otherwise);

enum { MACHINE_MAX_CPUS = 1024, MACHINE_MAX_SUPPLIES = 8 };

/* The number in the file `name` of a CPU, such as "cpufreq/scaling_cur_freq". */
double machine_cpu_number(const char *root, size_t cpu, const char *name, double otherwise);

typedef struct {
    char text[80];
} machine_path;

/* The folders of power supplies of a type: "Mains" or "Battery". */
size_t machine_supplies(const char *root, const char *type,
                        machine_path supplies[MACHINE_MAX_SUPPLIES]);

#endif
