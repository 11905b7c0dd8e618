/*
 * random_tools.h - random lists of tools, as a client may offer them.
 */
#ifndef SUPPORT_RANDOM_TOOLS_H
#define SUPPORT_RANDOM_TOOLS_H

#include "base/json.h"

#include <stdint.h>

/* Write a JSON list of one to three functions with schemas that src/constrain/json supports:
 * every type, limits, names and values with quotes, brackets and escapes, nested objects. */
void random_tools(json_out *out, uint64_t seed);

#endif
