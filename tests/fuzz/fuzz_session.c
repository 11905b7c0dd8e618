/*
 * fuzz_session.c - any bytes as a session file: loaded, or refused in one line.
 *
 * An input that begins with 'L' is the file.  Any other is a recipe: changes of 8 bytes each
 * (where u24, width u8, number u32) to a good file, whose checksum is made right again: so the
 * checks behind the checksum are reached.  A session that was loaded must go on.
 */
#include "fuzz.h"

#include "../support/memory_file.h"
#include "../support/tiny.h"
#include "base/checksum.h"
#include "lfm.h"

#include <string.h>
#include <unistd.h>

enum { CHANGE_BYTES = 8 };

/* The checksum goes from section to section, so their lengths are needed: where they stand in the
 * head (src/api/session_file.c). */
enum {
    HEAD_BYTES = 200, AT_NOTE_BYTES = 32, AT_N_VOCAB = 48, AT_HISTORY = 52, AT_N_TOKENS = 64,
    AT_N_MARKS = 68, GRID = 256
};

static lfm_model *model;
static lfm_session *session;
static uint8_t *saved;
static size_t n_saved;

static void must(lfm_status st, const lfm_error *err) {
    if (st != LFM_OK) {
        fprintf(stderr, "%s\n", err->text);
        abort();
    }
}

static void read_saved(const char *path) {
    FILE *f = fopen(path, "rb");
    FUZZ_CHECK(f && fseek(f, 0, SEEK_END) == 0);
    n_saved = (size_t)ftell(f);
    rewind(f);
    saved = malloc(n_saved);
    FUZZ_CHECK(saved && fread(saved, 1, n_saved, f) == n_saved);
    fclose(f);
    unlink(path);
}

static void prepare(void) {
    static memory_file file;
    static const int32_t tokens[] = {0, 70, 80, 90, 100, 110, 120};
    const lfm_session_options options = {.n_ctx = 64, .n_batch = 8, .n_threads = 1};
    char path[64];
    size_t n = 0;
    size_t reused = 0;
    lfm_error err = {0};
    tiny_file *f = tiny_new(true, TINY_Q8_0);
    uint8_t *bytes = tiny_bytes(f, &n);
    must(lfm_model_open(&model, memory_file_set(&file, bytes, n), NULL, &err), &err);
    must(lfm_session_new(&session, model, &options, &err), &err);
    must(lfm_session_sync(session, tokens, 5, &reused, &err), &err);
    must(lfm_session_sync(session, tokens, 7, &reused, &err), &err);
    snprintf(path, sizeof path, "/tmp/lfm-fuzz-session-%ld", (long)getpid());
    must(lfm_session_save(session, path, "note", 4, &err), &err);
    read_saved(path);
    free(bytes);
    tiny_free(f);
}

static bool load(const uint8_t *bytes, size_t n) {
    static memory_file file;
    static const int32_t next = 75;
    char *note = NULL;
    size_t note_len = 0;
    lfm_error err = {0};
    const lfm_status st =
        lfm_session_load(session, memory_file_set(&file, bytes, n), &note, &note_len, &err);
    const bool loaded = st == LFM_OK;
    if (loaded) {
        FUZZ_CHECK(note == NULL || note[note_len] == '\0');
        FUZZ_CHECK(lfm_session_pos(session) <= lfm_session_n_ctx(session));
        err = (lfm_error){0};
        const lfm_status went_on = lfm_eval(session, &next, 1, &err);
        FUZZ_CHECK(went_on == LFM_OK || went_on == LFM_ERR_FULL || went_on == LFM_ERR_NUMERIC);
    } else {
        FUZZ_CHECK_ERROR(err);
    }
    lfm_free(note);
    lfm_session_reset(session);
    return loaded;
}

static uint32_t number_at(const uint8_t *p, size_t at) {
    uint32_t v = 0;
    memcpy(&v, p + at, sizeof v);
    return v;
}

/* Write the checksum that the loader computes when it takes the head seriously. */
static void correct_sum(uint8_t *p, size_t n) {
    const uint64_t history = 4ull * number_at(p, AT_HISTORY);
    const uint64_t n_tokens = number_at(p, AT_N_TOKENS);
    const uint64_t front[5] = {
        4 * n_tokens, 4ull * number_at(p, AT_N_VOCAB), history, n_tokens / GRID * history,
        number_at(p, AT_N_MARKS) * history,
    };
    const size_t note = number_at(p, AT_NOTE_BYTES);
    uint64_t sum = checksum(p, HEAD_BYTES, 0);
    size_t at = HEAD_BYTES;
    for (size_t i = 0; i < 5; i++) {
        if (front[i] > n - 8 - at) {
            return;
        }
        sum = checksum(p + at, (size_t)front[i], sum);
        at += (size_t)front[i];
    }
    if (note > n - 8 - at) {
        return;
    }
    sum = checksum(p + at, n - 8 - at - note, sum);
    sum = checksum(p + n - 8 - note, note, sum);
    memcpy(p + n - 8, &sum, sizeof sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!model) {
        prepare();
    }
    if (size > 0 && data[0] == 'L') {
        load(data, size);
        return 0;
    }
    uint8_t *copy = malloc(n_saved);
    FUZZ_CHECK(copy != NULL);
    memcpy(copy, saved, n_saved);
    for (size_t at = 0; at + CHANGE_BYTES <= size; at += CHANGE_BYTES) {
        const uint8_t *p = data + at;
        const size_t where = (p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16) % (n_saved - 8);
        const size_t width = p[3] % 4 + 1;
        memcpy(copy + where, p + 4, width < n_saved - where ? width : n_saved - where);
    }
    correct_sum(copy, n_saved);
    const bool loaded = load(copy, n_saved);
    FUZZ_CHECK(loaded || size >= CHANGE_BYTES); /* the unchanged file is good */
    free(copy);
    return 0;
}
