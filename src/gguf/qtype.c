/*
 * qtype.c - look up element types by id, by their number in a file, and by name.
 */
#include "gguf/qtype.h"

#include <assert.h>

static const qtype_info infos[QTYPE_COUNT] = {
#define QTYPE_INFO(id, name, number, weights, bytes) [QTYPE_##id] = {name, number, weights, bytes},
    QTYPES(QTYPE_INFO)
#undef QTYPE_INFO
};

/* Types removed from the format; files that use them are from 2023 and 2024. */
static const struct {
    uint32_t number;
    const char *name;
} removed[] = {
    {4, "Q4_2"},      {5, "Q4_3"},        {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},
    {33, "Q4_0_8_8"}, {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"},
};

const qtype_info *qtype_get(qtype type) {
    assert((unsigned)type < QTYPE_COUNT);
    return &infos[type];
}

bool qtype_from_number(uint32_t number, qtype *out, const char **name) {
    *name = NULL;
    for (int type = 0; type < QTYPE_COUNT; type++) {
        if (infos[type].number == number) {
            *out = (qtype)type;
            return true;
        }
    }
    for (size_t i = 0; i < sizeof removed / sizeof removed[0]; i++) {
        if (removed[i].number == number) {
            *name = removed[i].name;
        }
    }
    return false;
}

static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Are the `len` bytes at `text` the NUL-terminated, upper-case `name`, in any case? */
static bool same_name(const char *name, const char *text, size_t len) {
    size_t i = 0;
    while (i < len && name[i] != '\0' && upper(text[i]) == name[i]) {
        i++;
    }
    return i == len && name[i] == '\0';
}

bool qtype_from_name(const char *name, size_t len, qtype *out) {
    for (int type = 0; type < QTYPE_COUNT; type++) {
        if (same_name(infos[type].name, name, len)) {
            *out = (qtype)type;
            return true;
        }
    }
    return false;
}

size_t qtype_row_bytes(qtype type, size_t k) {
    const qtype_info *info = qtype_get(type);
    assert(k % info->block_weights == 0);
    return k / info->block_weights * info->block_bytes;
}
