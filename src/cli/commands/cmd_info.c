/*
 * cmd_info.c - lfm info: what is in a file, and what it will cost in memory.
 *
 * Names and values come from the file: everything is made printable before it is shown.
 */
#include "base/json.h"
#include "cli/commands/info_parts.h"
#include "cli/commands/info_plan.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Quantisation --------------------------------------------------------------------------- */

enum { MAX_TYPES = 48 }; /* ggml has fewer */

typedef struct {
    const char *type;
    size_t n_tensors;
    uint64_t n_weights, n_bytes;
} type_share;

static uint64_t n_weights(const lfm_tensor_info *t) {
    uint64_t n = 1; /* the file was checked: this cannot overflow */
    for (uint32_t d = 0; d < t->n_dims; d++) {
        n *= t->dim[d];
    }
    return n;
}

static int by_bytes(const void *a, const void *b) {
    const type_share *x = a;
    const type_share *y = b;
    return x->n_bytes > y->n_bytes ? -1 : x->n_bytes < y->n_bytes ? 1 : strcmp(x->type, y->type);
}

/* The tensor types with their shares, the largest first; returns how many. */
static size_t count_types(const lfm_model *m, type_share share[MAX_TYPES], size_t *n_tensors) {
    size_t n = 0;
    lfm_tensor_info t;
    *n_tensors = 0;
    for (size_t i = 0; lfm_model_tensor(m, i, &t); i++) {
        size_t k = 0;
        while (k < n && strcmp(share[k].type, t.type) != 0) {
            k++;
        }
        if (k == MAX_TYPES) continue;
        if (k == n) {
            share[n++] = (type_share){.type = t.type};
        }
        share[k].n_tensors++;
        share[k].n_weights += n_weights(&t);
        share[k].n_bytes += t.n_bytes;
        ++*n_tensors;
    }
    qsort(share, n, sizeof *share, by_bytes);
    return n;
}

/* ---- Overview ------------------------------------------------------------------------------- */

static void print_file_text(const char *label, const char *text) {
    char shown[512];
    err_escape(shown, sizeof shown, text, strlen(text));
    printf("%-10s %s\n", label, shown);
}

static lfm_status print_overview(const lfm_model *m, const cli_options *o, lfm_error *err) {
    const lfm_model_info *i = lfm_model_get_info(m);
    lfm_sampling s;
    lfm_sampling_default(m, &s, sizeof s);
    char template[100];
    type_share share[MAX_TYPES];
    size_t n_tensors;
    const size_t n_types = count_types(m, share, &n_tensors);
    print_file_text("file", o->model);
    print_file_text("name", i->name);
    printf("size       %s, %s parameters, %.2f bits per weight%s\n",
           cli_size(i->file_bytes).text, cli_count(i->n_params).text,
           i->n_params ? 8.0 * (double)i->tensor_bytes / (double)i->n_params : 0.0,
           i->n_parts > 1 ? ", split" : "");
    printf("model      %s: %" PRIu32 " layers (%" PRIu32 " convolution, %" PRIu32
           " attention), width %" PRIu32 "\n",
           i->arch, i->n_layer, i->n_conv, i->n_attn, i->n_embd);
    printf("attention  %" PRIu32 " heads of %" PRIu32 ", %" PRIu32
           " for keys and values, rope %g\n",
           i->n_head, i->head_dim, i->n_head_kv, (double)i->rope_theta);
    if (i->n_expert) {
        printf("experts    %" PRIu32 " of %" PRIu32 ", width %" PRIu32 "; %" PRIu32
               " dense layers of width %" PRIu32 "\n", i->n_expert_used, i->n_expert,
               i->n_ff_expert, i->n_dense, i->n_ff);
    } else {
        printf("dense      width %" PRIu32 "\n", i->n_ff);
    }
    printf("context    %s tokens\n", cli_grouped(i->n_ctx_max).text);
    printf("vocabulary %s tokens\n", cli_grouped(i->n_vocab).text);
    cli_describe_template(i, template, sizeof template);
    printf("template   %s\n", template);
    printf("sampling   temp %g, top-k %" PRId32 ", top-p %g, min-p %g, repeat penalty %g over %"
           PRId32 " (%s%s%s)\n",
           (double)s.temperature, s.top_k, (double)s.top_p, (double)s.min_p,
           (double)s.repeat_penalty, s.repeat_last_n,
           i->n_sampling_keys ? "general.sampling; " : "",
           i->card[0] ? "the card of " : "no model card is known", i->card);
    printf("kernels    %s\n", i->isa);
    for (size_t k = 0; k < n_types; k++) {
        printf("%-10s %-8s %5zu tensors %12s  %5.1f %%\n", k ? "" : "weights", share[k].type,
               share[k].n_tensors, cli_size(share[k].n_bytes).text,
               100.0 * (double)share[k].n_bytes / (double)i->tensor_bytes);
    }
    return info_print_plan(m, o, err);
}

/* ---- --json --------------------------------------------------------------------------------- */

