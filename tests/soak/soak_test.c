/*
 * soak_test.c - one process that lives long.
 *
 *     soak_test            for SOAK_SECONDS (60)
 *
 * Conversations are begun, aborted, saved, restored, copied, forked, shifted, decoded together and
 * held to a grammar, in random order, in a few sessions of one process; `lfm batch` ($LFM_BIN,
 * default build/release/lfm) answers lines beside it for the same time.  Every answer must recur
 * bit for bit: its tokens and the logits at its end.  After a warm-up, the memory of both processes
 * must grow by less than 1 MiB, and their open files and threads must stay what they were.
 *
 * SOAK_SEED (1) gives another order.  models/lfm-stories-Q4_0.gguf is needed; so is /proc.
 */
#include "lfm.h"

#include "base/rng.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_SLOTS = 4, N_SCRIPTS = 12, N_CTX = 192, MAX_ANSWER = 64, MAX_GROWTH_KIB = 1024 };

static const char model_path[] = "models/lfm-stories-Q4_0.gguf";

/* What is said, and how it is answered; `hash` is that of the first answer. */
typedef struct {
    const char *text;
    float temperature;
    uint32_t n_answer;
    const char *grammar; /* or NULL */
    uint64_t hash;
} script;

#define LONG_TEXT                                                                          \
    "Reddy Fox was hungry, and the hens were near, but the dog was awake and the door "    \
    "was shut. He went home through the green forest, over the laughing brook, and past "  \
    "the old stone wall. There he met Peter Rabbit, who had been in the garden, and who "  \
    "told him of the clover. "

static const script first_scripts[N_SCRIPTS] = {
    {.text = "Tell a story about a fox.", .n_answer = 40},
    {.text = "Tell a story about a fox.", .n_answer = 40, .temperature = 0.9f},
    {.text = "Hello", .n_answer = 12, .temperature = 1.3f},
    {.text = "", .n_answer = 5},
    {.text = LONG_TEXT "What did Peter say?", .n_answer = 30},
    {.text = LONG_TEXT "And then?", .n_answer = 30, .temperature = 0.7f},
    {.text = "Say it.", .n_answer = 24, .temperature = 1,
     .grammar = "root ::= (\"the \" (\"fox\" | [a-z]{3,5}) \", \"){2,4} \"and the end.\""},
    {.text = "How many?", .n_answer = 20, .temperature = 0.5f,
     .grammar = "root ::= [0-9]{2,9} \"!\""},
    {.text = "H\xc3\xa4llo \xf0\x9f\x98\x80 \xff", .n_answer = 9},
    {.text = "One two three four five six seven eight nine ten", .n_answer = 60,
     .temperature = 0.8f},
    {.text = "Jimmy Skunk", .n_answer = 33, .temperature = 0.2f},
    {.text = "A B C D E F G", .n_answer = 17, .temperature = 2},
};

typedef struct {
    lfm_model *model;
    lfm_session *slots[N_SLOTS];
    script scripts[N_SCRIPTS];
    char path[64]; /* of the session file */
    uint64_t seed, n_random;
    uint64_t n_tokens, n_answers, n_done[16], n_lines, n_wrong;
    pid_t batch;
    FILE *to_batch, *from_batch;
    uint64_t batch_hash[N_SCRIPTS];
} soak;

/* ---- Small things --------------------------------------------------------------------------- */

static void fail(const char *what, const char *why) {
    fprintf(stderr, "soak: %s: %s\n", what, why);
    exit(1);
}

static void must(lfm_status st, const lfm_error *err) {
    if (st != LFM_OK) {
        fail("an error", err->text);
    }
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static size_t below(soak *s, size_t n) {
    return (size_t)(rng_at(s->seed, s->n_random++) % n);
}

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t n) {
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 0x100000001b3u;
    }
    return h;
}

/* ---- What a process holds ------------------------------------------------------------------- */

typedef struct {
    long rss_kib, n_fds, n_threads;
} holding;

static long count_files(const char *folder) {
    DIR *d = opendir(folder);
    long n = 0;
    if (!d) {
        fail(folder, strerror(errno));
    }
    while (readdir(d)) {
        n++;
    }
    closedir(d);
    return n - 2; /* . and .. */
}

static holding look(pid_t pid) {
    char path[64];
    long pages = 0;
    holding h = {0};
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%*d %ld", &pages) != 1) {
        fail(path, "cannot be read");
    }
    fclose(f);
    h.rss_kib = pages * (sysconf(_SC_PAGESIZE) / 1024);
    snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
    h.n_fds = count_files(path);
    snprintf(path, sizeof path, "/proc/%ld/task", (long)pid);
    h.n_threads = count_files(path);
    return h;
}

