/*
 * cmd_quantize.c - lfm quantize: writing a model in smaller types.
 */
#include "cli/shared/common.h"
#include "cli/shared/crash.h"
#include "cli/shared/term.h"
#include "lfm_tools.h"

#include <inttypes.h>
#include <sys/stat.h>

/* Totals over the tensors. */
typedef struct {
    const cli_options *o;
    uint64_t n_weights, from_bytes, to_bytes;
    term_progress progress;
} job;

static void on_tensor(void *ctx, const lfm_quantize_tensor *t) {
    job *j = ctx;
    j->n_weights += t->n_weights;
    j->from_bytes += t->from_bytes;
    j->to_bytes += t->to_bytes;
    if (j->o->dry_run) {
        char name[256];
        err_escape(name, sizeof name, t->name, t->name_len);
        printf("%-36s %-8s -> %-8s %12s -> %12s\n", name, t->from, t->to,
               cli_size(t->from_bytes).text, cli_size(t->to_bytes).text);
    }
}

static bool on_progress(void *ctx, size_t done, size_t total) {
    job *j = ctx;
    term_progress_show(&j->progress, "quantizing", done >> 20, total >> 20);
    return !term_stopped();
}

static double bits_per_weight(uint64_t n_bytes, uint64_t n_weights) {
    return n_weights ? 8.0 * (double)n_bytes / (double)n_weights : 0.0;
}

static void print_summary(FILE *to, const job *j) {
    const cli_text was = cli_size(j->from_bytes);
    const cli_text is = cli_size(j->to_bytes);
    fprintf(to, "%s weights, %s (%.2f bits each) -> %s (%.2f)\n", cli_count(j->n_weights).text,
            was.text, bits_per_weight(j->from_bytes, j->n_weights), is.text,
            bits_per_weight(j->to_bytes, j->n_weights));
}

/* Check for missing arguments, and for an existing file. */
static lfm_status check(const cli_options *o, lfm_error *err) {
    struct stat info;
    if (!o->out || !o->type) {
        return err_set(err, LFM_ERR_ARG, "no %s; use: lfm quantize MODEL OUT TYPE",
                       o->out ? "type" : "output file");
    }
    if (!o->force && !o->dry_run && stat(o->out, &info) == 0 && S_ISREG(info.st_mode)) {
        return err_set(err, LFM_ERR_IO, "%s exists; --force replaces it", o->out);
    }
    return LFM_OK;
}

int cmd_quantize(const cli_options *o) {
    lfm_error err = {0};
    job j = {.o = o};
    const lfm_quantize_options opt = {
        .n_threads = o->n_threads.value > 0 ? (uint32_t)o->n_threads.value : 0,
        .force = o->force,
        .dry_run = o->dry_run,
        .on_tensor = on_tensor,
        .on_progress = on_progress,
        .ctx = &j,
    };
    lfm_status st = check(o, &err);
    if (st == LFM_OK) {
        term_catch_stop(); /* so that Ctrl-C removes OUT.part */
        term_progress_start(&j.progress, cli_progress(o));
        j.progress.unit = "MiB";
        crash_name_file(o->model);
        st = lfm_quantize(o->model, o->out, o->type, &opt, &err);
        term_progress_end(&j.progress);
    }
    if (st != LFM_OK && term_stopped()) { /* interrupted: main then dies by the signal */
        return CLI_FAILED;
    }
    if (st != LFM_OK) return cli_fail(&err);
    if (o->dry_run) {
        print_summary(stdout, &j);
    } else if (!o->quiet) {
        print_summary(stderr, &j);
    }
    return CLI_DONE;
}
