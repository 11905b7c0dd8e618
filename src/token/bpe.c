/*
 * bpe.c - merging the bytes of one piece of text into tokens.
 *
 * The symbols of a piece form a linked list; possible merges are in a queue.  A symbol that changes
 * leaves stale entries in the queue; they are recognised when they are popped, because each rank
 * belongs to one pair and a symbol never has the same pair again.
 */
#include "token/bpe.h"

#include "token/heap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct tok_bpe_node {
    uint32_t id;         /* NONE: a byte without a token */
    uint32_t prev, next; /* indexes, NONE at the ends */
    uint32_t rank;       /* of the merge with `next`, NONE when there is none */
    uint32_t merged;     /* what that merge gives */
};

/* ---- Table of merges ------------------------------------------------------------------------ */

lfm_status tok_merges_init(tok_merges *m, size_t n, lfm_error *err) {
    memset(m, 0, sizeof *m);
    if (n == 0) return LFM_OK;
    size_t n_slots = 16;
    while (n_slots / 3 * 2 < n) { /* at most two thirds full */
        n_slots *= 2;
    }
    m->slots = calloc(n_slots, sizeof *m->slots);
    if (!m->slots) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu merges", n);
    m->n_slots = n_slots;
    return LFM_OK;
}

void tok_merges_drop(tok_merges *m) {
    free(m->slots);
    memset(m, 0, sizeof *m);
}

static size_t home_slot(const tok_merges *m, uint32_t left, uint32_t right) {
    const uint64_t pair = (uint64_t)left << 32 | right;
    const uint64_t h = pair * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    return (size_t)(h ^ h >> 32) & (m->n_slots - 1);
}

/* The slot of a pair, or the empty one where it belongs. */
static size_t slot_of(const tok_merges *m, uint32_t left, uint32_t right) {
    size_t i = home_slot(m, left, right);
    while (m->slots[i].rank != 0 && (m->slots[i].left != left || m->slots[i].right != right)) {
        i = (i + 1) & (m->n_slots - 1);
    }
    return i;
}

void tok_merges_add(tok_merges *m, uint32_t left, uint32_t right, uint32_t rank, uint32_t merged) {
    tok_merge *slot = &m->slots[slot_of(m, left, right)];
    if (slot->rank == 0) {
        *slot = (tok_merge){left, right, rank + 1, merged};
    }
}

void tok_merges_prefetch(const tok_merges *m, uint32_t left, uint32_t right) {
    __builtin_prefetch(&m->slots[home_slot(m, left, right)], 1);
}

/* ---- Merging -------------------------------------------------------------------------------- */

void tok_bpe_work_free(tok_bpe_work *w) {
    free(w->nodes);
    free(w->queue);
    memset(w, 0, sizeof *w);
}

/* A merge pops one entry and pushes two, and there are at most n - 1 merges: 2n entries are
 * enough. */
static lfm_status work_reserve(tok_bpe_work *w, size_t n, lfm_error *err) {
    if (n <= w->cap) return LFM_OK;
    tok_bpe_work_free(w);
    const size_t cap = n < 64 ? 64 : n;
    w->nodes = malloc(cap * sizeof *w->nodes);
    w->queue = malloc(2 * cap * sizeof *w->queue);
    if (!w->nodes || !w->queue) {
        tok_bpe_work_free(w);
        return err_set(err, LFM_ERR_MEMORY, "out of memory for a word of %zu bytes", n);
    }
    w->cap = cap;
    return LFM_OK;
}

/* Look up the merge of node i with the next one, and push it. */
static void find_merge(const tok_merges *m, tok_bpe_node *nodes, uint32_t i, tok_heap *queue) {
    tok_bpe_node *node = &nodes[i];
    node->rank = NONE;
    if (node->next == NONE || m->n_slots == 0) return;
    const tok_merge *merge = &m->slots[slot_of(m, node->id, nodes[node->next].id)];
    if (merge->rank != 0) {
        node->rank = merge->rank - 1;
        node->merged = merge->merged;
        tok_heap_push(queue, (uint64_t)node->rank << 32 | i);
    }
}

static void merge_all(const tok_merges *m, tok_bpe_node *nodes, tok_heap *queue) {
    while (queue->n > 0) {
        const uint64_t key = tok_heap_pop(queue);
        const uint32_t i = (uint32_t)key;
        tok_bpe_node *left = &nodes[i];
        if (left->rank != (uint32_t)(key >> 32)) {
            continue; /* the pair has changed since */
        }
        tok_bpe_node *right = &nodes[left->next];
        left->id = left->merged;
        left->next = right->next;
        right->rank = NONE;
        if (left->next != NONE) {
            nodes[left->next].prev = i;
        }
        find_merge(m, nodes, i, queue);
        if (left->prev != NONE) {
            find_merge(m, nodes, left->prev, queue);
        }
    }
}

lfm_status tok_bpe_encode(const tok_merges *m, const int32_t byte_id[256], const char *piece,
                          size_t n, tok_bpe_work *w, tok_list *out, lfm_error *err) {
    lfm_status st = work_reserve(w, n, err);
    if (st != LFM_OK || n == 0) return st;
    tok_bpe_node *nodes = w->nodes;
    tok_heap queue = {.keys = w->queue};
    for (uint32_t i = 0; i < n; i++) {
        const int32_t id = byte_id[(uint8_t)piece[i]];
        nodes[i] = (tok_bpe_node){.id = id < 0 ? NONE : (uint32_t)id,
                                  .prev = i == 0 ? NONE : i - 1,
                                  .next = i + 1 == n ? NONE : i + 1};
    }
    for (uint32_t i = 0; i < n; i++) {
        find_merge(m, nodes, i, &queue);
    }
    merge_all(m, nodes, &queue);
    for (uint32_t i = 0; i != NONE && st == LFM_OK; i = nodes[i].next) {
        if (nodes[i].id == NONE) {
            return err_set(err, LFM_ERR_UNSUPPORTED,
                           "the model's vocabulary has no token for byte 0x%02x",
                           (unsigned)(uint8_t)piece[i]);
        }
        st = tok_push(out, (int32_t)nodes[i].id, err);
    }
    return st;
}
