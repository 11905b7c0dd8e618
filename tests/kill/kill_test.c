/*
 * kill_test.c - the program is killed while it writes files.
 *
 *     kill_test            KILLS kills (40), over all commands of the table
 *     kill_test NAME       the same number for one command
 *
 * Each try starts a command and kills it (SIGKILL): at a random time of its life; at a random time
 * after it began to write, as PATH.part shows; or, on Linux, before or after a random one of the
 * system calls that it makes from then on.  Then the file must be the old one or the new one,
 * byte for byte, and what was left behind must not hinder the same command later.  Answers of
 * `lfm batch` grow line by line instead: there every whole line must be right, and --resume must
 * complete them.
 *
 * The program is $LFM_BIN (default build/release/lfm); models/lfm-stories-Q4_0.gguf is needed.
 */
#include "../support/tiny.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/ptrace.h>
#endif
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ARGS = 24, FINISH_EVERY = 8 };

typedef struct {
    const char *name;
    unsigned share;              /* of 100 kills */
    const char *file;            /* that it writes */
    const char *args[MAX_ARGS];
    const char *old[MAX_ARGS];   /* writes what was there before; nothing: there was no file */
    const char *then[MAX_ARGS];  /* must work with the old file and with the new one */
    bool grows;                  /* line by line */
    bool part_has_pid;           /* what is unfinished is called PATH.PID.part */
} command;

#define RUN "run", "story.gguf", "--temp", "0", "-t", "2", "-q"
#define SESSION RUN, "--kv", "f32", "--session", "talk"
#define CACHE RUN, "--kv", "f32", "--raw", "--prompt-cache", "cache"
#define BATCH "batch", "story.gguf", "lines", "-o", "answers", "--resume", "--temp", "0", "-t", "2"

static const command commands[] = {
    {.name = "session", .share = 40, .file = "talk", .args = {SESSION, "-p", "Then?", "-n", "2"},
     .old = {SESSION, "-f", "text", "-n", "2"}, .then = {SESSION, "-p", "And?", "-n", "1"}},
    {.name = "first-session", .share = 10, .file = "talk",
     .args = {SESSION, "-f", "short", "-n", "2"}, .then = {SESSION, "-p", "And?", "-n", "1"}},
    {.name = "prompt-cache", .share = 20, .file = "cache",
     .args = {CACHE, "-f", "text", "-p", "The end was near.", "-n", "1"},
     .old = {CACHE, "-f", "text", "-n", "1"}, .then = {CACHE, "-f", "text", "-n", "1"}},
    {.name = "pack", .share = 10, .file = "packed", .args = {"pack", "story.gguf", "packed", "-q"},
     .then = {"verify", "packed", "-q"}},
    {.name = "pack-force", .share = 5, .file = "packed",
     .args = {"pack", "story.gguf", "packed", "-q", "--force"},
     .old = {"pack", "nano.gguf", "packed", "-q"}, .then = {"verify", "packed", "-q"}},
    {.name = "quantize", .share = 5, .file = "small",
     .args = {"quantize", "nano.gguf", "small", "Q4_0", "-q", "-t", "2", "--force"},
     .old = {"quantize", "nano.gguf", "small", "Q8_0", "-q"}, .then = {"verify", "small", "-q"}},
    {.name = "output", .share = 5, .file = "answer",
     .args = {RUN, "-p", "Hello", "-n", "12", "-o", "answer"},
     .old = {RUN, "-p", "Hello", "-n", "2", "-o", "answer"}, .part_has_pid = true},
    {.name = "batch", .share = 5, .file = "answers", .args = {BATCH}, .grows = true},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* ---- Small things --------------------------------------------------------------------------- */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void pause_s(double s) {
    const struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};
    nanosleep(&t, NULL);
}

/* In [0, 1); when a process is killed depends on the machine anyway. */
static double random_part(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (double)(*state >> 40) / (double)(1 << 24);
}

typedef struct {
    char *bytes; /* NULL: no file */
    size_t n;
} content;

static content read_file(const char *path) {
    content c = {0};
    struct stat info;
    const int fd = open(path, O_RDONLY);
    if (fd < 0) {
        return c;
    }
    if (fstat(fd, &info) != 0 || !(c.bytes = malloc((size_t)info.st_size + 1))) {
        fail(path);
    }
    while (c.n < (size_t)info.st_size) {
        const ssize_t got = read(fd, c.bytes + c.n, (size_t)info.st_size - c.n);
        if (got <= 0) {
            fail(path);
        }
        c.n += (size_t)got;
    }
    close(fd);
    c.bytes[c.n] = '\0';
    return c;
}

