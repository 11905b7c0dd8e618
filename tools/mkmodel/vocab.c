/*
 * vocab.c - grow a byte-level BPE vocabulary from a list of words and lay it out.
 *
 * A word is first segmented with the merges that exist.  What is left is joined from left to
 * right, each join being a new token and merge.  New merges rank behind all earlier ones, so every
 * word that was learnt is later segmented into its one token.
 *
 * The 65K files list one merge per token.  The 128K files list every way to split a token into two
 * tokens, because their tokenizer was converted from a list of ranks; so do we.
 *
 * Source: ids and names of the special tokens are those of the published tokenizers; the byte
 * alphabet is that of GPT-2.
 */
#include "vocab.h"

#include "convert/write.h"
#include "words.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NORMAL = 1, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5 };
enum { N_BYTES = 256, MAX_TOKEN = 255, NAME_CAP = 48, NONE = -1 };

typedef struct {
    int32_t left, right;
} pair;

typedef struct {
    size_t n;            /* tokens */
    size_t next, end;    /* ids for merges that are still free: [next, end) */
    gguf_memory raw;     /* bytes of all tokens, or names of the special ones */
    size_t *start;       /* [n] in raw */
    uint8_t *len;        /* [n]; 0 = id is free */
    int32_t *types;      /* [n] */
    pair *made_of;       /* [n]; left NONE = not a merge */
    int32_t *by_pair;    /* [slots] id or NONE */
    int32_t *by_text;    /* [slots] normal tokens by their bytes */
    size_t slots;        /* a power of two */
    int32_t byte_id[N_BYTES];
    gguf_memory merges;  /* pair[] in the order of the file */
} builder;

/* ---- Storage -------------------------------------------------------------------------------- */

static lfm_status short_of_memory(lfm_error *err) {
    return err_set(err, LFM_ERR_MEMORY, "out of memory making a vocabulary");
}

static lfm_status builder_init(builder *b, size_t n, lfm_error *err) {
    *b = (builder){.n = n, .slots = 1};
    while (b->slots < 4 * n) {
        b->slots *= 2;
    }
    b->start = calloc(n, sizeof b->start[0]);
    b->len = calloc(n, sizeof b->len[0]);
    b->types = calloc(n, sizeof b->types[0]);
    b->made_of = calloc(n, sizeof b->made_of[0]);
    b->by_pair = malloc(b->slots * sizeof b->by_pair[0]);
    b->by_text = malloc(b->slots * sizeof b->by_text[0]);
    if (!b->start || !b->len || !b->types || !b->made_of || !b->by_pair || !b->by_text) {
        return short_of_memory(err);
    }
    for (size_t i = 0; i < b->slots; i++) {
        b->by_pair[i] = NONE;
        b->by_text[i] = NONE;
    }
    for (size_t i = 0; i < n; i++) {
        b->made_of[i].left = NONE;
    }
    return LFM_OK;
}

static void builder_drop(builder *b) {
    gguf_memory_drop(&b->raw);
    gguf_memory_drop(&b->merges);
    free(b->start);
    free(b->len);
    free(b->types);
    free(b->made_of);
    free(b->by_pair);
    free(b->by_text);
}

static lfm_status append(gguf_memory *m, const void *bytes, size_t n, lfm_error *err) {
    const byte_sink sink = gguf_memory_sink(m);
    return sink.write(sink.ctx, bytes, n, err);
}

/* FNV-1a */
static size_t hash(const void *bytes, size_t n) {
    const uint8_t *p = bytes;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    }
    return (size_t)(h ^ h >> 32);
}

static const uint8_t *text_of(const builder *b, int32_t id) {
    return b->raw.data + b->start[id];
}

/* The slot of a pair, or the free one where it belongs. */
static size_t pair_slot(const builder *b, pair p) {
    size_t i = hash(&p, sizeof p) & (b->slots - 1);
    while (b->by_pair[i] != NONE && (b->made_of[b->by_pair[i]].left != p.left ||
                                     b->made_of[b->by_pair[i]].right != p.right)) {
        i = (i + 1) & (b->slots - 1);
    }
    return i;
}

