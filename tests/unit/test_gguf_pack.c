/*
 * test_gguf_pack.c - which files are packed, and packed files whose keys are not right.
 */
#include "gguf/pack.h"

#include "../../tools/mkmodel/put.h"
#include "base/bytes.h"
#include "convert/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N_TENSORS = 2 };

static const uint64_t sums[N_TENSORS + 1] = {0x0123456789abcdef, 77, 5};

/* What is wrong with the keys of a file. */
typedef struct {
    uint32_t version;  /* 0: none */
    size_t n_sums;     /* SIZE_MAX: none */
    bool int_sums;     /* of another type */
    bool scalar_sums;  /* no array */
    bool head, int_head;
    uint64_t head_off; /* added to the right one */
    const char *foreign; /* one more key */
} keys;

/* The file in memory; free *bytes after the file. */
static gguf_file make(const keys *k, uint64_t head, uint8_t **bytes) {
    gguf_writer w;
    gguf_memory m = {0};
    gguf_file f = {0};
    lfm_error err = {0};
    static const uint8_t zeros[64];
    const uint64_t dim[4] = {4, 1, 1, 1};
    const uint64_t wrong = head + k->head_off;
    gguf_writer_init(&w, 3, 32);
    gguf_put_str(&w, "general.architecture", "lfm2");
    if (k->foreign) {
        gguf_put_u32(&w, k->foreign, 1);
    }
    if (k->version) {
        gguf_put_u32(&w, PACK_KEY_VERSION, k->version);
    }
    if (k->scalar_sums) {
        gguf_put_value(&w, PACK_KEY_TENSORS, GGUF_U64, sums);
    } else if (k->n_sums != SIZE_MAX) {
        gguf_put_array(&w, PACK_KEY_TENSORS, k->int_sums ? GGUF_I64 : GGUF_U64, sums, k->n_sums);
    }
    if (k->head) {
        gguf_put_value(&w, PACK_KEY_HEAD, k->int_head ? GGUF_I64 : GGUF_U64, &wrong);
    }
    gguf_put_tensor(&w, (gguf_str){"a", 1}, QTYPE_F32, 1, dim);
    gguf_put_tensor(&w, (gguf_str){"b", 1}, QTYPE_F32, 1, dim);
    assert_int_equal(gguf_write_head(&w, gguf_memory_sink(&m), &err), LFM_OK);
    assert_int_equal(gguf_write_data(&w, zeros, 16, &err), LFM_OK);
    assert_int_equal(gguf_write_data(&w, zeros, 16, &err), LFM_OK);
    assert_int_equal(gguf_write_end(&w, &err), LFM_OK);
    assert_int_equal(gguf_parse(&f, m.data, m.size, "p.gguf", &err), LFM_OK);
    gguf_writer_drop(&w);
    *bytes = m.data;
    return f;
}

/* The checksum of the head; keys of packing do not count in it. */
static uint64_t right_head(const char *foreign) {
    const keys k = {.n_sums = SIZE_MAX, .foreign = foreign};
    uint8_t *bytes = NULL;
    gguf_file f = make(&k, 0, &bytes);
    const uint64_t head = pack_head(&f, sums);
    gguf_close(&f);
    free(bytes);
    return head;
}

static void test_read(void **state) {
    static const struct {
        keys k;
        lfm_status status;
        const char *text; /* NULL: there are sums, "": the file is not packed */
    } cases[] = {
        {{.n_sums = SIZE_MAX}, LFM_OK, ""},
        {{.n_sums = SIZE_MAX, .foreign = "lfm.pack."}, LFM_OK, ""},
        {{.version = 1, .n_sums = N_TENSORS, .head = true}, LFM_OK, NULL},
        {{.version = 1, .n_sums = N_TENSORS, .head = true, .foreign = "lfm.packed"}, LFM_OK, NULL},
        {{.version = 1, .n_sums = SIZE_MAX}, LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = N_TENSORS}, LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = SIZE_MAX, .head = true}, LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = N_TENSORS - 1, .head = true}, LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = N_TENSORS + 1, .head = true}, LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = 0, .scalar_sums = true, .head = true},
         LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = N_TENSORS, .int_sums = true, .head = true},
         LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = N_TENSORS, .head = true, .int_head = true},
         LFM_ERR_FORMAT, "incomplete"},
        {{.version = 1, .n_sums = N_TENSORS, .head = true, .head_off = 1},
         LFM_ERR_FORMAT, "disagree: the file is"},
        {{.version = 0, .n_sums = N_TENSORS, .head = true},
         LFM_ERR_UNSUPPORTED, "another version of lfm (0;"},
        {{.version = 0, .n_sums = N_TENSORS}, LFM_ERR_UNSUPPORTED, "another version of lfm (0;"},
        {{.version = 0, .n_sums = SIZE_MAX, .head = true},
         LFM_ERR_UNSUPPORTED, "another version of lfm (0;"},
        {{.version = 2, .n_sums = N_TENSORS, .head = true},
         LFM_ERR_UNSUPPORTED, "another version of lfm (2; this one"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *bytes = NULL;
        const uint8_t *found = NULL;
        lfm_error err = {0};
        gguf_file f = make(&cases[i].k, right_head(cases[i].k.foreign), &bytes);
        if (pack_read(&f, &found, &err) != cases[i].status ||
            (err.text[0] && !strstr(err.text, cases[i].text))) {
            fail_msg("case %zu: %s", i, err.text);
        }
        assert_int_equal(found != NULL, cases[i].text == NULL);
        assert_true(!found || (load_u64(found) == sums[0] && load_u64(found + 8) == sums[1]));
        gguf_close(&f);
        free(bytes);
    }
}

static void test_keys(void **state) {
    static const struct {
        const char *name;
        bool owned;
    } cases[] = {
        {PACK_KEY_VERSION, true}, {PACK_KEY_TENSORS, true}, {PACK_KEY_HEAD, true},
        {"lfm.pack.x", true},     {"lfm.pack.", false},     {"lfm.pack", false},
        {"lfm.packs.head", false}, {"", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const gguf_str name = {cases[i].name, strlen(cases[i].name)};
        assert_int_equal(pack_owns_key(name), cases[i].owned);
    }
}

/* The sum covers what a file is, not where it lies: other keys, names, shapes and sums. */
static void test_head(void **state) {
    const uint64_t plain = right_head(NULL);
    (void)state;
    assert_true(right_head("other") != plain);
    assert_true(right_head("split") != plain);
    assert_true(right_head("split.") != plain);
    assert_true(right_head("lfm.pack.") != plain);
    assert_true(right_head("general.alignmens") != plain);
    assert_true(right_head("split.no") == plain);
    assert_true(right_head("lfm.pack.x") == plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
