/*
 * main.c - mkmodel: write a synthetic LFM2 model from a preset, a recipe of types and a seed.
 *
 * The files have the true shapes, names, keys and sizes, and random weights: enough to measure
 * speed, to test loading, and to compare engines with each other, without anybody's weights.
 * The preset `induction` has weights made by hand: it copies from its text (induction.h).
 */
#include "base/error.h"
#include "base/system/pool.h"
#include "convert/write.h"
#include "fill.h"
#include "kernel/kernel.h"
#include "keys.h"
#include "plan.h"
#include "put.h"
#include "vocab.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { CHUNK_BYTES = 4 << 20, PIECE_BLOCKS = 256 * FILL_STEP, SAMPLE_WEIGHTS = 65536 };
enum { MAX_SPLIT = 512, MAX_THREADS = 64 };

typedef enum { ACTION_WRITE, ACTION_SIZES, ACTION_STATS, ACTION_LIST, ACTION_HELP } action;

typedef struct {
    action action;
    const char *preset;
    const char *type;
    const char *path;
    uint64_t seed;
    uint64_t n_vocab;   /* 0: the preset's */
    uint64_t n_split;   /* 0: one file without split keys */
    uint64_t n_threads;
    uint64_t version;
    bool bare_first;    /* the first part of a split file holds no tensors */
    bool replace;
} options;

/* ---- Arguments ------------------------------------------------------------------------------ */

static const char usage[] =
    "usage: mkmodel PRESET TYPE -o FILE [options]     write a synthetic model\n"
    "       mkmodel PRESET TYPE --sizes               print tensors, weights and bytes\n"
    "       mkmodel PRESET TYPE --stats               print the spread of every kind of tensor\n"
    "       mkmodel --list                            print the presets\n"
    "TYPE is a type (Q4_K) or a mix (Q4_K_M).  PRESET induction copies from its text: after the\n"
    "last token it says what followed that token before; its TYPE is F32, F16 or BF16.\n"
    "  -o FILE        where to write; FILE.part is renamed when it is complete\n"
    "  --seed N       another model of the same shape (default 1)\n"
    "  --vocab N      another vocabulary size\n"
    "  --split N      N files, FILE-00001-of-0000N.gguf ...\n"
    "  --bare-first   with --split: the first file holds only metadata\n"
    "  --version N    GGUF version 2 or 3 (default 3)\n"
    "  -t N           threads (default 2); the bytes do not depend on it\n"
    "  -f             replace an existing file\n";

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
    char *end = NULL;
    const uint64_t value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value < min || value > max) return false;
    *out = value;
    return true;
}

/* An option with a number; 0: it is none of these, 1: read, -1: it is wrong. */
static int read_number_option(options *o, const char *name, const char *value) {
    const struct {
        const char *name;
        uint64_t min, max;
        uint64_t *out;
    } table[] = {
        {"--seed", 0, UINT64_MAX, &o->seed},
        {"--vocab", VOCAB_SMALL_MIN, 1 << 20, &o->n_vocab},
        {"--split", 1, MAX_SPLIT, &o->n_split},
        {"--version", 2, 3, &o->version},
        {"-t", 1, MAX_THREADS, &o->n_threads},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(name, table[i].name) == 0) {
            if (value && read_number(value, table[i].min, table[i].max, table[i].out)) return 1;
            fprintf(stderr, "mkmodel: %s needs a number from %" PRIu64 " to %" PRIu64 "\n", name,
                    table[i].min, table[i].max);
            return -1;
        }
    }
    return 0;
}

/* An option without a value. */
static bool read_flag(options *o, const char *name) {
    const struct {
        const char *name;
        action action;
    } actions[] = {
        {"--sizes", ACTION_SIZES}, {"--dry-run", ACTION_SIZES}, {"--stats", ACTION_STATS},
        {"--list", ACTION_LIST},   {"--help", ACTION_HELP},     {"-h", ACTION_HELP},
    };
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(name, actions[i].name) == 0) {
            o->action = actions[i].action;
            return true;
        }
    }
    o->bare_first = o->bare_first || strcmp(name, "--bare-first") == 0;
    o->replace = o->replace || strcmp(name, "-f") == 0;
    return strcmp(name, "--bare-first") == 0 || strcmp(name, "-f") == 0;
}

