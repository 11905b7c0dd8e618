/*
 * bench_list.c - reading lists, ranges, and words.
 */
#include "cli/bench/bench_list.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool number(const char **text, uint64_t *v) {
    char *end = NULL;
    if (**text < '0' || **text > '9') return false;
    *v = strtoull(*text, &end, 10);
    *text = end;
    return *v <= UINT32_MAX;
}

/* first, first-last, first-last+step or first-last*factor */
static bool item(const char **text, uint64_t *first, uint64_t *last, uint64_t *step, char *how) {
    *step = 1;
    *how = '+';
    if (!number(text, first)) return false;
    *last = *first;
    if (**text == '-') {
        ++*text;
        if (!number(text, last)) return false;
        if (**text == '+' || **text == '*') {
            *how = *(*text)++;
            if (!number(text, step)) return false;
        }
    }
    return *last >= *first && *step >= (*how == '*' ? 2u : 1u);
}

lfm_status bench_list_read(bench_list *list, const char *name, const char *text, uint32_t min,
                           uint32_t max, lfm_error *err) {
    const char *p = text;
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

void bench_thread_counts(bench_list *list, uint32_t cpus, uint32_t cores) {
    uint32_t step = 1;
    *list = (bench_list){0};
    for (uint32_t n = 1; n <= cpus && list->n + 3 < BENCH_MAX_LIST; n += step) {
        if (cores < n && list->at[list->n - 1] < cores) {
            list->at[list->n++] = cores;
        }
        list->at[list->n++] = n;
        step = n >= 8 * step ? 2 * step : step;
    }
    if (cores < cpus && list->at[list->n - 1] < cores) {
        list->at[list->n++] = cores;
    }
    if (list->at[list->n - 1] < cpus) {
        list->at[list->n++] = cpus;
    }
}

lfm_status bench_words(const char *text, char *buf, size_t cap, char *word[BENCH_MAX_WORDS],
                       size_t *n_words, lfm_error *err) {
    size_t used = 0;
    *n_words = 0;
    if (strlen(text) + 1 > cap) { /* a word and its NUL need no more room than in text */
        return err_set(err, LFM_ERR_ARG, "more than %zu bytes of options", cap - 1);
    }
    for (const char *p = text + strspn(text, " \t\n"); *p; p += strspn(p, " \t\n")) {
        char quote = 0;
        if (*n_words == BENCH_MAX_WORDS) {
            return err_set(err, LFM_ERR_ARG, "more than %d words of options", BENCH_MAX_WORDS);
        }
        word[(*n_words)++] = buf + used;
        for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
            if (quote ? *p == quote : *p == '\'' || *p == '"') {
                quote = quote ? 0 : *p;
            } else {
                buf[used++] = *p;
            }
        }
        if (quote) {
            return err_set(err, LFM_ERR_ARG, "%s: the quotation mark %c is not closed", text,
                           quote);
        }
        buf[used++] = '\0';
    }
    return LFM_OK;
}
