/*
 * hostile_test.c - what the program does with every file of the corpus.
 *
 *     hostile_test            makes the files in a temporary folder and tries them all
 *     hostile_test NAME       those whose names begin so, telling what was said
 *     hostile_test -o FOLDER  only makes them
 *     hostile_test --open     only opens them, in this process: a second instead of half a minute
 *
 * A bad file is refused with exit code 1 and one printable line on standard error, which says what
 * is wrong; a good one is used.  Nothing takes more than a second of processor time, or 64 MiB.
 * The program is $LFM_BIN (default build/release/lfm).  A sanitized one ($LFM_SANITIZED) may be
 * slower and larger.  It takes ten times longer to start than for all else, so unless $LFM_TEST_ALL
 * is set its main() is called here, in processes that begin again behind a file that ends them.
 */
#include "hostile.h"

#include "../support/hurry.h"
#include "base/utf8.h"
#include "lfm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_CASES = 2000, MAX_LINE = 320, HANGS_S = 60, MAX_WORKERS = 8 };

/* main() of the program; ours is called instead of it. */
int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

typedef struct {
    char file[96];
    badness bad;
    char says[128];
} hostile_case;

/* Commands, and what they do not see. */
static const struct {
    const char *name;
    badness blind_to[2];
    const char *args[12]; /* FILE stands for the file, OUT for one that does not exist */
} commands[] = {
    {"run", {GOOD, GOOD},
     {"run", "FILE", "--raw", "-p", "x", "-n", "2", "--temp", "0", "--ignore-eos", "-q", NULL}},
    {"info", {BAD_WEIGHTS, GOOD}, {"info", "FILE", NULL}},
    {"info --tensors", {BAD_WEIGHTS, BAD_TENSORS}, {"info", "FILE", "--tensors", NULL}},
    {"info --kv all", {BAD_WEIGHTS, BAD_TENSORS}, {"info", "FILE", "--kv", "all", NULL}},
    {"tokenize", {BAD_WEIGHTS, BAD_TENSORS}, {"tokenize", "FILE", "--ids", "the", NULL}},
    {"verify", {GOOD, GOOD}, {"verify", "FILE", NULL}},
    {"quantize", {GOOD, GOOD}, {"quantize", "FILE", "OUT", "Q4_0", "-q", NULL}},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* What a worker tells the process that waits for it. */
typedef struct {
    size_t at; /* the case that it tries */
    int command;
    int n_wrong;
    bool done;
} report;

typedef struct {
    char binary[PATH_MAX];
    bool sanitized;
    bool inside; /* main() is called */
    bool tell;
    int worker; /* of several processes */
    report *report;
} judge;

/* ---- One command ---------------------------------------------------------------------------- */

static void redirect(int fd, const char *path, int flags) {
    const int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, fd) < 0) {
        _exit(120);
    }
    close(file);
}

typedef struct {
    int status; /* of waitpid */
    double cpu_s;
    long rss_kib;
    char out[1 << 16];
    size_t n_out;
    char err[4096];
    size_t n_err;
} result;

static size_t read_all(const char *path, char *to, size_t cap) {
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(to, 1, cap, f) : 0;
    if (f) {
        fclose(f);
    }
    return n;
}

