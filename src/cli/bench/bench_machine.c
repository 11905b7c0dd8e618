/*
 * bench_machine.c - watching the machine: heat, energy, and what it can do at most.
 */
#include "cli/bench/bench_machine.h"

#include "cli/shared/term.h"

#include "lfm_tools.h"

#include <math.h>
#include <time.h>

static const double idle_seconds = 3;

/* ---- Before the tests ----------------------------------------------------------------------- */

/* The power of the idle machine. */
static void measure_idle(bench_machine *m) {
    power_meter *p = &m->power;
    const double start = term_now();
    if (p->source == POWER_NONE) return;
    power_begin(p, start);
    while (term_now() < start + idle_seconds && !term_stopped()) {
        const struct timespec step = {.tv_nsec = 100000000};
        nanosleep(&step, NULL);
        power_update(p, term_now());
    }
    for (size_t i = 0; i < N_POWER_DOMAINS; i++) {
        m->idle_watts[i] = p->joules[i] / (term_now() - start);
    }
}

lfm_status bench_machine_open(bench_machine *m, const cli_options *o, lfm_error *err) {
    if (o->cooldown) {
        m->idle = bench_heat_read("");
    }
    if (o->cooldown && m->idle.celsius < -100 && m->idle.hertz <= 0) {
        term_message("--cooldown auto: this machine reports neither temperature nor clock, so "
                     "there is nothing to wait for");
    }
    if (o->power == OPT_POWER_NONE) return LFM_OK;
    power_open(&m->power, o->power == OPT_POWER_BATTERY ? POWER_BATTERY : POWER_RAPL, "");
    if (o->power != OPT_POWER_AUTO && m->power.source == POWER_NONE) {
        return err_set(err, LFM_ERR_IO, o->power == OPT_POWER_BATTERY
                       ? "--power battery: no battery is discharging"
                       : "--power rapl: no energy counter can be read here. See: lfm help energy");
    }
    measure_idle(m);
    return LFM_OK;
}

/* ---- Peaks ---------------------------------------------------------------------------------- */

/* Of so many threads; NULL when there is no room for one more number. */
static bench_peaks *find_peaks(bench_machine *m, uint32_t n_threads) {
    size_t i = 0;
    while (i < m->n_peaks && m->peaks[i].n_threads != n_threads) {
        i++;
    }
    if (i == BENCH_MAX_LIST) return NULL;
    m->n_peaks += i == m->n_peaks;
    m->peaks[i].n_threads = n_threads;
    return &m->peaks[i];
}

static lfm_status probe(bench_peaks *p, lfm_session *s, bool read, lfm_error *err) {
    double rate = 0.0;
    const lfm_status st = read ? lfm_read_bandwidth(s, &rate, err) : LFM_OK;
    p->read = fmax(p->read, rate);
    p->int8 = fmax(p->int8, lfm_int8_peak(s));
    return st;
}

lfm_status bench_machine_before(bench_machine *m, bench_row *r, lfm_session *s, lfm_error *err) {
    bench_peaks *p = find_peaks(m, r->n_threads);
    if (m->no_probe || !p) return LFM_OK;
    const lfm_status st = p->int8 > 0 ? LFM_OK : probe(p, s, true, err);
    r->read_bandwidth = p->read;
    r->int8_peak = p->int8;
    return st;
}

lfm_status bench_machine_after(bench_machine *m, bench_row *r, lfm_session *s, bool from_cache,
                               lfm_error *err) {
    bench_peaks *p = find_peaks(m, r->n_threads);
    if (m->no_probe || !p || term_stopped()) return LFM_OK;
    const lfm_status st = probe(p, s, !from_cache, err);
    r->read_bandwidth = p->read;
    r->int8_peak = p->int8;
    bench_row_raise_peaks(r, from_cache);
    p->read = r->read_bandwidth;
    p->int8 = r->int8_peak;
    return st;
}