/* ---- Answers -------------------------------------------------------------------------------- */

/* An answer in the making. */
typedef struct {
    script *sc;
    lfm_session *s;
    lfm_sampler *sampler;
    lfm_grammar *grammar;
    lfm_constraint *constraint;
    uint32_t n;
    uint64_t hash;
    bool ended;
} answer;

static void tokens_of(soak *k, const script *sc, int32_t **tokens, size_t *n) {
    lfm_error err;
    must(lfm_tokenize(k->model, sc->text, strlen(sc->text), LFM_TOKENIZE_BOS, tokens, n, &err),
         &err);
}

/* The prompt is evaluated, and nothing answered. */
static answer begin(soak *k, script *sc, lfm_session *s) {
    lfm_error err;
    answer a = {.sc = sc, .s = s, .hash = 0xcbf29ce484222325u};
    lfm_sampling how;
    lfm_sampling_default(k->model, &how, sizeof how);
    how.temperature = sc->temperature;
    how.seed = 7;
    int32_t *tokens = NULL;
    size_t n = 0;
    size_t n_reused = 0;
    tokens_of(k, sc, &tokens, &n);
    must(lfm_session_sync(s, tokens, n, &n_reused, &err), &err);
    must(lfm_sampler_new(&a.sampler, k->model, &how, &err), &err);
    for (size_t i = 0; i < n; i++) {
        must(lfm_sampler_accept(a.sampler, tokens[i], &err), &err);
    }
    if (sc->grammar) {
        must(lfm_grammar_new(&a.grammar, LFM_CONSTRAINT_GBNF, sc->grammar, strlen(sc->grammar),
                             &err), &err);
        must(lfm_constraint_new(&a.constraint, k->model, a.grammar, 0, &err), &err);
    }
    lfm_free(tokens);
    return a;
}

/* Choose the next token; it has yet to be evaluated. */
static int32_t choose(soak *k, answer *a) {
    lfm_error err;
    int32_t token = 0;
    size_t n_vocab = lfm_model_get_info(k->model)->n_vocab;
    float *logits = malloc(n_vocab * sizeof *logits);
    if (!logits) {
        fail("logits", "out of memory");
    }
    memcpy(logits, lfm_logits(a->s), n_vocab * sizeof *logits);
    if (a->constraint) {
        must(lfm_constraint_mask(a->constraint, logits, &err), &err);
    }
    must(lfm_sampler_pick(a->sampler, logits, &token, &err), &err);
    must(lfm_sampler_accept(a->sampler, token, &err), &err);
    if (a->constraint) {
        must(lfm_constraint_accept(a->constraint, token, &err), &err);
    }
    free(logits);
    a->hash = hash_bytes(a->hash, &token, sizeof token);
    a->n++;
    k->n_tokens++;
    a->ended = a->n == a->sc->n_answer || lfm_token_is_end(k->model, token) ||
               (a->constraint && lfm_constraint_is_final(a->constraint));
    return token;
}

static void go_on(soak *k, answer *a, uint32_t n) {
    lfm_error err;
    for (uint32_t i = 0; i < n && !a->ended; i++) {
        const int32_t token = choose(k, a);
        must(lfm_eval(a->s, &token, 1, &err), &err);
    }
}

static void drop(answer *a) {
    lfm_constraint_free(a->constraint);
    lfm_grammar_free(a->grammar);
    lfm_sampler_free(a->sampler);
    *a = (answer){0};
}

/* The answer is complete: is it the one that came first? */
static void end(soak *k, answer *a) {
    const size_t n_vocab = lfm_model_get_info(k->model)->n_vocab;
    go_on(k, a, UINT32_MAX);
    a->hash = hash_bytes(a->hash, lfm_logits(a->s), n_vocab * sizeof(float));
    if (a->sc->hash == 0) {
        a->sc->hash = a->hash;
    } else if (a->hash != a->sc->hash) {
        k->n_wrong++;
        printf("soak: '%.20s' has another answer: %016" PRIx64 " instead of %016" PRIx64 "\n",
               a->sc->text, a->hash, a->sc->hash);
    }
    k->n_answers++;
    drop(a);
}

/* ---- What is done --------------------------------------------------------------------------- */

static script *any_script(soak *k) {
    return &k->scripts[below(k, N_SCRIPTS)];
}