static bool same(const content *a, const content *b) {
    return !a->bytes == !b->bytes && a->n == b->n &&
           (a->n == 0 || memcmp(a->bytes, b->bytes, a->n) == 0);
}

static void put_file(const char *path, const content *c) {
    unlink(path);
    if (c->bytes) {
        tiny_save(path, c->bytes, c->n);
    }
}

/* ---- Running -------------------------------------------------------------------------------- */

static pid_t start(const char *binary, const char *const *args, bool traced) {
    char *argv[MAX_ARGS + 2] = {(char *)(uintptr_t)"lfm"};
    for (int i = 0; args[i]; i++) {
        argv[i + 1] = (char *)(uintptr_t)args[i];
    }
    const pid_t child = fork();
    if (child == 0) {
        const int nothing = open("/dev/null", O_RDWR);
        const int err = open("../err", O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (nothing < 0 || err < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 ||
            dup2(err, 2) < 0) {
            _exit(120);
        }
#ifdef __linux__
        if (traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(122);
        }
#endif
        execv(binary, argv);
        _exit(121);
    }
    if (child < 0) {
        fail("fork");
    }
    return child;
}

static int wait_for(pid_t child) {
    int status = 0;
    if (waitpid(child, &status, 0) != child) {
        fail("waitpid");
    }
    return status;
}

/* To the end; tells what went wrong. */
static bool run(const char *binary, const char *const *args, const char *what) {
    const int status = wait_for(start(binary, args, false));
    if (status == 0) {
        return true;
    }
    content err = read_file("../err");
    printf("%s: lfm %s ends with status %d: %s\n", what, args[0],
           WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), err.bytes ? err.bytes : "");
    free(err.bytes);
    return false;
}

/* The unfinished file is there, and changes. */
typedef struct {
    char path[64];
    off_t size;
    bool exists;
} part_file;

static part_file look_at_part(const command *c, pid_t child) {
    part_file p = {0};
    struct stat info;
    if (c->part_has_pid) {
        snprintf(p.path, sizeof p.path, "%s.%ld.part", c->file, (long)child);
    } else {
        snprintf(p.path, sizeof p.path, "%s%s", c->file, c->grows ? "" : ".part");
    }
    p.exists = stat(p.path, &info) == 0;
    p.size = p.exists ? info.st_size : 0;
    return p;
}

static bool is_changed(const part_file *before, const command *c, pid_t child) {
    const part_file p = look_at_part(c, child);
    return p.exists != before->exists || p.size != before->size;
}

/* Wait until the command writes; false when it ended before that was seen. */
static bool wait_for_part(pid_t child, const command *c, const part_file *before) {
    while (!is_changed(before, c, child)) {
        siginfo_t ended = {0};
        if (waitid(P_PID, (id_t)child, &ended, WEXITED | WNOHANG | WNOWAIT) != 0) {
            fail("waitid");
        }
        if (ended.si_pid == child) {
            return false;
        }
    }
    return true;
}

/* Kill it at the n-th stop at a system call after it began to write; *n_stops: how many were seen.
 * The status of its end; -1 when it cannot be traced. */
static int kill_at_call(pid_t child, const command *c, unsigned n, unsigned *n_stops) {
    int status = 0;
    *n_stops = 0;
#ifdef __linux__
    const part_file before = look_at_part(c, child);
    bool writing = false;
    int deliver = 0;
    if (waitpid(child, &status, 0) != child) {
        fail("waitpid");
    }
    while (WIFSTOPPED(status)) {
        writing = writing || is_changed(&before, c, child);
        *n_stops += writing;
        if (*n_stops > n) {
            kill(child, SIGKILL);
        }
        if (ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)deliver) != 0 && *n_stops <= n) {
            fail("ptrace");
        }
        if (waitpid(child, &status, 0) != child) {
            fail("waitpid");
        }
        deliver = WIFSTOPPED(status) && WSTOPSIG(status) != SIGTRAP ? WSTOPSIG(status) : 0;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 122 ? -1 : status;
#else
    (void)child;
    (void)c;
    (void)n;
    return -1;
#endif
}

/* ---- One command ---------------------------------------------------------------------------- */