static bool read_options(options *o, int argc, char **argv) {
    *o = (options){.seed = 1, .n_threads = 2, .version = 3};
    for (int i = 1; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (argv[i][0] != '-') {
            const char **place = !o->preset ? &o->preset : !o->type ? &o->type : NULL;
            if (!place) {
                fprintf(stderr, "mkmodel: '%s' is one argument too many\n", argv[i]);
                return false;
            }
            *place = argv[i];
        } else if (strcmp(argv[i], "-o") == 0 && next) {
            o->path = argv[++i];
        } else if (!read_flag(o, argv[i])) {
            const int found = read_number_option(o, argv[i], next);
            if (found == 0) {
                fprintf(stderr, "mkmodel: unknown option '%s'\n", argv[i]);
            }
            if (found != 1) return false;
            i++;
        }
    }
    if (o->action != ACTION_LIST && o->action != ACTION_HELP &&
        (!o->type || (o->action == ACTION_WRITE && !o->path))) {
        fputs(usage, stderr);
        return false;
    }
    return true;
}

/* ---- Weights -------------------------------------------------------------------------------- */

/* A piece of a tensor that the workers fill together. */
typedef struct {
    const fill *fill;
    uint8_t *out;
    uint64_t first;
    size_t n; /* blocks */
} job;

static void fill_pieces(void *ctx, team *t) {
    const job *j = ctx;
    const size_t block_bytes = qtype_get(j->fill->type)->block_bytes;
    size_t piece = 0;
    while (team_take(t, (j->n + PIECE_BLOCKS - 1) / PIECE_BLOCKS, &piece)) {
        const size_t from = piece * PIECE_BLOCKS;
        const size_t n = j->n - from < PIECE_BLOCKS ? j->n - from : PIECE_BLOCKS;
        fill_blocks(j->fill, j->out + from * block_bytes, j->first + from, n);
    }
}

static lfm_status write_tensor(gguf_writer *w, const tensor *t, const fill *f, pool *workers,
                               uint8_t *buffer, lfm_error *err) {
    const size_t block_bytes = qtype_get(t->type)->block_bytes;
    const size_t step = CHUNK_BYTES / block_bytes / FILL_STEP * FILL_STEP;
    const uint64_t n_blocks = t->n_bytes / block_bytes;
    lfm_status st = LFM_OK;
    for (uint64_t i = 0; st == LFM_OK && i < n_blocks; i += step) {
        const size_t n = n_blocks - i < step ? (size_t)(n_blocks - i) : step;
        job j = {f, buffer, i, n};
        pool_run(workers, fill_pieces, &j);
        st = gguf_write_data(w, buffer, n * block_bytes, err);
    }
    return st;
}

/* ---- Files ---------------------------------------------------------------------------------- */

typedef struct {
    const options *opt;
    const shape *shape;
    const mix *mix;
    const plan *plan;
    const vocab *vocab;
    pool *workers;
    uint8_t *buffer; /* [CHUNK_BYTES] */
} maker;

