/*
 * tokenizer_load.c - the vocabulary of a GGUF file.
 *
 * The file writes the bytes of normal tokens in GPT-2's alphabet: 256 printable characters, one
 * for each byte value.  All tables here hold plain bytes instead.
 *
 * Choices for unusual files:
 *  - A normal or unused token that is not written in the alphabet stands for its literal text.  It
 *    can be decoded but is never the result of encoding.  The same holds for an empty token that is
 *    not normal.
 *  - Control and unknown tokens are never made from text by merges or by being a whole piece.
 *  - A merge is left out when a part or the result is a control token or not written in the
 *    alphabet.  It is an error when a part or the result is not a token at all.
 *  - A byte without its own token is an error only when a text needs it.
 *
 * Sources: llama.cpp (llama-vocab.cpp) for the keys and their defaults; GPT-2's encoder.py for the
 * alphabet.
 */
#include "token/tokenizer_internal.h"

#include "base/bytes.h"
#include "base/markers.h"
#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- GPT-2's alphabet ----------------------------------------------------------------------- */

#define ALPHABET_END 0x144 /* its characters are U+0021 .. U+0143 */

typedef struct {
    const gguf_file *file;
    tokenizer *t;
    int16_t byte_of[ALPHABET_END]; /* -1 = not in the alphabet */
    char *scratch;                 /* [2 * TOK_MAX_BYTES] */
} loader;

/* Printable Latin-1 characters stand for their own code; the other 68 bytes, in order, are
 * written as U+0100 and following. */
static void alphabet_init(int16_t byte_of[ALPHABET_END]) {
    for (int i = 0; i < ALPHABET_END; i++) {
        byte_of[i] = -1;
    }
    int next = 0x100;
    for (int b = 0; b < 256; b++) {
        const bool own = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
        byte_of[own ? b : next++] = (int16_t)b;
    }
}

/* Write the bytes that `text` stands for to out[len] (never more).  False: not in the alphabet. */
static bool from_alphabet(const loader *l, const char *text, size_t len, char *out,
                          size_t *n_bytes) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t code = (uint8_t)text[i];
        if (code >= 0x80) {
            const uint32_t next = len - i > 1 ? (uint8_t)text[i + 1] : 0;
            if (code < 0xc2 || code > 0xdf || next >> 6 != 2) return false;
            code = (code & 31u) << 6 | (next & 63u);
            i++;
        }
        if (code >= ALPHABET_END || l->byte_of[code] < 0) return false;
        out[n++] = (char)l->byte_of[code];
    }
    *n_bytes = n;
    return true;
}

/* ---- Tokens --------------------------------------------------------------------------------- */

