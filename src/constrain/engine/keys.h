/*
 * keys.h - what may not come twice in a JSON text: keys of an object, elements of a marked array.
 *
 * A grammar cannot remember what was written, so this reads the text beside it.  The text is one
 * that the grammar of a schema or of tools allows: JSON, or calls with JSON in them; there every
 * string has one spelling, so equal keys are equal bytes.  Elements are compared as values: numbers
 * as doubles, objects without regard to the order of their members; by hashes of 64 bits, so in a
 * very rare case two that differ count as equal.  The cost of a byte does not grow with the text;
 * only what objects and arrays that are still open need is kept.
 *
 * Refusing a key never leads into a dead end where a key that no schema names can always continue
 * with another character.  Elsewhere brackets are marked in the grammar, and ahead.h looks ahead.
 */
#ifndef CONSTRAIN_ENGINE_KEYS_H
#define CONSTRAIN_ENGINE_KEYS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open object or array.  To keep what trying a text changes apart, it may have copies. */
typedef struct {
    size_t id;         /* of all its copies */
    size_t below;      /* the one around it, + 1; 0 = none */
    size_t first_key;  /* its keys or elements, and those inside it, begin here */
    size_t first_byte;
    uint64_t hash;     /* of what is in it */
    uint64_t key_hash; /* of its last key */
    bool is_object, is_copy;
    bool is_marked;    /* an array: its elements must differ */
} keys_level;

/* A key, or an element (then only the hash counts). */
typedef struct {
    uint64_t hash;
    size_t at, len; /* in bytes[] */
    size_t id;      /* of the level it belongs to */
} keys_key;

/* The position in the text. */
typedef struct {
    size_t n_levels, n_keys, n_bytes;
    size_t level;     /* the innermost open one, + 1; 0 = none */
    size_t n_marked;  /* open ones that are marked */
    size_t key_at;    /* in a key or a word: bytes[key_at..n_bytes) is its beginning */
    uint64_t hash;    /* of the string so far */
    bool in_string, in_key, escaped;
    bool in_word;     /* in a number, true, false or null */
    bool expects_key; /* the next string is one */
    size_t base_levels, base_bytes; /* what may not be changed, because it is held */
} keys_place;

/* A zeroed struct is the beginning of a text. */
typedef struct {
    keys_place at;
    keys_level *levels;
    size_t levels_cap;
    keys_key *keys;
    size_t keys_cap;
    char *bytes;    /* of keys */
    size_t bytes_cap;
    size_t *slots;  // [n_slots] hash table of keys: index + 1, 0 = empty
    size_t n_slots; /* a power of two */
} keys_open;

/* Would these bytes write a key a second time?  Changes nothing.  LFM_OK or LFM_ERR_MEMORY. */
lfm_status keys_would_repeat(keys_open *k, const char *text, size_t n, bool *repeats);

/* Take these bytes as the next ones of the text, unless they repeat a key or memory runs out; then
 * nothing changes.  Reports like keys_would_repeat. */
lfm_status keys_add(keys_open *k, const char *text, size_t n, bool *repeats);

/* One byte; `marked` when it opens a marked bracket.  After KEYS_REPEATS and KEYS_NO_MEMORY only
 * keys_back helps. */
typedef enum { KEYS_FINE, KEYS_REPEATS, KEYS_NO_MEMORY } keys_result;
keys_result keys_byte(keys_open *k, char byte, bool marked);

/* Hold the place, so that keys_back can return to it whatever is read meanwhile.  Places are
 * returned to in the reverse order of holding; keys_hold again to come back once more. */
keys_place keys_hold(keys_open *k);
void keys_back(keys_open *k, const keys_place *held);

void keys_reset(keys_open *k); /* back to the beginning of a text */
lfm_status keys_copy(keys_open *to, const keys_open *from); /* *to is overwritten; LFM_ERR_MEMORY */
void keys_drop(keys_open *k);  /* safe on a zeroed struct */

#endif
