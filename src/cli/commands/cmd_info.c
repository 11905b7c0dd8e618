/*
 * cmd_info.c - lfm info: what is in a file, and what it will cost in memory.
 *
 * Names and values come from the file: everything is made printable before it is shown.
 */
#include "cli/shared/common.h"

#include "base/json.h"
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
        if (k == MAX_TYPES) {
            continue;
        }
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

/* ---- The memory plan ------------------------------------------------------------------------ */

typedef struct {
    uint32_t n_tokens;
    uint64_t state_bytes, scratch_bytes;
} plan_row;

enum { N_PLANS = 4 };

/* The memory for contexts of a few lengths, or of -c alone. */
static lfm_status make_plan(const lfm_model *m, const cli_options *o, plan_row rows[N_PLANS],
                            size_t *n, lfm_error *err) {
    const uint32_t most = lfm_model_get_info(m)->n_ctx_max;
    const lfm_session_options opt = cli_session_options(o);
    const uint32_t lengths[N_PLANS] = {1024, 8192, 32768, most};
    *n = 0;
    for (size_t i = 0; i < N_PLANS; i++) {
        const uint32_t length = opt.n_ctx ? opt.n_ctx : lengths[i];
        if (i + 1 < N_PLANS && length >= most && !opt.n_ctx) {
            continue;
        }
        plan_row *row = &rows[(*n)++];
        row->n_tokens = length;
        const lfm_status st = lfm_session_plan(m, &opt, length, &row->state_bytes,
                                               &row->scratch_bytes, err);
        if (st != LFM_OK) {
            return st;
        }
        if (opt.n_ctx) {
            break;
        }
    }
    return LFM_OK;
}

static lfm_status print_plan(const lfm_model *m, const cli_options *o, lfm_error *err) {
    plan_row rows[N_PLANS];
    size_t n = 0;
    const lfm_model_info *info = lfm_model_get_info(m);
    const lfm_status st = make_plan(m, o, rows, &n, err);
    if (st != LFM_OK) {
        return st;
    }
    printf("memory     weights %s, mapped from the file; %s of them are read for every token\n",
           cli_size(info->tensor_bytes).text, cli_size(info->token_bytes).text);
    for (size_t i = 0; i < n; i++) {
        printf("           context %7s   state %10s   scratch %10s\n",
               cli_grouped(rows[i].n_tokens).text, cli_size(rows[i].state_bytes).text,
               cli_size(rows[i].scratch_bytes).text);
    }
    return LFM_OK;
}

/* ---- Overview ------------------------------------------------------------------------------- */

static void print_file_text(const char *label, const char *text) {
    char shown[512];
    err_escape(shown, sizeof shown, text, strlen(text));
    printf("%-10s %s\n", label, shown);
}

static lfm_status print_overview(const lfm_model *m, const cli_options *o, lfm_error *err) {
    const lfm_model_info *i = lfm_model_get_info(m);
    const lfm_sampling s = lfm_sampling_default(m);
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
    printf("template   %s\n", i->template_name[0] ? i->template_name : "none");
    printf("sampling   temp %g, top-k %" PRId32 ", min-p %g, repeat penalty %g\n",
           (double)s.temperature, s.top_k, (double)s.min_p, (double)s.repeat_penalty);
    printf("kernels    %s\n", i->isa);
    for (size_t k = 0; k < n_types; k++) {
        printf("%-10s %-8s %5zu tensors %12s  %5.1f %%\n", k ? "" : "weights", share[k].type,
               share[k].n_tensors, cli_size(share[k].n_bytes).text,
               100.0 * (double)share[k].n_bytes / (double)i->tensor_bytes);
    }
    return print_plan(m, o, err);
}

/* ---- --probe -------------------------------------------------------------------------------- */

/* The speed limit of memory: decoding a token reads its share of the weights once. */
typedef struct {
    double read_bytes_per_s;
    double max_tok_s;
    uint32_t n_threads;
} ceiling;