static lfm_session *any_slot(soak *k) {
    return k->slots[below(k, N_SLOTS)];
}

/* The same in a session that comes from nowhere or from another conversation. */
static void do_plain(soak *k) {
    lfm_session *s = any_slot(k);
    if (below(k, 2)) {
        lfm_session_reset(s);
    }
    answer a = begin(k, any_script(k), s);
    end(k, &a);
}

static bool stop_now(void *ctx, size_t done, size_t total) {
    (void)total;
    (void)done;
    return (*(int *)ctx)-- > 0;
}

/* A prompt that is stopped, or an answer that is given up. */
static void do_abort(soak *k) {
    lfm_session *s = any_slot(k);
    int left = (int)below(k, 3);
    int32_t *tokens = NULL;
    size_t n = 0;
    size_t n_reused = 0;
    lfm_error err;
    if (below(k, 2)) {
        tokens_of(k, &k->scripts[4], &tokens, &n);
        lfm_session_reset(s);
        lfm_session_on_progress(s, stop_now, &left);
        const lfm_status st = lfm_session_sync(s, tokens, n, &n_reused, &err);
        lfm_session_on_progress(s, NULL, NULL);
        lfm_free(tokens);
        if (st != LFM_OK && st != LFM_ERR_STOPPED) {
            fail("a stopped prompt", err.text);
        }
        return;
    }
    answer a = begin(k, any_script(k), s);
    go_on(k, &a, (uint32_t)below(k, 10));
    drop(&a);
}

/* Saved, overwritten by something else, restored in another session, and continued. */
static void do_restore(soak *k) {
    static const char note[] = "{\"a\": [1, 2, 3]}";
    lfm_error err;
    char *got = NULL;
    size_t got_len = 0;
    lfm_session *s = any_slot(k);
    answer a = begin(k, any_script(k), s);
    go_on(k, &a, (uint32_t)below(k, 20));
    must(lfm_session_save(s, k->path, note, sizeof note - 1, &err), &err);
    lfm_session_reset(s);
    a.s = any_slot(k);
    must(lfm_session_load(a.s, k->path, &got, &got_len, &err), &err);
    if (got_len != sizeof note - 1 || memcmp(got, note, got_len) != 0) {
        fail("a note", "it is another one");
    }
    lfm_free(got);
    end(k, &a);
}

static void do_copy(soak *k) {
    lfm_error err;
    const size_t from = below(k, N_SLOTS);
    lfm_session *other = k->slots[(from + 1 + below(k, N_SLOTS - 1)) % N_SLOTS];
    answer a = begin(k, any_script(k), k->slots[from]);
    go_on(k, &a, (uint32_t)below(k, 20));
    must(lfm_session_copy(other, k->slots[from], &err), &err);
    lfm_session_reset(k->slots[from]);
    a.s = other;
    end(k, &a);
}

/* A session for one answer, of the family or of its own. */
static void do_fork(soak *k) {
    const lfm_session_options own = {.n_ctx = N_CTX, .n_threads = (uint32_t)below(k, 3) + 1,
                                     .n_batch = (uint32_t)below(k, 40) + 1};
    lfm_error err;
    lfm_session *s = NULL;
    must(below(k, 3) ? lfm_session_fork(&s, any_slot(k), &err)
                     : lfm_session_new(&s, k->model, &own, &err), &err);
    answer a = begin(k, any_script(k), s);
    end(k, &a);
    lfm_session_free(s);
}

/* Fill the context, forget the older half, and begin something else. */
static void do_shift(soak *k) {
    lfm_error err;
    lfm_session *s = any_slot(k);
    answer a = begin(k, &k->scripts[4], s);
    size_t n_reused = 0;
    size_t n = 0;
    while (lfm_session_pos(s) < N_CTX) {
        const int32_t token = choose(k, &a);
        must(lfm_eval(s, &token, 1, &err), &err);
    }
    drop(&a);
    const int32_t *all = lfm_session_tokens(s, &n);
    if (lfm_eval(s, &all[1], 1, &err) != LFM_ERR_FULL) {
        fail("a full context", "it takes one more token");
    }
    int32_t kept[N_CTX / 2];
    memcpy(kept, all + n - N_CTX / 2, sizeof kept);
    must(lfm_session_sync(s, kept, N_CTX / 2, &n_reused, &err), &err);
    a = begin(k, any_script(k), s);
    end(k, &a);
}

