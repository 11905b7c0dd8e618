/*
 * keys.c - what may not come twice in a JSON text: keys of an object, elements of a marked array.
 *
 * Levels, keys and their bytes are stacks: closing a level removes its entries from the ends.
 * While a place is held nothing below it changes: levels of before are copied when they change, and
 * closing them removes nothing; so truncating the stacks restores the old state.  Keys leave the
 * hash table in the reverse order of insertion, so the slots of the others stay valid.
 */
#include "constrain/engine/keys.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };
enum { TAG_STRING = 1, TAG_NUMBER, TAG_WORD, TAG_ARRAY, TAG_OBJECT };
#define HASH_START 0xcbf29ce484222325u /* FNV-1a */
#define HASH_PRIME 0x100000001b3u

/* ---- The set of keys ------------------------------------------------------------------------ */

static size_t slot_of(const keys_open *k, uint64_t hash) {
    return (size_t)(hash ^ hash >> 32) & (k->n_slots - 1);
}

static size_t next_slot(const keys_open *k, size_t slot) {
    return (slot + 1) & (k->n_slots - 1);
}

static bool grow_slots(keys_open *k) {
    const size_t n = k->n_slots ? 2 * k->n_slots : FIRST_SLOTS;
    size_t *slots = calloc(n, sizeof *slots);
    if (!slots) return false;
    free(k->slots);
    k->slots = slots;
    k->n_slots = n;
    for (size_t i = 0; i < k->at.n_keys; i++) {
        size_t slot = slot_of(k, k->keys[i].hash);
        while (slots[slot]) {
            slot = next_slot(k, slot);
        }
        slots[slot] = i + 1;
    }
    return true;
}

static bool same_key(const keys_open *k, const keys_key *a, const keys_key *b) {
    return a->hash == b->hash && a->id == b->id && a->len == b->len &&
           (a->len == 0 || memcmp(k->bytes + a->at, k->bytes + b->at, a->len) == 0);
}

static uint64_t mix(uint64_t h) { /* the finaliser of SplitMix64 */
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9u;
    h = (h ^ h >> 27) * 0x94d049bb133111ebu;
    return h ^ h >> 31;
}

/* Add a key or an element, unless its level already has it. */
static keys_result add_key(keys_open *k, keys_key key) {
    keys_place *p = &k->at;
    keys_key *keys = grow_array(k->keys, &k->keys_cap, p->n_keys + 1, sizeof *keys);
    k->keys = keys ? keys : k->keys;
    if (!keys || (2 * (p->n_keys + 1) > k->n_slots && !grow_slots(k))) return KEYS_NO_MEMORY;
    key.hash = mix(key.hash + key.id); /* tells levels with the same keys apart */
    size_t slot = slot_of(k, key.hash);
    for (; k->slots[slot]; slot = next_slot(k, slot)) {
        if (same_key(k, &keys[k->slots[slot] - 1], &key)) return KEYS_REPEATS;
    }
    keys[p->n_keys++] = key;
    k->slots[slot] = p->n_keys;
    return KEYS_FINE;
}

/* Keep only the first n keys. */
static void cut_keys(keys_open *k, size_t n) {
    for (; k->at.n_keys > n; k->at.n_keys--) {
        size_t slot = slot_of(k, k->keys[k->at.n_keys - 1].hash);
        while (k->slots[slot] != k->at.n_keys) {
            slot = next_slot(k, slot);
        }
        k->slots[slot] = 0;
    }
}

/* ---- Levels --------------------------------------------------------------------------------- */

static keys_level *push_level(keys_open *k, keys_level level) {
    keys_place *p = &k->at;
    keys_level *levels = grow_array(k->levels, &k->levels_cap, p->n_levels + 1, sizeof *levels);
    if (!levels) return NULL;
    k->levels = levels;
    levels[p->n_levels++] = level;
    p->level = p->n_levels;
    return &levels[p->level - 1];
}

