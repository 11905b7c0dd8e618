/*
 * chat_python.h - how Python prints the values of a template.
 */
#ifndef TOKEN_CHAT_PYTHON_H
#define TOKEN_CHAT_PYTHON_H

#include "base/json.h"

#include <stdbool.h>
#include <stdint.h>

/* repr(). */
extern const json_style chat_python;

/* str.isspace() of one character. */
bool chat_is_python_space(uint32_t c);

#endif
