/*
 * fuzz_model.c - any file as a model: refused in one line, or two tokens with the same bits from
 * the scalar kernels and from the best ones of this processor.
 *
 * An input that begins with "GGUF" is the file.  Any other is a recipe: a byte that chooses one of
 * the tiny models, then changes of 12 bytes each: where (u24), what (u8), with which number (u64).
 */
#include "fuzz.h"

#include "../support/memory_file.h"
#include "../support/tiny.h"
#include "lfm.h"

#include <string.h>

enum { N_BASES = 6, CHANGE_BYTES = 12 };

typedef struct {
    uint8_t *bytes;
    size_t n;
} image;

/* The models that recipes begin with, made once. */
static image base_model(unsigned i) {
    static image made[N_BASES];
    static const uint32_t types[N_BASES / 2] = {TINY_Q8_0, TINY_Q4_0, TINY_F16};
    image *m = &made[i % N_BASES];
    if (!m->bytes) {
        tiny_file *f = tiny_new(i % 2 != 0, types[i % N_BASES / 2]);
        m->bytes = tiny_bytes(f, &m->n);
        tiny_free(f);
    }
    image copy = {malloc(m->n), m->n};
    FUZZ_CHECK(copy.bytes != NULL);
    memcpy(copy.bytes, m->bytes, m->n);
    return copy;
}

static void change(image *m, const uint8_t *recipe) {
    const size_t where = (recipe[0] | (size_t)recipe[1] << 8 | (size_t)recipe[2] << 16) % m->n;
    const size_t width = (size_t)1 << (recipe[3] & 3);
    const size_t room = m->n - where;
    uint64_t v = 0;
    memcpy(&v, recipe + 4, sizeof v);
    if ((recipe[3] & 0x70) == 0x70) {
        m->n = where + 1; /* cut off */
        return;
    }
    if ((recipe[3] & 0x70) == 0x60) {
        uint64_t old = 0; /* add to what is there */
        memcpy(&old, m->bytes + where, room < 8 ? room : 8);
        v += old;
    }
    memcpy(m->bytes + where, &v, room < width ? room : width);
}

/* Two tokens; the logits of the second in *logits, to be freed. */
static lfm_status two_tokens(const char *path, const char *isa, float **logits, size_t *n,
                             lfm_error *err) {
    const lfm_model_options options = {.isa = isa};
    const lfm_session_options session_options = {.n_ctx = 16, .n_batch = 4, .n_threads = 1};
    lfm_model *model = NULL;
    lfm_session *session = NULL;
    lfm_status st = lfm_model_open(&model, path, &options, err);
    if (st == LFM_OK) {
        st = lfm_session_new(&session, model, &session_options, err);
    }
    if (st == LFM_OK) {
        const int32_t last = (int32_t)lfm_model_get_info(model)->n_vocab - 1;
        const int32_t tokens[2] = {0, last};
        st = lfm_eval(session, tokens, 2, err);
    }
    if (st == LFM_OK) {
        *n = lfm_model_get_info(model)->n_vocab;
        *logits = malloc(*n * sizeof **logits);
        FUZZ_CHECK(*logits != NULL);
        memcpy(*logits, lfm_logits(session), *n * sizeof **logits);
    }
    lfm_session_free(session);
    lfm_model_close(model);
    return st;
}

static void compare(const char *path) {
    lfm_error err[2] = {{0}, {0}};
    float *logits[2] = {NULL, NULL};
    size_t n[2] = {0, 0};
    const lfm_status slow = two_tokens(path, "scalar", &logits[0], &n[0], &err[0]);
    const lfm_status fast = two_tokens(path, NULL, &logits[1], &n[1], &err[1]);
    FUZZ_CHECK(slow == fast);
    if (slow != LFM_OK) {
        FUZZ_CHECK_ERROR(err[0]);
        FUZZ_CHECK(strcmp(err[0].text, err[1].text) == 0);
    } else {
        FUZZ_CHECK(n[0] == n[1] && memcmp(logits[0], logits[1], n[0] * sizeof(float)) == 0);
    }
    free(logits[0]);
    free(logits[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static memory_file file;
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        compare(memory_file_set(&file, data, size));
    } else if (size > 0) {
        image m = base_model(data[0]);
        for (size_t at = 1; at + CHANGE_BYTES <= size && m.n > 0; at += CHANGE_BYTES) {
            change(&m, data + at);
        }
        compare(memory_file_set(&file, m.bytes, m.n));
        free(m.bytes);
    }
    return 0;
}
