/*
 * bench_ab.c - lfm bench MODEL --ab '-t 4' '-t 8': which options are faster?
 *
 * Both sides share one process and take turns: A B B A, then B A A B, and so on.  Heat and load
 * affect both sides of a turn alike, so turns are compared as pairs, and an even drift within a
 * turn cancels out.
 */
#include "cli/bench/bench_run.h"

#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 1024, MOST_TURNS = 100 };

/* One side.  Its options are those of the command line, overridden by those of its --ab text. */
typedef struct {
    cli_options o, extra;
    char text[MAX_TEXT];
    char *words[BENCH_MAX_WORDS];
    char **argv;
    bench b;
} side;

/* ---- Options -------------------------------------------------------------------------------- */

static bool names_option(const cli_options *o, const opt_row *row) {
    for (size_t i = 0; i < o->n_given; i++) {
        if (o->given[i].row == row) return true;
    }
    return false;
}

/* The command line of a side: the options given, without those that its --ab text overrides, then
 * the words of that text. */
static lfm_status make_argv(side *s, const cli_options *o, size_t n_words, size_t *n,
                            lfm_error *err) {
    static char model[] = "-m";
    *n = 0;
    s->argv = calloc(2 * o->n_given + n_words + 3, sizeof *s->argv);
    if (!s->argv) return err_no_memory(err, "the command line");
    s->argv[(*n)++] = model;
    s->argv[(*n)++] = (char *)(uintptr_t)o->model; /* the parser does not modify words */
    for (size_t i = 0; i < o->n_given; i++) {
        const opt_given *g = &o->given[i];
        if (g->row->kind != OPT_PAIR && !names_option(&s->extra, g->row)) {
            s->argv[(*n)++] = (char *)(uintptr_t)g->word;
            if (g->value) {
                s->argv[(*n)++] = (char *)(uintptr_t)g->value;
            }
        }
    }
    for (size_t i = 0; i < n_words; i++) {
        s->argv[(*n)++] = s->words[i];
    }
    return LFM_OK;
}

static lfm_status read_side(side *s, const cli_options *o, const char *text, lfm_error *err) {
    lfm_error why = {0};
    size_t n_words = 0;
    size_t n = 0;
    lfm_status st = bench_words(text, s->text, sizeof s->text, s->words, &n_words, &why);
    if (st == LFM_OK) st = opt_parse(&s->extra, o->command, (int)n_words, s->words, &why);
    if (st == LFM_OK && (s->extra.n_choices > 0 || s->extra.model_was_operand || s->extra.help)) {
        st = err_set(&why, LFM_ERR_ARG, "only options can differ; for another model use -m FILE");
    }
    if (st == LFM_OK) st = make_argv(s, o, n_words, &n, &why);
    if (st == LFM_OK) st = opt_parse(&s->o, o->command, (int)n, s->argv, &why);
    if (st != LFM_OK) return err_set(err, why.status, "--ab '%s': %s", text, why.text);
    s->o.ab[0] = o->ab[0]; /* reports name both texts */
    s->o.ab[1] = o->ab[1];
    return LFM_OK;
}

/* ---- Turns ---------------------------------------------------------------------------------- */

/* Seconds per token of the last two samples: their geometric mean. */
static double turn_of(const bench_row *r) {
    return sqrt(r->seconds[r->n - 2] * r->seconds[r->n - 1]) / bench_row_tokens(r);
}

/* A B B A, or B A A B. */
static lfm_status take_turn(bench_bed *bed, bool b_first, lfm_error *err) {
    const int order[4] = {b_first, !b_first, !b_first, b_first};
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < 4 && st == LFM_OK && !term_stopped(); i++) {
        st = bench_bed_sample(&bed[order[i]], err);
    }
    return st;
}

/* Half the interval, in per cent. */
static double width(const stats_gain *g) {
    return 0.5 * (g->high - g->low);
}

/* *gain: of B over A; *has is false when there were too few turns for it. */
static lfm_status take_turns(bench_bed *bed, const cli_options *o, stats_gain *gain, bool *has,
                             lfm_error *err) {
    double a[MOST_TURNS];
    double b[MOST_TURNS];
    const size_t wanted = bench_repetitions(o);
    const size_t least = wanted < 2 ? 2 : wanted < MOST_TURNS ? wanted : MOST_TURNS;
    lfm_status st = LFM_OK;
    size_t n = 0;
    *has = false;
    while (st == LFM_OK && !term_stopped() && n < MOST_TURNS &&
           (n < least || (o->until.value > 0 && width(gain) > o->until.value))) {
        st = take_turn(bed, n % 2 == 1, err);
        if (st == LFM_OK && !term_stopped()) {
            a[n] = turn_of(bed[0].row);
            b[n++] = turn_of(bed[1].row);
            *has = stats_compare_pairs(a, b, n, gain);
        }
    }
    return st;
}

