/*
 * unicode.h - which code points are letters, numbers and white space.
 */
#ifndef BASE_UNICODE_UNICODE_H
#define BASE_UNICODE_UNICODE_H

#include "base/unicode/unicode_tables.h"

unicode_class unicode_class_of(uint32_t code);

#endif
