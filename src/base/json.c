/*
 * json.c - reading JSON with an explicit stack of open containers.
 *
 * The reader works on its own copy of the source.  An unescaped string is never longer than its
 * source, so strings are unescaped where they stand and no text is allocated a second time.
 */
#include "base/json.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct json_block {
    struct json_block *next;
    size_t n, cap;
    json_value values[];
};

typedef struct {
    json_doc *doc;
    const char *source; /* untouched: positions are counted in it */
    char *text;         /* the copy, with a NUL after its last byte */
    size_t pos, len;
    json_value *open[JSON_MAX_DEPTH];
    json_value *last[JSON_MAX_DEPTH]; /* latest element of each open container, or NULL */
    int depth;
    const json_value **keys; /* scratch to find duplicates */
    size_t keys_cap;
    lfm_error *err;
} reader;

static lfm_status fail_at(const reader *r, size_t at, const char *what) {
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at; i++) {
        if (r->source[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)r->source[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    return err_set(r->err, LFM_ERR_ARG, "JSON line %zu, column %zu: %s", line, column, what);
}

static lfm_status no_memory(const reader *r) {
    return err_set(r->err, LFM_ERR_MEMORY, "out of memory reading %zu bytes of JSON", r->len);
}

static json_value *new_value(json_doc *doc) {
    struct json_block *b = doc->blocks;
    if (!b || b->n == b->cap) {
        const size_t cap = !b ? 16 : b->cap < 4096 ? b->cap * 2 : b->cap;
        b = calloc(1, sizeof *b + cap * sizeof b->values[0]);
        if (!b) return NULL;
        b->cap = cap;
        b->next = doc->blocks;
        doc->blocks = b;
    }
    return &b->values[b->n++];
}

/* The next character that is not white space; the NUL of the copy at the end. */
static char peek(reader *r) {
    while (r->pos < r->len && strchr(" \t\r\n", r->text[r->pos]) && r->text[r->pos]) {
        r->pos++;
    }
    return r->text[r->pos];
}

/* Four hexadecimal digits at `at`; false when they are not there. */
static bool read_hex4(const reader *r, size_t at, uint32_t *value) {
    *value = 0;
    for (size_t i = at; i < at + 4; i++) {
        const char c = i < r->len ? r->text[i] : '\0';
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
        if (digit < 0) return false;
        *value = *value << 4 | (uint32_t)digit;
    }
    return true;
}

/* The escape at r->pos -> its bytes at out.  A surrogate pair is two escapes and one character. */
static lfm_status read_escape(reader *r, char *out, size_t *n) {
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    const size_t at = r->pos;
    const char letter = at + 1 < r->len ? r->text[at + 1] : '\0';
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) {
        *out = meanings[found - letters];
        *n = 1;
        r->pos += 2;
        return LFM_OK;
    }
    uint32_t code = 0;
    if (letter != 'u' || !read_hex4(r, at + 2, &code)) {
        return fail_at(r, at, "this is not an escape; use \\\\ for a backslash");
    }
    r->pos += 6;
    if (code >= 0xd800 && code < 0xdc00) {
        uint32_t low = 0;
        if (r->len - r->pos >= 6 && memcmp(r->text + r->pos, "\\u", 2) == 0 &&
            read_hex4(r, r->pos + 2, &low) && low >= 0xdc00 && low < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            r->pos += 6;
        }
    }
    *n = utf8_encode(code, out);
    return *n > 0 ? LFM_OK : fail_at(r, at, "half of a surrogate pair");
}

/* The string whose quote is at r->pos, unescaped in place. */
static lfm_status read_string(reader *r, const char **text, size_t *len) {
    const size_t start = r->pos;
    char *const begin = r->text + start + 1;
    char *out = begin;
    r->pos++;
    while (r->pos < r->len && r->text[r->pos] != '"') {
        const unsigned char c = (unsigned char)r->text[r->pos];
        uint32_t code = 0;
        size_t n = 1;
        if (c == '\\') {
            const lfm_status st = read_escape(r, out, &n);
            if (st != LFM_OK) return st;
        } else if (c < 0x20) {
            return fail_at(r, r->pos, "control characters in a string must be escaped");
        } else if (c >= 0x80 && (n = utf8_decode(r->text + r->pos, r->len - r->pos, &code)) == 0) {
            return fail_at(r, r->pos, "this is not UTF-8");
        } else {
            memmove(out, r->text + r->pos, n);
            r->pos += n;
        }
        out += n;
    }
    if (r->pos == r->len) return fail_at(r, start, "this string does not end");
    r->pos++;
    *text = begin;
    *len = (size_t)(out - begin);
    return LFM_OK;
}

static size_t skip_digits(reader *r) {
    const size_t start = r->pos;
    while (r->text[r->pos] >= '0' && r->text[r->pos] <= '9') {
        r->pos++;
    }
    return r->pos - start;
}

static lfm_status read_number(reader *r, json_value *v) {
    const size_t start = r->pos;
    r->pos += r->text[r->pos] == '-';
    const bool zero = r->text[r->pos] == '0';
    const size_t n = skip_digits(r);
    bool good = n == 1 || (n > 1 && !zero);
    if (good && r->text[r->pos] == '.') {
        r->pos++;
        good = skip_digits(r) > 0;
    }
    if (good && (r->text[r->pos] == 'e' || r->text[r->pos] == 'E')) {
        r->pos++;
        r->pos += r->text[r->pos] == '+' || r->text[r->pos] == '-';
        good = skip_digits(r) > 0;
    }
    if (!good) return fail_at(r, start, "this is not a JSON number");
    v->kind = JSON_NUMBER;
    v->text = r->text + start;
    v->len = r->pos - start;
    /* The grammar above is a subset of strtod's, and a delimiter or an error follows it; only
     * 0x must not be tried, since strtod would read on. */
    v->number = r->text[r->pos] == 'x' || r->text[r->pos] == 'X' ? 0 : strtod(v->text, NULL);
    return LFM_OK;
}

static lfm_status read_word(reader *r, json_value *v) {
    static const struct {
        const char *word;
        json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"true", JSON_TRUE}, {"false", JSON_FALSE}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const size_t n = strlen(words[i].word);
        if (n <= r->len - r->pos && memcmp(r->text + r->pos, words[i].word, n) == 0) {
            v->kind = words[i].kind;
            r->pos += n;
            return LFM_OK;
        }
    }
    return fail_at(r, r->pos, r->pos == r->len ? "the text ends where a value is expected"
                                               : "expected a value");
}

