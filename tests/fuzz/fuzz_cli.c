/*
 * fuzz_cli.c - any words as a command line, for every command.
 *
 * The first byte chooses the command and what its operands are; words are separated by newlines.
 */
#include "fuzz.h"

#include "cli/options/options.h"

#include <math.h>
#include <string.h>

enum { MAX_WORDS = 64, N_COMMANDS = 13 };

/* No number may be one that a later conversion to a whole number cannot hold. */
static void check_number(opt_number n) {
    FUZZ_CHECK(!isnan(n.value));
    FUZZ_CHECK(n.given || n.value == 0);
}

static void check_options(const cli_options *o) {
    const opt_number *const numbers[] = {
        &o->n_predict, &o->think_budget, &o->temp, &o->top_k, &o->top_p, &o->min_p, &o->typical,
        &o->repeat_penalty, &o->repeat_last_n, &o->presence_penalty, &o->frequency_penalty,
        &o->seed, &o->n_ctx, &o->n_batch, &o->n_threads, &o->n_keep, &o->n_parallel, &o->limit,
        &o->n_repeat, &o->delay, &o->until, &o->fail_if_slower, &o->chunks,
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        check_number(*numbers[i]);
    }
    FUZZ_CHECK(o->n_ctx.value >= 0 && o->n_ctx.value <= 4294967295.0);
    FUZZ_CHECK(o->n_batch.value >= 0 && o->n_batch.value <= 4294967295.0);
    for (size_t i = 0; i < o->n_bias; i++) {
        FUZZ_CHECK(o->bias[i].token >= 0 && !isnan(o->bias[i].bias));
    }
    for (size_t i = 0; i < o->n_stops; i++) {
        FUZZ_CHECK(o->stops[i][0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const cli_command command = {
        .name = "x",
        .bit = 1u << data[0] % N_COMMANDS,
        .after = (opt_after)(data[0] / N_COMMANDS % (AFTER_CHOICES + 1)),
    };
    char *text = malloc(size);
    char *argv[MAX_WORDS + 1];
    int argc = 0;
    FUZZ_CHECK(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    for (char *p = text; argc < MAX_WORDS; p = strchr(p, '\0') + 1) {
        char *end = strchr(p, '\n');
        argv[argc++] = p;
        if (!end) {
            break;
        }
        *end = '\0';
    }
    argv[argc] = NULL;
    cli_options o;
    lfm_error err = {0};
    if (opt_parse(&o, &command, argc, argv, &err) == LFM_OK) {
        if (!o.help) {
            check_options(&o);
        }
    } else {
        FUZZ_CHECK(err.status == LFM_ERR_ARG || err.status == LFM_ERR_MEMORY);
        FUZZ_CHECK_ERROR(err);
    }
    opt_drop(&o);
    free(text);
    return 0;
}
