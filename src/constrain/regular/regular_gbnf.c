/*
 * regular_gbnf.c - an expression as an automaton, and the automaton as rules of GBNF.
 *
 * A state is a derivative and becomes a rule.  Characters that are in the same sets of the store
 * are a letter, so the number of letters does not depend on the number of characters.
 */
#include "constrain/regular/regular_internal.h"

#include "base/grow.h"
#include "constrain/gbnf/gbnf_write.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LETTERS = 512, MAX_CODE = 0x10ffff };

typedef struct {
    regular_store *s;
    uint32_t *cuts;     /* [n_cuts] where pieces of the characters begin, ascending */
    uint32_t *letters;  /* [n_cuts] the letter of each piece */
    size_t n_cuts;
    char_range *edge;   /* [n_cuts + 2] while an edge is written */
    uint32_t example[MAX_LETTERS]; /* a character of each letter */
    size_t n_letters;

    regular_id *states;
    size_t n_states, states_cap;
    uint32_t *next;     /* [n_states][n_letters] */
    size_t next_cap;
    bool *alive;        /* leads to an end */
} machine;

/* ---- Letters -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* Cut the characters where a set begins or ends, and number the pieces by the sets they are in. */
static bool find_letters(machine *m) {
    const regular_store *s = m->s;
    m->cuts = malloc((2 * s->n_ranges + 2) * sizeof *m->cuts);
    m->letters = calloc(2 * s->n_ranges + 2, sizeof *m->letters);
    m->edge = malloc((2 * s->n_ranges + 4) * sizeof *m->edge);
    if (!m->cuts || !m->letters || !m->edge) return false;
    size_t n = 0;
    m->cuts[n++] = 0;
    for (size_t i = 0; i < s->n_ranges; i++) {
        m->cuts[n++] = s->ranges[i].lo;
        m->cuts[n++] = s->ranges[i].hi + 1;
    }
    qsort(m->cuts, n, sizeof *m->cuts, by_value);
    for (size_t i = 0; i < n; i++) {
        if ((m->n_cuts == 0 || m->cuts[i] != m->cuts[m->n_cuts - 1]) && m->cuts[i] <= MAX_CODE) {
            m->cuts[m->n_cuts++] = m->cuts[i];
        }
    }
    m->n_letters = 1;
    for (size_t set = 0; set < s->n_sets; set++) {
        /* A letter of which the set has a part becomes two. */
        uint32_t inside[MAX_LETTERS] = {0};
        const size_t before = m->n_letters;
        bool outside[MAX_LETTERS] = {false};
        for (size_t i = 0; i < m->n_cuts; i++) {
            outside[m->letters[i]] = outside[m->letters[i]] || !regular_has(s, (uint32_t)set,
                                                                            m->cuts[i]);
        }
        for (size_t i = 0; i < m->n_cuts; i++) {
            const uint32_t letter = m->letters[i];
            if (letter >= before || !outside[letter]) continue;
            if (!regular_has(s, (uint32_t)set, m->cuts[i])) continue;
            if (!inside[letter]) {
                if (m->n_letters == MAX_LETTERS) return false;
                inside[letter] = (uint32_t)m->n_letters++;
            }
            m->letters[i] = inside[letter];
        }
    }
    for (size_t i = m->n_cuts; i-- > 0;) {
        m->example[m->letters[i]] = m->cuts[i];
    }
    return true;
}

/* ---- States --------------------------------------------------------------------------------- */

/* The number of a state; there are few enough for a table of all expressions. */
static uint32_t state_of(machine *m, uint32_t *numbers, regular_id a) {
    if (numbers[a]) return numbers[a] - 1;
    regular_id *states = grow_array(m->states, &m->states_cap, m->n_states + 1, sizeof *states);
    if (!states) return UINT32_MAX;
    m->states = states;
    uint32_t *next = grow_array(m->next, &m->next_cap, (m->n_states + 1) * m->n_letters,
                                sizeof *next);
    if (!next) return UINT32_MAX;
    m->next = next;
    m->states[m->n_states] = a;
    numbers[a] = (uint32_t)++m->n_states;
    return numbers[a] - 1;
}

static bool find_states(machine *m, regular_id start, size_t max_states) {
    size_t n = m->s->n_nodes;
    uint32_t *numbers = calloc(n, sizeof *numbers);
    bool fits = numbers && state_of(m, numbers, start) == 0;
    for (size_t at = 0; fits && at < m->n_states; at++) { /* it grows */
        for (size_t k = 0; fits && k < m->n_letters; k++) {
            const regular_id to = regular_derive(m->s, m->states[at], m->example[k]);
            if (m->s->n_nodes > n) {
                uint32_t *grown = realloc(numbers, 2 * m->s->n_nodes * sizeof *grown);
                if (!grown) {
                    fits = false;
                    break;
                }
                numbers = grown;
                memset(numbers + n, 0, (2 * m->s->n_nodes - n) * sizeof *numbers);
                n = 2 * m->s->n_nodes;
            }
            const uint32_t state = state_of(m, numbers, to);
            fits = !m->s->failed && state != UINT32_MAX && m->n_states <= max_states;
            if (fits) {
                m->next[at * m->n_letters + k] = state;
            }
        }
    }
    free(numbers);
    return fits;
}

