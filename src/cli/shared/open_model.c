/*
 * open_model.c - opening the model that the options name.
 */
#include "cli/shared/common.h"

#include "base/json.h"
#include "cli/shared/crash.h"
#include "cli/shared/input.h"
#include "cli/shared/machine.h"
#include "cli/shared/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Add to the error what the user probably meant. */
static lfm_status explain(const cli_options *o, const lfm_error *why, lfm_error *err) {
    const char *standing = getenv("LFM_MODEL");
    char near[1024] = "";
    const bool missing = access(o->model, F_OK) != 0;
    if (missing && o->model_was_operand && standing && standing[0]) {
        return err_set(err, why->status, "%s. LFM_MODEL is set; did you mean: lfm run -p \"%s\"?",
                       why->text, o->model);
    }
    if (missing) {
        cli_nearest_file(o->model, near, sizeof near);
    }
    if (near[0]) return err_set(err, why->status, "%s. Did you mean '%s'?", why->text, near);
    return err_set(err, why->status, "%s", why->text);
}

lfm_status cli_open_model(lfm_model **out, const cli_options *o, bool vocab_only, lfm_error *err) {
    lfm_model_options opt = {.vocab_only = vocab_only,
                             .isa = o->isa,
                             .no_map = o->no_mmap,
                             .template_kwargs = o->template_kwargs};
    json_out template = {0};
    lfm_error why = {0};
    crash_name_file(o->model);
    lfm_status st = machine_prepare(o, err);
    if (st == LFM_OK && o->template_file) {
        st = input_read_file(&template, o->template_file, INPUT_CODE, err);
        if (st == LFM_OK) st = json_finish(&template, err);
        opt.chat_template = template.ptr;
    }
    if (st == LFM_OK && lfm_model_open(out, o->model, &opt, &why) != LFM_OK) {
        st = explain(o, &why, err);
    }
    json_out_free(&template);
    if (st != LFM_OK) return st;
    const char *warning = lfm_model_warning(*out);
    if (warning[0] && !o->quiet) {
        term_message("%s", warning);
    }
    machine_lock(*out, o);
    return LFM_OK;
}

void cli_describe_template(const lfm_model_info *i, char *out, size_t cap) {
    const char *const parts[] = {i->template_tools ? ", tools" : "",
                                 i->template_calls ? ", tool calls" : "",
                                 i->template_thoughts ? ", thoughts" : "",
                                 i->template_opens_thoughts ? ", answers begin in <think>" : ""};
    snprintf(out, cap, "%s%s%s%s%s", i->template_name, parts[0], parts[1], parts[2], parts[3]);
}
