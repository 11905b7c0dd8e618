/*
 * unicode.c - looking up code points.
 */
#include "base/unicode/unicode.h"

/* The last run that starts at or before `code`. */
unicode_class unicode_class_of(uint32_t code) {
    size_t low = 0;
    size_t high = unicode_n_starts;
    while (high - low > 1) {
        const size_t mid = low + (high - low) / 2;
        if (unicode_starts[mid] >> 2 <= code) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return (unicode_class)(unicode_starts[low] & 3u);
}