/* Find the states that lead to an end, walking back from the ends. */
static bool find_alive(machine *m) {
    const size_t n_edges = m->n_states * m->n_letters;
    uint32_t *first = calloc(m->n_states + 1, sizeof *first);
    uint32_t *from = malloc((n_edges + 1) * sizeof *from);
    uint32_t *queue = malloc((m->n_states + 1) * sizeof *queue);
    size_t n_queue = 0;
    m->alive = calloc(m->n_states + 1, sizeof *m->alive);
    const bool ok = first && from && queue && m->alive;
    for (size_t i = 0; ok && i < n_edges; i++) {
        first[m->next[i] + 1]++;
    }
    for (size_t i = 0; ok && i < m->n_states; i++) {
        first[i + 1] += first[i];
    }
    for (size_t i = n_edges; ok && i-- > 0;) { /* first[] counts up to the ends meanwhile */
        from[first[m->next[i]]++] = (uint32_t)(i / m->n_letters);
    }
    for (size_t i = m->n_states; ok && i > 0; i--) {
        first[i] = first[i - 1];
    }
    if (ok) {
        first[0] = 0;
    }
    for (size_t i = 0; ok && i < m->n_states; i++) {
        if (m->s->nodes[m->states[i]].nullable) {
            m->alive[i] = true;
            queue[n_queue++] = (uint32_t)i;
        }
    }
    for (size_t at = 0; ok && at < n_queue; at++) { /* it grows */
        for (size_t e = first[queue[at]]; e < first[queue[at] + 1]; e++) {
            if (!m->alive[from[e]]) {
                m->alive[from[e]] = true;
                queue[n_queue++] = from[e];
            }
        }
    }
    free(first);
    free(from);
    free(queue);
    return ok;
}

/* ---- Rules ---------------------------------------------------------------------------------- */

static void write_code(json_out *out, uint32_t code) {
    char text[24];
    if (code >= 0x20 && code < 0x7f && !strchr("[]^-\\\"", (int)code)) {
        snprintf(text, sizeof text, "%c", (char)code);
    } else {
        snprintf(text, sizeof text, code < 0x100     ? "\\x%02x"
                                    : code < 0x10000 ? "\\u%04x"
                                                     : "\\U%08x", (unsigned)code);
    }
    json_write_text(out, text);
}

/* Write characters, in normalised ranges, as JSON has them: plain, or as their only escape. */
static void write_characters(json_out *out, const char_range *ranges, size_t n_ranges) {
    bool escaped[0x60] = {false}; /* these are in a range, and are escaped */
    size_t n_low = 0;
    size_t n = 0;
    json_write_text(out, "(");
    for (size_t i = 0; i < n_ranges; i++) {
        /* The ranges between the characters that are escaped. */
        static const uint32_t parts[][2] = {{0x20, 0x21}, {0x23, 0x5b}, {0x5d, MAX_CODE}};
        for (uint32_t c = ranges[i].lo; c <= ranges[i].hi && c < 0x60; c++) {
            escaped[c] = c < 0x20 || c == '"' || c == '\\';
            n_low += c < 0x20;
        }
        for (size_t k = 0; k < 3; k++) {
            const uint32_t lo = ranges[i].lo > parts[k][0] ? ranges[i].lo : parts[k][0];
            const uint32_t hi = ranges[i].hi < parts[k][1] ? ranges[i].hi : parts[k][1];
            if (lo > hi) continue;
            json_write_text(out, n == 0 ? "[" : "");
            n = 1;
            write_code(out, lo);
            if (lo < hi) {
                json_write_text(out, "-");
                write_code(out, hi);
            }
        }
    }
    json_write_text(out, n > 0 ? "]" : "");
    if (n_low == 0x20) {
        json_write_text(out, n++ > 0 ? " | " : "");
        json_write_text(out, "\"\\\\\" [bfnrt] | \"\\\\u00\" (\"0\" [0-7bef] | \"1\" [0-9a-f])");
    }
    for (uint32_t c = n_low == 0x20 ? 0x20 : 0; c < 0x60; c++) {
        if (!escaped[c]) continue;
        const char byte = (char)c;
        json_out json = {0};
        json_write_string(&json, &byte, 1);
        json_write_text(out, n++ > 0 ? " | " : "");
        if (!json.failed) {
            gbnf_write_literal(out, json.ptr + 1, json.len - 2);
        }
        out->failed = out->failed || json.failed;
        json_out_free(&json);
    }
    json_write_text(out, n > 0 ? ")" : "never)");
}

