/*
 * bench_machine.c - watching the machine: heat, energy, bandwidth.
 */
#include "cli/bench/bench_machine.h"

#include "cli/shared/term.h"

#include "lfm_tools.h"

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

/* ---- Bandwidth ------------------------------------------------------------------------------ */

lfm_status bench_machine_bandwidth(bench_machine *m, bench_row *r, lfm_session *s, lfm_error *err) {
    for (size_t i = 0; i < m->n_probed; i++) {
        if (m->probed[i] == r->n_threads) {
            r->read_bandwidth = m->bandwidth[i];
            return LFM_OK;
        }
    }
    if (m->no_probe) return LFM_OK;
    const lfm_status st = lfm_read_bandwidth(s, &r->read_bandwidth, err);
    if (st == LFM_OK && m->n_probed < BENCH_MAX_LIST) {
        m->probed[m->n_probed] = r->n_threads;
        m->bandwidth[m->n_probed++] = r->read_bandwidth;
    }
    return st;
}

lfm_status bench_machine_recheck(bench_machine *m, bench_row *r, lfm_session *s, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (int i = 0; i < 2 && st == LFM_OK && !term_stopped() &&
                    bench_row_percent_of_peak(r) > 100; i++) {
        double again = 0.0;
        st = lfm_read_bandwidth(s, &again, err);
        r->read_bandwidth = again > r->read_bandwidth ? again : r->read_bandwidth;
    }
    for (size_t i = 0; i < m->n_probed; i++) {
        if (m->probed[i] == r->n_threads && r->read_bandwidth > m->bandwidth[i]) {
            m->bandwidth[i] = r->read_bandwidth;
        }
    }
    return st;
}