static size_t text_slot(const builder *b, const uint8_t *text, size_t n) {
    size_t i = hash(text, n) & (b->slots - 1);
    while (b->by_text[i] != NONE && (b->len[b->by_text[i]] != n ||
                                     memcmp(text_of(b, b->by_text[i]), text, n) != 0)) {
        i = (i + 1) & (b->slots - 1);
    }
    return i;
}

/* Give a free id its text; normal tokens are found by it afterwards. */
static lfm_status set_token(builder *b, size_t id, const void *text, size_t n, int32_t type,
                            bool findable, lfm_error *err) {
    assert(id < b->n && n >= 1 && n <= MAX_TOKEN);
    b->start[id] = b->raw.size;
    const lfm_status st = append(&b->raw, text, n, err);
    if (st == LFM_OK) {
        b->len[id] = (uint8_t)n;
        b->types[id] = type;
    }
    if (st == LFM_OK && findable) {
        b->by_text[text_slot(b, text, n)] = (int32_t)id;
    }
    return st;
}

static lfm_status set_name(builder *b, size_t id, int32_t type, const char *name,
                           lfm_error *err) {
    return set_token(b, id, name, strlen(name), type, false, err);
}

/* ---- Special tokens ------------------------------------------------------------------------- */

typedef struct {
    size_t id;
    int32_t type;
    const char *name;
} special;

static const special small_specials[] = {
    {0, CONTROL, "<|pad|>"},
    {1, CONTROL, "<|startoftext|>"},
    {2, CONTROL, "<|endoftext|>"},
    {3, CONTROL, "<|fim_pre|>"},
    {4, CONTROL, "<|fim_mid|>"},
    {5, CONTROL, "<|fim_suf|>"},
    {6, CONTROL, "<|im_start|>"},
    {7, CONTROL, "<|im_end|>"},
    {8, CONTROL, "<|tool_list_start|>"},
    {9, CONTROL, "<|tool_list_end|>"},
    {10, CONTROL, "<|tool_call_start|>"},
    {11, CONTROL, "<|tool_call_end|>"},
    {12, CONTROL, "<|tool_response_start|>"},
    {13, CONTROL, "<|tool_response_end|>"},
};

/* Only in the small layout: the 65K files have no such tokens. */
static const special small_think[] = {
    {14, USER_DEFINED, "<think>"},
    {15, USER_DEFINED, "</think>"},
};

static const special specials_65k[] = {
    {14, NORMAL, "<|reserved_4|>"},
    {15, NORMAL, "<|reserved_5|>"},
    {64011, USER_DEFINED, "Mathias"},
    {64014, USER_DEFINED, "python"},
    {64394, CONTROL, "<|cot_start|>"},
    {64395, CONTROL, "<|cot_end|>"},
    {64396, CONTROL, "<|review_start|>"},
    {64397, CONTROL, "<|review_end|>"},
    {64398, CONTROL, "<|file_start|>"},
    {64399, CONTROL, "<|file_end|>"},
};

static const special specials_128k[] = {
    {124893, CONTROL, "<|pad|>"},
    {124894, CONTROL, "<|startoftext|>"},
    {124895, CONTROL, "<|endoftext|>"},
    {124896, CONTROL, "<|fim_pre|>"},
    {124897, CONTROL, "<|fim_mid|>"},
    {124898, CONTROL, "<|fim_suf|>"},
    {124899, CONTROL, "<|im_start|>"},
    {124900, CONTROL, "<|im_end|>"},
    {124901, USER_DEFINED, "<think>"},
    {124902, USER_DEFINED, "</think>"},
    {124903, CONTROL, "<|tool_list_start|>"},
    {124904, CONTROL, "<|tool_list_end|>"},
    {124905, CONTROL, "<|tool_call_start|>"},
    {124906, CONTROL, "<|tool_call_end|>"},
};

#define SET_ALL(table) set_specials(b, table, sizeof table / sizeof table[0], err)

static lfm_status set_specials(builder *b, const special *s, size_t n, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; st == LFM_OK && i < n; i++) {
        st = set_name(b, s[i].id, s[i].type, s[i].name, err);
    }
    return st;
}

