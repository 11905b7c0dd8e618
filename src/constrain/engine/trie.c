/*
 * trie.c - the texts of a vocabulary as a tree of their prefixes, in flat arrays.
 */
#include "constrain/engine/trie.h"

#include <stdlib.h>
#include <string.h>

/* A text to be sorted. */
typedef struct {
    uint64_t head; /* its first 8 bytes, the first one highest */
    const char *ptr;
    uint32_t len;
    int32_t id;
} entry;

static int compare_entries(const void *x, const void *y) {
    const entry *a = x;
    const entry *b = y;
    const size_t n = a->len < b->len ? a->len : b->len;
    const int order = memcmp(a->ptr, b->ptr, n);
    return order != 0           ? order
           : a->len != b->len   ? (a->len < b->len ? -1 : 1)
                                : (a->id < b->id ? -1 : a->id > b->id);
}

/* Radix sort by the first 8 bytes, from the last of them to the first; `spare` has n places.
 * Returns the array that the result is in. */
static entry *sort_heads(entry *from, entry *spare, size_t n) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t at[257] = {0};
        for (size_t i = 0; i < n; i++) {
            at[(from[i].head >> shift & 255) + 1]++;
        }
        for (int b = 0; b < 256; b++) {
            at[b + 1] += at[b];
        }
        for (size_t i = 0; i < n; i++) {
            spare[at[from[i].head >> shift & 255]++] = from[i];
        }
        entry *const swap = from;
        from = spare;
        spare = swap;
    }
    return from;
}

/* Compare whole texts, where the first 8 bytes are equal. */
static void sort_equal_heads(entry *e, size_t n) {
    for (size_t i = 0; i < n;) {
        size_t k = i + 1;
        while (k < n && e[k].head == e[i].head) {
            k++;
        }
        if (k - i > 1) {
            qsort(e + i, k - i, sizeof *e, compare_entries);
        }
        i = k;
    }
}

static size_t shared_beginning(const entry *a, const entry *b) {
    const size_t n = a->len < b->len ? a->len : b->len;
    size_t i = 0;
    while (i < n && a->ptr[i] == b->ptr[i]) {
        i++;
    }
    return i;
}

/* Nodes for sorted texts.  `open[d]` is the node at depth d of the latest text. */
static void build(trie *t, const entry *e, size_t n) {
    uint32_t open[TRIE_MAX_BYTES + 1];
    uint32_t depth = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t same = i == 0 ? 0 : (uint32_t)shared_beginning(&e[i - 1], &e[i]);
        for (; depth > same; depth--) {
            t->nodes[open[depth]].end = (uint32_t)t->n_nodes;
        }
        for (; depth < e[i].len; depth++) {
            open[depth + 1] = (uint32_t)t->n_nodes;
            t->nodes[t->n_nodes++] = (trie_node){
                .first = (uint32_t)t->n_ids, .depth = (uint16_t)(depth + 1),
                .byte = (uint8_t)e[i].ptr[depth],
            };
        }
        t->depth = depth > t->depth ? depth : t->depth;
        t->ids[t->n_ids++] = e[i].id;
    }
    for (; depth > 0; depth--) {
        t->nodes[open[depth]].end = (uint32_t)t->n_nodes;
    }
    t->nodes[t->n_nodes] = (trie_node){.first = (uint32_t)t->n_ids};
}

lfm_status trie_init(trie *t, const trie_text *texts, size_t n, size_t min, size_t max,
                     lfm_error *err) {
    *t = (trie){0};
    max = max < TRIE_MAX_BYTES ? max : TRIE_MAX_BYTES;
    entry *entries = calloc(n + 1, sizeof *entries);
    entry *spare = calloc(n + 1, sizeof *spare);
    size_t kept = 0;
    for (size_t i = 0; entries && i < n; i++) {
        if (texts[i].len <= min || texts[i].len > max || texts[i].len == 0) continue;
        uint64_t head = 0;
        for (size_t k = 0; k < 8; k++) {
            head = head << 8 | (k < texts[i].len ? (uint8_t)texts[i].ptr[k] : 0);
        }
        entries[kept++] = (entry){head, texts[i].ptr, (uint32_t)texts[i].len, (int32_t)i};
    }
    entry *sorted = entries && spare ? sort_heads(entries, spare, kept) : NULL;
    size_t n_nodes = 1;
    if (sorted) {
        sort_equal_heads(sorted, kept);
        for (size_t i = 0; i < kept; i++) {
            n_nodes += sorted[i].len - (i > 0 ? shared_beginning(&sorted[i - 1], &sorted[i]) : 0);
        }
        t->nodes = n_nodes < UINT32_MAX ? calloc(n_nodes, sizeof *t->nodes) : NULL;
        t->ids = calloc(kept + 1, sizeof *t->ids);
    }
    const bool ok = t->nodes && t->ids;
    if (ok) {
        build(t, sorted, kept);
    } else {
        trie_drop(t);
    }
    free(entries);
    free(spare);
    return ok ? LFM_OK : err_set(err, LFM_ERR_MEMORY, "out of memory for a vocabulary of %zu "
                                 "tokens", n);
}

bool trie_has_longer(const trie *t, const char *text, size_t n, const uint64_t *allowed) {
    size_t first = 0; /* the nodes below the bytes so far */
    size_t end = t->n_nodes;
    for (size_t i = 0; i < n; i++) {
        size_t at = first;
        while (at < end && t->nodes[at].byte != (uint8_t)text[i]) {
            at = t->nodes[at].end;
        }
        if (at >= end) return false;
        first = at + 1;
        end = t->nodes[at].end;
    }
    for (uint32_t k = t->nodes[first].first; n > 0 && k < t->nodes[end].first; k++) {
        if (allowed[t->ids[k] / 64] >> t->ids[k] % 64 & 1) return true;
    }
    return false;
}

void trie_drop(trie *t) {
    free(t->nodes);
    free(t->ids);
    *t = (trie){0};
}