static bool is_text(gguf_str s, const char *text) {
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

static int shown(size_t len) {
    return (int)(len < 60 ? len : 60);
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "<0x0A>": the byte, or -1. */
static int byte_token(gguf_str s) {
    if (s.len != 6 || memcmp(s.ptr, "<0x", 3) != 0 || s.ptr[5] != '>' || hex_digit(s.ptr[3]) < 0 ||
        hex_digit(s.ptr[4]) < 0) {
        return -1;
    }
    return hex_digit(s.ptr[3]) * 16 + hex_digit(s.ptr[4]);
}

/* Add a token to the table. */
static lfm_status index_token(const loader *l, uint32_t id, lfm_error *err) {
    tokenizer *t = l->t;
    const char *text = t->pool + t->starts[id];
    const size_t len = t->starts[id + 1] - t->starts[id];
    if (len == 0) return LFM_OK;
    const uint64_t hash = tok_hash(text, len);
    tok_slot *slot = tok_slot_of(t, text, len, hash);
    if (slot->id != 0) {
        return err_set(err, LFM_ERR_FORMAT,
                       "%s: tokens %" PRIu32 " and %" PRIu32 " are both '%.*s'", l->file->path,
                       slot->id - 1, id, shown(len), text);
    }
    *slot = (tok_slot){(uint32_t)(hash >> 32), id + 1};
    t->longest = len > t->longest ? len : t->longest;
    return LFM_OK;
}

/* Copy token `id` into the pool, in plain bytes. */
static lfm_status add_token(const loader *l, uint32_t id, gguf_str s, uint32_t type,
                            lfm_error *err) {
    tokenizer *t = l->t;
    char *out = t->pool + t->starts[id];
    if (s.len > TOK_MAX_BYTES) {
        return err_set(err, LFM_ERR_FORMAT, "%s: token %" PRIu32 " is %zu bytes long (at most %d "
                       "are possible)", l->file->path, id, s.len, TOK_MAX_BYTES);
    }
    /* Like llama.cpp, treat these as control tokens whatever the file says. */
    if (is_text(s, TURN_END) || is_text(s, "<|endoftext|>")) {
        type = TOK_CONTROL;
    }
    const int byte = type == TOK_BYTE ? byte_token(s) : -1;
    if (type < TOK_NORMAL || type > TOK_BYTE || (type == TOK_BYTE && byte < 0)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: token %" PRIu32 " '%.*s' has type %" PRIu32 "%s",
                       l->file->path, id, shown(s.len), s.ptr, type,
                       type == TOK_BYTE ? ", but is not written <0xNN>" : " (1 to 6 exist)");
    }
    if ((s.len == 0 && type == TOK_NORMAL) || !utf8_valid(s.ptr, s.len)) {
        return err_set(err, LFM_ERR_FORMAT, "%s: token %" PRIu32 " '%.*s' is %s", l->file->path, id,
                       shown(s.len), s.ptr, s.len == 0 ? "empty" : "not UTF-8 text");
    }
    t->types[id] = (uint8_t)type;
    size_t len = 0;
    bool coded = byte < 0 && from_alphabet(l, s.ptr, s.len, out, &len);
    if (type == TOK_CONTROL || type == TOK_UNKNOWN || type == TOK_USER_DEFINED) {
        coded = coded && len == s.len && memcmp(out, s.ptr, len) == 0;
    }
    if (byte >= 0) {
        out[0] = (char)byte;
        len = 1;
    } else if (!coded) {
        memcpy(out, s.ptr, s.len);
        len = s.len;
    }
    t->starts[id + 1] = t->starts[id] + (uint32_t)len;
    return coded ? index_token(l, id, err) : LFM_OK;
}

/* The sizes of all arrays follow from those in the file, so they are proportional to it. */
static lfm_status reserve_vocab(const loader *l, const gguf_key *tokens, lfm_error *err) {
    tokenizer *t = l->t;
    const uint64_t text_bytes = tokens->n_bytes - 8 * tokens->count;
    if (tokens->count == 0 || tokens->count > INT32_MAX / 2 || text_bytes > UINT32_MAX) {
        return err_set(err, LFM_ERR_FORMAT, "%s: a vocabulary of %" PRIu64 " tokens and %" PRIu64
                       " bytes is not possible", l->file->path, tokens->count, text_bytes);
    }
    t->n_vocab = (uint32_t)tokens->count;
    t->n_slots = 2;
    while (t->n_slots < 2 * (size_t)t->n_vocab) {
        t->n_slots *= 2;
    }
    t->types = malloc(t->n_vocab);
    t->starts = calloc((size_t)t->n_vocab + 1, sizeof *t->starts);
    t->pool = malloc((size_t)text_bytes + 1);
    t->slots = calloc(t->n_slots, sizeof *t->slots);
    if (!t->types || !t->starts || !t->pool || !t->slots) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu32 " tokens",
                       l->file->path, t->n_vocab);
    }
    return LFM_OK;
}

static lfm_status read_vocab(const loader *l, lfm_error *err) {
    const gguf_key *tokens = NULL;
    const gguf_key *types = NULL;
    lfm_status st =
        gguf_need_array(l->file, "tokenizer.ggml.tokens", GGUF_STRING, GGUF_STRING, &tokens, err);
    if (st == LFM_OK && gguf_get(l->file, "tokenizer.ggml.token_type")) {
        st = gguf_need_array(l->file, "tokenizer.ggml.token_type", GGUF_I32, GGUF_U32, &types, err);
    }
    if (st == LFM_OK && types && types->count != tokens->count) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: key 'tokenizer.ggml.token_type' has %" PRIu64
                     " elements for %" PRIu64 " tokens", l->file->path, types->count,
                     tokens->count);
    }
    if (st == LFM_OK) st = reserve_vocab(l, tokens, err);
    const uint8_t *cursor = st == LFM_OK ? tokens->data : NULL;
    for (uint32_t id = 0; id < l->t->n_vocab && st == LFM_OK; id++) {
        const gguf_str s = gguf_next_str(&cursor);
        const uint32_t type = types ? load_u32(types->data + 4 * (size_t)id) : TOK_NORMAL;
        st = add_token(l, id, s, type, err);
    }
    return st;
}

