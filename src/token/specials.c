/*
 * specials.c - finding the names of special tokens in a text.
 *
 * The automaton reports, for each place, the longest name that ends there.  In ordinary text these
 * do not overlap and are the result.  Otherwise a queue handles them in order of length; when a
 * longer match already covers the beginning of a name, the next shorter name with the same end is
 * tried.  Even hostile text takes little more than linear time.
 */
#include "token/specials.h"

#include "base/grow.h"
#include "token/heap.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- Building ------------------------------------------------------------------------------- */

static int by_length_then_id(const void *a, const void *b) {
    const tok_special *x = a;
    const tok_special *y = b;
    if (x->len != y->len) return x->len > y->len ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static uint32_t child_of(const tok_specials *s, uint32_t node, uint8_t byte) {
    if (node == 0) return s->root[byte];
    uint32_t child = s->nodes[node].child;
    while (child != 0 && s->nodes[child].byte != byte) {
        child = s->nodes[child].sibling;
    }
    return child;
}

static uint32_t add_child(tok_specials *s, uint32_t node, uint8_t byte) {
    const uint32_t child = s->n_nodes++;
    s->nodes[child] = (tok_special_node){.sibling = s->nodes[node].child, .byte = byte};
    s->nodes[node].child = child;
    if (node == 0) {
        s->root[byte] = child;
    }
    return child;
}

static lfm_status add_name(tok_specials *s, uint32_t i, const char *path, lfm_error *err) {
    const tok_special *name = &s->names[i];
    uint32_t node = 0;
    for (uint32_t k = 0; k < name->len; k++) {
        const uint8_t byte = (uint8_t)name->name[k];
        const uint32_t child = child_of(s, node, byte);
        node = child != 0 ? child : add_child(s, node, byte);
    }
    if (s->nodes[node].name != 0) {
        return err_set(err, LFM_ERR_FORMAT,
                       "%s: tokens %" PRId32 " and %" PRId32 " are both '%.*s'", path,
                       s->names[s->nodes[node].name - 1].id, name->id,
                       (int)(name->len < 60 ? name->len : 60), name->name);
    }
    s->nodes[node].name = i + 1;
    s->name_node[i] = node;
    return LFM_OK;
}

/* The node after `node` when `byte` follows. */
static uint32_t step(const tok_specials *s, uint32_t node, uint8_t byte) {
    for (;;) {
        const uint32_t child = child_of(s, node, byte);
        if (child != 0 || node == 0) return child;
        node = s->nodes[node].fail;
    }
}

/* Compute suffix links breadth first: those of a node depend only on nodes nearer to the root. */
static void link_suffixes(tok_specials *s, uint32_t *queue) {
    uint32_t head = 0;
    uint32_t tail = 0;
    queue[tail++] = 0;
    while (head < tail) {
        const uint32_t node = queue[head++];
        for (uint32_t c = s->nodes[node].child; c != 0; c = s->nodes[c].sibling) {
            const uint32_t fail = node == 0 ? 0 : step(s, s->nodes[node].fail, s->nodes[c].byte);
            s->nodes[c].fail = fail;
            s->nodes[c].shorter = s->nodes[fail].name != 0 ? fail : s->nodes[fail].shorter;
            queue[tail++] = c;
        }
    }
}

lfm_status tok_specials_init(tok_specials *s, tok_special *names, uint32_t n_names,
                             const char *path, lfm_error *err) {
    memset(s, 0, sizeof *s);
    s->names = names;
    s->n_names = n_names;
    if (n_names == 0) return LFM_OK;
    size_t n_bytes = 0;
    for (uint32_t i = 0; i < n_names; i++) {
        n_bytes += names[i].len;
        if (n_bytes > TOK_MAX_SPECIAL_BYTES) {
            return err_set(err, LFM_ERR_UNSUPPORTED,
                           "%s: the names of the special tokens are longer than %d bytes together",
                           path, TOK_MAX_SPECIAL_BYTES);
        }
    }
    qsort(names, n_names, sizeof *names, by_length_then_id);
    s->nodes = calloc(n_bytes + 1, sizeof *s->nodes);
    s->name_node = calloc(n_names, sizeof *s->name_node);
    uint32_t *queue = calloc(n_bytes + 1, sizeof *queue);
    lfm_status st = LFM_OK;
    if (!s->nodes || !s->name_node || !queue) {
        st = err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu32 " special tokens", path,
                     n_names);
    }
    s->n_nodes = 1;
    for (uint32_t i = 0; i < n_names && st == LFM_OK; i++) {
        st = add_name(s, i, path, err);
    }
    if (st == LFM_OK) {
        link_suffixes(s, queue);
    }
    free(queue);
    return st;
}

void tok_specials_drop(tok_specials *s) {
    free(s->names);
    free(s->nodes);
    free(s->name_node);
    memset(s, 0, sizeof *s);
}

int32_t tok_specials_get(const tok_specials *s, const char *name, size_t len) {
    uint32_t node = 0;
    for (size_t k = 0; k < len; k++) {
        node = s->n_nodes == 0 ? 0 : child_of(s, node, (uint8_t)name[k]);
        if (node == 0) return -1;
    }
    const uint32_t found = node == 0 ? 0 : s->nodes[node].name;
    return found == 0 ? -1 : s->names[found - 1].id;
}

