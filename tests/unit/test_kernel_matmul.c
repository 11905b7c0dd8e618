/*
 * test_kernel_matmul.c - pieces cover every row of every matrix once, and each worker is told where
 * its next rows are.
 */
#include "kernel/matmul.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_JOBS = 3, MAX_ROWS = 4096, MAX_TOKENS = 300, ROW_BYTES = 1152, MAX_CALLS = 4096 };

/* What the products were asked for; a matrix has no memory, its address says which one it is. */
typedef struct {
    const uint8_t *w;
    size_t rows;
    const uint8_t *next;
    const void *x;
    float *y;
    size_t n;
} call;

static call calls[MAX_CALLS];
static _Atomic size_t n_calls;

static void record(float *const *restrict y, const void *restrict w, const void *const *restrict x,
                   size_t n, size_t rows, size_t k, const void *next) {
    (void)k;
    const size_t i = atomic_fetch_add(&n_calls, 1);
    if (i < MAX_CALLS) {
        calls[i] = (call){w, rows, next, x[0], y[0], n};
    }
}

static uint8_t memory[MAX_JOBS][MAX_ROWS * ROW_BYTES];
static float out[MAX_ROWS];
static uint8_t inputs[MAX_TOKENS];
static const void *x[MAX_TOKENS];
static float *y[MAX_TOKENS];

typedef struct {
    const char *name;
    size_t n_workers;
    size_t rows[MAX_JOBS]; /* 0: the job is not there */
    size_t tokens[MAX_JOBS];
} plan;

static const plan plans[] = {
    {"one row", 2, {1}, {1}},
    {"a router of 32 rows", 2, {32}, {1}},
    {"a matrix for each worker", 2, {2048, 2048}, {1, 1}},
    {"more workers than pieces", 16, {64}, {1}},
    {"odd numbers of rows", 3, {1000, 17, 513}, {1, 1, 1}},
    {"experts of different size", 2, {1792, 1792, 1792}, {1, 64, 300}},
    {"a job without tokens", 2, {512, 512, 512}, {3, 0, 3}},
    {"alone", 1, {2048, 512, 512}, {2, 2, 2}},
};

static size_t prepare(const plan *p, matmul_job *jobs, size_t *n_pieces) {
    size_t n = 0;
    for (size_t t = 0; t < MAX_TOKENS; t++) {
        x[t] = &inputs[t];
        y[t] = out;
    }
    for (; n < MAX_JOBS && p->rows[n]; n++) {
        jobs[n] = (matmul_job){
            .mul = record, .w = memory[n], .row_bytes = ROW_BYTES, .rows = p->rows[n], .k = 2048,
            .x = x, .y = y, .n = p->tokens[n],
        };
    }
    *n_pieces = jobs_plan(jobs, n, p->n_workers);
    return n;
}

typedef struct {
    const matmul_job *jobs;
    size_t n_pieces;
} shared;

static void work(void *ctx, team *t) {
    const shared *s = ctx;
    jobs_run(t, s->jobs, s->n_pieces, NULL);
    team_sync(t);
}

/* Every (row, token) of every job exactly once, outputs where they belong. */
static void test_every_row_once(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        matmul_job jobs[MAX_JOBS];
        shared s = {.jobs = jobs};
        const size_t n_jobs = prepare(&plans[i], jobs, &s.n_pieces);
        pool *p = NULL;
        assert_int_equal(pool_new(&p, plans[i].n_workers, NULL), LFM_OK);
        atomic_store(&n_calls, 0);
        pool_run(p, work, &s);
        pool_free(p);
        assert_true(n_calls <= MAX_CALLS);
        static uint16_t met[MAX_JOBS][MAX_ROWS];
        memset(met, 0, sizeof met);
        for (size_t c = 0; c < n_calls; c++) {
            size_t job = 0;
            while (calls[c].w < memory[job] || calls[c].w >= memory[job] + sizeof memory[job]) {
                job++;
            }
            const size_t first = (size_t)(calls[c].w - memory[job]) / ROW_BYTES;
            assert_int_equal((size_t)(calls[c].w - memory[job]) % ROW_BYTES, 0);
            assert_ptr_equal(calls[c].y, out + first);
            for (size_t r = first; r < first + calls[c].rows; r++) {
                met[job][r] = (uint16_t)(met[job][r] + calls[c].n);
            }
        }
        for (size_t j = 0; j < n_jobs; j++) {
            for (size_t r = 0; r < MAX_ROWS; r++) {
                if (met[j][r] != (r < plans[i].rows[j] ? plans[i].tokens[j] : 0)) {
                    fail_msg("%s: row %zu of matrix %zu met %u tokens", plans[i].name, r, j,
                             met[j][r]);
                }
            }
        }
    }
}