/* Write the tensors [from, to) as part `no` of `count`; the first part has all keys. */
static lfm_status write_part(const maker *m, const char *path, uint32_t no, uint32_t count,
                             size_t from, size_t to, lfm_error *err) {
    gguf_writer w;
    out_file out = {0};
    gguf_writer_init(&w, (uint32_t)m->opt->version, GGUF_ALIGNMENT);
    if (no == 0) {
        keys_put(&w, m->shape, m->mix, m->plan, m->vocab);
    }
    if (m->opt->n_split != 0) {
        gguf_put_split(&w, no, count, m->plan->n);
    }
    for (size_t i = from; i < to; i++) {
        const tensor *t = &m->plan->tensors[i];
        const gguf_str name = {t->name, strlen(t->name)};
        gguf_put_tensor(&w, name, t->type, t->n_dims, t->dim);
    }
    lfm_status st = out_file_open(&out, path, m->opt->replace, 0666, err);
    if (st == LFM_OK) st = out_file_reserve(&out, gguf_writer_bytes(&w), err);
    if (st == LFM_OK) st = gguf_write_head(&w, out_file_sink(&out), err);
    for (size_t i = from; st == LFM_OK && i < to; i++) {
        fill f;
        fill_init(&f, &m->plan->tensors[i], m->opt->seed, i);
        st = write_tensor(&w, &m->plan->tensors[i], &f, m->workers, m->buffer, err);
    }
    if (st == LFM_OK) st = gguf_write_end(&w, err);
    if (st == LFM_OK) st = out_file_commit(&out, false, err);
    out_file_drop(&out);
    gguf_writer_drop(&w);
    return st;
}

/* The tensor behind the last one of part `no`: parts of about equal size, none of them empty. */
static size_t end_of_part(const plan *p, uint32_t no, uint32_t count, size_t from) {
    const size_t parts_left = count - no - 1;
    uint64_t before = 0;
    for (size_t i = 0; i < from; i++) {
        before += p->tensors[i].n_bytes;
    }
    size_t to = from;
    do {
        before += p->tensors[to++].n_bytes;
    } while (p->n - to > parts_left &&
             (parts_left == 0 || before < p->n_bytes / count * (no + 1)));
    return to;
}

static lfm_status write_parts(const maker *m, lfm_error *err) {
    const uint32_t count = (uint32_t)m->opt->n_split;
    const uint32_t n_bare = m->opt->bare_first && count > 1;
    if (count - n_bare > m->plan->n) {
        return err_set(err, LFM_ERR_ARG, "%zu tensors cannot fill %" PRIu32 " files", m->plan->n,
                       count);
    }
    size_t from = 0;
    lfm_status st = LFM_OK;
    for (uint32_t no = 0; st == LFM_OK && no < count; no++) {
        size_t to = from;
        if (no >= n_bare) {
            to = end_of_part(m->plan, no - n_bare, count - n_bare, from);
        }
        char *path = gguf_split_path(m->opt->path, no, count);
        st = path ? write_part(m, path, no, count, from, to, err)
                  : err_set(err, LFM_ERR_MEMORY, "out of memory naming a file");
        free(path);
        from = to;
    }
    return st;
}

static lfm_status write_model(const options *o, const shape *s, const mix *m, const plan *p,
                              lfm_error *err) {
    vocab v;
    pool *workers = NULL;
    uint8_t *buffer = malloc(CHUNK_BYTES);
    lfm_status st = vocab_build(&v, s->layout, s->n_vocab, err);
    if (st == LFM_OK && !buffer) {
        st = err_set(err, LFM_ERR_MEMORY, "out of memory (%d bytes)", CHUNK_BYTES);
    }
    if (st == LFM_OK) st = pool_new(&workers, (size_t)o->n_threads, err);
    if (st == LFM_OK) {
        const maker all = {o, s, m, p, &v, workers, buffer};
        st = o->n_split != 0 ? write_parts(&all, err)
                             : write_part(&all, o->path, 0, 1, 0, p->n, err);
    }
    pool_free(workers);
    vocab_drop(&v);
    free(buffer);
    return st;
}

/* ---- Reports -------------------------------------------------------------------------------- */

static void print_sizes(const shape *s, const mix *m, const plan *p) {
    printf("%s %s tensors %zu weights %" PRIu64 " bytes %" PRIu64 "\n", s->preset, m->name, p->n,
           p->n_weights, p->n_bytes);
}

/* Name, type and the spread of a sample of a tensor's weights, relative to the spread that is
 * aimed at: mean and standard deviation 0 and 1 (1 and 0.1 for norms), and the largest one. */
