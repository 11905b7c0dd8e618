/*
 * test_token_bpe.c - merging, against the rule carried out step by step.
 */
#include "token/bpe.h"

#include "base/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_MERGES 80
#define MAX_TEXT 96

/* Bytes 'a', 'b', ... are the tokens 0, 1, ...; merge i makes the token first + i. */
typedef struct {
    uint32_t left[MAX_MERGES], right[MAX_MERGES], merged[MAX_MERGES];
    uint32_t n, n_bytes;
    int32_t byte_id[256];
    tok_merges table;
} merge_list;

static void list_init(merge_list *l, uint32_t n_bytes) {
    memset(l, 0, sizeof *l);
    l->n_bytes = n_bytes;
    for (int b = 0; b < 256; b++) {
        l->byte_id[b] = b >= 'a' && b < 'a' + (int)n_bytes ? b - 'a' : -1;
    }
    assert_int_equal(tok_merges_init(&l->table, MAX_MERGES, NULL), LFM_OK);
}

/* Merges in random order of rank: a merge may come before those that its parts need. */
static void random_merges(merge_list *l, uint64_t seed) {
    const uint32_t n = 1 + (uint32_t)(rng_at(seed, 0) % MAX_MERGES);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t known = l->n_bytes + (i < 3 ? 0 : n - 1);
        l->left[i] = (uint32_t)(rng_at(seed, 3 * i + 1) % known);
        l->right[i] = (uint32_t)(rng_at(seed, 3 * i + 2) % known);
        l->merged[i] = l->n_bytes + (uint32_t)(rng_at(seed, 3 * i + 3) % n);
        tok_merges_add(&l->table, l->left[i], l->right[i], i, l->merged[i]);
        l->n = i + 1;
    }
}

/* The rule: the lowest rank first, the leftmost among equals.  Returns the number of ids. */
static size_t slow_merge(const merge_list *l, uint32_t *ids, size_t n) {
    for (uint32_t rank = 0; rank < l->n;) {
        size_t i = 0;
        while (i + 1 < n && (ids[i] != l->left[rank] || ids[i + 1] != l->right[rank])) {
            i++;
        }
        if (i + 1 >= n) {
            rank++;
            continue;
        }
        ids[i] = l->merged[rank];
        memmove(ids + i + 1, ids + i + 2, (n - i - 2) * sizeof *ids);
        n--;
        rank = 0;
    }
    return n;
}

static void compare(const merge_list *l, const char *text, size_t n, tok_bpe_work *work) {
    uint32_t want[MAX_TEXT];
    for (size_t i = 0; i < n; i++) {
        want[i] = (uint32_t)l->byte_id[(uint8_t)text[i]];
    }
    const size_t n_want = slow_merge(l, want, n);
    tok_list got = {0};
    assert_int_equal(tok_bpe_encode(&l->table, l->byte_id, text, n, work, &got, NULL), LFM_OK);
    assert_int_equal(got.n, n_want);
    assert_memory_equal(got.ids, want, n_want * sizeof *want);
    tok_list_free(&got);
}

static void test_random_merges(void **state) {
    (void)state;
    tok_bpe_work work = {0};
    for (uint64_t seed = 0; seed < 3000; seed++) {
        merge_list l;
        list_init(&l, 1 + (uint32_t)(seed % 4));
        random_merges(&l, seed);
        for (uint64_t t = 0; t < 20; t++) {
            char text[MAX_TEXT];
            const size_t n = 1 + rng_at(seed, 1000 * t) % MAX_TEXT;
            for (size_t i = 0; i < n; i++) {
                text[i] = (char)('a' + rng_at(seed, 1000 * t + 1 + i) % l.n_bytes);
            }
            compare(&l, text, n, &work);
        }
        tok_merges_drop(&l.table);
    }
    tok_bpe_work_free(&work);
}

static void test_first_of_equal_pairs_stays(void **state) {
    (void)state;
    merge_list l;
    tok_bpe_work work = {0};
    list_init(&l, 2);
    tok_merges_add(&l.table, 0, 1, 4, 7);
    tok_merges_add(&l.table, 0, 1, 2, 9);
    tok_list got = {0};
    assert_int_equal(tok_bpe_encode(&l.table, l.byte_id, "ab", 2, &work, &got, NULL), LFM_OK);
    assert_int_equal(got.n, 1);
    assert_int_equal(got.ids[0], 7);
    tok_list_free(&got);
    tok_bpe_work_free(&work);
    tok_merges_drop(&l.table);
}

static void test_without_merges(void **state) {
    (void)state;
    tok_merges none;
    tok_bpe_work work = {0};
    tok_list got = {0};
    lfm_error err = {0};
    int32_t byte_id[256];
    for (int b = 0; b < 256; b++) {
        byte_id[b] = b == 'x' ? -1 : 1000 + b;
    }
    assert_int_equal(tok_merges_init(&none, 0, NULL), LFM_OK);
    assert_int_equal(tok_bpe_encode(&none, byte_id, "\0\xff", 2, &work, &got, NULL), LFM_OK);
    assert_int_equal(got.n, 2);
    assert_int_equal(got.ids[0], 1000);
    assert_int_equal(got.ids[1], 1255);
    assert_int_equal(tok_bpe_encode(&none, byte_id, "yx", 2, &work, &got, &err),
                     LFM_ERR_UNSUPPORTED);
    assert_string_equal(err.text, "the model's vocabulary has no token for byte 0x78");
    tok_list_free(&got);
    tok_bpe_work_free(&work);
    tok_merges_drop(&none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_merges),
        cmocka_unit_test(test_first_of_equal_pairs_stays),
        cmocka_unit_test(test_without_merges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