static void add_facts(json_out *out, const lfm_model_info *i) {
    const struct {
        const char *key;
        uint64_t value;
    } facts[] = {
        {"n_params", i->n_params}, {"file_bytes", i->file_bytes},
        {"tensor_bytes", i->tensor_bytes}, {"token_bytes", i->token_bytes},
        {"n_parts", i->n_parts}, {"n_layer", i->n_layer}, {"n_conv", i->n_conv},
        {"n_attn", i->n_attn}, {"n_dense", i->n_dense}, {"n_embd", i->n_embd},
        {"n_head", i->n_head}, {"n_head_kv", i->n_head_kv}, {"head_dim", i->head_dim},
        {"n_ff", i->n_ff}, {"n_ff_expert", i->n_ff_expert}, {"n_expert", i->n_expert},
        {"n_expert_used", i->n_expert_used}, {"n_vocab", i->n_vocab},
        {"n_ctx_max", i->n_ctx_max},
    };
    for (size_t k = 0; k < sizeof facts / sizeof *facts; k++) {
        json_put_int(out, facts[k].key, (int64_t)facts[k].value);
    }
    json_put_real(out, "rope_theta", (double)i->rope_theta);
    json_put_real(out, "norm_eps", (double)i->norm_eps);
}

static void add_types(json_out *out, const type_share *share, size_t n_types) {
    json_begin_array(out, "types");
    for (size_t k = 0; k < n_types; k++) {
        json_begin_object(out, NULL);
        json_put_text(out, "type", share[k].type);
        json_put_int(out, "tensors", (int64_t)share[k].n_tensors);
        json_put_int(out, "weights", (int64_t)share[k].n_weights);
        json_put_int(out, "bytes", (int64_t)share[k].n_bytes);
        json_end_object(out);
    }
    json_end_array(out);
}

static void add_plan(json_out *out, const info_plan_row *rows, size_t n_rows) {
    json_begin_array(out, "plan");
    for (size_t k = 0; k < n_rows; k++) {
        json_begin_object(out, NULL);
        json_put_int(out, "n_ctx", rows[k].n_tokens);
        json_put_int(out, "state_bytes", (int64_t)rows[k].state_bytes);
        json_put_int(out, "scratch_bytes", (int64_t)rows[k].scratch_bytes);
        if (rows[k].read_s > 0) {
            json_put_real(out, "read_s", rows[k].read_s);
        }
        json_end_object(out);
    }
    json_end_array(out);
}

static void add_probe(json_out *out, const info_ceiling *c) {
    json_begin_object(out, "probe");
    json_put_real(out, "read_bytes_per_s", c->read_bytes_per_s);
    json_put_real(out, "max_tok_s", c->max_tok_s);
    json_put_real(out, "int8_ops_per_s", c->int8_ops_per_s);
    json_put_real(out, "max_prompt_tok_s", c->max_prompt_tok_s);
    json_put_int(out, "threads", c->n_threads);
    json_end_object(out);
}

static lfm_status print_json(const lfm_model *m, const cli_options *o, lfm_error *err) {
    const lfm_model_info *i = lfm_model_get_info(m);
    type_share share[MAX_TYPES];
    info_plan_row rows[INFO_MAX_PLANS];
    size_t n_tensors;
    size_t n_rows = 0;
    const size_t n_types = count_types(m, share, &n_tensors);
    lfm_status st = info_plan(m, o, rows, &n_rows, err);
    if (st != LFM_OK) return st;
    json_out out = {0};
    json_begin_object(&out, NULL);
    json_put_text(&out, "model", cli_base_name(o->model));
    json_put_text(&out, "name", i->name);
    json_put_text(&out, "arch", i->arch);
    json_put_text(&out, "template", i->template_name);
    json_put_text(&out, "isa", i->isa);
    add_facts(&out, i);
    json_put_int(&out, "n_tensors", (int64_t)n_tensors);
    add_types(&out, share, n_types);
    add_plan(&out, rows, n_rows);
    if (o->probe) {
        info_ceiling c = {0};
        st = info_measure(m, o, &c, err);
        add_probe(&out, &c);
    }
    json_end_object(&out);
    json_write_text(&out, "\n");
    if (st == LFM_OK) st = json_finish(&out, err);
    if (st == LFM_OK) {
        fwrite(out.ptr, 1, out.len, stdout);
    }
    json_out_free(&out);
    return st;
}

int cmd_info(const cli_options *o) {
    lfm_error err = {0};
    lfm_model *m = NULL;
    const bool part = o->key || o->tensors || o->chat_template;
    lfm_status st = LFM_OK;
    if (info_print_session(o, &st, &err)) return st == LFM_OK ? CLI_DONE : cli_fail(&err);
    err_clear(&err); /* so it is a model; cli_open_model reports what is wrong with it */
    st = cli_open_model(&m, o, part, &err);
    if (st == LFM_OK && o->key) {
        if (strcmp(o->key, "all") == 0) {
            info_print_keys(m);
        } else {
            st = info_print_key(m, o->key, &err);
        }
    } else if (st == LFM_OK && o->tensors) {
        info_print_tensors(m);
    } else if (st == LFM_OK && o->chat_template) {
        st = info_print_template(m, &err);
    } else if (st == LFM_OK) {
        st = o->json   ? print_json(m, o, &err)
             : o->plan ? info_print_plan(m, o, &err)
                       : print_overview(m, o, &err);
        if (st == LFM_OK && o->probe && !o->json) st = info_print_probe(m, o, &err);
    }
    lfm_model_close(m);
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