/* <image>, a grid of 10 x 10 places, a thumbnail, start and end: 104 ids from `first`. */
static lfm_status set_image_tokens(builder *b, size_t first, lfm_error *err) {
    char name[NAME_CAP];
    lfm_status st = set_name(b, first, CONTROL, "<image>", err);
    for (size_t i = 0; st == LFM_OK && i < 100; i++) {
        snprintf(name, sizeof name, "<|img_row_%zu_col_%zu|>", i / 10 + 1, i % 10 + 1);
        st = set_name(b, first + 1 + i, CONTROL, name, err);
    }
    static const char *const rest[] = {"<|img_thumbnail|>", "<|image_start|>", "<|image_end|>"};
    for (size_t i = 0; st == LFM_OK && i < 3; i++) {
        st = set_name(b, first + 101 + i, CONTROL, rest[i], err);
    }
    return st;
}

static lfm_status set_reserved(builder *b, lfm_error *err) {
    char name[NAME_CAP];
    lfm_status st = LFM_OK;
    for (size_t id = 16; st == LFM_OK && id < 396; id++) {
        snprintf(name, sizeof name, "<|reserved_%zu|>", id - 10);
        st = set_name(b, id, CONTROL, name, err);
    }
    return st;
}

/* Every free id that is left. */
static lfm_status set_padding(builder *b, lfm_error *err) {
    char name[NAME_CAP];
    lfm_status st = LFM_OK;
    for (size_t id = 0; st == LFM_OK && id < b->n; id++) {
        if (b->len[id] == 0) {
            snprintf(name, sizeof name, "[PAD%zu]", id);
            st = set_name(b, id, UNUSED, name, err);
        }
    }
    return st;
}

/* ---- Bytes ---------------------------------------------------------------------------------- */

/* Bytes that stand for themselves in GPT-2's alphabet. */
static bool is_visible(uint32_t byte) {
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

/* The visible bytes come first, then the others, each in order. */
static lfm_status set_bytes(builder *b, size_t first, lfm_error *err) {
    lfm_status st = LFM_OK;
    size_t id = first;
    for (int hidden = 0; hidden < 2; hidden++) {
        for (uint32_t byte = 0; st == LFM_OK && byte < N_BYTES; byte++) {
            if (is_visible(byte) == (hidden == 0)) {
                const uint8_t text = (uint8_t)byte;
                b->byte_id[byte] = (int32_t)id;
                st = set_token(b, id++, &text, 1, NORMAL, true, err);
            }
        }
    }
    b->next = id;
    return st;
}

/* The character of each byte: itself, or U+0100 + its number among the others. */
static void byte_alphabet(uint16_t out[N_BYTES]) {
    uint16_t n_hidden = 0;
    for (uint32_t byte = 0; byte < N_BYTES; byte++) {
        out[byte] = (uint16_t)(is_visible(byte) ? byte : 0x100u + n_hidden);
        n_hidden = (uint16_t)(n_hidden + !is_visible(byte));
    }
}

/* ---- Words ---------------------------------------------------------------------------------- */

/* Segment with the existing merges: ids rise with ranks, so the lowest id goes first. */
static size_t segment(const builder *b, int32_t *ids, size_t n) {
    for (;;) {
        size_t best_at = 0;
        int32_t best = NONE;
        for (size_t i = 0; i + 1 < n; i++) {
            const int32_t id = b->by_pair[pair_slot(b, (pair){ids[i], ids[i + 1]})];
            if (id != NONE && (best == NONE || id < best)) {
                best = id;
                best_at = i;
            }
        }
        if (best == NONE) return n;
        ids[best_at] = best;
        n--;
        memmove(ids + best_at + 1, ids + best_at + 2, (n - best_at - 1) * sizeof ids[0]);
    }
}

/* The next token: `left` and `right` joined. */
static lfm_status join(builder *b, int32_t left, int32_t right, int32_t *out, lfm_error *err) {
    uint8_t text[2 * WORD_CAP];
    const size_t n_left = b->len[left];
    const size_t n = n_left + b->len[right];
    assert(n <= sizeof text);
    memcpy(text, text_of(b, left), n_left);
    memcpy(text + n_left, text_of(b, right), b->len[right]);
    while (b->next < b->end && b->len[b->next] != 0) {
        b->next++; /* a special token lies here */
    }
    if (b->next == b->end) {
        *out = NONE;
        return LFM_OK;
    }
    const size_t id = b->next++;
    const lfm_status st = set_token(b, id, text, n, NORMAL, true, err);
    if (st == LFM_OK) {
        const pair p = {left, right};
        const size_t slot = pair_slot(b, p);
        b->made_of[id] = p;
        b->by_pair[slot] = (int32_t)id;
        *out = (int32_t)id;
    }
    return st;
}

/* Fill the free ids.  The words never end, so only a fault in them could keep this from
 * finishing; the bound turns that into unused ids. */
static lfm_status learn_words(builder *b, lfm_error *err) {
    char word[WORD_CAP];
    int32_t ids[WORD_CAP];
    const size_t n_words = 3000 + 16 * b->n;
    lfm_status st = LFM_OK;
    for (size_t w = 0; st == LFM_OK && w < n_words && b->next < b->end; w++) {
        size_t n = word_at(w, word);
        for (size_t i = 0; i < n; i++) {
            ids[i] = b->byte_id[(uint8_t)word[i]];
        }
        n = segment(b, ids, n);
        for (size_t i = 1; st == LFM_OK && i < n && ids[0] != NONE; i++) {
            st = join(b, ids[0], ids[i], &ids[0], err);
        }
    }
    return st;
}

/* ---- Merges --------------------------------------------------------------------------------- */

static lfm_status merges_one_each(builder *b, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t id = 0; st == LFM_OK && id < b->n; id++) {
        if (b->made_of[id].left != NONE) {
            st = append(&b->merges, &b->made_of[id], sizeof b->made_of[id], err);
        }
    }
    return st;
}

