/*
 * fault_test.c - every call to the system fails once, and then for ever, in the whole program.
 *
 *     fault_test             all commands of the table
 *     fault_test NAME N      call N of one of them, telling what happens (-N: for ever from there)
 *
 * Each try is a process of its own that runs main() with a call that fails.  It must end with the
 * right answer, or with a line and exit code 1; and then nothing may be half written, left behind
 * or not given back.  Some of the calls are tried, spread over the program's life; with
 * $LFM_FAULTS_ALL all of them, which takes four minutes.
 */
#include "wrap.h"

#include "../support/hurry.h"
#include "../support/tiny.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_ARGS = 24, HANGS_S = 60, SAMPLE = 16, SAMPLE_SLOW = 6 };

/* main() of the program; ours is called instead of it. */
int __real_main(int argc, char **argv);
int __wrap_main(int argc, char **argv);

typedef struct {
    const char *name;
    const char *args[MAX_ARGS];
    const char *out;     /* a file that it writes, or NULL; "old" is in it when `replaces` */
    bool replaces;
    const char *input;   /* standard input, or NULL */
    bool any_output;     /* it measures */
    int other_code;      /* exit code that some faults may also have, besides 0 and 1 */
} command;

/* Threads of so small a model wait for each other most of the time: a few commands have some. */
#define RUN_ON(threads) "run", "moe.gguf", "--temp", "0", "-s", "1", "-t", threads
#define RUN RUN_ON("1")
#define BATCH_ON(threads) "batch", "moe.gguf", "--temp", "0", "-s", "1", "-t", threads
#define BATCH BATCH_ON("1")