static keys_result open_level(keys_open *k, bool is_object, bool marked) {
    keys_place *p = &k->at;
    const keys_level level = {
        .id = p->n_levels, .below = p->level, .first_key = p->n_keys, .first_byte = p->n_bytes,
        .is_object = is_object, .is_marked = marked,
    };
    p->expects_key = is_object;
    p->in_word = false;
    p->n_marked += marked;
    return push_level(k, level) ? KEYS_FINE : KEYS_NO_MEMORY;
}

/* The innermost level, to be changed; NULL when memory is missing. */
static keys_level *own_level(keys_open *k) {
    keys_place *p = &k->at;
    if (p->level > p->base_levels) return &k->levels[p->level - 1];
    keys_level copy = k->levels[p->level - 1];
    copy.is_copy = true;
    return push_level(k, copy);
}

/* A value is complete. */
static keys_result add_value(keys_open *k, uint64_t hash) {
    if (k->at.level == 0) return KEYS_FINE;
    keys_level *l = own_level(k);
    if (!l) return KEYS_NO_MEMORY;
    if (l->is_object) {
        l->hash += mix(l->key_hash + mix(hash)); /* in any order */
        return KEYS_FINE;
    }
    l->hash = mix(l->hash + hash);
    return l->is_marked ? add_key(k, (keys_key){.hash = hash, .id = l->id}) : KEYS_FINE;
}

static keys_result close_level(keys_open *k) {
    keys_place *p = &k->at;
    if (p->level == 0) return KEYS_FINE; /* no grammar allows this */
    const keys_level closed = k->levels[p->level - 1];
    if (!closed.is_copy && p->level > p->base_levels) {
        cut_keys(k, closed.first_key);
        p->n_bytes = closed.first_byte;
        p->n_levels = p->level - 1;
    }
    p->level = closed.below;
    p->n_marked -= closed.is_marked;
    p->expects_key = false;
    return add_value(k, mix(closed.hash + (closed.is_object ? TAG_OBJECT : TAG_ARRAY)));
}

/* ---- Reading -------------------------------------------------------------------------------- */

static bool push_byte(keys_open *k, char byte) {
    char *bytes = grow_array(k->bytes, &k->bytes_cap, k->at.n_bytes + 1, 1);
    if (!bytes) return false;
    k->bytes = bytes;
    bytes[k->at.n_bytes++] = byte;
    return true;
}

static keys_result end_string(keys_open *k) {
    keys_place *p = &k->at;
    const bool in_key = p->in_key;
    p->in_string = p->in_key = p->expects_key = false;
    if (!in_key) return add_value(k, mix(p->hash + TAG_STRING));
    keys_level *l = own_level(k);
    if (!l) return KEYS_NO_MEMORY;
    l->key_hash = p->hash;
    return add_key(k, (keys_key){p->hash, p->key_at, p->n_bytes - p->key_at, l->id});
}

/* A byte of a string. */
static keys_result read_string(keys_open *k, char byte) {
    keys_place *p = &k->at;
    const bool ends = byte == '"' && !p->escaped;
    p->escaped = byte == '\\' && !p->escaped;
    if (ends) return end_string(k);
    p->hash = (p->hash ^ (uint8_t)byte) * HASH_PRIME;
    return p->in_key && !push_byte(k, byte) ? KEYS_NO_MEMORY : KEYS_FINE;
}

/* Numbers are compared as doubles, as most readers do. */
static uint64_t hash_number(const char *text) {
    const double value = strtod(text, NULL) + 0.0; /* -0 + 0 is 0 */
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return mix(bits + TAG_NUMBER);
}

static keys_result end_word(keys_open *k) {
    keys_place *p = &k->at;
    if (!p->in_word) return KEYS_FINE;
    if (!push_byte(k, '\0')) return KEYS_NO_MEMORY;
    const char *text = k->bytes + p->key_at;
    uint64_t hash = HASH_START;
    for (const char *c = text; *c; c++) {
        hash = (hash ^ (uint8_t)*c) * HASH_PRIME;
    }
    const bool number = text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
    hash = number ? hash_number(text) : mix(hash + TAG_WORD);
    p->in_word = false;
    p->n_bytes = p->key_at > p->base_bytes ? p->key_at : p->base_bytes;
    return add_value(k, hash);
}