/* Write the characters with which state `at` becomes `to`. */
static void write_edge(const machine *m, json_out *out, size_t at, uint32_t to) {
    const uint32_t *next = m->next + at * m->n_letters;
    size_t n = 0;
    for (size_t i = 0; i < m->n_cuts; i++) {
        if (next[m->letters[i]] == to) {
            const uint32_t end = i + 1 < m->n_cuts ? m->cuts[i + 1] - 1 : MAX_CODE;
            m->edge[n++] = (char_range){m->cuts[i], end};
        }
    }
    write_characters(out, m->edge, charset_normalise(m->edge, n, false));
}

static void write_name(json_out *out, const char *prefix, size_t id, size_t state) {
    char name[64];
    snprintf(name, sizeof name, "%s%zu-%zu", prefix, id, state);
    json_write_text(out, name);
}

static void write_state(const machine *m, json_out *out, const char *prefix, size_t id, size_t at) {
    const uint32_t *next = m->next + at * m->n_letters;
    size_t n = 0;
    write_name(out, prefix, id, at);
    json_write_text(out, " ::= ");
    if (m->s->nodes[m->states[at]].nullable) {
        json_write_text(out, "\"\"");
        n++;
    }
    for (size_t k = 0; k < m->n_letters; k++) {
        bool first = m->alive[next[k]];
        for (size_t j = 0; j < k && first; j++) {
            first = next[j] != next[k];
        }
        if (first) {
            json_write_text(out, n++ > 0 ? " | " : "");
            write_edge(m, out, at, next[k]);
            json_write_text(out, " ");
            write_name(out, prefix, id, next[k]);
        }
    }
    json_write_text(out, n > 0 ? "\n" : "never\n");
}

static void machine_drop(machine *m) {
    free(m->cuts);
    free(m->letters);
    free(m->edge);
    free(m->states);
    free(m->next);
    free(m->alive);
}

size_t regular_count(regular_store *s, regular_id a, size_t max_states) {
    machine m = {.s = s};
    const bool ok = !s->failed && find_letters(&m) && find_states(&m, a, max_states);
    machine_drop(&m);
    return ok ? m.n_states : 0;
}

bool regular_write(regular_store *s, regular_id a, size_t max_states, const char *prefix,
                   size_t id, json_out *rules) {
    machine m = {.s = s};
    const bool ok = !s->failed && find_letters(&m) && find_states(&m, a, max_states) &&
                    find_alive(&m);
    for (size_t i = 0; ok && i < m.n_states; i++) {
        if (i == 0 || m.alive[i]) {
            write_state(&m, rules, prefix, id, i);
        }
    }
    machine_drop(&m);
    return ok;
}

/* ---- Expressions as they are ---------------------------------------------------------------- */

enum { MAX_COPIED = 20000 };

/* What is still to be written: an expression, or a text when `text` is set. */
typedef struct {
    const char *text;
    regular_id a;
    uint32_t min, max; /* of a text: repetitions, unless max is 0 */
} task;

bool regular_copy(regular_store *s, regular_id a, json_out *out) {
    task *tasks = malloc((MAX_COPIED + 8) * sizeof *tasks);
    size_t n = 0;
    size_t n_done = 0;
    bool fits = tasks != NULL;
    if (fits) {
        tasks[n++] = (task){.a = a};
    }
    while (fits && n > 0) {
        const task t = tasks[--n];
        const regular_node node = s->nodes[t.a];
        fits = ++n_done < MAX_COPIED && n + 8 < MAX_COPIED;
        if (t.text && t.max > 0) {
            char count[40] = "*";
            if (t.max != REGULAR_ENDLESS) {
                snprintf(count, sizeof count, "{%u,%u}", (unsigned)t.min, (unsigned)t.max);
            } else if (t.min > 0) {
                snprintf(count, sizeof count, "{%u,}", (unsigned)t.min);
            }
            json_write_text(out, t.text);
            json_write_text(out, count);
            json_write_text(out, " ");
        } else if (t.text) {
            json_write_text(out, t.text);
        } else if (node.kind == R_NONE) {
            json_write_text(out, "never ");
        } else if (node.kind == R_EMPTY) {
            json_write_text(out, "\"\" ");
        } else if (t.a == REGULAR_ANY) {
            json_write_text(out, "char ");
        } else if (node.kind == R_SET) {
            write_characters(out, s->ranges + s->sets[node.a].first, s->sets[node.a].n);
            json_write_text(out, " ");
        } else if (node.kind == R_CAT) {
            tasks[n++] = (task){.a = node.b};
            tasks[n++] = (task){.a = node.a};
        } else if (node.kind == R_OR) {
            json_write_text(out, "(");
            tasks[n++] = (task){.text = ") "};
            tasks[n++] = (task){.a = node.b};
            tasks[n++] = (task){.text = "| "};
            tasks[n++] = (task){.a = node.a};
        } else if (node.kind == R_LOOP) {
            json_write_text(out, "(");
            tasks[n++] = (task){.text = ")", .min = node.min, .max = node.max};
            tasks[n++] = (task){.a = node.a};
        } else {
            fits = false;
        }
    }
    free(tasks);
    return fits;
}