typedef struct {
    const char *binary;
    uint64_t seed;
    content old, wanted;
    double life_s, writing_s; /* of the command when nobody kills it */
    unsigned n_stops;         /* at system calls while it writes; 0 when they cannot be seen */
    unsigned n_kills, n_old, n_new, n_half, n_finished, n_wrong;
} trial;

/* Lines without what depends on the way here, so that two runs can be compared. */
static void drop_details(content *c) {
    size_t to = 0;
    bool skip = false;
    for (size_t i = 0; i < c->n; i++) {
        skip = skip || strncmp(c->bytes + i, ", \"usage\"", 9) == 0;
        skip = skip && c->bytes[i] != '\n';
        if (!skip) {
            c->bytes[to++] = c->bytes[i];
        }
    }
    c->n = to;
}

/* Is `a` the beginning of `b`, perhaps with a line that is not complete? */
static bool is_beginning(content a, const content *b) {
    while (a.n > 0 && a.bytes[a.n - 1] != '\n') {
        a.n--;
    }
    drop_details(&a);
    return a.n <= b->n && (a.n == 0 || memcmp(a.bytes, b->bytes, a.n) == 0);
}

/* What the file holds when the command was not killed, and how long that takes. */
static bool measure(trial *t, const command *c) {
    unlink(c->file);
    if (c->old[0] && !run(t->binary, c->old, c->name)) {
        return false;
    }
    t->old = read_file(c->file);
    const double begin = now_s();
    pid_t child = start(t->binary, c->args, false);
    const part_file before = look_at_part(c, child);
    const double seen = wait_for_part(child, c, &before) ? now_s() : begin;
    const int status = wait_for(child);
    t->life_s = now_s() - begin;
    t->writing_s = now_s() - seen;
    t->wanted = read_file(c->file);
    if (c->grows) {
        drop_details(&t->wanted);
    }
    if (status != 0 || !t->wanted.bytes || same(&t->old, &t->wanted)) {
        printf("%s: status %d, and no new file\n", c->name, status);
        return false;
    }
    put_file(c->file, &t->old);
    child = start(t->binary, c->args, true);
    if (kill_at_call(child, c, UINT_MAX - 1, &t->n_stops) != 0) {
        t->n_stops = 0;
    }
    for (int i = 0; i < 2 && c->then[0]; i++) { /* what either file is good for */
        put_file(c->file, i == 0 ? &t->wanted : &t->old);
        if ((i == 0 || t->old.bytes) && !run(t->binary, c->then, c->name)) {
            return false;
        }
    }
    return true;
}

/* Start it and kill it; the process that wrote. */
static pid_t kill_once(trial *t, const command *c, unsigned way) {
    const bool at_call = way % 2 == 0 && t->n_stops > 0;
    const pid_t child = start(t->binary, c->args, at_call);
    const double part = random_part(&t->seed);
    unsigned n_stops = 0;
    if (at_call) {
        const int status = kill_at_call(child, c, (unsigned)(part * t->n_stops), &n_stops);
        t->n_kills += WIFSIGNALED(status);
        return child;
    }
    const part_file before = look_at_part(c, child);
    if (way % 4 == 1 && wait_for_part(child, c, &before)) {
        pause_s(part * t->writing_s);
    } else if (way % 4 != 1) {
        pause_s(part * t->life_s);
    }
    kill(child, SIGKILL);
    t->n_kills += WIFSIGNALED(wait_for(child));
    return child;
}

/* Old or new, and nothing between. */
static void judge(trial *t, const command *c, pid_t child, const part_file *before) {
    content now = read_file(c->file);
    const part_file after = look_at_part(c, child);
    const bool is_old = c->grows ? is_beginning(now, &t->wanted) : same(&now, &t->old);
    const bool is_new = !c->grows && same(&now, &t->wanted);
    t->n_old += is_old;
    t->n_new += is_new;
    t->n_half += after.exists && (!before->exists || after.size != before->size);
    if (!is_old && !is_new) {
        printf("%s: killed, %s has %zu bytes and is neither old nor new\n", c->name, c->file,
               now.n);
        t->n_wrong++;
    }
    free(now.bytes);
}

/* The same command, over what was left behind. */
static void finish(trial *t, const command *c) {
    const bool done = run(t->binary, c->args, c->name);
    content now = read_file(c->file);
    if (c->grows && now.bytes) {
        drop_details(&now);
    }
    const bool right = done && same(&now, &t->wanted) && (c->grows || !look_at_part(c, 0).exists);
    if (!right) {
        printf("%s: what was left behind hinders the next one\n", c->name);
    }
    t->n_wrong += !right;
    t->n_finished++;
    free(now.bytes);
}

