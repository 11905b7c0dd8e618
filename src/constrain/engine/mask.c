/*
 * mask.c - which tokens of a vocabulary can follow in a state of a grammar.
 *
 * Computing in advance what does not depend on the stack is an idea of XGrammar (Dong et al. 2024).
 */
#include "constrain/engine/mask.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

enum {
    BRIEF_BYTES = 32,    /* longer tokens are few: runs of blanks, lines of dashes */
    N_MASKS = 256,       /* 16 KiB each for 128,000 tokens */
    N_OUTLINES = 128,
    MOST_WORK = 100000000 /* threads and frames visited for one mask: some seconds */
};

/* A node of the trie at which cuts were passed. */
typedef struct {
    uint32_t node;
    uint32_t cuts; /* bits 1 to OUTLINE_MAX */
} crossing;

struct mask_entry {
    uint32_t state;
    uint64_t generation; /* of the automaton; the number of the state means nothing in another */
    uint64_t used;       /* 0: the entry is free */
    uint64_t *bits;      // [mask_words(n_vocab)]
    crossing *crossings; /* of an outline */
    size_t n_crossings, crossings_cap;
    bool crowded;        /* too many crossings for the outline to help */
};

/* ---- Vocabulary ----------------------------------------------------------------------------- */

lfm_status mask_vocab_init(mask_vocab *v, const trie_text *texts, size_t n, lfm_error *err) {
    *v = (mask_vocab){.n_vocab = n, .brief_bytes = BRIEF_BYTES};
    v->has_text = calloc(mask_words(n) + 1, sizeof *v->has_text);
    lfm_status st = v->has_text ? LFM_OK
                                : err_set(err, LFM_ERR_MEMORY, "out of memory for a vocabulary of "
                                          "%zu tokens", n);
    for (size_t i = 0; st == LFM_OK && i < n; i++) {
        v->has_text[i / 64] |= (uint64_t)(texts[i].len > 0) << i % 64;
    }
    if (st == LFM_OK) st = trie_init(&v->brief, texts, n, 0, BRIEF_BYTES, err);
    if (st == LFM_OK) st = trie_init(&v->lengthy, texts, n, BRIEF_BYTES, SIZE_MAX, err);
    if (st != LFM_OK) {
        mask_vocab_drop(v);
    }
    return st;
}

void mask_vocab_drop(mask_vocab *v) {
    trie_drop(&v->brief);
    trie_drop(&v->lengthy);
    free(v->has_text);
    *v = (mask_vocab){0};
}

/* ---- Entries -------------------------------------------------------------------------------- */

static mask_entry *find_entry(mask *m, mask_entry *entries, size_t n, uint32_t state) {
    for (size_t i = 0; i < n; i++) {
        mask_entry *e = &entries[i];
        if (e->used != 0 && e->state == state && e->generation == m->a->generation) {
            e->used = ++m->clock;
            return e;
        }
    }
    return NULL;
}

/* Empty the least recently used entry and return it. */
static mask_entry *take_entry(mask *m, mask_entry *entries, size_t n) {
    mask_entry *oldest = &entries[0];
    const size_t n_words = mask_words(m->vocab->n_vocab);
    for (size_t i = 1; i < n; i++) {
        oldest = entries[i].used < oldest->used ? &entries[i] : oldest;
    }
    oldest->used = 0;
    oldest->n_crossings = 0;
    oldest->crowded = false;
    if (!oldest->bits) {
        oldest->bits = malloc((n_words + 1) * sizeof *oldest->bits);
    }
    if (!oldest->bits) return NULL;
    memset(oldest->bits, 0, n_words * sizeof *oldest->bits);
    return oldest;
}

static void keep_entry(mask *m, mask_entry *e, uint32_t state) {
    e->state = state;
    e->generation = m->a->generation;
    e->used = ++m->clock;
}

