/*
 * keys.h - the keys of the objects that are open in a JSON text: none may come twice.
 *
 * A grammar cannot remember what was written, so this reads the text beside it.  The text is one
 * that the grammar of a schema or of tools allows: JSON, or calls with JSON in them; there every
 * key has one spelling, so equal keys are equal bytes.  The cost of a byte does not grow with the
 * text; only the keys of objects that are still open are kept.
 *
 * Refusing a key never leads into a dead end: a key that no schema names can always continue with
 * another character, and only finitely many are taken.
 */
#ifndef CONSTRAIN_ENGINE_KEYS_H
#define CONSTRAIN_ENGINE_KEYS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An open object or array. */
typedef struct {
    size_t below;      /* the one around it, + 1; 0 = none */
    size_t first_key;  /* its keys, and those of objects inside it, begin here */
    size_t first_byte;
    bool is_object;
} keys_level;

typedef struct {
    uint64_t hash;
    size_t at, len; /* in bytes[] */
    size_t level;   /* whose key it is */
} keys_key;

/* The position in the text. */
typedef struct {
    size_t n_levels, n_keys, n_bytes;
    size_t level;     /* the innermost open one, + 1; 0 = none */
    size_t key_at;    /* in a key: bytes[key_at..n_bytes) is its beginning */
    uint64_t hash;    /* of that */
    bool in_string, in_key, escaped;
    bool expects_key; /* the next string is one */
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

void keys_reset(keys_open *k); /* back to the beginning of a text */
lfm_status keys_copy(keys_open *to, const keys_open *from); /* *to is overwritten; LFM_ERR_MEMORY */
void keys_drop(keys_open *k);  /* safe on a zeroed struct */

#endif