static double cpu_seconds(const struct rusage *used) {
    return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
           1e-6 * (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
}

/* In a process of its own; false when it could not be started. */
static bool run_outside(const judge *j, char **args, const char *out, const char *err, result *r) {
    struct rusage used;
    const pid_t child = fork();
    if (child == 0) {
        redirect(0, "/dev/null", O_RDONLY);
        redirect(1, out, O_WRONLY | O_CREAT | O_TRUNC);
        redirect(2, err, O_WRONLY | O_CREAT | O_TRUNC);
        alarm(HANGS_S);
        execv(j->binary, args);
        _exit(121);
    }
    if (child < 0 || wait4(child, &r->status, 0, &used) != child) {
        return false;
    }
    r->cpu_s = cpu_seconds(&used);
    r->rss_kib = used.ru_maxrss;
    return true;
}

/* In this process, which a signal or a sanitizer may end. */
static bool run_inside(char **args, const char *out, const char *err, result *r) {
    struct rusage before;
    struct rusage after;
    const int old_out = dup(1);
    const int old_err = dup(2);
    int argc = 0;
    while (args[argc]) {
        argc++;
    }
    if (old_out < 0 || old_err < 0) {
        return false;
    }
    fflush(stdout);
    redirect(0, "/dev/null", O_RDONLY);
    redirect(1, out, O_WRONLY | O_CREAT | O_TRUNC);
    redirect(2, err, O_WRONLY | O_CREAT | O_TRUNC);
    getrusage(RUSAGE_SELF, &before);
    alarm(HANGS_S);
    r->status = __real_main(argc, args) << 8; /* as waitpid tells it */
    alarm(0);
    getrusage(RUSAGE_SELF, &after);
    fflush(stdout);
    fflush(stderr);
    if (dup2(old_out, 1) < 0 || dup2(old_err, 2) < 0) {
        return false;
    }
    close(old_out);
    close(old_err);
    r->cpu_s = cpu_seconds(&after) - cpu_seconds(&before);
    return true;
}

static void run(const judge *j, const hostile_case *h, int command, result *r) {
    char out[32];
    char err[32];
    char written[32];
    char *args[14] = {(char *)(uintptr_t)"lfm"};
    snprintf(out, sizeof out, "out.%d", j->worker);
    snprintf(err, sizeof err, "err.%d", j->worker);
    snprintf(written, sizeof written, "quantized.%d", j->worker);
    for (int i = 0; commands[command].args[i]; i++) {
        const char *arg = commands[command].args[i];
        const char *value = strcmp(arg, "FILE") == 0 ? h->file : strcmp(arg, "OUT") == 0 ? written
                          : arg;
        args[i + 1] = (char *)(uintptr_t)value;
    }
    unlink(written);
    *r = (result){0};
    if (!(j->inside ? run_inside(args, out, err, r) : run_outside(j, args, out, err, r))) {
        perror("hostile: a command cannot be started");
        exit(1);
    }
    r->n_out = read_all(out, r->out, sizeof r->out);
    r->n_err = read_all(err, r->err, sizeof r->err - 1);
}

/* ---- Judging -------------------------------------------------------------------------------- */

static bool is_printable(const char *p, size_t n, bool lines) {
    while (n > 0) {
        uint32_t c = 0;
        const size_t len = utf8_decode(p, n, &c);
        const bool space = lines && (c == '\n' || c == '\t');
        if (len == 0 || (c < 0x20 && !space) || (c >= 0x7f && c < 0xa0) ||
            (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) {
            return false;
        }
        p += len;
        n -= len;
    }
    return true;
}

/* What is said about a file: names of files would often hold the words that are looked for. */
static const char *without_name(const char *text, const hostile_case *h) {
    const char *name = strstr(text, h->file);
    return name ? name + strlen(h->file) : text;
}

/* What is wrong with the answer, or NULL. */
static const char *wrong(const judge *j, const hostile_case *h, int command, const result *r) {
    const badness *blind = commands[command].blind_to;
    const bool refuses = h->bad != GOOD && h->bad != blind[0] && h->bad != blind[1];
    struct stat info;
    char written[32];
    snprintf(written, sizeof written, "quantized.%d", j->worker);
    if (WIFSIGNALED(r->status)) {
        return WTERMSIG(r->status) == SIGALRM ? "it hangs" : "it is ended by a signal";
    }
    if (WEXITSTATUS(r->status) != (refuses ? 1 : 0)) {
        return refuses ? "it should be refused with exit code 1" : "it should be accepted";
    }
    if (r->cpu_s > (j->sanitized ? 5.0 : 1.0)) {
        return "it takes too long";
    }
    if (!j->sanitized && r->rss_kib > 64 << 10) {
        return "it takes more than 64 MiB";
    }
    const char *end = memchr(r->err, '\n', r->n_err);
    if (!refuses) {
        return r->n_err == 0 || is_printable(r->err, r->n_err, true) ? NULL
               : "its warning is not printable";
    }
    if (!end || end != r->err + r->n_err - 1 || r->n_err > MAX_LINE) {
        return "standard error should be one line";
    }
    if (!is_printable(r->err, r->n_err - 1, false)) {
        return "the line is not printable";
    }
    if (strncmp(r->err, "lfm: ", 5) != 0 || !strstr(without_name(r->err, h), h->says)) {
        return "the line should say something else";
    }
    if (command == N_COMMANDS - 1 && stat(written, &info) == 0) {
        return "it leaves a file behind";
    }
    return r->n_out == 0 ? NULL : "it has printed something before";
}

static void try_case(const judge *j, const hostile_case *h, result *r) {
    for (int i = 0; i < N_COMMANDS; i++) {
        j->report->command = i;
        run(j, h, i, r);
        const char *why = wrong(j, h, i, r);
        if (!why && strncmp(commands[i].name, "info", 4) == 0 && r->n_out < sizeof r->out &&
            !is_printable(r->out, r->n_out, true)) {
            why = "it prints what no terminal should see";
        }
        if (why || j->tell) {
            printf("%s: lfm %s: %s\n  wanted: %s\n  exit status %d, %.2f s, %ld KiB: %.*s\n",
                   h->file, commands[i].name, why ? why : "right", h->says,
                   WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -WTERMSIG(r->status), r->cpu_s,
                   r->rss_kib, (int)(r->n_err < 1500 ? r->n_err : 1500), r->err);
            fflush(stdout);
        }
        j->report->n_wrong += why != NULL;
    }
}

/* ---- All ------------------------------------------------------------------------------------ */

static size_t read_manifest(hostile_case *cases, const char *only) {
    FILE *f = fopen("MANIFEST", "r");
    char line[400];
    size_t n = 0;
    while (f && n < MAX_CASES && fgets(line, sizeof line, f)) {
        hostile_case *h = &cases[n];
        int bad = 0;
        *h = (hostile_case){0};
        if (sscanf(line, "%95[^\t]\t%d\t%127[^\n]", h->file, &bad, h->says) < 2) {
            fprintf(stderr, "hostile: not understood: %s", line);
            exit(1);
        }
        h->bad = (badness)bad;
        n += !only || strncmp(h->file, only, strlen(only)) == 0;
    }
    if (!f) {
        perror("MANIFEST");
        exit(1);
    }
    fclose(f);
    return n;
}

/* In a process of its own: the memory of this one would be counted as that of its children. */
static void make_files(const char *folder) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0) {
        make_corpus(folder);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fputs("hostile: the files could not be made\n", stderr);
        exit(1);
    }
}

