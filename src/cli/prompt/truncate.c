/*
 * truncate.c - cutting a prompt that is too long for the context: --truncate.
 */
#include "cli/prompt/truncate.h"

#include <string.h>

size_t truncate_limit(const cli_options *o, size_t n_ctx) {
    const double wanted = o->n_predict.given ? o->n_predict.value : -1;
    const size_t most = n_ctx - n_ctx / 4;
    if (wanted < 0) return most;
    return n_ctx - (wanted < (double)most ? (size_t)wanted : most);
}

static bool inside_character(const json_out *text, size_t at) {
    return at < text->len && ((unsigned char)text->ptr[at] & 0xc0) == 0x80;
}

/* Cut out bytes [from, to), and the rest of a character at either end. */
static void cut(json_out *text, size_t from, size_t to) {
    while (from > 0 && inside_character(text, from)) {
        from--;
    }
    while (inside_character(text, to)) {
        to++;
    }
    memmove(text->ptr + from, text->ptr + to, text->len - to);
    text->len -= to - from;
    text->ptr[text->len] = '\0';
}

lfm_status truncate_text(json_out *text, const lfm_model *m, opt_truncate how, int flags,
                         size_t n_drop, lfm_error *err) {
    int32_t *tokens = NULL;
    size_t n = 0;
    size_t at[2] = {0, 0}; /* the bytes to cut: [at[0], at[1]) */
    lfm_status st = lfm_tokenize(m, text->ptr, text->len, flags & LFM_TOKENIZE_SPECIAL, &tokens, &n,
                                 err);
    if (st == LFM_OK && n_drop >= n) {
        st = err_set(err, LFM_ERR_FULL,
                     "even without the prompt there is no room: what surrounds it (system prompt, "
                     "template, earlier turns) fills the context. Use -c 0, or a smaller -n");
    }
    if (st == LFM_OK) {
        const size_t first = how == TRUNCATE_HEAD ? 0 : how == TRUNCATE_TAIL ? n - n_drop
                                                                            : (n - n_drop) / 2;
        for (size_t i = 0; i < first + n_drop; i++) {
            size_t n_bytes = 0;
            (void)lfm_token_bytes(m, tokens[i], &n_bytes);
            at[0] += i < first ? n_bytes : 0;
            at[1] += n_bytes;
        }
        cut(text, at[0], at[1] < text->len ? at[1] : text->len);
    }
    lfm_free(tokens);
    return st;
}

/* The text around the cut may tokenize differently, so repeat until the prompt fits. */
lfm_status truncate_to_fit(json_out *text, const lfm_model *m, const cli_options *o, size_t n_ctx,
                           size_t n, truncate_again_fn *again, void *ctx, size_t *n_cut,
                           lfm_error *err) {
    const size_t limit = truncate_limit(o, n_ctx);
    const size_t n_all = n;
    const int flags = o->raw && !o->no_special ? LFM_TOKENIZE_SPECIAL : 0;
    lfm_status st = LFM_OK;
    while (st == LFM_OK && n > limit) {
        st = truncate_text(text, m, (opt_truncate)o->truncate, flags, n - limit, err);
        if (st == LFM_OK) st = again(ctx, &n, err);
    }
    *n_cut = n < n_all ? n_all - n : 0;
    return st;
}

const char *truncate_place(opt_truncate how) {
    static const char *const places[] = {"", "beginning", "end", "middle"};
    return places[how];
}
