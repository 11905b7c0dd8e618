/*
 * probe.c - the scalar slots `read` and `peak`, which only measure this machine.
 */
#include "kernel/scalar.h"

#define LOAD 16
#define ISA(name) name##__scalar
#include "kernel/read.inc"

uint64_t kern_read_scalar(const void *bytes, size_t n, size_t way) {
    return read__scalar(bytes, n, way);
}

uint64_t kern_peak_scalar(size_t rounds) {
    enum { LENGTH = 256 };
    int8_t a[LENGTH];
    int8_t b[LENGTH];
    int32_t sum = 0;
    for (size_t i = 0; i < LENGTH; i++) {
        a[i] = b[i] = (int8_t)i;
    }
    for (size_t r = 0; r < rounds; r++) {
        __asm__ volatile("" : : "r"(a), "r"(b) : "memory"); /* they may have changed */
        for (size_t i = 0; i < LENGTH; i++) {
            sum += a[i] * b[i];
        }
    }
    __asm__ volatile("" : : "r"(sum));
    return 2 * (uint64_t)LENGTH * rounds;
}
