/*
 * json_write.c - writing JSON.
 */
#include "base/json.h"

#include "base/utf8.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Bytes, strings and numbers ------------------------------------------------------------- */

void json_write_raw(json_out *o, const char *bytes, size_t n) {
    if (!o->failed && n >= SIZE_MAX / 2 - o->len) {
        o->failed = true;
    }
    if (!o->failed && o->cap - o->len <= n) { /* one more for the NUL */
        size_t cap = o->cap > 0 ? o->cap : 64;
        while (cap <= o->len + n) {
            cap *= 2;
        }
        char *const grown = realloc(o->ptr, cap);
        if (grown) {
            o->ptr = grown;
            o->cap = cap;
        }
        o->failed = !grown;
    }
    if (o->failed) return;
    if (n > 0) {
        memcpy(o->ptr + o->len, bytes, n);
    }
    o->len += n;
    o->ptr[o->len] = '\0';
}

void json_write_text(json_out *o, const char *text) {
    json_write_raw(o, text, strlen(text));
}

/* Write the escape of one character into `out`; false when it needs none. */
static bool escape(unsigned char c, char out[8]) {
    static const char special[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(special, c) : NULL;
    if (found) {
        snprintf(out, 8, "\\%c", letters[found - special]);
    } else if (c < 0x20) {
        snprintf(out, 8, "\\u%04x", (unsigned)c);
    }
    return found || c < 0x20;
}

void json_write_string(json_out *o, const char *bytes, size_t n) {
    size_t done = 0; /* bytes before this are written */
    json_write_text(o, "\"");
    for (size_t i = 0; i < n;) {
        char escaped[8];
        uint32_t code = 0;
        const size_t length = utf8_decode(bytes + i, n - i, &code);
        const bool plain = length > 0 && !(length == 1 && escape((unsigned char)bytes[i], escaped));
        if (!plain) {
            json_write_raw(o, bytes + done, i - done);
            json_write_text(o, length > 0 ? escaped : "\xef\xbf\xbd");
        }
        i += length > 0 ? length : 1;
        done = plain ? done : i;
    }
    json_write_raw(o, bytes + done, n - done);
    json_write_text(o, "\"");
}

void json_write_number(json_out *o, double v) {
    char text[32];
    snprintf(text, sizeof text, "%.9g", v);
    json_write_text(o, isfinite(v) ? text : "null");
}

void json_write_int(json_out *o, int64_t v) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, v);
    json_write_text(o, text);
}

/* ---- Members and elements ------------------------------------------------------------------- */

void json_put_key(json_out *o, const char *key) {
    const char last = o->len > 0 ? o->ptr[o->len - 1] : '\n';
    /* A value ends with a quote, a digit, a letter or a bracket that closes. */
    if (!strchr("{[ \n", last)) {
        json_write_text(o, ", ");
    }
    if (key) {
        json_write_text(o, "\"");
        json_write_text(o, key);
        json_write_text(o, "\": ");
    }
}

void json_begin_object(json_out *o, const char *key) {
    json_put_key(o, key);
    json_write_text(o, "{");
}

void json_end_object(json_out *o) {
    json_write_text(o, "}");
}

void json_begin_array(json_out *o, const char *key) {
    json_put_key(o, key);
    json_write_text(o, "[");
}

void json_end_array(json_out *o) {
    json_write_text(o, "]");
}

void json_put_string(json_out *o, const char *key, const char *bytes, size_t n) {
    json_put_key(o, key);
    json_write_string(o, bytes, n);
}

void json_put_text(json_out *o, const char *key, const char *text) {
    json_put_string(o, key, text, strlen(text));
}

void json_put_int(json_out *o, const char *key, int64_t v) {
    json_put_key(o, key);
    json_write_int(o, v);
}

void json_put_real(json_out *o, const char *key, double v) {
    json_put_key(o, key);
    json_write_number(o, v);
}

void json_put_fixed(json_out *o, const char *key, double v, int digits) {
    char text[400]; /* the largest double has 309 digits before the point */
    snprintf(text, sizeof text, "%.*f", digits, v);
    json_put_key(o, key);
    json_write_text(o, isfinite(v) ? text : "null");
}

void json_put_bool(json_out *o, const char *key, bool v) {
    json_put_key(o, key);
    json_write_text(o, v ? "true" : "false");
}

/* ---- Trees ---------------------------------------------------------------------------------- */

static void write_leaf(json_out *o, const json_value *v, const json_style *style) {
    switch (v->kind) {
    case JSON_STRING:
        style->string(o, v->text, v->len);
        break;
    case JSON_NUMBER:
        json_write_raw(o, v->text, v->len);
        break;
    default:
        json_write_text(o, v->kind == JSON_NULL ? style->null_word
                           : v->kind == JSON_TRUE ? style->true_word : style->false_word);
    }
}

void json_write_styled(json_out *o, const json_value *v, const json_style *style) {
    const json_value *open[JSON_MAX_DEPTH];
    int depth = 0;
    for (;;) {
        if (depth > 0 && v->key) {
            style->string(o, v->key, v->key_len);
            json_write_text(o, ": ");
        }
        if (v->kind < JSON_ARRAY) {
            write_leaf(o, v, style);
        } else {
            json_write_text(o, v->kind == JSON_OBJECT ? "{" : "[");
            if (v->first) {
                assert(depth < JSON_MAX_DEPTH); /* checked by the reader */
                open[depth++] = v;
                v = v->first;
                continue;
            }
            json_write_text(o, v->kind == JSON_OBJECT ? "}" : "]");
        }
        while (depth > 0 && !v->next) { /* v was the last of its container */
            v = open[--depth];
            json_write_text(o, v->kind == JSON_OBJECT ? "}" : "]");
        }
        if (depth == 0) return;
        v = v->next;
        json_write_text(o, ", ");
    }
}

void json_write_value(json_out *o, const json_value *v) {
    static const json_style json = {"null", "false", "true", json_write_string};
    json_write_styled(o, v, &json);
}

/* ---- The end -------------------------------------------------------------------------------- */

lfm_status json_finish(json_out *o, lfm_error *err) {
    json_write_raw(o, "", 0);
    return o->failed ? err_set(err, LFM_ERR_MEMORY, "out of memory after %zu bytes of text", o->len)
                     : LFM_OK;
}

void json_out_free(json_out *o) {
    free(o->ptr);
    *o = (json_out){0};
}