static const command commands[] = {
    {.name = "run", .args = {RUN_ON("3"), "-p", "Hello", "-n", "4", "--ignore-eos"}},
    {.name = "run-raw", .args = {RUN, "--raw", "-f", "text", "-n", "3", "--ignore-eos", "-v"}},
    {.name = "run-stdin", .args = {RUN, "-p", "x", "-n", "2", "--ignore-eos"},
     .input = "piped\n"},
    {.name = "run-json", .args = {RUN, "-p", "x", "-n", "3", "--ignore-eos", "--json"}},
    {.name = "run-output", .args = {RUN, "-p", "x", "-n", "3", "--ignore-eos", "-o", "new"},
     .out = "new", .replaces = true},
    {.name = "run-sampled",
     .args = {"run", "dense.gguf", "-s", "7", "--temp", "1", "--top-k", "20", "--typical",
       "0.9", "--top-p", "0.9", "--repeat-penalty", "1.1", "-p", "x", "-n", "3", "--ignore-eos"}},
    {.name = "run-choices", .args = {RUN, "-p", "x", "--choices", "yes,no,not sure"}},
    {.name = "run-grammar",
     .args = {RUN, "-p", "x", "--grammar", "root ::= [a-c]+ (\"x\" | \"yz\") \"!\"", "-n", "8"},
     .other_code = 4},
    {.name = "run-schema", .args = {RUN, "-p", "x", "-j", "{\"type\":\"boolean\"}", "-n", "8"},
     .other_code = 4},
    {.name = "run-session",
     .args = {RUN_ON("2"), "-p", "x", "-n", "2", "--ignore-eos", "--session", "new"}, .out = "new"},
    {.name = "run-go-on",
     .args = {RUN, "-p", "y", "-n", "2", "--ignore-eos", "--session", "talk"}, .out = "talk"},
    {.name = "run-prompt-cache",
     .args = {RUN, "-p", "x", "-n", "2", "--ignore-eos", "--prompt-cache", "new"}, .out = "new"},
    {.name = "run-tools",
     .args = {RUN, "--tools", "tools", "-p", "x", "-n", "2", "--ignore-eos"}},
    {.name = "run-messages", .args = {RUN, "--messages", "messages", "-n", "2", "--ignore-eos"}},
    {.name = "run-dry", .args = {RUN, "-p", "x", "--dry-run"}},
    {.name = "run-logprobs", .args = {RUN, "-p", "x", "--choices", "yes,no", "--json", "--logprobs",
       "3"}},
    {.name = "run-truncate", .args = {RUN, "-f", "text", "-c", "24", "-n", "3", "--truncate",
       "middle", "--ignore-eos"}},
    {.name = "run-read", .args = {RUN, "-p", "x", "-n", "2", "--ignore-eos", "--no-mmap", "--mlock",
       "--samplers", "temp,top_k", "--top-k", "3", "--nice", "1", "--cpus", "0"}},
    {.name = "batch-asks", .args = {BATCH, "asks"}},
    {.name = "batch", .args = {BATCH_ON("2"), "lines", "-n", "3"}},
    {.name = "batch-output", .args = {BATCH, "lines", "-n", "3", "-o", "new"}, .out = "new"},
    {.name = "batch-lines", .args = {BATCH, "--lines", "--each", "Say {}:", "-n", "2"},
     .input = "one\ntwo\n"},
    {.name = "score", .args = {"score", "moe.gguf", "-f", "text", "-c", "8", "-t", "2"}},
    {.name = "score-tokens", .args = {"score", "moe.gguf", "-p", "some words", "--per-token"}},
    {.name = "score-against",
     .args = {"score", "moe.gguf", "-f", "text", "-c", "8", "--against", "moe.gguf"}},
    {.name = "pick-json", .args = {"pick", "moe.gguf", "-p", "x", "yes", "no", "--json"}},
    {.name = "bench",
     .args = {"bench", "moe.gguf", "-p", "4", "-n", "2", "-r", "1", "-o", "json", "--no-probe"},
     .any_output = true},
    {.name = "bench-text",
     .args = {"bench", "moe.gguf", "--text", "text", "-n", "2", "-r", "2", "--no-probe"},
     .any_output = true},
    {.name = "bench-ab",
     .args = {"bench", "moe.gguf", "--ab", "-t 1", "-t 2", "-p", "4", "-n", "0", "-r", "2",
              "--no-probe"}, .any_output = true},
    {.name = "pick", .args = {"pick", "moe.gguf", "-p", "x", "yes", "no", "-t", "2"}},
    {.name = "info", .args = {"info", "moe.gguf"}},
    {.name = "info-json", .args = {"info", "moe.gguf", "--json"}},
    {.name = "info-keys", .args = {"info", "moe.gguf", "--kv", "all"}},
    {.name = "tokenize", .args = {"tokenize", "moe.gguf", "--ids", "-f", "text"}},
    {.name = "decode", .args = {"tokenize", "moe.gguf", "--decode"}, .input = "264 261 77\n",
     .other_code = 2}, /* it cannot know what standard input is */
    {.name = "logits", .args = {"logits", "moe.gguf", "--tokens", "ids", "-o", "new"},
     .out = "new"},
    {.name = "quantize", .args = {"quantize", "moe.gguf", "new", "Q4_0", "-t", "2"},
     .out = "new"},
    {.name = "quantize-force", .args = {"quantize", "moe.gguf", "new", "Q4_0", "--force", "-q"},
     .out = "new", .replaces = true},
    {.name = "pack", .args = {"pack", "moe.gguf", "new", "-t", "2"}, .out = "new"},
    {.name = "verify", .args = {"verify", "moe.gguf", "-t", "2"}},
    {.name = "help", .args = {"help", "run"}},
    {.name = "completion", .args = {"completion", "bash"}},
    {.name = "mistyped", .args = {"run", "mo.gguf", "-p", "x"}},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* ---- Files ---------------------------------------------------------------------------------- */

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void write_text(const char *path, const char *text) {
    tiny_save(path, text, strlen(text));
}

static void save_model(const char *path, bool moe) {
    size_t n = 0;
    tiny_file *f = tiny_new(moe, TINY_Q8_0);
    uint8_t *bytes = tiny_bytes(f, &n);
    tiny_save(path, bytes, n);
    free(bytes);
    tiny_free(f);
}

static const char *const inputs[] = {"moe.gguf", "dense.gguf", "text", "lines", "ids", "tools",
                                     "messages", "asks", "talk"};

enum { N_INPUTS = sizeof inputs / sizeof *inputs };

static void make_inputs(void) {
    save_model("in/moe.gguf", true);
    save_model("in/dense.gguf", false);
    write_text("in/text", "The theatre there is in the other inn, in there, either in or out.\n");
    write_text("in/lines", "\"One\"\n{\"id\":2,\"prompt\":\"the\",\"n\":2}\n\"Three\"\n");
    write_text("in/asks", "{\"prompt\":\"a\",\"session\":\"s\",\"logprobs\":2}\n"
                          "{\"prompt\":\"b\",\"session\":\"s\",\"schema\":\"ok bool\"}\n"
                          "{\"custom_id\":3,\"body\":{\"messages\":[{\"role\":\"user\",\"content\":"
                          "\"c\"}],\"tools\":[{\"name\":\"f\"}],\"max_tokens\":3}}\n"
                          "{\"prompt\":\"d\",\"choices\":[\"x\"],\"stop\":[\"y\"]}\n");
    write_text("in/tools", "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":"
                           "{\"type\":\"object\",\"properties\":{}}}}]");
    write_text("in/messages", "[{\"role\":\"user\",\"content\":\"Hi\"}]");
    write_text("in/ids", "1 2 3 264\n");
}

/* The file's bytes, with a NUL behind them, to be freed; NULL when there is none. */
static char *read_file(const char *path, size_t *n) {
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;
    *n = 0;
    for (size_t got = 1; f && got > 0; *n += got) {
        bytes = realloc(bytes, *n + 65537);
        if (!bytes) {
            fail(path);
        }
        got = fread(bytes + *n, 1, 65536, f);
        bytes[*n + got] = '\0';
    }
    if (f) {
        fclose(f);
    }
    return bytes;
}

/* The folder of the next try: the inputs, and the file that is to be replaced. */
static void prepare(const command *c) {
    struct dirent *e;
    DIR *dir = opendir("work");
    while (dir && (e = readdir(dir))) {
        char path[300];
        snprintf(path, sizeof path, "work/%s", e->d_name);
        unlink(path);
    }
    if (dir) {
        closedir(dir);
    }
    for (size_t i = 0; i < N_INPUTS; i++) {
        char from[64];
        char to[64];
        snprintf(from, sizeof from, "in/%s", inputs[i]);
        snprintf(to, sizeof to, "work/%s", inputs[i]);
        if (strcmp(inputs[i], "talk") == 0 && access(from, F_OK) == 0) { /* is written to */
            size_t n = 0;
            char *bytes = read_file(from, &n);
            tiny_save(to, bytes, n);
            free(bytes);
        } else if (access(from, F_OK) == 0 && link(from, to) != 0) {
            fail(to);
        }
    }
    if (c->replaces) {
        write_text("work/new", "old");
    }
    write_text("stdin", c->input ? c->input : "");
}

static uint64_t hash_bytes(const char *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
    }
    return h;
}

