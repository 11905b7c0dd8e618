/*
 * format.c - metadata values as text for people.
 */
#include "gguf/format.h"

#include "base/bytes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    char *out;
    size_t cap;
    size_t len;
    bool cut;
} text_out;

static void put(text_out *o, const char *p, size_t n) {
    const size_t room = o->cap - 1 - o->len;
    if (n > room) {
        n = room;
        o->cut = true;
    }
    memcpy(o->out + o->len, p, n);
    o->len += n;
}

/* One value that is not an array; returns where the next one starts. */
static const uint8_t *put_value(text_out *o, gguf_type type, const uint8_t *p) {
    char number[40];
    int n = 0;
    double wide = 0;
    switch (type) {
    case GGUF_U8: n = snprintf(number, sizeof number, "%u", p[0]); break;
    case GGUF_I8: n = snprintf(number, sizeof number, "%d", (int8_t)p[0]); break;
    case GGUF_BOOL: n = snprintf(number, sizeof number, "%s", p[0] ? "true" : "false"); break;
    case GGUF_U16: n = snprintf(number, sizeof number, "%u", load_u16(p)); break;
    case GGUF_I16: n = snprintf(number, sizeof number, "%d", (int16_t)load_u16(p)); break;
    case GGUF_U32: n = snprintf(number, sizeof number, "%" PRIu32, load_u32(p)); break;
    case GGUF_I32: n = snprintf(number, sizeof number, "%" PRId32, (int32_t)load_u32(p)); break;
    case GGUF_F32:
        n = snprintf(number, sizeof number, "%.9g", (double)f32_from_bits(load_u32(p)));
        break;
    case GGUF_F64:
        memcpy(&wide, p, sizeof wide);
        n = snprintf(number, sizeof number, "%.17g", wide);
        break;
    case GGUF_U64: n = snprintf(number, sizeof number, "%" PRIu64, load_u64(p)); break;
    case GGUF_I64: n = snprintf(number, sizeof number, "%" PRId64, (int64_t)load_u64(p)); break;
    case GGUF_STRING: {
        const gguf_str s = gguf_next_str(&p);
        put(o, s.ptr, s.len);
        return p;
    }
    default: break;
    }
    put(o, number, (size_t)n);
    return p + gguf_type_bytes(type);
}

void gguf_format_value(const gguf_key *key, char *out, size_t cap) {
    text_out o = {.out = out, .cap = cap};
    if (cap == 0) return;
    if (key->type != GGUF_ARRAY) {
        put_value(&o, key->type, key->data);
    } else if (key->element == GGUF_ARRAY) {
        put(&o, "[arrays]", 8);
    } else {
        const uint8_t *p = key->data;
        put(&o, "[", 1);
        for (uint64_t i = 0; i < key->count && !o.cut; i++) {
            if (i > 0) {
                put(&o, ", ", 2);
            }
            p = put_value(&o, key->element, p);
        }
        put(&o, "]", 1);
    }
    if (o.cut && o.len >= 3) {
        memcpy(out + o.len - 3, "...", 3);
    }
    out[o.len] = '\0';
}