/* Until it was killed `n` times; now and then it is faster than we are. */
static bool try_command(const char *binary, const command *c, unsigned n) {
    trial t = {.binary = binary, .seed = 42 + n};
    unsigned i = 0;
    if (!measure(&t, c)) {
        return false;
    }
    put_file(c->file, &t.old);
    for (bool last = false; !last && t.n_wrong == 0; i++) {
        const part_file before = look_at_part(c, 0);
        judge(&t, c, kill_once(&t, c, i), &before);
        last = t.n_kills >= n || i >= 10 * n + 100;
        if (last || i % FINISH_EVERY == FINISH_EVERY - 1 || (c->grows && i % 2 == 1)) {
            if (!c->grows) {
                put_file(c->file, &t.old); /* pack does not replace */
            }
            finish(&t, c);
            put_file(c->file, &t.old);
        } else if (!c->grows) {
            put_file(c->file, &t.old);
        }
    }
    if (t.n_kills < n && t.n_wrong == 0) {
        printf("%s: it always ends before it can be killed\n", c->name);
        t.n_wrong++;
    }
    printf("%s: %u tries, %u killed; %u old, %u new, %u left an unfinished file; %u times "
           "completed\n", c->name, i, t.n_kills, t.n_old, t.n_new, t.n_half, t.n_finished);
    free(t.old.bytes);
    free(t.wanted.bytes);
    return t.n_wrong == 0;
}

/* ---- All ------------------------------------------------------------------------------------ */

static void make_inputs(const char *story, bool sanitized) {
    size_t n = 0;
    tiny_file *f = tiny_new(true, TINY_F32);
    uint8_t *bytes = tiny_bytes(f, &n);
    tiny_save("nano.gguf", bytes, n);
    free(bytes);
    tiny_free(f);
    if (symlink(story, "story.gguf") != 0) {
        fail("story.gguf");
    }
    FILE *text = fopen("text", "w");
    FILE *lines = fopen("lines", "w");
    if (!text || !lines) {
        fail("text");
    }
    for (int i = 0; i < (sanitized ? 6 : 50); i++) {
        fprintf(text, "Reddy Fox was hungry, and %d hens were near.\n", i);
    }
    for (int i = 0; i < 12; i++) {
        fprintf(lines, "{\"id\": %d, \"prompt\": \"%d foxes.\", \"n\": 4, \"seed\": 1}\n", i, i);
    }
    tiny_save("short", "A short one.\n", 13);
    if (fclose(text) != 0 || fclose(lines) != 0) {
        fail("text");
    }
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/lfm-kill-XXXXXX";
    char binary[PATH_MAX];
    char story[PATH_MAX];
    char line[64];
    const char *said = getenv("LFM_BIN");
    const char *kills = getenv("KILLS");
    const char *sanitizer = getenv("LFM_SANITIZED");
    const bool sanitized = sanitizer && *sanitizer;
    const unsigned n = kills ? (unsigned)strtoul(kills, NULL, 10) : sanitized ? 20 : 40;
    unsigned n_tried = 0;
    bool good = true;
    if (!realpath(said ? said : "build/release/lfm", binary) ||
        !realpath("models/lfm-stories-Q4_0.gguf", story)) {
        fail("lfm, or models/lfm-stories-Q4_0.gguf");
    }
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("work", 0700) != 0 || chdir("work") != 0) {
        fail(folder);
    }
    unsetenv("LFM_MODEL");
    make_inputs(story, sanitized);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 0; i < N_COMMANDS; i++) {
        const command *c = &commands[i];
        const bool only = argc > 1 && strcmp(argv[1], c->name) == 0;
        const unsigned mine = only ? n : (n * c->share + 99) / 100;
        if (argc < 2 || only) {
            good = try_command(binary, c, mine) && good;
            n_tried += mine;
        }
    }
    snprintf(line, sizeof line, "rm -rf %s", folder);
    if (chdir("/") != 0 || system(line) != 0) {
        fprintf(stderr, "%s is left behind\n", folder);
    }
    printf("%u kills of %d commands: %s\n", n_tried, argc > 1 ? 1 : (int)N_COMMANDS,
           good ? "always the old file or the new one" : "FAILED");
    return !good || n_tried == 0;
}
