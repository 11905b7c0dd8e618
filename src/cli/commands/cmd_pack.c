/*
 * cmd_pack.c - lfm pack and lfm verify: model files with checksums.
 */
#include "cli/shared/common.h"
#include "cli/shared/crash.h"
#include "cli/shared/term.h"
#include "lfm_tools.h"

#include <stdio.h>
#include <sys/stat.h>

typedef struct {
    const char *word;
    term_progress progress;
} job;

static bool on_progress(void *ctx, size_t done, size_t total) {
    job *j = ctx;
    term_progress_show(&j->progress, j->word, done >> 20, total >> 20);
    return !term_stopped();
}

static lfm_file_options begin(const cli_options *o, job *j) {
    crash_name_file(o->model);
    term_catch_stop(); /* so that Ctrl-C removes OUT.part */
    term_progress_start(&j->progress, cli_progress(o));
    j->progress.unit = "MiB";
    return (lfm_file_options){
        .n_threads = o->n_threads.value > 0 ? (uint32_t)o->n_threads.value : 0,
        .force = o->force,
        .on_progress = on_progress,
        .ctx = j,
    };
}

static int finish(lfm_status st, job *j, const lfm_error *err) {
    term_progress_end(&j->progress);
    if (st != LFM_OK && term_stopped()) { /* interrupted: main then dies by the signal */
        return CLI_FAILED;
    }
    return st == LFM_OK ? CLI_DONE : cli_fail(err);
}

int cmd_pack(const cli_options *o) {
    lfm_error err = {0};
    job j = {.word = "packing"};
    struct stat info;
    if (!o->out) {
        err_set(&err, LFM_ERR_ARG, "no output file; use: lfm pack MODEL OUT");
        return cli_fail(&err);
    }
    if (!o->force && stat(o->out, &info) == 0 && S_ISREG(info.st_mode)) {
        err_set(&err, LFM_ERR_IO, "%s exists; --force replaces it", o->out);
        return cli_fail(&err);
    }
    const lfm_file_options opt = begin(o, &j);
    const lfm_status st = lfm_pack(o->model, o->out, &opt, &err);
    return finish(st, &j, &err);
}

int cmd_verify(const cli_options *o) {
    lfm_error err = {0};
    job j = {.word = "checking"};
    const lfm_file_options opt = begin(o, &j);
    bool has_sums = false;
    const lfm_status st = lfm_verify(o->model, &opt, &has_sums, &err);
    const int code = finish(st, &j, &err);
    if (code == CLI_DONE && !o->quiet) {
        printf("%s: good: %s\n", o->model,
               has_sums ? "all checksums are right" : "all weights are finite numbers");
    }
    return code;
}