/* ---- Finding -------------------------------------------------------------------------------- */

/* Occurrences as keys of the queue: index of the name (so longer first) << 32 | start. */
typedef struct {
    uint64_t *keys;
    size_t n, cap;
} occurrences;

static lfm_status add_occurrence(occurrences *o, uint64_t key, lfm_error *err) {
    if (o->n == o->cap) {
        const size_t cap = o->cap ? 2 * o->cap : 64;
        uint64_t *keys = grow_array(o->keys, &o->cap, cap, sizeof *keys);
        if (!keys) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu special tokens", cap);
        o->keys = keys;
    }
    o->keys[o->n++] = key;
    return LFM_OK;
}

/* The longest name that ends at each place, in order of the ends.  *apart: none overlap. */
static lfm_status collect(const tok_specials *s, const char *text, size_t n, occurrences *o,
                          bool *apart, lfm_error *err) {
    size_t last_end = 0;
    uint32_t node = 0;
    *apart = true;
    for (size_t i = 0; i < n; i++) {
        node = step(s, node, (uint8_t)text[i]);
        if (node == 0) continue;
        const uint32_t ends = s->nodes[node].name != 0 ? node : s->nodes[node].shorter;
        if (ends == 0) continue;
        const uint32_t name = s->nodes[ends].name - 1;
        const size_t start = i + 1 - s->names[name].len;
        const lfm_status st = add_occurrence(o, (uint64_t)name << 32 | start, err);
        if (st != LFM_OK) return st;
        *apart = *apart && start >= last_end;
        last_end = i + 1;
    }
    return LFM_OK;
}

/* In taken[]: a byte inside a match; the first byte of a match has the index of its name + 1. */
#define INSIDE UINT32_MAX

/* Resolve overlaps.  Every earlier match is at least as long as the current name, so an overlap
 * covers the first or the last byte of that name.  Returns the number of matches. */
static size_t settle(const tok_specials *s, occurrences *o, uint32_t *taken) {
    size_t n_matches = 0;
    tok_heap heap = {.keys = o->keys};
    for (size_t i = 0; i < o->n; i++) { /* the heap overwrites keys that were read */
        tok_heap_push(&heap, o->keys[i]);
    }
    while (heap.n > 0) {
        const uint64_t key = tok_heap_pop(&heap);
        const uint32_t name = (uint32_t)(key >> 32);
        const uint32_t start = (uint32_t)key;
        const uint32_t len = s->names[name].len;
        if (taken[start + len - 1] != 0) continue;
        if (taken[start] == 0) {
            taken[start] = name + 1;
            for (uint32_t k = 1; k < len; k++) {
                taken[start + k] = INSIDE;
            }
            n_matches++;
            continue;
        }
        const uint32_t shorter = s->nodes[s->name_node[name]].shorter;
        if (shorter != 0) {
            const uint32_t next = s->nodes[shorter].name - 1;
            tok_heap_push(&heap, (uint64_t)next << 32 | (start + len - s->names[next].len));
        }
    }
    return n_matches;
}

static tok_match match_of(const tok_specials *s, uint32_t name, uint32_t start) {
    return (tok_match){.start = start, .len = s->names[name].len, .id = s->names[name].id};
}

/* Matches from occurrences that overlap: through an array over the text. */
static lfm_status settle_all(const tok_specials *s, size_t n, occurrences *o, tok_match **matches,
                             size_t *n_matches, lfm_error *err) {
    uint32_t *taken = calloc(n, sizeof *taken);
    const size_t count = taken ? settle(s, o, taken) : 0;
    tok_match *out = taken ? malloc((count + 1) * sizeof *out) : NULL;
    if (!out) {
        free(taken);
        return err_set(err, LFM_ERR_MEMORY, "out of memory for special tokens in %zu bytes", n);
    }
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (taken[i] != 0 && taken[i] != INSIDE) {
            out[k++] = match_of(s, taken[i] - 1, (uint32_t)i);
        }
    }
    free(taken);
    *matches = out;
    *n_matches = count;
    return LFM_OK;
}

lfm_status tok_specials_find(const tok_specials *s, const char *text, size_t n,
                             tok_match **matches, size_t *n_matches, lfm_error *err) {
    *matches = NULL;
    *n_matches = 0;
    if (s->n_names == 0) return LFM_OK;
    occurrences found = {0};
    bool apart = true;
    lfm_status st = collect(s, text, n, &found, &apart, err);
    if (st == LFM_OK && !apart) {
        st = settle_all(s, n, &found, matches, n_matches, err);
    } else if (st == LFM_OK && found.n > 0) {
        tok_match *out = malloc(found.n * sizeof *out);
        if (out) {
            for (size_t i = 0; i < found.n; i++) {
                out[i] = match_of(s, (uint32_t)(found.keys[i] >> 32), (uint32_t)found.keys[i]);
            }
            *matches = out;
            *n_matches = found.n;
        } else {
            st = err_set(err, LFM_ERR_MEMORY, "out of memory for %zu special tokens", found.n);
        }
    }
    free(found.keys);
    return st;
}