/* A worker alone reads on where it was told it would, across matrices, and then what is after. */
static void test_next_is_where_reading_goes_on(void **state) {
    (void)state;
    static const uint8_t after[1];
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        matmul_job jobs[MAX_JOBS];
        size_t n_pieces = 0;
        prepare(&plans[i], jobs, &n_pieces);
        team alone = {.n_workers = 1};
        atomic_store(&n_calls, 0);
        assert_ptr_equal(jobs_start(&alone, jobs, n_pieces), memory[0]);
        jobs_run(&alone, jobs, n_pieces, after);
        for (size_t c = 0; c < n_calls; c++) {
            size_t following = c + 1; /* the same rows may meet more tokens first */
            while (following < n_calls && calls[following].w == calls[c].w) {
                following++;
            }
            assert_ptr_equal(calls[c].next, following < n_calls ? calls[following].w : after);
        }
    }
}

/* Without work there is nothing to begin with. */
static void test_start_of_a_worker_without_a_share(void **state) {
    (void)state;
    matmul_job jobs[MAX_JOBS];
    size_t n_pieces = 0;
    prepare(&plans[0], jobs, &n_pieces);
    const team last = {.worker = 1, .n_workers = 2};
    assert_null(jobs_start(&last, jobs, n_pieces));
    assert_null(jobs_start(&last, jobs, 0));
}

/* Pieces of the caller: blocks of rows stay together, none is too long, each row is in one. */
typedef struct {
    const matmul_job *jobs;
    size_t align, most;
    uint8_t met[MAX_JOBS][MAX_ROWS];
} own_pieces;

static void take_piece(void *ctx, const matmul_job *j, size_t row, size_t rows,
                       const uint8_t *next) {
    own_pieces *o = ctx;
    (void)next;
    assert_true(rows > 0 && rows <= o->most);
    assert_int_equal(row % o->align, 0);
    assert_true(rows % o->align == 0 || row + rows == j->rows);
    for (size_t r = row; r < row + rows; r++) {
        o->met[j - o->jobs][r]++;
    }
}

static void test_pieces_of_the_callers(void **state) {
    (void)state;
    static const size_t aligns[] = {32, 256};
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++) {
        for (size_t a = 0; a < 2; a++) {
            matmul_job jobs[MAX_JOBS];
            size_t n_pieces = 0;
            size_t n_jobs = prepare(&plans[i], jobs, &n_pieces);
            static own_pieces o;
            o = (own_pieces){.jobs = jobs, .align = aligns[a], .most = 512};
            for (size_t j = 0; j < n_jobs; j++) {
                jobs[j].align = o.align;
                jobs[j].most_rows = o.most;
            }
            n_pieces = jobs_plan(jobs, n_jobs, plans[i].n_workers);
            team alone = {.n_workers = 1};
            jobs_run_with(&alone, jobs, n_pieces, NULL, take_piece, &o);
            for (size_t j = 0; j < n_jobs; j++) {
                for (size_t r = 0; r < jobs[j].rows; r++) {
                    assert_int_equal(o.met[j][r], jobs[j].n > 0);
                }
            }
        }
    }
}

/* As few calls as JOB_TOKENS allows, and none of them short. */
static void test_tokens_are_divided_evenly(void **state) {
    (void)state;
    for (size_t n = 1; n < 4 * JOB_TOKENS; n++) {
        const size_t tile = jobs_tile(n);
        const size_t calls_of = (n + tile - 1) / tile;
        assert_true(tile <= JOB_TOKENS);
        assert_int_equal(calls_of, (n + JOB_TOKENS - 1) / JOB_TOKENS);
        assert_true(calls_of * tile - n < calls_of);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_once),
        cmocka_unit_test(test_next_is_where_reading_goes_on),
        cmocka_unit_test(test_start_of_a_worker_without_a_share),
        cmocka_unit_test(test_pieces_of_the_callers),
        cmocka_unit_test(test_tokens_are_divided_evenly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
