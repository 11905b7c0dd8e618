/*
 * machine.h - what the program asks of the machine: --cpus, --nice, --mlock.
 */
#ifndef CLI_SHARED_MACHINE_H
#define CLI_SHARED_MACHINE_H

#include "cli/options/options.h"

/* Before any thread is started.  LFM_ERR_ARG when --cpus names a processor that is not there, or
 * not ours to use.  A --nice that is refused is told, and the work goes on. */
lfm_status machine_prepare(const cli_options *o, lfm_error *err);

/* --mlock; when it is refused, that is told, and the work goes on. */
void machine_lock(lfm_model *m, const cli_options *o);

#endif
