/*
 * json.h - a strict JSON reader (RFC 8259) and a small writer.
 *
 * The reader keeps the order of members and the source text of numbers, so that a value can be
 * written back as it was.  It refuses texts that other readers disagree about: duplicate keys, lone
 * surrogates, bytes that are not UTF-8, and text after the value.  Nothing recurses.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_MAX_DEPTH = 64 }; /* containers inside each other */

typedef enum {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
} json_kind;

typedef struct json_value json_value;

struct json_value {
    json_kind kind;
    const char *text; /* string: its bytes, which may hold NUL; number: as written in the source */
    size_t len;
    double number;    /* of JSON_NUMBER; +-infinity when the text is beyond a double */
    const char *key;  /* name of this member when the value lives in an object */
    size_t key_len;
    const json_value *first; /* elements or members, in source order */
    const json_value *next;  /* the following one in the same container */
    size_t n;                /* elements or members */
};

/* A parsed text; owns its values.  A zeroed struct is a valid empty one. */
typedef struct {
    const json_value *root;
    char *text; /* a copy of the source, in which strings are unescaped in place */
    struct json_block *blocks;
} json_doc;

/* Parse `len` bytes (a leading byte-order mark is skipped).  Nothing of `text` is kept.
 * LFM_ERR_ARG names line and column (in characters, from 1); *doc is then empty. */
lfm_status json_parse(json_doc *doc, const char *text, size_t len, lfm_error *err);
void json_doc_free(json_doc *doc); /* safe on a zeroed struct */

/* The member `key`; NULL when it is absent, or when `object` is NULL or not an object. */
const json_value *json_get(const json_value *object, const char *key);
const json_value *json_get_n(const json_value *object, const char *key, size_t len);

/* Is `v` the string `text`?  False for NULL. */
bool json_is(const json_value *v, const char *text);

/* ---- Writer --------------------------------------------------------------------------------- */

/* A growing text.  After running out of memory it ignores further writes, so only json_finish
 * needs to be checked.  A zeroed struct is a valid empty one. */
typedef struct {
    char *ptr; /* NUL-terminated once anything was written */
    size_t len, cap;
    bool failed;
} json_out;

void json_write_raw(json_out *o, const char *bytes, size_t n);
void json_write_text(json_out *o, const char *text); /* verbatim, up to its NUL */

/* Quoted and escaped as little as JSON allows; bytes that are not UTF-8 become U+FFFD. */
void json_write_string(json_out *o, const char *bytes, size_t n);
void json_write_number(json_out *o, double v); /* %.9g; null when it is not finite */
void json_write_int(json_out *o, int64_t v);

/* Members and elements, with the commas between them.  `key` names a member and needs no escapes;
 * NULL is for elements of arrays, and for the outermost value.
 *
 *     json_begin_object(&o, NULL);
 *     json_put_int(&o, "n", 1);
 *     json_begin_array(&o, "list");
 *     json_put_text(&o, NULL, "a");
 *     json_end_array(&o);
 *     json_end_object(&o);          {"n": 1, "list": ["a"]}
 *
 * Whether a comma is due follows from the last byte, so these mix with the functions above. */
void json_begin_object(json_out *o, const char *key);
void json_end_object(json_out *o);
void json_begin_array(json_out *o, const char *key);
void json_end_array(json_out *o);
void json_put_key(json_out *o, const char *key); /* write its value next */
void json_put_string(json_out *o, const char *key, const char *bytes, size_t n);
void json_put_text(json_out *o, const char *key, const char *text); /* the same, up to its NUL */
void json_put_int(json_out *o, const char *key, int64_t v);
void json_put_real(json_out *o, const char *key, double v); /* as json_write_number */
void json_put_fixed(json_out *o, const char *key, double v, int digits); /* after the point */
void json_put_bool(json_out *o, const char *key, bool v);

/* How to write the leaves of a tree; brackets, ", " and ": " are always the same. */
typedef struct {
    const char *null_word, *false_word, *true_word;
    void (*string)(json_out *o, const char *bytes, size_t n);
} json_style;

/* A whole value on one line.  Numbers keep their source text; otherwise json_write_value gives what
 * Python's json.dumps(v, ensure_ascii=False) does. */
void json_write_value(json_out *o, const json_value *v);
void json_write_styled(json_out *o, const json_value *v, const json_style *style);

/* LFM_ERR_MEMORY when a write failed; otherwise o->ptr is a NUL-terminated text, even if empty. */
lfm_status json_finish(json_out *o, lfm_error *err);
void json_out_free(json_out *o); /* safe on a zeroed struct */

#endif