/* One test on both sides. */
static lfm_status run_pair(side *s, size_t i, lfm_error *err) {
    bench_bed bed[2] = {{0}, {0}};
    bench_row *rows[2] = {&s[0].b.plan.rows[i], &s[1].b.plan.rows[i]};
    lfm_status st = LFM_OK;
    for (int k = 0; k < 2 && st == LFM_OK; k++) {
        rows[k]->side = k == 0 ? 'A' : 'B';
        st = bench_bed_open(&bed[k], &s[k].b, rows[k], err);
        if (st == LFM_OK) st = bench_bed_warm(&bed[k], err);
    }
    for (int k = 0; k < 2 && st == LFM_OK; k++) {
        bench_bed_begin(&bed[k]);
    }
    if (st == LFM_OK) st = take_turns(bed, &s[0].o, &rows[1]->gain, &rows[1]->has_gain, err);
    for (int k = 0; k < 2 && st == LFM_OK; k++) {
        st = bench_bed_end(&bed[k], err);
        rows[k]->joules[POWER_PACKAGE] = -1.0; /* the sides share the time, not the energy */
    }
    bench_bed_close(&bed[0]);
    bench_bed_close(&bed[1]);
    return st;
}

/* ---- Both sides ----------------------------------------------------------------------------- */

/* One table and one machine for both sides. */
static void share_context(bench *a, bench *b) {
    b->machine.idle = a->machine.idle;
    b->context.machine = a->context.machine;
    b->context.show_batch = a->context.show_batch = b->context.show_batch || a->context.show_batch;
    b->context.show_kv = a->context.show_kv = b->context.show_kv || a->context.show_kv;
}

/* The sides are compared test by test, so they need equally many. */
static lfm_status check_sides(const side *s, lfm_error *err) {
    if (!bench_is_same_text(s[0].o.cpus, s[1].o.cpus) || s[0].o.nice.value != s[1].o.nice.value) {
        return err_set(err, LFM_ERR_ARG,
                       "--ab: --cpus and --nice apply to the whole process and cannot differ; "
                       "measure both in turn, then use: lfm bench compare");
    }
    if (s[0].b.plan.n_rows != s[1].b.plan.n_rows) {
        return err_set(err, LFM_ERR_ARG,
                       "--ab: side A has %zu tests and side B %zu; both need the same number",
                       s[0].b.plan.n_rows, s[1].b.plan.n_rows);
    }
    return LFM_OK;
}

static void print_verdicts(const side *s, size_t n) {
    printf("\nA: %s\nB: %s\n", s[0].o.ab[0], s[0].o.ab[1]);
    for (size_t i = 0; i < n; i++) {
        const bench_row *r = &s[1].b.plan.rows[i];
        bench_row plain = *r;
        char test[64];
        char text[96];
        plain.side = 0;
        bench_row_name(test, sizeof test, &plain);
        stats_verdict(text, sizeof text, &r->gain);
        printf("%s: B %s%s (95 %%, %zu turns)\n", test,
               stats_is_shown(&r->gain) ? "is " : "against A: ", text, r->n / 2);
    }
}

static lfm_status run_sides(side *s, lfm_error *err) {
    bench *a = &s[0].b;
    bench *b = &s[1].b;
    bench_row *both = calloc(2 * a->plan.n_rows + 1, sizeof *both); /* views: A, B, A, B ... */
    lfm_status st = LFM_OK;
    size_t done = 0;
    if (!both) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tests", a->plan.n_rows);
    bench_report_begin(&a->report, &a->context);
    for (size_t i = 0; i < a->plan.n_rows && st == LFM_OK && !term_stopped(); i++) {
        st = run_pair(s, i, err);
        if (st == LFM_OK && !term_stopped()) {
            bench_report_row(&a->report, &a->context, &a->plan.rows[i]);
            bench_report_row(&a->report, &b->context, &b->plan.rows[i]);
            both[2 * done] = a->plan.rows[i];
            both[2 * done + 1] = b->plan.rows[i];
            done++;
        }
    }
    bench_report_end(&a->report, &a->context, both, 2 * done);
    free(both);
    if (bench_report_is_table(&a->report) && done > 0) {
        print_verdicts(s, done);
    }
    return bench_report_outcome(&a->report, st, err);
}

int bench_ab(const cli_options *o) {
    lfm_error err = {0};
    side *s = calloc(2, sizeof *s);
    lfm_status st = s ? LFM_OK : err_no_memory(&err, "two sides");
    if (o->n_choices > 0) {
        st = err_set(&err, LFM_ERR_ARG, "unexpected operand '%s'. --ab takes two texts with "
                     "options: --ab '-t 4' '-t 8'", o->choices[0]);
    }
    for (int k = 0; k < 2 && st == LFM_OK; k++) {
        st = read_side(&s[k], o, o->ab[k], &err);
    }
    for (int k = 0; k < 2 && st == LFM_OK; k++) {
        st = bench_open(&s[k].b, &s[k].o, k == 0 ? NULL : &s[0].b, &err);
    }
    if (st == LFM_OK) st = check_sides(s, &err);
    if (st == LFM_OK) {
        share_context(&s[0].b, &s[1].b);
        st = run_sides(s, &err);
    }
    for (int k = 1; s && k >= 0; k--) { /* B before A: it may use the model of A */
        bench_close(&s[k].b);
        opt_drop(&s[k].o);
        opt_drop(&s[k].extra);
        free(s[k].argv);
    }
    free(s);
    if (st != LFM_OK && term_stopped()) return CLI_FAILED;
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