/* The token of every byte; tokens of type byte fill gaps. */
static void find_bytes(tokenizer *t) {
    for (int b = 0; b < 256; b++) {
        const char c = (char)b;
        t->byte_id[b] = tok_find_symbol(t, &c, 1);
    }
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        if (t->types[id] == TOK_BYTE) {
            int32_t *of_byte = &t->byte_id[(uint8_t)t->pool[t->starts[id]]];
            *of_byte = *of_byte < 0 ? (int32_t)id : *of_byte;
        }
    }
}

/* ---- Merges --------------------------------------------------------------------------------- */

/* Hundreds of thousands of merges, each with four random accesses to two large hash tables:
 * processed in batches, so that memory is prefetched before it is needed. */
#define BATCH 64

typedef struct {
    gguf_str text;
    size_t n_left, n_right;    /* bytes of the parts; n_right 0 = the merge is left out */
    uint64_t hash[3];          /* of the left part, the right part, both together */
    int32_t left, right, both; /* tokens, -1 = none */
} pending_merge;

/* Write the bytes of both parts, one after the other, to l->scratch.  A space is not in the
 * alphabet, so the first one separates "left right". */
static bool read_merge(const loader *l, pending_merge *m) {
    const gguf_str s = m->text;
    const char *space = s.len < 3 ? NULL : memchr(s.ptr, ' ', s.len);
    if (!space || s.len > 2 * TOK_MAX_BYTES) return false;
    const size_t left_len = (size_t)(space - s.ptr);
    return from_alphabet(l, s.ptr, left_len, l->scratch, &m->n_left) && m->n_left > 0 &&
           from_alphabet(l, space + 1, s.len - left_len - 1, l->scratch + m->n_left,
                         &m->n_right) && m->n_right > 0;
}

static void hash_merge(const loader *l, pending_merge *m) {
    if (!read_merge(l, m)) {
        m->n_right = 0;
        return;
    }
    m->hash[0] = tok_hash(l->scratch, m->n_left);
    m->hash[1] = tok_hash(l->scratch + m->n_left, m->n_right);
    m->hash[2] = tok_hash(l->scratch, m->n_left + m->n_right);
    for (int i = 0; i < 3; i++) {
        tok_prefetch(l->t, m->hash[i]);
    }
}

static void resolve_merge(const loader *l, pending_merge *m) {
    if (m->n_right == 0) {
        m->left = m->right = m->both = -1;
        return;
    }
    read_merge(l, m);
    m->left = tok_find_hashed(l->t, l->scratch, m->n_left, m->hash[0]);
    m->right = tok_find_hashed(l->t, l->scratch + m->n_left, m->n_right, m->hash[1]);
    m->both = tok_find_hashed(l->t, l->scratch, m->n_left + m->n_right, m->hash[2]);
    tok_merges_prefetch(&l->t->merges, (uint32_t)m->left, (uint32_t)m->right);
}

static bool is_token(const loader *l, const char *text, size_t len) {
    return tok_find_text(l->t, text, len) >= 0 || tok_specials_get(&l->t->specials, text, len) >= 0;
}