/* 0 when there is none. */
static uint64_t hash_file(const char *path) {
    size_t n = 0;
    char *bytes = read_file(path, &n);
    const uint64_t h = bytes ? hash_bytes(bytes, n) : 0;
    free(bytes);
    return h;
}

/* Without the times in it. */
static uint64_t hash_output(const char *path) {
    size_t n = 0;
    uint64_t h = 0;
    char *bytes = read_file(path, &n);
    char *p = bytes;
    for (char *next = p; p && (next = strstr(p, "\"timings\"")); p = next + strcspn(next, "}")) {
        h = h * 31 + hash_bytes(p, (size_t)(next - p));
    }
    h = h * 31 + (p ? hash_bytes(p, n - (size_t)(p - bytes)) : 0);
    free(bytes);
    return h;
}

/* A file in the folder that is neither an input nor the output; "" when there is none. */
static void find_stranger(const command *c, char *name, size_t cap) {
    struct dirent *e;
    DIR *dir = opendir("work");
    name[0] = '\0';
    while (dir && (e = readdir(dir))) {
        bool known = e->d_name[0] == '.' || (c->out && strcmp(e->d_name, c->out) == 0);
        for (size_t i = 0; i < N_INPUTS; i++) {
            known = known || strcmp(e->d_name, inputs[i]) == 0;
        }
        if (!known) {
            snprintf(name, cap, "%.60s", e->d_name);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* ---- One try -------------------------------------------------------------------------------- */

typedef struct {
    int status;
    uint64_t out;     /* hash of standard output */
    uint64_t written; /* hash of the file, 0 = none */
    char err[2000];
    char failed[24];  /* the call that failed */
    long calls;
    long live;
    int n_fds;        /* more than before */
} outcome;

static int count_fds(void) {
    int n = 0;
    for (int fd = 0; fd < 64; fd++) {
        n += fcntl(fd, F_GETFD) >= 0;
    }
    return n;
}

static void redirect(int fd, const char *path, int flags) {
    const int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, fd) < 0) {
        _exit(120);
    }
    close(file);
}

/* The child: runs main() and says in `pipe` what it counted. */
static void run_child(const command *c, long fail_at, bool for_ever, int pipe) {
    char *argv[MAX_ARGS + 2] = {(char *)(uintptr_t)"lfm"};
    int argc = 1;
    for (int i = 0; c->args[i]; i++) {
        argv[argc++] = (char *)(uintptr_t)c->args[i];
    }
    redirect(0, "stdin", O_RDONLY);
    redirect(1, "stdout", O_WRONLY | O_CREAT | O_TRUNC);
    redirect(2, "stderr", O_WRONLY | O_CREAT | O_TRUNC);
    if (chdir("work") != 0) {
        _exit(121);
    }
    alarm(HANGS_S);
    outcome o = {.n_fds = -count_fds()};
    wrap_start(fail_at, for_ever);
    const int code = __real_main(argc, argv);
    o.calls = wrap_stop();
    o.live = wrap_live();
    o.n_fds += count_fds();
    snprintf(o.failed, sizeof o.failed, "%s", wrap_failed());
    if (write(pipe, &o, sizeof o) != (ssize_t)sizeof o) {
        _exit(122);
    }
    close(pipe);
    if (test_hurries()) { /* what is not given back was counted */
        fflush(NULL);
        _exit(code);
    }
    exit(code); /* lets a leak sanitizer look, too */
}

static outcome try_once(const command *c, long fail_at, bool for_ever) {
    outcome o = {0};
    size_t n = 0;
    char path[64];
    int ends[2];
    prepare(c);
    fflush(stdout);
    if (pipe(ends) != 0) {
        fail("pipe");
    }
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        run_child(c, fail_at, for_ever, ends[1]);
    }
    close(ends[1]);
    if (child < 0 || (read(ends[0], &o, sizeof o) < 0) || waitpid(child, &o.status, 0) != child) {
        fail("fork");
    }
    close(ends[0]);
    o.out = hash_output("stdout");
    char *err = read_file("stderr", &n);
    snprintf(o.err, sizeof o.err, "%s", err ? err : "");
    free(err);
    if (c->out) {
        snprintf(path, sizeof path, "work/%s", c->out);
        o.written = hash_file(path);
    }
    return o;
}

