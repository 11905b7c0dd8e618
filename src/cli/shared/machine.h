/*
 * machine.h - --cpus, --nice and --mlock.
 */
#ifndef CLI_SHARED_MACHINE_H
#define CLI_SHARED_MACHINE_H

#include "cli/options/options.h"

/* Apply --cpus and --nice; call it before threads start.  LFM_ERR_ARG when --cpus names a processor
 * that does not exist or is not allowed.  If --nice fails, warn and continue. */
lfm_status machine_prepare(const cli_options *o, lfm_error *err);

/* Apply --mlock.  If it fails, warn and continue. */
void machine_lock(lfm_model *m, const cli_options *o);

#endif