static lfm_status open_container(reader *r, json_value *v, json_kind kind) {
    if (r->depth == JSON_MAX_DEPTH) return fail_at(r, r->pos, "nested deeper than 64 levels");
    v->kind = kind;
    r->pos++;
    r->open[r->depth] = v;
    r->last[r->depth] = NULL;
    r->depth++;
    return LFM_OK;
}

static lfm_status read_key(reader *r, json_value *v) {
    if (peek(r) != '"') return fail_at(r, r->pos, "expected a key in double quotes");
    const lfm_status st = read_string(r, &v->key, &v->key_len);
    if (st == LFM_OK && peek(r) != ':') return fail_at(r, r->pos, "expected ':' after the key");
    r->pos += st == LFM_OK;
    return st;
}

/* One value, linked into its container.  Of a container only the opening bracket is read. */
static lfm_status read_value(reader *r) {
    json_value *v = new_value(r->doc);
    if (!v) return no_memory(r);
    if (r->depth == 0) {
        r->doc->root = v;
    } else {
        json_value *const parent = r->open[r->depth - 1];
        json_value *const before = r->last[r->depth - 1];
        const lfm_status st = parent->kind == JSON_OBJECT ? read_key(r, v) : LFM_OK;
        if (st != LFM_OK) return st;
        *(before ? &before->next : &parent->first) = v;
        r->last[r->depth - 1] = v;
        parent->n++;
    }
    switch (peek(r)) {
    case '{':
        return open_container(r, v, JSON_OBJECT);
    case '[':
        return open_container(r, v, JSON_ARRAY);
    case '"':
        v->kind = JSON_STRING;
        return read_string(r, &v->text, &v->len);
    case '-': case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return read_number(r, v);
    default:
        return read_word(r, v);
    }
}