/* What is wrong, or NULL.  `before` is the hash of the file before. */
static const char *wrong(const command *c, const outcome *right, const outcome *o,
                         uint64_t before) {
    static char stranger[64];
    const int code = WEXITSTATUS(o->status);
    if (!WIFEXITED(o->status)) {
        return WTERMSIG(o->status) == SIGALRM ? "it hangs" : "it is ended by a signal";
    }
    if (code != 0 && code != 1 && (code != c->other_code || code == 0)) {
        return code == WEXITSTATUS(right->status) && o->out == right->out ? NULL : "its exit code";
    }
    find_stranger(c, stranger, sizeof stranger);
    if (stranger[0] && strcmp(o->failed, "flock") != 0 && strcmp(o->failed, "fstat") != 0) {
        return stranger; /* whose it is, was not to be known */
    }
    if (o->live != 0) {
        return "memory is not given back";
    }
    if (o->n_fds > 0) {
        return "a file stays open";
    }
    if (code == 1 && !(strncmp(o->err, "lfm: ", 5) == 0 || strstr(o->err, "\nlfm: "))) {
        return "no line says why";
    }
    if (code == WEXITSTATUS(right->status) && code == 0 && !c->any_output && o->out != right->out) {
        return "another answer";
    }
    if (c->out && o->written != right->written && (code == 0 || o->written != before) &&
        strcmp(c->name, "batch-output") != 0) {
        return code == 0 ? "another file" : "a file that is half written";
    }
    return NULL;
}

