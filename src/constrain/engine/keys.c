/*
 * keys.c - the keys of the objects that are open in a JSON text: none may come twice.
 *
 * Levels, keys and their bytes are stacks: closing an object removes its entries from the ends.
 * Trying a text removes nothing and only pushes more (each level knows the one below it), so
 * truncating the stacks restores the old state.  Keys leave the hash table in the reverse order of
 * insertion, so the slots of the others stay valid.
 */
#include "constrain/engine/keys.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 64 };
#define HASH_START 0xcbf29ce484222325u /* FNV-1a */
#define HASH_PRIME 0x100000001b3u

typedef enum { BYTE_FINE, BYTE_REPEATS, BYTE_NO_MEMORY } byte_result;

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
    return a->hash == b->hash && a->level == b->level && a->len == b->len &&
           (a->len == 0 || memcmp(k->bytes + a->at, k->bytes + b->at, a->len) == 0);
}

/* Add the key that was just written, unless its object already has it. */
static byte_result add_key(keys_open *k) {
    keys_place *p = &k->at;
    const keys_key key = {p->hash, p->key_at, p->n_bytes - p->key_at, p->level - 1};
    keys_key *keys = grow_array(k->keys, &k->keys_cap, p->n_keys + 1, sizeof *keys);
    k->keys = keys ? keys : k->keys;
    if (!keys || (2 * (p->n_keys + 1) > k->n_slots && !grow_slots(k))) return BYTE_NO_MEMORY;
    size_t slot = slot_of(k, key.hash);
    for (; k->slots[slot]; slot = next_slot(k, slot)) {
        if (same_key(k, &keys[k->slots[slot] - 1], &key)) return BYTE_REPEATS;
    }
    keys[p->n_keys++] = key;
    k->slots[slot] = p->n_keys;
    return BYTE_FINE;
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

/* ---- Reading -------------------------------------------------------------------------------- */

static byte_result open_level(keys_open *k, bool is_object) {
    keys_place *p = &k->at;
    keys_level *levels = grow_array(k->levels, &k->levels_cap, p->n_levels + 1, sizeof *levels);
    if (!levels) return BYTE_NO_MEMORY;
    k->levels = levels;
    levels[p->n_levels++] = (keys_level){p->level, p->n_keys, p->n_bytes, is_object};
    p->level = p->n_levels;
    p->expects_key = is_object;
    return BYTE_FINE;
}

static void close_level(keys_open *k, bool tried) {
    keys_place *p = &k->at;
    if (p->level == 0) {
        return; /* no grammar allows this */
    }
    const keys_level closed = k->levels[p->level - 1];
    if (!tried) {
        cut_keys(k, closed.first_key);
        p->n_bytes = closed.first_byte;
        p->n_levels--;
    }
    p->level = closed.below;
    p->expects_key = false;
}

/* A byte of a string. */
static byte_result read_string(keys_open *k, char byte) {
    keys_place *p = &k->at;
    const bool ends = byte == '"' && !p->escaped;
    const bool in_key = p->in_key;
    p->escaped = byte == '\\' && !p->escaped;
    if (ends) {
        p->in_string = p->in_key = p->expects_key = false;
        return in_key ? add_key(k) : BYTE_FINE;
    }
    if (in_key) {
        char *bytes = grow_array(k->bytes, &k->bytes_cap, p->n_bytes + 1, 1);
        if (!bytes) return BYTE_NO_MEMORY;
        k->bytes = bytes;
        bytes[p->n_bytes++] = byte;
        p->hash = (p->hash ^ (uint8_t)byte) * HASH_PRIME;
    }
    return BYTE_FINE;
}

static byte_result read_byte(keys_open *k, char byte, bool tried) {
    keys_place *p = &k->at;
    if (p->in_string) return read_string(k, byte);
    switch (byte) {
    case '{': return open_level(k, true);
    case '[': return open_level(k, false);
    case '}':
    case ']': close_level(k, tried); break;
    case ',': p->expects_key = p->level > 0 && k->levels[p->level - 1].is_object; break;
    case '"':
        p->in_string = true;
        p->in_key = p->expects_key;
        p->key_at = p->n_bytes;
        p->hash = HASH_START ^ p->level; /* tells objects with the same keys apart */
        break;
    default: break;
    }
    return BYTE_FINE;
}

/* ---- Public --------------------------------------------------------------------------------- */

lfm_status keys_would_repeat(keys_open *k, const char *text, size_t n, bool *repeats) {
    const keys_place before = k->at;
    byte_result result = BYTE_FINE;
    for (size_t i = 0; i < n && result == BYTE_FINE; i++) {
        result = read_byte(k, text[i], true);
    }
    cut_keys(k, before.n_keys);
    k->at = before;
    *repeats = result == BYTE_REPEATS;
    return result == BYTE_NO_MEMORY ? LFM_ERR_MEMORY : LFM_OK;
}

lfm_status keys_add(keys_open *k, const char *text, size_t n, bool *repeats) {
    const lfm_status st = keys_would_repeat(k, text, n, repeats);
    for (size_t i = 0; i < n && st == LFM_OK && !*repeats; i++) {
        read_byte(k, text[i], false); /* cannot fail: trying allocated at least as much */
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
