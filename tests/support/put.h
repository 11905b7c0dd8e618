/*
 * put.h - the bytes of GGUF files that tests make.
 *
 * Everything ends the program when memory runs out.
 */
#ifndef SUPPORT_PUT_H
#define SUPPORT_PUT_H

#include <stddef.h>
#include <stdint.h>

/* Types of values, by their numbers in the file. */
enum {
    T_U8, T_I8, T_U16, T_I16, T_U32, T_I32, T_F32, T_BOOL, T_STRING, T_ARRAY, T_U64, T_I64, T_F64
};

/* What malloc and its like gave, unless it is NULL. */
void *must(void *p);

/* A growing text; `bytes` is to be freed.  A zeroed struct is a valid empty one. */
typedef struct {
    uint8_t *bytes;
    size_t n, cap;
} buffer;

void put(buffer *b, const void *bytes, size_t n);
void put_u32(buffer *b, uint32_t v);
void put_u64(buffer *b, uint64_t v);
void put_str(buffer *b, const char *s, size_t len); /* with its length in front */

/* The character of GPT-2's alphabet that stands for a byte; returns its length. */
size_t byte_letter(int byte, char out[2]);

#endif