/* A process that tries every n_workers-th case, from `from` on. */
static pid_t start_worker(judge j, const hostile_case *cases, size_t n, size_t from,
                          int n_workers) {
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        static result r;
        for (size_t i = from; i < n; i += (size_t)n_workers) {
            j.report->at = i;
            try_case(&j, &cases[i], &r);
        }
        j.report->done = true;
        exit(0);
    }
    if (child < 0) {
        perror("hostile: fork");
        exit(1);
    }
    return child;
}

/* A worker has ended, well or not; true when there are cases left for another one. */
static bool take_report(const judge *j, const hostile_case *cases, int status) {
    static result r;
    char err[32];
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && j->report->done) {
        return false;
    }
    j->report->n_wrong++;
    if (j->report->done) {
        puts("not given back by one of these commands: see above");
        return false;
    }
    snprintf(err, sizeof err, "err.%d", j->worker);
    r.n_err = read_all(err, r.err, sizeof r.err - 1);
    printf("%s: lfm %s: %s\n%.*s\n", cases[j->report->at].file, commands[j->report->command].name,
           WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it hangs"
           : "it is ended by a signal or a sanitizer", (int)r.n_err, r.err);
    return true;
}

/* Number of wrong answers. */
static int try_all(judge j, const hostile_case *cases, size_t n, int n_workers) {
    int n_wrong = 0;
    pid_t workers[MAX_WORKERS];
    report *reports = mmap(NULL, MAX_WORKERS * sizeof *reports, PROT_READ | PROT_WRITE,
                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED) {
        perror("hostile: mmap");
        exit(1);
    }
    for (int w = 0; w < n_workers; w++) {
        j.worker = w;
        j.report = &reports[w];
        workers[w] = start_worker(j, cases, n, (size_t)w, n_workers);
    }
    for (int left = n_workers; left > 0;) {
        int status = 0;
        const pid_t ended = wait(&status);
        for (int w = 0; w < n_workers; w++) {
            j.worker = w;
            j.report = &reports[w];
            if (workers[w] == ended && take_report(&j, cases, status)) {
                const size_t next = j.report->at + (size_t)n_workers;
                workers[w] = start_worker(j, cases, n, next, n_workers);
            } else {
                left -= workers[w] == ended;
            }
        }
    }
    for (int w = 0; w < n_workers; w++) {
        n_wrong += reports[w].n_wrong;
    }
    munmap(reports, MAX_WORKERS * sizeof *reports);
    return n_wrong;
}