/* ---- Sweeps --------------------------------------------------------------------------------- */

static uint64_t hash_before(const command *c) {
    char path[64];
    prepare(c);
    snprintf(path, sizeof path, "work/%s", c->out ? c->out : "none");
    return hash_file(path);
}

static void tell(const command *c, const outcome *o, long n, const char *why) {
    printf("%s %ld (%s): %s; status 0x%x, %ld live: %s", c->name, n, o->failed, why,
           (unsigned)o->status, o->live, o->err[0] ? o->err : "\n");
}

typedef struct {
    long tries, survived, wrong;
} tally;

static void sweep(const command *c, bool for_ever, bool some, tally *t) {
    const uint64_t before = hash_before(c);
    const outcome right = try_once(c, 0, false);
    const int want = strcmp(c->name, "mistyped") == 0 ? 1 : 0;
    const char *why = wrong(c, &right, &right, before);
    if (why || (WEXITSTATUS(right.status) != want && WEXITSTATUS(right.status) != c->other_code)) {
        tell(c, &right, 0, why ? why : "it does not work at all");
        t->wrong++;
        return;
    }
    const long sample = test_hurries() ? SAMPLE_SLOW : SAMPLE;
    const long stride = some && right.calls > sample ? right.calls / sample : 1;
    const long first = 1 + (long)(c - commands) % stride; /* not the same call in all of them */
    for (long n = first; n <= right.calls; n += stride) {
        const outcome o = try_once(c, n, for_ever);
        why = wrong(c, &right, &o, before);
        if (why) {
            tell(c, &o, for_ever ? -n : n, why);
            t->wrong++;
        }
        t->tries++;
        t->survived += WIFEXITED(o.status) && WEXITSTATUS(o.status) == 0;
    }
}

static int one(const char *name, long n) {
    for (int i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            const uint64_t before = hash_before(&commands[i]);
            const outcome right = try_once(&commands[i], 0, false);
            const outcome o = try_once(&commands[i], n < 0 ? -n : n, n < 0);
            const char *why = wrong(&commands[i], &right, &o, before);
            tell(&commands[i], &o, n, why ? why : "right");
            printf("%ld calls\n", o.calls);
            return why != NULL;
        }
    }
    fprintf(stderr, "fault_test: no command '%s'\n", name);
    return 2;
}

static int all(bool some) {
    tally t = {0};
    for (int i = 0; i < N_COMMANDS; i++) {
        sweep(&commands[i], false, some, &t);
        sweep(&commands[i], true, some, &t);
    }
    printf("%d commands, %ld faults: %ld survived, the others told, %ld wrong\n", N_COMMANDS,
           t.tries, t.survived, t.wrong);
    return t.tries < 300 || t.wrong > 0;
}

int __wrap_main(int argc, char **argv) {
    char folder[] = "/tmp/lfm-faults-XXXXXX";
    if (!mkdtemp(folder) || chdir(folder) != 0 || mkdir("in", 0700) != 0 ||
        mkdir("work", 0700) != 0) {
        fail(folder);
    }
    unsetenv("LFM_MODEL");
    setenv("LFM_THREADS", "1", 1); /* where a command names none */
    make_inputs();
    const command first = {
        .args = {RUN, "-p", "x", "-n", "2", "--ignore-eos", "--session", "talk"}};
    try_once(&first, 0, false);
    if (rename("work/talk", "in/talk") != 0) {
        fail("work/talk");
    }
    const int code = argc == 3 ? one(argv[1], strtol(argv[2], NULL, 10))
                               : all(getenv("LFM_FAULTS_ALL") == NULL);
    char command_line[64];
    snprintf(command_line, sizeof command_line, "rm -rf %s", folder);
    if (chdir("/") != 0 || system(command_line) != 0) {
        fail(folder);
    }
    return code;
}
