/*
 * char_width.h - how many columns of a terminal a character takes.
 */
#ifndef CLI_LINEEDIT_CHAR_WIDTH_H
#define CLI_LINEEDIT_CHAR_WIDTH_H

#include <stdbool.h>
#include <stdint.h>

/* 0, 1 or 2.  Not for control characters, which are shown as text. */
unsigned char_width(uint32_t c);

#endif
