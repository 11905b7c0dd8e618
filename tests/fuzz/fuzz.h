/*
 * fuzz.h - what the fuzz targets share.
 *
 * A target is a file fuzz_NAME.c with LLVMFuzzerTestOneInput, and a folder corpus/NAME of small
 * inputs.  It must not keep anything from one input to the next but what it made once, must not
 * read files or the clock, and ends the program with FUZZ_CHECK when a promise is broken.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that must hold for every input; not an assert, so that no build drops it. */
#define FUZZ_CHECK(promise)                                                                        \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* An error is one printable line that is not empty, whatever the input held. */
#define FUZZ_CHECK_ERROR(err)                                                                      \
    do {                                                                                           \
        FUZZ_CHECK((err).text[0] != '\0');                                                         \
        for (const char *fuzz_p = (err).text; *fuzz_p; fuzz_p++) {                                 \
            FUZZ_CHECK((unsigned char)*fuzz_p >= ' ' && *fuzz_p != 0x7f);                          \
        }                                                                                          \
    } while (0)

#endif