static lfm_status measure(const lfm_model *m, const cli_options *o, ceiling *c, lfm_error *err) {
    lfm_session *s = NULL;
    lfm_status st = cli_new_session(&s, m, o, err);
    if (st == LFM_OK) {
        st = lfm_read_bandwidth(s, &c->read_bytes_per_s, err);
        c->n_threads = lfm_session_n_threads(s);
        c->max_tok_s = c->read_bytes_per_s / (double)lfm_model_get_info(m)->token_bytes;
    }
    lfm_session_free(s);
    return st;
}

static lfm_status print_probe(const lfm_model *m, const cli_options *o, lfm_error *err) {
    ceiling c = {0};
    const lfm_status st = measure(m, o, &c, err);
    if (st == LFM_OK) {
        printf("speed      at most %.0f tok/s: %" PRIu32 " thread%s read %.1f GB/s, and a token "
               "takes %s\n", c.max_tok_s, c.n_threads, c.n_threads == 1 ? "" : "s",
               c.read_bytes_per_s * 1e-9, cli_size(lfm_model_get_info(m)->token_bytes).text);
    }
    return st;
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

static void add_plan(json_out *out, const plan_row *rows, size_t n_rows) {
    json_begin_array(out, "plan");
    for (size_t k = 0; k < n_rows; k++) {
        json_begin_object(out, NULL);
        json_put_int(out, "n_ctx", rows[k].n_tokens);
        json_put_int(out, "state_bytes", (int64_t)rows[k].state_bytes);
        json_put_int(out, "scratch_bytes", (int64_t)rows[k].scratch_bytes);
        json_end_object(out);
    }
    json_end_array(out);
}

static void add_probe(json_out *out, const ceiling *c) {
    json_begin_object(out, "probe");
    json_put_real(out, "read_bytes_per_s", c->read_bytes_per_s);
    json_put_real(out, "max_tok_s", c->max_tok_s);
    json_put_int(out, "threads", c->n_threads);
    json_end_object(out);
}

static lfm_status print_json(const lfm_model *m, const cli_options *o, lfm_error *err) {
    const lfm_model_info *i = lfm_model_get_info(m);
    type_share share[MAX_TYPES];
    plan_row rows[N_PLANS];
    size_t n_tensors;
    size_t n_rows = 0;
    const size_t n_types = count_types(m, share, &n_tensors);
    lfm_status st = make_plan(m, o, rows, &n_rows, err);
    if (st != LFM_OK) {
        return st;
    }
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
        ceiling c = {0};
        st = measure(m, o, &c, err);
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

/* ---- Parts of the file ---------------------------------------------------------------------- */

static void print_tensors(const lfm_model *m) {
    lfm_tensor_info t;
    for (size_t i = 0; lfm_model_tensor(m, i, &t); i++) {
        char name[256];
        char dims[96] = "";
        size_t len = 0;
        err_escape(name, sizeof name, t.name, t.name_len);
        for (uint32_t d = 0; d < t.n_dims && len < sizeof dims; d++) {
            len += (size_t)snprintf(dims + len, sizeof dims - len, "%s%" PRIu64, d ? " x " : "",
                                    t.dim[d]);
        }
        printf("%-36s %-8s %-24s %12s\n", name, t.type, dims, cli_size(t.n_bytes).text);
    }
}

static void print_keys(const lfm_model *m) {
    const char *key;
    const char *type;
    size_t len;
    char value[120];
    for (size_t i = 0; lfm_model_key(m, i, &key, &len, &type, value, sizeof value); i++) {
        char name[128];
        char shown[480];
        err_escape(name, sizeof name, key, len);
        err_escape(shown, sizeof shown, value, strlen(value));
        printf("%-44s %-10s %s\n", name, type, shown);
    }
}

/* Print one value: strings whole, others as in the listing, but longer. */
static lfm_status print_key(const lfm_model *m, const char *wanted, lfm_error *err) {
    enum { LONGEST = 1 << 20 };
    const char *key;
    const char *type;
    const char *text;
    size_t len;
    char probe[2];
    if (lfm_model_key_string(m, wanted, &text, &len)) {
        cli_print(text, len);
        putchar('\n');
        return LFM_OK;
    }
    for (size_t i = 0; lfm_model_key(m, i, &key, &len, &type, probe, sizeof probe); i++) {
        if (len == strlen(wanted) && memcmp(key, wanted, len) == 0) {
            char *value = malloc(LONGEST);
            if (!value) {
                return err_set(err, LFM_ERR_MEMORY, "out of memory for the value of a key");
            }
            lfm_model_key(m, i, &key, &len, &type, value, LONGEST);
            cli_print(value, strlen(value));
            putchar('\n');
            free(value);
            return LFM_OK;
        }
    }
    return err_set(err, LFM_ERR_FORMAT, "the file has no key '%s'; --kv all lists them", wanted);
}

static lfm_status print_template(const lfm_model *m, lfm_error *err) {
    const char *text;
    size_t len;
    if (!lfm_model_key_string(m, "tokenizer.chat_template", &text, &len)) {
        return err_set(err, LFM_ERR_FORMAT, "the file has no chat template");
    }
    cli_print(text, len);
    putchar('\n');
    return LFM_OK;
}

/* ---- Sessions ------------------------------------------------------------------------------- */

static const char *note_kind(const json_value *root, size_t note_len) {
    return note_len == 0 ? "a prompt cache (for --prompt-cache)"
         : json_get(root, "messages") ? "a conversation (for --session)"
                                      : "a text (for --session with --raw)";
}

/* A session file; false when the file is none, and then nothing is printed. */
static bool print_session(const cli_options *o, lfm_status *st, lfm_error *err) {
    static const char *const kinds[] = {"f16", "f32", "q8"};
    lfm_session_info info = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    bool is_session = false;
    char *note = NULL;
    size_t note_len = 0;
    *st = lfm_session_describe(o->model, &info, &is_session, &note, &note_len, err);
    if (is_session && *st == LFM_OK) {
        const bool readable = note_len > 0 && json_parse(&doc, note, note_len, &why) == LFM_OK;
        const json_value *root = readable ? doc.root : NULL;
        const json_value *messages = json_get(root, "messages");
        printf(o->json ? "{\"session\": {\"version\": %u, \"tokens\": %u, \"messages\": %zu, "
                         "\"kv\": \"%s\", \"bytes\": %" PRIu64 ", \"vocabulary\": %u, "
                         "\"model\": \"%016" PRIx64 "\"}}\n"
                       : "session file of version %u\ntokens      %u\nmessages    %zu\n"
                         "cache       %s\nsize        %" PRIu64 " bytes\nvocabulary  %u tokens\n"
                         "model       %016" PRIx64 "\n",
               info.version, info.n_tokens, messages ? messages->n : 0, kinds[info.kv],
               info.file_bytes, info.n_vocab, info.model);
        if (!o->json) {
            printf("kind        %s\n", note_kind(root, note_len));
        }
    }
    json_doc_free(&doc);
    lfm_free(note);
    return is_session;
}

int cmd_info(const cli_options *o) {
    lfm_error err = {0};
    lfm_model *m = NULL;
    const bool part = o->key || o->tensors || o->chat_template;
    lfm_status st = LFM_OK;
    if (print_session(o, &st, &err)) {
        return st == LFM_OK ? CLI_DONE : cli_fail(&err);
    }
    err_clear(&err); /* so it is a model; cli_open_model reports what is wrong with it */
    st = cli_open_model(&m, o, part, &err);
    if (st == LFM_OK && o->key) {
        if (strcmp(o->key, "all") == 0) {
            print_keys(m);
        } else {
            st = print_key(m, o->key, &err);
        }
    } else if (st == LFM_OK && o->tensors) {
        print_tensors(m);
    } else if (st == LFM_OK && o->chat_template) {
        st = print_template(m, &err);
    } else if (st == LFM_OK) {
        st = o->json ? print_json(m, o, &err) : o->plan ? print_plan(m, o, &err)
                                                        : print_overview(m, o, &err);
        if (st == LFM_OK && o->probe && !o->json) st = print_probe(m, o, &err);
    }
    lfm_model_close(m);
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
