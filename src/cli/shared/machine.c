/*
 * machine.c - affinity, priority, locked memory.
 */
#include "cli/shared/machine.h"

#include "cli/shared/term.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#ifdef __linux__

/* "0-3,8" -> a set. */
static lfm_status read_cpus(const char *list, cpu_set_t *cpus, lfm_error *err) {
    const char *p = list;
    CPU_ZERO(cpus);
    do {
        char *end = NULL;
        p += *p == ',';
        const bool first_is_number = *p >= '0' && *p <= '9';
        const unsigned long first = strtoul(p, &end, 10);
        unsigned long last = first;
        bool ok = first_is_number;
        if (ok && *end == '-') {
            ok = end[1] >= '0' && end[1] <= '9';
            last = strtoul(end + 1, &end, 10);
        }
        if (!ok || (*end != ',' && *end != '\0') || last < first || last >= CPU_SETSIZE) {
            return err_set(err, LFM_ERR_ARG, "--cpus: '%s' is not a list of processors, such as "
                           "0-3,8 (at most %d)", list, CPU_SETSIZE - 1);
        }
        for (unsigned long cpu = first; cpu <= last; cpu++) {
            CPU_SET(cpu, cpus);
        }
        p = end;
    } while (*p);
    return LFM_OK;
}

static lfm_status use_cpus(const char *list, lfm_error *err) {
    cpu_set_t wanted;
    cpu_set_t ours;
    const lfm_status st = read_cpus(list, &wanted, err);
    if (st != LFM_OK) return st;
    if (sched_getaffinity(0, sizeof ours, &ours) == 0) {
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
            if (CPU_ISSET(cpu, &wanted) && !CPU_ISSET(cpu, &ours)) {
                return err_set(err, LFM_ERR_ARG,
                               "--cpus %s: processor %d is missing or not allowed (see: nproc, "
                               "taskset -p $$)", list, cpu);
            }
        }
    }
    if (sched_setaffinity(0, sizeof wanted, &wanted) != 0) {
        return err_set(err, LFM_ERR_IO, "--cpus %s: %s", list, strerror(errno));
    }
    return LFM_OK;
}

#else

static lfm_status use_cpus(const char *list, lfm_error *err) {
    return err_set(err, LFM_ERR_ARG,
                   "--cpus %s: this system does not let programs choose their processors",
                   list);
}

#endif

/* Set the niceness; keep a higher one, which whoever started us chose. */
static void use_nice(int wanted, bool quiet) {
    errno = 0;
    const int now = getpriority(PRIO_PROCESS, 0);
    const bool is_so = errno == 0 && wanted >= 0 && now >= wanted;
    if (!is_so && setpriority(PRIO_PROCESS, 0, wanted) != 0 && !quiet) {
        term_message("--nice %d: %s; continuing without", wanted, strerror(errno));
    }
}

lfm_status machine_prepare(const cli_options *o, lfm_error *err) {
    if (o->cpus) {
        const lfm_status st = use_cpus(o->cpus, err);
        if (st != LFM_OK) return st;
    }
    if (o->nice.given) {
        use_nice((int)o->nice.value, o->quiet);
    }
    return LFM_OK;
}

void machine_lock(lfm_model *m, const cli_options *o) {
    lfm_error why = {0};
    if (o->mlock && lfm_model_lock(m, &why) != LFM_OK && !o->quiet) {
        term_message("--mlock: %s. Continuing without", why.text);
    }
}
