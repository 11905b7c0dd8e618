/*
 * bench_context.c - names of the program and of settings.
 */
#include "cli/bench/results/bench_context.h"

#ifndef LFM_COMMIT
#define LFM_COMMIT "" /* the Makefile defines it in a checkout */
#endif

const char *bench_kv_name(const bench_context *c) {
    return c->o->kv == KV_F16 ? "f16" : c->o->kv == KV_F32 ? "f32" : "q8_0";
}

const char *bench_commit(void) {
    return LFM_COMMIT;
}

const char *bench_build(void) {
    return LFM_COMMIT[0] ? "lfm-" LFM_VERSION "-" LFM_COMMIT : "lfm-" LFM_VERSION;
}