/* A merge that cannot be made: left out when control tokens are the reason, otherwise an error. */
static lfm_status check_left_out(const loader *l, const pending_merge *m, uint32_t rank,
                                 lfm_error *err) {
    pending_merge again = *m;
    if (m->n_right == 0) {
        return err_set(err, LFM_ERR_FORMAT, "%s: merge %" PRIu32 ", '%.*s', is not two parts with "
                       "a space between them", l->file->path, rank, shown(m->text.len),
                       m->text.ptr);
    }
    read_merge(l, &again);
    if (!is_token(l, l->scratch, m->n_left) || !is_token(l, l->scratch + m->n_left, m->n_right) ||
        !is_token(l, l->scratch, m->n_left + m->n_right)) {
        return err_set(err, LFM_ERR_FORMAT,
                       "%s: merge %" PRIu32 ", '%.*s', has a part or a result that is not a token",
                       l->file->path, rank, shown(m->text.len), m->text.ptr);
    }
    return LFM_OK;
}

/* The merges of ranks `first` to `first` + n - 1. */
static lfm_status add_merges(const loader *l, const uint8_t **cursor, uint32_t first, uint32_t n,
                             lfm_error *err) {
    pending_merge batch[BATCH];
    for (uint32_t i = 0; i < n; i++) {
        batch[i].text = gguf_next_str(cursor);
        hash_merge(l, &batch[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        resolve_merge(l, &batch[i]);
    }
    lfm_status st = LFM_OK;
    for (uint32_t i = 0; i < n && st == LFM_OK; i++) {
        const pending_merge *m = &batch[i];
        if (m->left >= 0 && m->right >= 0 && m->both >= 0) {
            tok_merges_add(&l->t->merges, (uint32_t)m->left, (uint32_t)m->right, first + i,
                           (uint32_t)m->both);
        } else {
            st = check_left_out(l, m, first + i, err);
        }
    }
    return st;
}

static lfm_status read_merges(const loader *l, lfm_error *err) {
    const gguf_key *key = NULL;
    lfm_status st =
        gguf_need_array(l->file, "tokenizer.ggml.merges", GGUF_STRING, GGUF_STRING, &key, err);
    if (st == LFM_OK && (key->count == 0 || key->count >= UINT32_MAX)) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: %" PRIu64 " merges are not possible", l->file->path,
                     key->count);
    }
    if (st == LFM_OK) st = tok_merges_init(&l->t->merges, (size_t)key->count, err);
    if (st != LFM_OK) return st;
    const uint32_t count = (uint32_t)key->count;
    const uint8_t *cursor = key->data;
    for (uint32_t done = 0; done < count && st == LFM_OK;) {
        const uint32_t n = count - done < BATCH ? count - done : BATCH;
        st = add_merges(l, &cursor, done, n, err);
        done += n;
    }
    return st;
}

/* ---- Special tokens ------------------------------------------------------------------------- */

/* Sets of token types. */
#define USER_DEFINED (1u << TOK_USER_DEFINED)
#define ALL_SPECIAL (1u << TOK_CONTROL | 1u << TOK_UNKNOWN | USER_DEFINED)

/* Collect the tokens of these types that have a name. */
static lfm_status read_specials(const loader *l, tok_specials *out, unsigned types,
                                lfm_error *err) {
    const tokenizer *t = l->t;
    uint32_t n = 0;
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        n += types >> t->types[id] & 1u;
    }
    tok_special *names = n == 0 ? NULL : malloc(n * sizeof *names);
    if (n > 0 && !names) {
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for %" PRIu32 " special tokens",
                       l->file->path, n);
    }
    n = 0;
    for (uint32_t id = 0; id < t->n_vocab; id++) {
        const uint32_t len = t->starts[id + 1] - t->starts[id];
        if ((types >> t->types[id] & 1u) && len > 0) {
            assert(names);
            names[n++] = (tok_special){t->pool + t->starts[id], len, (int32_t)id};
        }
    }
    return tok_specials_init(out, names, n, l->file->path, err);
}

/* A key that names a token; -1 when it is absent. */
static lfm_status read_id(const loader *l, const char *key, int32_t *id, lfm_error *err) {
    uint32_t value = UINT32_MAX;
    const lfm_status st = gguf_get_u32(l->file, key, 0, l->t->n_vocab - 1, &value, err);
    *id = value == UINT32_MAX ? -1 : (int32_t)value;
    return st;
}

static void add_end(tokenizer *t, int32_t id) {
    if (id >= 0) {
        t->ends[t->n_ends++] = id;
    }
}