static int compare_pairs(const void *a, const void *b) {
    const pair *x = a;
    const pair *y = b;
    return x->left != y->left ? (x->left < y->left ? -1 : 1)
         : x->right != y->right ? (x->right < y->right ? -1 : 1) : 0;
}

/* All splits of each token into two tokens, by the ids of the parts. */
static lfm_status merges_all_splits(builder *b, lfm_error *err) {
    pair splits[MAX_TOKEN];
    lfm_status st = LFM_OK;
    for (size_t id = 0; st == LFM_OK && id < b->n; id++) {
        size_t n = 0;
        const uint8_t *text = text_of(b, (int32_t)id);
        for (size_t k = 1; b->made_of[id].left != NONE && k < b->len[id]; k++) {
            const int32_t left = b->by_text[text_slot(b, text, k)];
            const int32_t right = b->by_text[text_slot(b, text + k, b->len[id] - k)];
            if (left != NONE && right != NONE) {
                splits[n++] = (pair){left, right};
            }
        }
        qsort(splits, n, sizeof splits[0], compare_pairs);
        st = append(&b->merges, splits, n * sizeof splits[0], err);
    }
    return st;
}

/* ---- Text ----------------------------------------------------------------------------------- */

/* Write the token as a file spells it: bytes through the alphabet, special tokens plainly. */
static char *spell(const builder *b, const uint16_t alphabet[N_BYTES], int32_t id, char *out) {
    const uint8_t *text = text_of(b, id);
    const bool plain = b->types[id] != NORMAL;
    for (size_t i = 0; i < b->len[id]; i++) {
        const uint32_t c = plain ? text[i] : alphabet[text[i]];
        if (plain || c < 0x80) {
            *out++ = (char)c;
        } else { /* all below U+0800 */
            *out++ = (char)(0xc0 | c >> 6);
            *out++ = (char)(0x80 | (c & 63));
        }
    }
    return out;
}