/* Number of wrong answers of lfm_model_open. */
static int open_them(const hostile_case *cases, size_t n) {
    int n_wrong = 0;
    for (size_t i = 0; i < n; i++) {
        const hostile_case *h = &cases[i];
        lfm_model *m = NULL;
        lfm_error err = {0};
        const bool refused = lfm_model_open(&m, h->file, NULL, &err) != LFM_OK;
        lfm_model_close(m);
        if (refused != (h->bad != GOOD && h->bad != BAD_WEIGHTS) ||
            (refused && !strstr(without_name(err.text, h), h->says))) {
            printf("%s: %s\n  wanted: %s\n", h->file, refused ? err.text : "accepted", h->says);
            n_wrong++;
        }
    }
    return n_wrong;
}

int __wrap_main(int argc, char **argv) {
    static hostile_case cases[MAX_CASES];
    char folder[] = "/tmp/lfm-hostile-XXXXXX";
    const char *binary = getenv("LFM_BIN");
    const bool just_open = argc == 2 && strcmp(argv[1], "--open") == 0;
    const char *only = argc == 2 && !just_open ? argv[1] : NULL;
    if (argc == 3 && strcmp(argv[1], "-o") == 0) {
        printf("%d files\n", make_corpus(argv[2]));
        return 0;
    }
    judge j = {
        .sanitized = is_sanitized(), .inside = test_hurries() && !only, .tell = only != NULL};
    if (!realpath(binary ? binary : "build/release/lfm", j.binary)) {
        perror(binary ? binary : "build/release/lfm");
        return 1;
    }
    if (!mkdtemp(folder)) {
        perror(folder);
        return 1;
    }
    unsetenv("LFM_MODEL");
    make_files(folder);
    if (chdir(folder) != 0) {
        perror(folder);
        return 1;
    }
    const size_t n = read_manifest(cases, only);
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    const int n_workers = cores < 1 ? 1 : cores > MAX_WORKERS ? MAX_WORKERS : (int)cores;
    const int n_wrong = just_open ? open_them(cases, n) : try_all(j, cases, n, n_workers);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (chdir("/") != 0 || system(command) != 0) {
        fprintf(stderr, "hostile: %s is left behind\n", folder);
    }
    if (just_open) {
        printf("%zu files opened: %d wrong answers\n", n, n_wrong);
    } else {
        printf("%zu files, %d commands each: %d wrong answers\n", n, (int)N_COMMANDS, n_wrong);
    }
    return n == 0 || n_wrong > 0;
}
