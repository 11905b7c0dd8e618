/*
 * thoughts.c - finding the tags around thoughts.
 */
#include "base/thoughts.h"

#include "base/markers.h"

#include <string.h>

enum { OPEN_LEN = sizeof THINK_OPEN - 1, CLOSE_LEN = sizeof THINK_CLOSE - 1 };

static bool is_blank(char c) {
    return memchr(" \t\r\n", c, 4) != NULL;
}

size_t thoughts_opening(const char *text, size_t n, bool *undecided) {
    size_t i = 0;
    while (i < n && is_blank(text[i])) {
        i++;
    }
    const size_t rest = n - i < OPEN_LEN ? n - i : OPEN_LEN;
    const bool same = rest == 0 || memcmp(text + i, THINK_OPEN, rest) == 0;
    *undecided = same && rest < OPEN_LEN;
    return same && rest == OPEN_LEN ? i + OPEN_LEN : 0;
}

size_t thoughts_opened(const char *text, size_t n) {
    size_t end = n;
    while (end > 0 && is_blank(text[end - 1])) {
        end--;
    }
    const bool opened = end >= OPEN_LEN && memcmp(text + end - OPEN_LEN, THINK_OPEN, OPEN_LEN) == 0;
    return opened ? end - OPEN_LEN : n;
}

size_t thoughts_take(thoughts *t, const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        /* '<' stands only at the beginning of the tag, so the longest match either grows by this
         * byte or begins with it. */
        t->matched =
            text[i] == THINK_CLOSE[t->matched] ? t->matched + 1 : text[i] == THINK_CLOSE[0];
        if (t->matched == CLOSE_LEN) {
            *t = (thoughts){.phase = THOUGHTS_BREAKS};
            return i + 1;
        }
    }
    return n;
}