/* Turn the builder into arrays of strings. */
static lfm_status write_out(vocab *v, const builder *b, lfm_error *err) {
    uint16_t alphabet[N_BYTES];
    byte_alphabet(alphabet);
    const size_t n_merges = b->merges.size / sizeof(pair);
    size_t cap = 1;
    for (size_t id = 0; id < b->n; id++) {
        cap += 2 * (size_t)b->len[id];
    }
    for (size_t i = 0; i < n_merges; i++) {
        pair p;
        memcpy(&p, b->merges.data + i * sizeof p, sizeof p);
        cap += 2 * (size_t)(b->len[p.left] + b->len[p.right]) + 1;
    }
    v->text = malloc(cap);
    v->tokens = calloc(b->n, sizeof v->tokens[0]);
    v->types = calloc(b->n, sizeof v->types[0]);
    v->merges = calloc(n_merges + 1, sizeof v->merges[0]);
    if (!v->text || !v->tokens || !v->types || !v->merges) return short_of_memory(err);
    char *out = v->text;
    for (size_t id = 0; id < b->n; id++) {
        char *const start = out;
        out = spell(b, alphabet, (int32_t)id, out);
        v->tokens[id] = (gguf_str){start, (size_t)(out - start)};
        v->types[id] = b->types[id];
    }
    for (size_t i = 0; i < n_merges; i++) {
        pair p;
        memcpy(&p, b->merges.data + i * sizeof p, sizeof p);
        char *const start = out;
        out = spell(b, alphabet, p.left, out);
        *out++ = ' ';
        out = spell(b, alphabet, p.right, out);
        v->merges[i] = (gguf_str){start, (size_t)(out - start)};
    }
    v->n = b->n;
    v->n_merges = n_merges;
    return LFM_OK;
}

/* ---- Layouts -------------------------------------------------------------------------------- */

enum { N_SPARE = 4 }; /* unused ids at the end of a small vocabulary */

static lfm_status lay_out_small(builder *b, vocab *v, lfm_error *err) {
    v->bos = 1;
    v->eos = 7;
    v->says_add_bos = true;
    lfm_status st = SET_ALL(small_specials);
    if (st == LFM_OK) st = SET_ALL(small_think);
    b->end = b->n >= VOCAB_SMALL_MIN + N_SPARE ? b->n - N_SPARE : b->n;
    return st == LFM_OK ? set_bytes(b, 16, err) : st;
}

static lfm_status lay_out_65k(builder *b, vocab *v, lfm_error *err) {
    v->bos = 1;
    v->eos = 7;
    v->says_add_bos = true;
    lfm_status st = SET_ALL(small_specials);
    if (st == LFM_OK) st = SET_ALL(specials_65k);
    if (st == LFM_OK) st = set_reserved(b, err);
    if (st == LFM_OK) st = set_image_tokens(b, 396, err);
    b->end = 64394;
    return st == LFM_OK ? set_bytes(b, 500, err) : st;
}

static lfm_status lay_out_128k(builder *b, vocab *v, lfm_error *err) {
    v->bos = 124894;
    v->eos = 124900;
    v->pad = 124893;
    lfm_status st = SET_ALL(specials_128k);
    if (st == LFM_OK) st = set_image_tokens(b, 124907, err);
    b->end = 124893;
    return st == LFM_OK ? set_bytes(b, 9, err) : st;
}

lfm_status vocab_build(vocab *v, vocab_layout layout, size_t n, lfm_error *err) {
    *v = (vocab){0};
    if (n < VOCAB_SMALL_MIN || n > INT32_MAX / 8) {
        return err_set(err, LFM_ERR_ARG, "a vocabulary of %zu tokens cannot be made: at least %d "
                       "are needed", n, VOCAB_SMALL_MIN);
    }
    const bool is_65k = layout == VOCAB_65K && n >= VOCAB_65K_MIN;
    const bool is_128k = layout == VOCAB_128K && n >= VOCAB_128K_MIN;
    builder b;
    lfm_status st = builder_init(&b, n, err);
    if (st == LFM_OK) {
        st = is_65k ? lay_out_65k(&b, v, err) : is_128k ? lay_out_128k(&b, v, err)
           : lay_out_small(&b, v, err);
    }
    if (st == LFM_OK) st = learn_words(&b, err);
    if (st == LFM_OK) st = set_padding(&b, err);
    if (st == LFM_OK) st = is_128k ? merges_all_splits(&b, err) : merges_one_each(&b, err);
    if (st == LFM_OK) st = write_out(v, &b, err);
    builder_drop(&b);
    if (st != LFM_OK) {
        vocab_drop(v);
    }
    return st;
}

void vocab_drop(vocab *v) {
    free(v->tokens);
    free(v->types);
    free(v->merges);
    free(v->text);
    *v = (vocab){0};
}
