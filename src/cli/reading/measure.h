/*
 * measure.h - how long prompts take to read on this machine.
 */
#ifndef CLI_READING_MEASURE_H
#define CLI_READING_MEASURE_H

#include "cli/reading/cost.h"

#include "lfm.h"

#include <stdint.h>

/* The cost that the model's shape suggests, in operations. */
reading_cost reading_expect(const lfm_model *m);

/* Measure the cost of prompts of `n` tokens in a fork of the session, for some seconds, or less
 * for small models. */
lfm_status reading_measure(reading_cost *c, lfm_session *s, uint32_t n, lfm_error *err);

/* "about 4 minutes", "less than a second" */
typedef struct {
    char text[40];
} reading_text;
reading_text reading_about(double seconds);

#endif