/* Several answers, a token of each at a time. */
static void do_together(soak *k) {
    lfm_error err;
    answer a[N_SLOTS];
    for (size_t i = 0; i < N_SLOTS; i++) {
        a[i] = begin(k, any_script(k), k->slots[i]);
    }
    for (bool more = true; more;) {
        lfm_session *s[N_SLOTS];
        int32_t tokens[N_SLOTS];
        size_t n = 0;
        for (size_t i = 0; i < N_SLOTS; i++) {
            if (!a[i].ended) {
                s[n] = a[i].s;
                tokens[n++] = choose(k, &a[i]);
            }
        }
        more = n > 0;
        if (more) {
            must(lfm_eval_each(s, tokens, n, &err), &err);
        }
    }
    for (size_t i = 0; i < N_SLOTS; i++) {
        end(k, &a[i]);
    }
}

/* What is refused must not leave anything behind. */
static void do_errors(soak *k) {
    lfm_error err;
    lfm_model *m = NULL;
    lfm_grammar *g = NULL;
    lfm_session *s = any_slot(k);
    const int32_t bad = 1 << 30;
    const bool refused = lfm_model_open(&m, "models/README.md", NULL, &err) != LFM_OK &&
                         lfm_model_open(&m, "models/none.gguf", NULL, &err) != LFM_OK &&
                         lfm_session_load(s, model_path, NULL, NULL, &err) != LFM_OK &&
                         lfm_session_load(s, "models", NULL, NULL, &err) != LFM_OK &&
                         lfm_session_save(s, "none/there", NULL, 0, &err) != LFM_OK &&
                         lfm_eval(s, &bad, 1, &err) != LFM_OK &&
                         lfm_grammar_new(&g, LFM_CONSTRAINT_GBNF, "root ::= (", 10, &err) !=
                             LFM_OK &&
                         lfm_grammar_new(&g, LFM_CONSTRAINT_JSON_SCHEMA, "{\"type\": 3}", 11,
                                         &err) != LFM_OK;
    if (!refused) {
        fail("an error", "it was not noticed");
    }
}

static void open_all(soak *k) {
    const lfm_session_options opt = {.n_ctx = N_CTX, .n_threads = 2, .n_batch = 32};
    lfm_error err;
    must(lfm_model_open(&k->model, model_path, NULL, &err), &err);
    must(lfm_session_new(&k->slots[0], k->model, &opt, &err), &err);
    for (size_t i = 1; i < N_SLOTS; i++) {
        must(lfm_session_fork(&k->slots[i], k->slots[0], &err), &err);
    }
}

static void close_all(soak *k) {
    for (size_t i = 0; i < N_SLOTS; i++) {
        lfm_session_free(k->slots[i]);
    }
    lfm_model_close(k->model);
}

static void do_reopen(soak *k) {
    if (below(k, 10) == 0) {
        close_all(k);
        open_all(k);
    }
}

/* ---- lfm batch ------------------------------------------------------------------------------ */

static void start_batch(soak *k) {
    const char *binary = getenv("LFM_BIN");
    int to[2];
    int from[2];
    if (pipe(to) != 0 || pipe(from) != 0 || (k->batch = fork()) < 0) {
        fail("lfm batch", strerror(errno));
    }
    if (k->batch == 0) {
        dup2(to[0], 0);
        dup2(from[1], 1);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        execl(binary ? binary : "build/release/lfm", "lfm", "batch", model_path, "-", "-t", "2",
              "--np", "1", "-q", (char *)NULL);
        _exit(121);
    }
    close(to[0]);
    close(from[1]);
    k->to_batch = fdopen(to[1], "w");
    k->from_batch = fdopen(from[0], "r");
    if (!k->to_batch || !k->from_batch) {
        fail("lfm batch", strerror(errno));
    }
}