static void free_entries(mask_entry *entries, size_t n) {
    for (size_t i = 0; entries && i < n; i++) {
        free(entries[i].bits);
        free(entries[i].crossings);
    }
    free(entries);
}

/* ---- Walking -------------------------------------------------------------------------------- */

static lfm_status note_crossing(const mask *m, mask_entry *e, size_t node, uint32_t cuts,
                                lfm_error *err) {
    if (e->n_crossings > m->vocab->brief.n_nodes / 16) {
        e->crowded = true;
        return LFM_OK;
    }
    crossing *grown =
        grow_array(e->crossings, &e->crossings_cap, e->n_crossings + 1, sizeof *grown);
    if (!grown) return err_no_memory(err, "the masks of a grammar");
    e->crossings = grown;
    grown[e->n_crossings++] = (crossing){(uint32_t)node, cuts};
    return LFM_OK;
}

/* Walk the nodes [i, end) of a trie; the state above them is m->path[depth of the first - 1].  Sets
 * the bits of tokens that do not end in STATE_DEAD.  `outline`: record there where cuts are
 * passed. */
static lfm_status walk(mask *m, const trie *t, size_t i, size_t end, uint64_t *bits,
                       mask_entry *outline, lfm_error *err) {
    automaton *a = m->a;
    const uint64_t most_work = a->work + MOST_WORK;
    while (i < end) {
        const trie_node *node = &t->nodes[i];
        uint32_t *const from = &m->path[node->depth - 1];
        uint32_t next = automaton_look(a, *from, node->byte);
        if (next == STATE_UNKNOWN) {
            const lfm_status st = automaton_step(a, from, node->byte, from + 1, err);
            if (st != LFM_OK) return st;
            if (a->work > most_work) {
                return err_set(err, LFM_ERR_UNSUPPORTED, "the grammar is too ambiguous: finding "
                               "the tokens that may follow takes too long");
            }
            next = from[1];
        }
        if (next == STATE_DEAD) {
            i = node->end;
            continue;
        }
        from[1] = next;
        for (uint32_t k = node->first; k < node[1].first; k++) {
            bits[t->ids[k] / 64] |= (uint64_t)1 << t->ids[k] % 64;
        }
        const uint32_t cuts = automaton_bits(a, next) & ~(STATE_ACCEPTS | STATE_MARKED);
        if (outline && cuts != 0) {
            const lfm_status st = note_crossing(m, outline, i, cuts, err);
            if (st != LFM_OK || outline->crowded) return st;
        }
        i++;
    }
    return LFM_OK;
}

static lfm_status walk_all(mask *m, const trie *t, uint32_t state, uint64_t *bits,
                           mask_entry *outline, lfm_error *err) {
    m->path[0] = state;
    return walk(m, t, 0, t->n_nodes, bits, outline, err);
}

/* Which brief tokens the outline m->view.states[0] allows. */
static lfm_status get_outline(mask *m, mask_entry **out, lfm_error *err) {
    *out = find_entry(m, m->outlines, N_OUTLINES, m->view.states[0]);
    if (*out) return LFM_OK;
    mask_entry *e = take_entry(m, m->outlines, N_OUTLINES);
    if (!e) return err_no_memory(err, "the masks of a grammar");
    const lfm_status st = walk_all(m, &m->vocab->brief, m->view.states[0], e->bits, e, err);
    if (st == LFM_OK) {
        keep_entry(m, e, m->view.states[0]);
        *out = e;
    }
    return st;
}