static keys_result read_word(keys_open *k, char byte) {
    keys_place *p = &k->at;
    if (!p->in_word) {
        p->in_word = true;
        p->key_at = p->n_bytes;
    }
    return push_byte(k, byte) ? KEYS_FINE : KEYS_NO_MEMORY;
}

keys_result keys_byte(keys_open *k, char byte, bool marked) {
    keys_place *p = &k->at;
    keys_result result = KEYS_FINE;
    if (p->in_string) return read_string(k, byte);
    switch (byte) {
    case '{': return open_level(k, true, marked);
    case '[': return open_level(k, false, marked);
    case '}':
    case ']':
        result = end_word(k);
        return result == KEYS_FINE ? close_level(k) : result;
    case ',':
        result = end_word(k);
        p->expects_key = p->level > 0 && k->levels[p->level - 1].is_object;
        return result;
    case '"': /* may follow the name of an argument, which is not a word */
        p->in_string = true;
        p->in_word = false;
        p->in_key = p->expects_key;
        p->key_at = p->n_bytes;
        p->hash = HASH_START;
        return KEYS_FINE;
    case ' ':
    case ':': return KEYS_FINE;
    default: return read_word(k, byte);
    }
}

/* ---- Public --------------------------------------------------------------------------------- */

keys_place keys_hold(keys_open *k) {
    const keys_place held = k->at;
    k->at.base_levels = held.n_levels;
    k->at.base_bytes = held.n_bytes;
    return held;
}

void keys_back(keys_open *k, const keys_place *held) {
    cut_keys(k, held->n_keys);
    k->at = *held;
}

lfm_status keys_would_repeat(keys_open *k, const char *text, size_t n, bool *repeats) {
    const keys_place held = keys_hold(k);
    keys_result result = KEYS_FINE;
    for (size_t i = 0; i < n && result == KEYS_FINE; i++) {
        result = keys_byte(k, text[i], false);
    }
    keys_back(k, &held);
    *repeats = result == KEYS_REPEATS;
    return result == KEYS_NO_MEMORY ? LFM_ERR_MEMORY : LFM_OK;
}

lfm_status keys_add(keys_open *k, const char *text, size_t n, bool *repeats) {
    const lfm_status st = keys_would_repeat(k, text, n, repeats);
    for (size_t i = 0; i < n && st == LFM_OK && !*repeats; i++) {
        keys_byte(k, text[i], false); /* cannot fail: trying allocated at least as much */
    }
    return st;
}

void keys_reset(keys_open *k) {
    cut_keys(k, 0);
    k->at = (keys_place){0};
}

/* A copy of n elements; *cap is its capacity. */
static void *copy_of(const void *array, size_t n, size_t size, size_t *cap) {
    void *copy = grow_array(NULL, cap, n, size);
    if (copy && n > 0) {
        memcpy(copy, array, n * size);
    }
    return copy;
}

lfm_status keys_copy(keys_open *to, const keys_open *from) {
    keys_open c = {.at = from->at, .n_slots = from->n_slots};
    size_t slots_cap = 0;
    c.levels = copy_of(from->levels, c.at.n_levels, sizeof *c.levels, &c.levels_cap);
    c.keys = copy_of(from->keys, c.at.n_keys, sizeof *c.keys, &c.keys_cap);
    c.bytes = copy_of(from->bytes, c.at.n_bytes, 1, &c.bytes_cap);
    c.slots = copy_of(from->slots, c.n_slots, sizeof *c.slots, &slots_cap);
    const bool ok = c.levels && c.keys && c.bytes && c.slots;
    if (!ok) {
        keys_drop(&c);
    }
    *to = c;
    return ok ? LFM_OK : LFM_ERR_MEMORY;
}

void keys_drop(keys_open *k) {
    free(k->levels);
    free(k->keys);
    free(k->bytes);
    free(k->slots);
    *k = (keys_open){0};
}
