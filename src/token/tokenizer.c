/*
 * tokenizer.c - text -> token ids.
 *
 * Encoding: split the text at the names of special tokens (specials.c), split what is between them
 * into pieces (pretok.c); a piece that is a token as a whole becomes that token, and the bytes of
 * any other are merged (bpe.c).
 */
#include "token/tokenizer_internal.h"

#include "base/bytes.h"
#include "token/pretok.h"

#include <stdlib.h>
#include <string.h>

/* ---- Bytes -> token ------------------------------------------------------------------------- */

uint64_t tok_hash(const char *p, size_t n) {
    const uint64_t mul = 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    uint64_t h = n * mul;
    while (n >= 8) {
        h = (h ^ load_u64(p)) * mul;
        h ^= h >> 29;
        p += 8;
        n -= 8;
    }
    uint64_t tail = 0;
    if (n >= 4) { /* two loads that may overlap */
        tail = (uint64_t)load_u32(p) << 32 | load_u32(p + n - 4);
    } else if (n > 0) {
        tail = (uint64_t)(uint8_t)p[0] << 16 | (uint64_t)(uint8_t)p[n / 2] << 8 | (uint8_t)p[n - 1];
    }
    h = (h ^ tail) * mul;
    h ^= h >> 32;
    return h * mul;
}

static size_t home_slot(const tokenizer *t, uint64_t hash) {
    return (size_t)(hash >> 20) & (t->n_slots - 1);
}

tok_slot *tok_slot_of(const tokenizer *t, const char *text, size_t len, uint64_t hash) {
    const uint32_t tag = (uint32_t)(hash >> 32);
    size_t i = home_slot(t, hash);
    while (t->slots[i].id != 0) {
        const uint32_t id = t->slots[i].id - 1;
        if (t->slots[i].tag == tag && t->starts[id + 1] - t->starts[id] == len &&
            memcmp(t->pool + t->starts[id], text, len) == 0) {
            break;
        }
        i = (i + 1) & (t->n_slots - 1);
    }
    return &t->slots[i];
}

int32_t tok_find_text(const tokenizer *t, const char *text, size_t len) {
    if (len == 0 || len > t->longest) return -1;
    return (int32_t)tok_slot_of(t, text, len, tok_hash(text, len))->id - 1;
}

int32_t tok_find_hashed(const tokenizer *t, const char *text, size_t len, uint64_t hash) {
    const int32_t id = (int32_t)tok_slot_of(t, text, len, hash)->id - 1;
    return id < 0 || tok_is_control(t, id) ? -1 : id;
}

int32_t tok_find_symbol(const tokenizer *t, const char *text, size_t len) {
    return len > t->longest ? -1 : tok_find_hashed(t, text, len, tok_hash(text, len));
}

void tok_prefetch(const tokenizer *t, uint64_t hash) {
    __builtin_prefetch(&t->slots[home_slot(t, hash)]);
}

/* ---- Asking --------------------------------------------------------------------------------- */

static bool is_id(const tokenizer *t, int32_t id) {
    return id >= 0 && (uint32_t)id < t->n_vocab;
}

size_t tok_n_vocab(const tokenizer *t) {
    return t->n_vocab;
}

int32_t tok_bos(const tokenizer *t) {
    return t->bos;
}

bool tok_adds_bos(const tokenizer *t) {
    return t->adds_bos;
}

bool tok_is_control(const tokenizer *t, int32_t id) {
    return is_id(t, id) && (t->types[id] == TOK_CONTROL || t->types[id] == TOK_UNKNOWN);
}

bool tok_is_end(const tokenizer *t, int32_t id) {
    bool found = false;
    for (int i = 0; i < t->n_ends; i++) {
        found = found || t->ends[i] == id;
    }
    return found;
}

int32_t tok_find(const tokenizer *t, const char *text, size_t len) {
    const int32_t special = tok_specials_get(&t->specials, text, len);
    return special >= 0 ? special : tok_find_text(t, text, len);
}

const char *tok_bytes(const tokenizer *t, int32_t id, size_t *len) {
    if (!is_id(t, id)) {
        *len = 0;
        return "";
    }
    *len = t->starts[id + 1] - t->starts[id];
    return t->pool + t->starts[id];
}

/* ---- Encoding ------------------------------------------------------------------------------- */

/* Text without special tokens. */
static lfm_status encode_plain(const tokenizer *t, const char *text, size_t n, tok_bpe_work *work,
                               tok_list *out, lfm_error *err) {
    lfm_status st = LFM_OK;
    while (n > 0 && st == LFM_OK) {
        const size_t len = tok_next_piece(text, n);
        const int32_t whole = tok_find_symbol(t, text, len);
        st = whole >= 0 ? tok_push(out, whole, err)
                        : tok_bpe_encode(&t->merges, t->byte_id, text, len, work, out, err);
        text += len;
        n -= len;
    }
    return st;
}

lfm_status tok_encode(const tokenizer *t, const char *text, size_t n, bool special, tok_list *out,
                      lfm_error *err) {
    if (n == 0) { /* `text` may be NULL then */
        return LFM_OK;
    }
    if (n >= UINT32_MAX) { /* positions are kept in 32 bits */
        return err_set(err, LFM_ERR_ARG, "a text of %zu bytes is too long to tokenize", n);
    }
    const size_t n_before = out->n;
    const tok_specials *names = special ? &t->specials : &t->user_defined;
    tok_bpe_work work = {0};
    tok_match *matches = NULL;
    size_t n_matches = 0;
    lfm_status st = tok_specials_find(names, text, n, &matches, &n_matches, err);
    size_t pos = 0;
    for (size_t i = 0; i < n_matches && st == LFM_OK; i++) {
        st = encode_plain(t, text + pos, matches[i].start - pos, &work, out, err);
        if (st == LFM_OK) st = tok_push(out, matches[i].id, err);
        pos = (size_t)matches[i].start + matches[i].len;
    }
    if (st == LFM_OK) st = encode_plain(t, text + pos, n - pos, &work, out, err);
    free(matches);
    tok_bpe_work_free(&work);
    if (st != LFM_OK) {
        out->n = n_before;
    }
    return st;
}

/* Encode text up to the last name of a control token in text[from..to], beginning at *done. */
static lfm_status encode_run(const tokenizer *t, const char *text, size_t from, size_t to,
                             size_t *done, tok_list *out, lfm_error *err) {
    tok_match *matches = NULL;
    size_t n = 0;
    lfm_status st = tok_specials_find(&t->specials, text + from, to - from, &matches, &n, err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        if (!tok_is_control(t, matches[i].id)) continue;
        const size_t begin = from + matches[i].start;
        st = tok_encode(t, text + *done, begin - *done, false, out, err);
        if (st == LFM_OK) st = tok_push(out, matches[i].id, err);
        *done = begin + matches[i].len;
    }
    free(matches);
    return st;
}

lfm_status tok_encode_own(const tokenizer *t, const char *text, const char *own, size_t n,
                          tok_list *out, lfm_error *err) {
    size_t done = 0; /* bytes that were encoded; text is encoded as a whole up to the next token */
    lfm_status st = LFM_OK;
    if (n >= UINT32_MAX) {
        return err_set(err, LFM_ERR_ARG, "a text of %zu bytes is too long to tokenize", n);
    }
    for (size_t i = 0; i < n && st == LFM_OK;) {
        size_t end = i;
        while (end < n && own[end]) {
            end++;
        }
        st = end > i ? encode_run(t, text, i, end, &done, out, err) : LFM_OK;
        i = end + (end == i);
    }
    return st == LFM_OK ? tok_encode(t, text + done, n - done, false, out, err) : st;
}
