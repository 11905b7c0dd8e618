/*
 * bench_list.c - reading lists and ranges.
 */
#include "cli/bench_list.h"

#include <stdbool.h>
#include <stdlib.h>

static bool number(const char **text, uint64_t *v) {
    char *end = NULL;
    if (**text < '0' || **text > '9') {
        return false;
    }
    *v = strtoull(*text, &end, 10);
    *text = end;
    return *v <= UINT32_MAX;
}

/* first, first-last, first-last+step or first-last*factor */
static bool item(const char **text, uint64_t *first, uint64_t *last, uint64_t *step, char *how) {
    *step = 1;
    *how = '+';
    if (!number(text, first)) {
        return false;
    }
    *last = *first;
    if (**text == '-') {
        ++*text;
        if (!number(text, last)) {
            return false;
        }
        if (**text == '+' || **text == '*') {
            *how = *(*text)++;
            if (!number(text, step)) {
                return false;
            }
        }
    }
    return *last >= *first && *step >= (*how == '*' ? 2u : 1u);
}

lfm_status bench_list_read(bench_list *list, const char *name, const char *text, uint32_t min,
                           uint32_t max, lfm_error *err) {
    const char *p = text;
    *list = (bench_list){0};
    do {
        uint64_t first, last, step;
        char how;
        if (!item(&p, &first, &last, &step, &how) || (*p != ',' && *p != '\0')) {
            return err_set(err, LFM_ERR_ARG, "%s: '%s' is not a list such as 1,2,4 or 8-64*2", name,
                           text);
        }
        if (first < min || last > max) {
            return err_set(err, LFM_ERR_ARG, "%s: %s is outside %u..%u", name, text, min, max);
        }
        for (uint64_t v = first; v <= last; v = how == '*' ? (v ? v * step : 1) : v + step) {
            if (list->n == BENCH_MAX_LIST) {
                return err_set(err, LFM_ERR_ARG, "%s: more than %d numbers", name, BENCH_MAX_LIST);
            }
            list->at[list->n++] = (uint32_t)v;
        }
    } while (*p++ == ',');
    return LFM_OK;
}
