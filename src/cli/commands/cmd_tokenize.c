/*
 * cmd_tokenize.c - lfm tokenize: text to token ids, and back.
 *
 * No token is added, so that decoding the ids returns exactly the text.
 */
#include "cli/prompt/prompt.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void print_table(const lfm_model *m, const int32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        char piece[512];
        const char *bytes = lfm_token_bytes(m, ids[i], &len);
        err_escape(piece, sizeof piece, bytes, len);
        printf("%7" PRId32 "  '%s'\n", ids[i], piece);
    }
}

static void print_ids(const int32_t *ids, size_t n) {
    for (size_t i = 0; i < n; i++) {
        printf(i ? " %" PRId32 : "%" PRId32, ids[i]);
    }
    putchar('\n');
}

static lfm_status print_json(const lfm_model *m, const int32_t *ids, size_t n, lfm_error *err) {
    json_out out = {0};
    json_begin_object(&out, NULL);
    json_put_int(&out, "count", (int64_t)n);
    json_begin_array(&out, "ids");
    for (size_t i = 0; i < n; i++) {
        json_put_int(&out, NULL, ids[i]);
    }
    json_end_array(&out);
    json_begin_array(&out, "pieces");
    for (size_t i = 0; i < n; i++) {
        size_t len = 0;
        const char *bytes = lfm_token_bytes(m, ids[i], &len);
        json_put_string(&out, NULL, bytes, len);
    }
    json_end_array(&out);
    json_end_object(&out);
    json_write_text(&out, "\n");
    const lfm_status st = json_finish(&out, err);
    if (st == LFM_OK) {
        fwrite(out.ptr, 1, out.len, stdout);
    }
    json_out_free(&out);
    return st;
}

static lfm_status encode(const lfm_model *m, const cli_options *o, const json_out *text,
                         lfm_error *err) {
    int32_t *ids = NULL;
    size_t n = 0;
    lfm_status st = lfm_tokenize(m, text->ptr, text->len, o->special ? LFM_TOKENIZE_SPECIAL : 0,
                                 &ids, &n, err);
    if (st == LFM_OK && o->count) {
        printf("%zu\n", n);
    } else if (st == LFM_OK && o->ids) {
        print_ids(ids, n);
    } else if (st == LFM_OK && o->json) {
        st = print_json(m, ids, n, err);
    } else if (st == LFM_OK) {
        print_table(m, ids, n);
    }
    lfm_free(ids);
    return st;
}

static lfm_status decode(const lfm_model *m, const cli_options *o, const json_out *text,
                         lfm_error *err) {
    int32_t *ids = NULL;
    size_t n = 0;
    const uint32_t n_vocab = lfm_model_get_info(m)->n_vocab;
    json_out decoded = {0};
    lfm_status st = cli_read_ids(text->ptr, "--decode", &ids, &n, err);
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        size_t len = 0;
        if ((uint32_t)ids[i] >= n_vocab) {
            st = err_set(err, LFM_ERR_ARG, "--decode: there is no token %" PRId32
                         "; the vocabulary has %" PRIu32, ids[i], n_vocab);
        } else if (o->special || !lfm_token_is_control(m, ids[i])) {
            const char *bytes = lfm_token_bytes(m, ids[i], &len);
            json_write_raw(&decoded, bytes, len);
        }
    }
    if (st == LFM_OK) st = json_finish(&decoded, err);
    if (st == LFM_OK) {
        cli_print(decoded.ptr, decoded.len);
    }
    json_out_free(&decoded);
    free(ids);
    return st;
}

int cmd_tokenize(const cli_options *o) {
    lfm_error err = {0};
    lfm_model *m = NULL;
    json_out text = {0};
    bool any = false;
    lfm_status st = prompt_read(&text, &any, o, &err);
    if (st == LFM_OK && !any && !text.len) {
        st = err_set(&err, LFM_ERR_ARG, "no text; give it after the model, with -p or -f, or on "
                     "standard input");
    }
    if (st == LFM_OK) st = cli_open_model(&m, o, true, &err);
    if (st == LFM_OK) st = o->decode ? decode(m, o, &text, &err) : encode(m, o, &text, &err);
    lfm_model_close(m);
    json_out_free(&text);
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
