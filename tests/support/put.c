/*
 * put.c - the bytes of GGUF files that tests make.
 */
#include "put.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must(void *p) {
    if (!p) {
        fputs("out of memory for a test's file\n", stderr);
        exit(1);
    }
    return p;
}

void put(buffer *b, const void *bytes, size_t n) {
    if (n > b->cap - b->n) {
        b->cap = 2 * (b->cap + n);
        b->bytes = must(realloc(b->bytes, b->cap));
    }
    if (n > 0) {
        memcpy(b->bytes + b->n, bytes, n);
        b->n += n;
    }
}

void put_u32(buffer *b, uint32_t v) {
    put(b, &v, sizeof v);
}

void put_u64(buffer *b, uint64_t v) {
    put(b, &v, sizeof v);
}

void put_str(buffer *b, const char *s, size_t len) {
    put_u64(b, len);
    put(b, s, len);
}

/* As it is defined: printable Latin-1 characters stand for themselves, the others are numbered
 * from U+0100. */
size_t byte_letter(int byte, char out[2]) {
    int code = 0x100;
    for (int b = 0; b <= byte; b++) {
        const bool own = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
        if (b == byte && own) {
            code = b;
        } else if (b < byte && !own) {
            code++;
        }
    }
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    out[0] = (char)(0xc0 | code >> 6);
    out[1] = (char)(0x80 | (code & 63));
    return 2;
}