/* The brief tokens: those that the outline allows, and those that continue behind its cuts. */
static lfm_status add_brief(mask *m, const uint32_t *state, uint64_t *bits, lfm_error *err) {
    const trie *t = &m->vocab->brief;
    mask_entry *o = NULL;
    lfm_status st = automaton_outline(m->a, state, m->vocab->brief_bytes, &m->view, err);
    if (st == LFM_OK) st = get_outline(m, &o, err);
    if (st != LFM_OK || o->crowded) {
        return st == LFM_OK ? walk_all(m, t, *state, bits, NULL, err) : st;
    }
    for (size_t w = 0; w < mask_words(m->vocab->n_vocab); w++) {
        bits[w] |= o->bits[w];
    }
    for (size_t i = 0; i < o->n_crossings && st == LFM_OK; i++) {
        const crossing c = o->crossings[i];
        const trie_node *node = &t->nodes[c.node];
        for (uint32_t cut = 1; cut <= m->view.n && st == LFM_OK; cut++) {
            if (c.cuts >> cut & 1) {
                m->path[node->depth] = m->view.states[cut];
                st = walk(m, t, c.node + 1, node->end, bits, NULL, err);
            }
        }
    }
    return st;
}

/* Tokens that the grammar names. */
static void add_named(mask *m, uint32_t state, uint64_t *bits) {
    const grammar *g = m->a->g;
    const size_t n_words = mask_words(m->vocab->n_vocab);
    if (g->n_tokens == 0 || !automaton_tokens(m->a, state, m->allowed)) return;
    for (size_t i = 0; i < g->n_tokens; i++) {
        const size_t id = (size_t)m->ids[i];
        if (m->allowed[i] && !g->tokens[i].negated) {
            bits[id / 64] |= (uint64_t)1 << id % 64;
        } else if (m->allowed[i]) {
            const bool was = bits[id / 64] >> id % 64 & 1;
            for (size_t w = 0; w < n_words; w++) {
                bits[w] |= m->vocab->has_text[w];
            }
            if (!was) {
                bits[id / 64] &= ~((uint64_t)1 << id % 64);
            }
        }
    }
}

/* ---- Public --------------------------------------------------------------------------------- */

lfm_status mask_init(mask *m, const mask_vocab *vocab, automaton *a, const int32_t *ids,
                     lfm_error *err) {
    const uint32_t depth = vocab->brief.depth > vocab->lengthy.depth ? vocab->brief.depth
                                                                     : vocab->lengthy.depth;
    *m = (mask){.vocab = vocab, .a = a, .ids = ids};
    m->masks = calloc(N_MASKS, sizeof *m->masks);
    m->outlines = calloc(N_OUTLINES, sizeof *m->outlines);
    m->allowed = calloc(a->g->n_tokens + 1, sizeof *m->allowed);
    m->path = calloc(depth + 1, sizeof *m->path);
    if (!m->masks || !m->outlines || !m->allowed || !m->path) {
        mask_drop(m);
        return err_no_memory(err, "the masks of a grammar");
    }
    automaton_hold(a, &m->view_pin, m->view.states, OUTLINE_MAX + 1);
    automaton_hold(a, &m->path_pin, m->path, depth + 1);
    return LFM_OK;
}

void mask_drop(mask *m) {
    if (m->a) {
        automaton_release(m->a, &m->view_pin);
        automaton_release(m->a, &m->path_pin);
    }
    free_entries(m->masks, N_MASKS);
    free_entries(m->outlines, N_OUTLINES);
    free(m->allowed);
    free(m->path);
    *m = (mask){0};
}

lfm_status mask_get(mask *m, const uint32_t *state, const uint64_t **bits, lfm_error *err) {
    mask_entry *e = find_entry(m, m->masks, N_MASKS, *state);
    lfm_status st = LFM_OK;
    if (!e) {
        e = take_entry(m, m->masks, N_MASKS);
        if (!e) return err_no_memory(err, "the masks of a grammar");
        m->n_computed++;
        st = add_brief(m, state, e->bits, err);
        if (st == LFM_OK) st = walk_all(m, &m->vocab->lengthy, *state, e->bits, NULL, err);
        if (st == LFM_OK) {
            add_named(m, *state, e->bits);
            keep_entry(m, e, *state);
        }
        memset(m->path, 0, m->path_pin.n * sizeof *m->path); /* pin nothing between calls */
    }
    *bits = st == LFM_OK ? e->bits : NULL;
    return st;
}
