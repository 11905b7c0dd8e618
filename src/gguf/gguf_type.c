/*
 * gguf_type.c - the types of metadata values: names, numbers, sizes.
 */
#include "gguf/gguf_type.h"

#include <assert.h>

static const struct {
    const char *name;
    uint32_t bytes; /* 0: varies */
} value_types[GGUF_TYPE_COUNT] = {
    [GGUF_U8] = {"u8", 1},     [GGUF_I8] = {"i8", 1},    [GGUF_U16] = {"u16", 2},
    [GGUF_I16] = {"i16", 2},   [GGUF_U32] = {"u32", 4},  [GGUF_I32] = {"i32", 4},
    [GGUF_F32] = {"f32", 4},   [GGUF_BOOL] = {"bool", 1}, [GGUF_STRING] = {"str", 0},
    [GGUF_ARRAY] = {"arr", 0}, [GGUF_U64] = {"u64", 8},  [GGUF_I64] = {"i64", 8},
    [GGUF_F64] = {"f64", 8},
};

const char *gguf_type_name(gguf_type type) {
    return (unsigned)type < GGUF_TYPE_COUNT ? value_types[type].name : "?";
}

uint32_t gguf_type_bytes(gguf_type type) {
    assert((unsigned)type < GGUF_TYPE_COUNT);
    return value_types[type].bytes;
}
