/*
 * gguf_type.h - the types of metadata values: names, numbers, sizes.
 */
#ifndef GGUF_GGUF_TYPE_H
#define GGUF_GGUF_TYPE_H

#include <stdint.h>

/* Types of metadata values, with their numbers in the file. */
typedef enum {
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL,
    GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
    GGUF_TYPE_COUNT
} gguf_type;

/* Name of a value type: "u32", "str", ... */
const char *gguf_type_name(gguf_type type);

/* Bytes of one value; 0 for strings and arrays, which vary. */
uint32_t gguf_type_bytes(gguf_type type);

#endif