/* By key, and by place among equals, so that the later of two duplicates is the one reported. */
static int compare_keys(const void *a, const void *b) {
    const json_value *const x = *(const json_value *const *)a;
    const json_value *const y = *(const json_value *const *)b;
    if (x->key_len != y->key_len) return x->key_len < y->key_len ? -1 : 1;
    const int order = memcmp(x->key, y->key, x->key_len);
    return order != 0 ? order : (x->key > y->key) - (x->key < y->key);
}

static lfm_status check_keys(reader *r, const json_value *object) {
    if (object->n > r->keys_cap) {
        const json_value **keys = realloc(r->keys, object->n * sizeof *keys);
        if (!keys) return no_memory(r);
        r->keys = keys;
        r->keys_cap = object->n;
    }
    size_t n = 0;
    for (const json_value *v = object->first; v; v = v->next) {
        r->keys[n++] = v;
    }
    if (n > 1) {
        qsort(r->keys, n, sizeof *r->keys, compare_keys);
    }
    for (size_t i = 1; i < n; i++) {
        const json_value *const a = r->keys[i - 1];
        const json_value *const b = r->keys[i];
        if (a->key_len == b->key_len && memcmp(a->key, b->key, a->key_len) == 0) {
            /* The key's text begins one byte after its quote. */
            return fail_at(r, (size_t)(b->key - r->text) - 1, "this key is already in the object");
        }
    }
    return LFM_OK;
}

/* After a complete value: close what ends here, and stop after the comma before the next value, or
 * at depth 0. */
static lfm_status read_ends(reader *r) {
    while (r->depth > 0) {
        const json_value *const top = r->open[r->depth - 1];
        const bool object = top->kind == JSON_OBJECT;
        const char c = peek(r);
        if (c == ',') {
            r->pos++;
            return LFM_OK;
        }
        if (c != (object ? '}' : ']')) {
            return fail_at(r, r->pos, object ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        const lfm_status st = object ? check_keys(r, top) : LFM_OK;
        if (st != LFM_OK) return st;
        r->pos++;
        r->depth--;
    }
    return LFM_OK;
}

static lfm_status read_document(reader *r) {
    if (r->len >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0) {
        r->pos = 3;
    }
    do {
        const int depth = r->depth;
        lfm_status st = read_value(r);
        if (st != LFM_OK) return st;
        if (r->depth > depth &&
            peek(r) != (r->open[depth]->kind == JSON_OBJECT ? '}' : ']')) {
            continue; /* the first element of a new container is next */
        }
        st = read_ends(r);
        if (st != LFM_OK) return st;
    } while (r->depth > 0);
    peek(r);
    return r->pos == r->len ? LFM_OK : fail_at(r, r->pos, "there is text after the value");
}

lfm_status json_parse(json_doc *doc, const char *text, size_t len, lfm_error *err) {
    *doc = (json_doc){0};
    reader r = {.doc = doc, .source = text, .len = len, .err = err};
    r.text = len < SIZE_MAX ? malloc(len + 1) : NULL;
    if (!r.text) return no_memory(&r);
    if (len > 0) {
        memcpy(r.text, text, len);
    }
    r.text[len] = '\0';
    doc->text = r.text;
    const lfm_status st = read_document(&r);
    free(r.keys);
    if (st != LFM_OK) {
        json_doc_free(doc);
    }
    return st;
}

void json_doc_free(json_doc *doc) {
    while (doc->blocks) {
        struct json_block *const next = doc->blocks->next;
        free(doc->blocks);
        doc->blocks = next;
    }
    free(doc->text);
    *doc = (json_doc){0};
}

const json_value *json_get_n(const json_value *object, const char *key, size_t len) {
    const json_value *v = object && object->kind == JSON_OBJECT ? object->first : NULL;
    while (v && !(v->key_len == len && memcmp(v->key, key, len) == 0)) {
        v = v->next;
    }
    return v;
}

const json_value *json_get(const json_value *object, const char *key) {
    return json_get_n(object, key, strlen(key));
}

bool json_is(const json_value *v, const char *text) {
    return v && v->kind == JSON_STRING && v->len == strlen(text) &&
           memcmp(v->text, text, v->len) == 0;
}
