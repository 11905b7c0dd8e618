/*
 * fuzz_regex.c - any text as the `pattern` of a schema: compiled, or refused in one line.
 *
 * The first byte is the seed of random texts.  Patterns that POSIX writes in the same way are
 * matched by the C library as well: both must agree about texts that the grammar generates and
 * about others.
 */
#include "fuzz.h"

#include "../support/grammar_walk.h"
#include "base/json.h"
#include "base/rng.h"
#include "constrain/gbnf/compile.h"
#include "constrain/json/schema.h"

#include <regex.h>
#include <string.h>

enum { MAX_TEXT = 120, MAX_PATTERN = 40 };

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The length of a class of letters and ranges, [a-f0] or [^a-f0]; 0 when it has anything else. */
static size_t common_class(const char *p, size_t n) {
    size_t i = n > 1 && p[1] == '^' ? 2 : 1;
    const size_t start = i;
    while (i < n && is_letter(p[i])) {
        const bool range = i + 2 < n && p[i + 1] == '-';
        if (range && (!is_letter(p[i + 2]) || p[i + 2] < p[i])) {
            return 0;
        }
        i += range ? 3 : 1;
    }
    return i > start && i < n && p[i] == ']' ? i + 1 : 0;
}

/* Does this mean the same as an extended regular expression?  Says no when in doubt. */
static bool is_common(const char *p, size_t n) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 _,:;=!@#%&~<>/";
    size_t n_counts = 0;
    for (size_t i = 0; i < n; i++) {
        const char before = i > 0 ? p[i - 1] : '\0';
        const char next = i + 1 < n ? p[i + 1] : '\0';
        const bool starts = i == 0 || strchr("(|", before);
        if (p[i] == '\0' || !strchr(plain, p[i])) {
            switch (p[i]) {
            case '^': /* not before a repetition */
                if (i > 0 || strchr("*+?{", next)) {
                    return false;
                }
                break;
            case '$':
                if (i + 1 < n) {
                    return false;
                }
                break;
            case '.': case '(': break;
            case '[': {
                const size_t len = common_class(p + i, n - i);
                if (len == 0) {
                    return false;
                }
                i += len - 1;
                break;
            }
            case ')': case '|':
                if (starts || (p[i] == '|' && (next == '\0' || next == ')' || next == '^'))) {
                    return false; /* POSIX says nothing about what is empty */
                }
                break;
            case '*': case '+': case '?':
                if (starts || strchr("*+?{}^", before)) {
                    return false;
                }
                break;
            case '{': { /* {m}, small, and once: the library copies */
                if (starts || strchr("*+?{^", before) || i + 2 >= n || p[i + 1] < '0' ||
                    p[i + 1] > '9' || p[i + 2] != '}' || n_counts++ > 0) {
                    return false;
                }
                i += 2;
                break;
            }
            default: return false;
            }
        }
    }
    return n > 0 && n <= MAX_PATTERN;
}

/* Does the library agree about a text without quotes? */
static void compare(automaton *a, const regex_t *regex, const char *text, size_t n) {
    char json[MAX_TEXT + 3];
    char plain[MAX_TEXT + 1];
    snprintf(json, sizeof json, "\"%.*s\"", (int)n, text);
    snprintf(plain, sizeof plain, "%.*s", (int)n, text);
    const bool ours = grammar_accepts(a, json, n + 2, NULL);
    const bool theirs = regexec(regex, plain, 0, NULL, 0) == 0;
    FUZZ_CHECK(ours == theirs);
}

/* Printable ASCII that JSON writes as it is. */
static bool is_plain(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\') {
            return false;
        }
    }
    return true;
}

static void compare_all(automaton *a, const char *pattern, size_t size, uint64_t seed) {
    char text[MAX_TEXT + 2];
    char copy[MAX_PATTERN + 1];
    regex_t regex;
    size_t n = 0;
    memcpy(copy, pattern, size);
    copy[size] = '\0';
    if (regcomp(&regex, copy, REG_EXTENDED | REG_NOSUB) != 0) {
        return;
    }
    for (uint64_t i = 0; i < 4; i++) {
        if (grammar_walk(a, seed + 256 * i, text, sizeof text, &n) == WALK_COMPLETE) {
            FUZZ_CHECK(n >= 2 && text[0] == '"' && text[n - 1] == '"');
            if (is_plain(text + 1, n - 2)) {
                compare(a, &regex, text + 1, n - 2);
            }
        }
        n = (size_t)(rng_at(seed, i) % 12);
        for (size_t k = 0; k < n; k++) { /* letters of the pattern, and some of no pattern */
            const uint64_t dice = rng_at(seed + 1, 16 * i + k);
            const char c = pattern[dice % size];
            text[k] = dice % 7 == 0 || !is_plain(&c, 1) ? (char)('a' + dice % 26) : c;
        }
        compare(a, &regex, text, n);
    }
    regfree(&regex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *gbnf = NULL;
    json_out schema = {0};
    grammar g = {0};
    automaton *a = NULL;
    lfm_error err = {0};
    if (size == 0) {
        return 0;
    }
    const char *pattern = (const char *)data + 1;
    json_write_text(&schema, "{\"pattern\": ");
    json_write_string(&schema, pattern, size - 1);
    json_write_text(&schema, "}");
    lfm_status st = schema_to_gbnf(&gbnf, NULL, schema.ptr, schema.len, &err);
    st = st == LFM_OK ? gbnf_compile(&g, gbnf, strlen(gbnf), &err) : st;
    st = st == LFM_OK ? automaton_new(&a, &g, &err) : st;
    if (st != LFM_OK) {
        FUZZ_CHECK_ERROR(err);
        FUZZ_CHECK(st == LFM_ERR_ARG || st == LFM_ERR_UNSUPPORTED || st == LFM_ERR_MEMORY);
        /* About the pattern, and not about the GBNF that it became. */
        FUZZ_CHECK(strncmp(err.text, "line ", 5) != 0 || strstr(err.text, "no text satisfies"));
    } else if (is_common(pattern, size - 1)) {
        compare_all(a, pattern, size - 1, data[0]);
    } else {
        char text[MAX_TEXT];
        size_t n = 0;
        FUZZ_CHECK(grammar_walk(a, data[0], text, sizeof text, &n) != WALK_STUCK);
    }
    automaton_free(a);
    grammar_free(&g);
    free(gbnf);
    json_out_free(&schema);
    return 0;
}