static lfm_status print_spread(const tensor *t, const fill *f, lfm_error *err) {
    const qtype_info *info = qtype_get(t->type);
    const uint64_t n_all = t->n_bytes / info->block_bytes;
    const size_t most = SAMPLE_WEIGHTS / info->block_weights;
    const size_t n_blocks = n_all < most ? (size_t)n_all : most;
    const size_t n = n_blocks * info->block_weights;
    uint8_t *blocks = malloc(n_blocks * info->block_bytes);
    float *x = malloc(n * sizeof x[0]);
    if (!blocks || !x) {
        free(blocks);
        free(x);
        return err_set(err, LFM_ERR_MEMORY, "out of memory (%zu weights)", n);
    }
    fill_blocks(f, blocks, 0, n_blocks);
    kern_dequantize(t->type, x, blocks, n);
    double sum = 0;
    double squares = 0;
    double most_abs = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = ((double)x[i] - (double)f->mean) / (double)f->std;
        sum += v;
        squares += v * v;
        most_abs = fabs(v) > most_abs ? fabs(v) : most_abs;
    }
    const double mean = sum / (double)n;
    printf("%-36s %-8s mean %7.4f std %6.4f max %6.3f\n", t->name, info->name, mean,
           sqrt(squares / (double)n - mean * mean), most_abs);
    free(blocks);
    free(x);
    return LFM_OK;
}

static lfm_status print_stats(const options *o, const plan *p, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; st == LFM_OK && i < p->n; i++) {
        fill f;
        fill_init(&f, &p->tensors[i], o->seed, i);
        st = print_spread(&p->tensors[i], &f, err);
    }
    return st;
}

static void print_presets(void) {
    const shape *s = NULL;
    for (size_t i = 0; (s = shape_at(i)) != NULL; i++) {
        printf("%-15s %2" PRIu32 " layers, width %4" PRIu32 ", %2" PRIu32 " experts, vocabulary %"
               PRIu32 "\n", s->preset, s->n_layer, s->n_embd, s->n_expert, s->n_vocab);
    }
}

/* ---- Everything ----------------------------------------------------------------------------- */

static lfm_status run(const options *o, const shape *s, const mix *m, lfm_error *err) {
    plan p;
    lfm_status st = plan_build(&p, s, m, err);
    if (st == LFM_OK && o->action == ACTION_SIZES) {
        print_sizes(s, m, &p);
    } else if (st == LFM_OK && o->action == ACTION_STATS) {
        st = print_stats(o, &p, err);
    } else if (st == LFM_OK) {
        st = write_model(o, s, m, &p, err);
    }
    plan_drop(&p);
    return st;
}

/* Resolve the names; false after saying what is unknown. */
static bool find_names(const options *o, shape *s, mix *m) {
    const shape *found = shape_find(o->preset);
    if (!found) {
        fprintf(stderr, "mkmodel: unknown preset '%s'. See mkmodel --list.\n", o->preset);
        return false;
    }
    *s = *found;
    if (o->n_vocab != 0) {
        s->n_vocab = (uint32_t)o->n_vocab;
    }
    if (!plan_find_mix(o->type, m)) {
        fprintf(stderr, "mkmodel: unknown type '%s'\n", o->type);
        return false;
    }
    return true;
}

int main(int argc, char **argv) {
    options o;
    shape s;
    mix m;
    lfm_error err = {0};
    if (!read_options(&o, argc, argv)) return EXIT_USAGE;
    if (o.action == ACTION_HELP) {
        fputs(usage, stdout);
    } else if (o.action == ACTION_LIST) {
        print_presets();
    } else {
        if (!find_names(&o, &s, &m)) return EXIT_USAGE;
        if (run(&o, &s, &m, &err) != LFM_OK) {
            fprintf(stderr, "mkmodel: %s\n", err.text);
            return EXIT_FAILED;
        }
    }
    if (fflush(stdout) != 0) {
        fprintf(stderr, "mkmodel: cannot write the result\n");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}