static void do_line(soak *k) {
    static const char *const lines[] = {
        "{\"prompt\": \"Hello\", \"n\": 8, \"seed\": 3}",
        "{\"prompt\": \"A fox\", \"n\": 20, \"seed\": 4, \"temp\": 0.9, \"repeat_penalty\": 1.2}",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Who?\"}], \"n\": 12, \"seed\": 5}",
        "{\"prompt\": \"Age?\", \"schema\": \"age int, kind red|green\", \"n\": 40, \"seed\": 6}",
        "{\"prompt\": \"Which?\", \"choices\": [\"yes\", \"no\", \"not sure\"], \"seed\": 7}",
        "{\"prompt\": \"Say.\", \"grammar\": \"root ::= [a-f]{3,9}\", \"n\": 12, \"seed\": 8}",
        "{\"prompt\": 17}",
        "not JSON",
    };
    char got[8192];
    const size_t which = below(k, sizeof lines / sizeof *lines);
    fprintf(k->to_batch, "%s\n", lines[which]);
    fflush(k->to_batch);
    if (!fgets(got, sizeof got, k->from_batch)) {
        fail("lfm batch", "it has ended");
    }
    /* Without the number of the line, and what was measured. */
    const char *begin = strstr(got, "\"content\"");
    const char *end = strstr(got, ", \"usage\"");
    begin = begin ? begin : strstr(got, "\"error\"");
    if (!begin) {
        fail("lfm batch", got);
    }
    if (strncmp(begin, "\"error\"", 7) == 0) {
        end = begin + 20;
    }
    const uint64_t h = hash_bytes(1, begin, end ? (size_t)(end - begin) : strlen(begin));
    if (k->batch_hash[which] != 0 && k->batch_hash[which] != h) {
        k->n_wrong++;
        printf("soak: lfm batch has another answer: %s", got);
    }
    k->batch_hash[which] = h;
    k->n_lines++;
}

/* ---- All ------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    void (*go)(soak *);
} actions[] = {
    {"plain", do_plain}, {"aborted", do_abort}, {"restored", do_restore}, {"copied", do_copy},
    {"forked", do_fork}, {"shifted", do_shift}, {"together", do_together}, {"refused", do_errors},
    {"reopened", do_reopen}, {"lines of batch", do_line},
};

enum { N_ACTIONS = sizeof actions / sizeof *actions };

static void some(soak *k) {
    const size_t i = below(k, N_ACTIONS);
    actions[i].go(k);
    k->n_done[i]++;
}

/* False when it grew, or holds more files or threads. */
static bool compare(const char *name, const holding *before, const holding *after) {
    printf("%s: %ld KiB after the warm-up, %ld KiB at the end; %ld and %ld open files; %ld and %ld "
           "threads\n", name, before->rss_kib, after->rss_kib, before->n_fds, after->n_fds,
           before->n_threads, after->n_threads);
    return after->rss_kib - before->rss_kib < MAX_GROWTH_KIB && after->n_fds == before->n_fds &&
           after->n_threads == before->n_threads;
}

int main(void) {
    static soak k;
    const char *said = getenv("SOAK_SECONDS");
    const char *seed = getenv("SOAK_SEED");
    const double seconds = said ? strtod(said, NULL) : 60;
    k.seed = seed ? strtoull(seed, NULL, 10) : 1;
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    snprintf(k.path, sizeof k.path, "/tmp/lfm-soak-%ld", (long)getpid());
    memcpy(k.scripts, first_scripts, sizeof k.scripts);
    start_batch(&k);
    open_all(&k);
    const double start = now_s();
    for (size_t i = 0; i < N_SCRIPTS; i++) { /* the answers that must recur */
        lfm_session_reset(k.slots[0]);
        answer a = begin(&k, &k.scripts[i], k.slots[0]);
        end(&k, &a);
    }
    while (now_s() - start < seconds * 0.25) {
        some(&k);
    }
    const holding before = look(getpid());
    const holding batch_before = look(k.batch);
    while (now_s() - start < seconds) {
        some(&k);
    }
    const holding after = look(getpid());
    const holding batch_after = look(k.batch);
    for (size_t i = 0; i < N_ACTIONS; i++) {
        printf("%s %" PRIu64 "%s", actions[i].name, k.n_done[i], i + 1 < N_ACTIONS ? ", " : "\n");
    }
    bool good = compare("the process", &before, &after);
    good = compare("lfm batch", &batch_before, &batch_after) && good && k.n_wrong == 0;
    fclose(k.to_batch);
    int status = 0;
    good = waitpid(k.batch, &status, 0) == k.batch && WIFEXITED(status) && good;
    fclose(k.from_batch);
    close_all(&k);
    unlink(k.path);
    printf("%.0f s, %" PRIu64 " tokens, %" PRIu64 " answers and %" PRIu64 " lines, %" PRIu64
           " of them wrong; memory %+ld and %+ld KiB; open files %ld and %ld: %s\n",
           now_s() - start, k.n_tokens, k.n_answers, k.n_lines, k.n_wrong,
           after.rss_kib - before.rss_kib, batch_after.rss_kib - batch_before.rss_kib, after.n_fds,
           batch_after.n_fds, good ? "good" : "FAILED");
    return !good;
}