static lfm_status read_ids(const loader *l, lfm_error *err) {
    tokenizer *t = l->t;
    int32_t eos = -1;
    int32_t eot = -1;
    int32_t eom = -1;
    lfm_status st = read_id(l, "tokenizer.ggml.bos_token_id", &t->bos, err);
    if (st == LFM_OK) st = read_id(l, "tokenizer.ggml.eos_token_id", &eos, err);
    if (st == LFM_OK) st = read_id(l, "tokenizer.ggml.eot_token_id", &eot, err);
    if (st == LFM_OK) st = read_id(l, "tokenizer.ggml.eom_token_id", &eom, err);
    bool add = true; /* llama.cpp's default for both kinds of split */
    if (st == LFM_OK) st = gguf_get_bool(l->file, "tokenizer.ggml.add_bos_token", &add, err);
    if (st == LFM_OK && add && t->bos < 0 && gguf_get(l->file, "tokenizer.ggml.add_bos_token")) {
        st = err_set(err, LFM_ERR_FORMAT, "%s: key 'tokenizer.ggml.add_bos_token' asks for a "
                     "token, but 'tokenizer.ggml.bos_token_id' is missing", l->file->path);
    }
    t->adds_bos = add && t->bos >= 0;
    add_end(t, eos);
    add_end(t, eot);
    add_end(t, eom);
    add_end(t, tok_find(t, TURN_END, sizeof TURN_END - 1));
    add_end(t, tok_find(t, "<|endoftext|>", 13));
    return st;
}

/* ---- Loading -------------------------------------------------------------------------------- */

static lfm_status check_kind(const gguf_file *f, lfm_error *err) {
    gguf_str model = {0};
    gguf_str pre = {0};
    lfm_status st = gguf_need_str(f, "tokenizer.ggml.model", &model, err);
    if (st == LFM_OK && !is_text(model, "gpt2")) {
        st = err_set(err, LFM_ERR_UNSUPPORTED, "%s: tokenizer.ggml.model is '%.*s'; only 'gpt2' "
                     "(byte-level BPE) is supported", f->path, shown(model.len), model.ptr);
    }
    if (st == LFM_OK) st = gguf_need_str(f, "tokenizer.ggml.pre", &pre, err);
    if (st == LFM_OK && !is_text(pre, "lfm2") && !is_text(pre, "llama-bpe")) {
        st = err_set(err, LFM_ERR_UNSUPPORTED, "%s: tokenizer.ggml.pre is '%.*s'; only 'lfm2' and "
                     "'llama-bpe' are supported", f->path, shown(pre.len), pre.ptr);
    }
    return st;
}

lfm_status tok_load(tokenizer **out, const gguf_file *f, lfm_error *err) {
    *out = NULL;
    lfm_status st = check_kind(f, err);
    if (st != LFM_OK) return st;
    loader l = {.file = f, .t = calloc(1, sizeof *l.t), .scratch = malloc(2 * TOK_MAX_BYTES)};
    if (!l.t || !l.scratch) {
        free(l.t);
        free(l.scratch);
        return err_set(err, LFM_ERR_MEMORY, "%s: out of memory for the tokenizer", f->path);
    }
    alphabet_init(l.byte_of);
    st = read_vocab(&l, err);
    if (st == LFM_OK) {
        find_bytes(l.t);
        st = read_specials(&l, &l.t->specials, ALL_SPECIAL, err);
    }
    if (st == LFM_OK) st = read_merges(&l, err);
    if (st == LFM_OK) st = read_specials(&l, &l.t->user_defined, USER_DEFINED, err);
    if (st == LFM_OK) st = read_ids(&l, err);
    free(l.scratch);
    if (st != LFM_OK) {
        tok_free(l.t);
        return st;
    }
    *out = l.t;
    return LFM_OK;
}

void tok_free(tokenizer *t) {
    if (!t) return;
    free(t->types);
    free(t->starts);
    free(t->pool);
    free(t->slots);
    tok_merges_drop(&t->merges);
    tok_specials_drop(&t->specials);
    tok_specials_drop(&t->user_defined);
    free(t);
}
