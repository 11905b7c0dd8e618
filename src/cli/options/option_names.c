/*
 * option_names.c - finding options and words by name, and suggestions for typing mistakes.
 */
#include "cli/options/option_internal.h"

#include <ctype.h>
#include <string.h>

bool opt_next_word(const char **list, char separator, const char **word, size_t *len) {
    if (!*list || **list == '\0') return false;
    *word = *list;
    const char *end = strchr(*list, separator);
    *len = end ? (size_t)(end - *list) : strlen(*list);
    *list = end ? end + 1 : *list + *len;
    return true;
}

static bool row_has_name(const opt_row *row, const char *name, size_t len) {
    const char *list = row->names;
    const char *word;
    size_t word_len;
    while (opt_next_word(&list, ' ', &word, &word_len)) {
        if (word_len == len && memcmp(word, name, len) == 0) return true;
    }
    return false;
}

const opt_row *opt_find_row(const char *name, size_t len, unsigned commands) {
    for (size_t i = 0; i < n_option_rows; i++) {
        if ((option_table[i].commands & commands) && row_has_name(&option_table[i], name, len)) {
            return &option_table[i];
        }
    }
    return NULL;
}

size_t opt_distance(const char *a, const char *b) {
    const size_t n = strlen(a);
    const size_t m = strlen(b);
    if (n > OPT_LONGEST_NAME || m > OPT_LONGEST_NAME) return SIZE_MAX;
    size_t d[OPT_LONGEST_NAME + 1][OPT_LONGEST_NAME + 1];
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = i + j;
                continue;
            }
            const size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
            const size_t shift = (d[i - 1][j] < d[i][j - 1] ? d[i - 1][j] : d[i][j - 1]) + 1;
            d[i][j] = change < shift ? change : shift;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < d[i][j]) {
                d[i][j] = d[i - 2][j - 2] + 1;
            }
        }
    }
    return d[n][m];
}

bool opt_is_near(const char *typed, const char *name, size_t *best) {
    const size_t distance = opt_distance(typed, name);
    const size_t allowed = strlen(typed) / 3; /* an edit per three letters; more is guessing */
    if (distance > allowed || distance >= *best) return false;
    *best = distance;
    return true;
}

/* Copy the word into `near` if it is nearer to `typed` than all words before it. */
static void keep_nearer(const char *typed, const char *word, size_t len, size_t *best,
                        char near[OPT_LONGEST_NAME + 1]) {
    char copy[OPT_LONGEST_NAME + 1] = "";
    memcpy(copy, word, len < OPT_LONGEST_NAME ? len : OPT_LONGEST_NAME);
    if (opt_is_near(typed, copy, best)) {
        memcpy(near, copy, sizeof copy);
    }
}

/* Copy the option of this command that is nearest to `typed`; "" = none is near. */
static void nearest_option(const char *typed, unsigned commands, char name[OPT_LONGEST_NAME + 1]) {
    size_t best = SIZE_MAX;
    name[0] = '\0';
    for (size_t i = 0; i < n_option_rows; i++) {
        const char *list = option_table[i].names;
        const char *word;
        size_t len;
        while ((option_table[i].commands & commands) && opt_next_word(&list, ' ', &word, &len)) {
            keep_nearer(typed, word, len, &best, name);
        }
    }
}

int opt_find_choice(const char *words, const char *value) {
    const char *word;
    size_t len;
    for (int i = 0; opt_next_word(&words, '|', &word, &len); i++) {
        if (strlen(value) == len && memcmp(word, value, len) == 0) return i;
    }
    return -1;
}

void opt_nearest_word(const char *words, const char *typed, char near[OPT_LONGEST_NAME + 1]) {
    size_t best = SIZE_MAX;
    const char *word;
    size_t len;
    near[0] = '\0';
    while (opt_next_word(&words, '|', &word, &len)) {
        keep_nearer(typed, word, len, &best, near);
    }
}

lfm_status opt_unknown(opt_parser *p, const char *word, size_t len) {
    const char *command = p->command->name;
    char typed[OPT_LONGEST_NAME + 1] = "";
    char near[OPT_LONGEST_NAME + 1];
    memcpy(typed, word, len < OPT_LONGEST_NAME ? len : OPT_LONGEST_NAME);
    if (opt_find_row(word, len, ~0u)) {
        return err_set(p->err, LFM_ERR_ARG, "'lfm %s' has no option '%s'. See: lfm help %s",
                       command, typed, command);
    }
    /* -t8: a short option with its value attached */
    if (len > 2 && word[1] != '-' && isdigit((unsigned char)word[2]) &&
        opt_find_row(word, 2, p->command->bit)) {
        return err_set(p->err, LFM_ERR_ARG, "unknown option '%s'. Did you mean '%.2s %s'?", typed,
                       typed, typed + 2);
    }
    nearest_option(typed, p->command->bit, near);
    if (near[0]) {
        return err_set(p->err, LFM_ERR_ARG, "unknown option '%s'. Did you mean '%s'?", typed, near);
    }
    return err_set(p->err, LFM_ERR_ARG, "unknown option '%s'. See: lfm help %s", typed, command);
}
