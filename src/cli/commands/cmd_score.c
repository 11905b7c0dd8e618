/*
 * cmd_score.c - lfm score: how well a model predicts a text, alone or beside another.
 *
 * Perplexity is computed as in llama-perplexity, so that figures can be compared: the text is cut
 * into windows of -c tokens, each window begins with BOS, and its second half is scored, so that
 * every scored token has at least half a window of context.
 */
#include "cli/commands/divergence.h"
#include "cli/prompt/prompt.h"
#include "cli/shared/common.h"
#include "cli/shared/crash.h"
#include "cli/shared/output.h"
#include "cli/shared/sandbox.h"
#include "cli/shared/term.h"
#include "cli/shared/tune.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WINDOW = 512, PIECE = 64 }; /* tokens; PIECE: whose logits are in memory at once */

#define LOGITS_MAGIC "LFMLOGIT"

/* The head of a file of --save-logits.  The tokens of all windows follow (int32), then the logits
 * of every scored position (float [n_vocab] each). */
typedef struct {
    char magic[8];
    uint32_t n_vocab, window;
    uint64_t n_windows;
} logits_head;

/* The logits to compare with: from another model, or from a file. */
typedef struct {
    lfm_model *model;
    lfm_session *session;
    FILE *file;
    moments nll;
} base_logits;

typedef struct {
    const cli_options *o;
    lfm_model *model;
    lfm_session *session;
    size_t n_vocab;
    int32_t *tokens;
    size_t n_tokens;
    size_t window, n_windows;
    base_logits base;
    output save;            /* --save-logits */
    float *logits, *other;  /* [PIECE][n_vocab] */
    moments nll;
    divergence div;
    term_progress progress;
} score;

/* ---- Preparing ------------------------------------------------------------------------------ */

static lfm_status read_tokens(score *s, lfm_error *err) {
    json_out text = {0};
    bool any = false;
    lfm_status st = prompt_read(&text, &any, s->o, err);
    if (st == LFM_OK && text.len == 0) {
        st = err_set(err, LFM_ERR_ARG, "no text; give one with -f FILE or -p, or on standard "
                     "input");
    }
    if (st == LFM_OK) {
        st = lfm_tokenize(s->model, text.ptr, text.len, LFM_TOKENIZE_BOS, &s->tokens, &s->n_tokens,
                          err);
    }
    json_out_free(&text);
    return st;
}

static lfm_status plan_windows(score *s, lfm_error *err) {
    const uint32_t most = lfm_model_get_info(s->model)->n_ctx_max;
    s->window = s->o->n_ctx.value > 0 ? (size_t)s->o->n_ctx.value : WINDOW;
    if (s->window < 4 || s->window > most) {
        return err_set(err, LFM_ERR_ARG,
                       "-c %zu: windows must have 4 to %" PRIu32 " tokens", s->window,
                       most);
    }
    s->n_windows = s->n_tokens / s->window;
    if (s->n_windows == 0) {
        return err_set(err, LFM_ERR_ARG, "the text has %zu tokens, and a window %zu. Use a longer "
                       "text, a smaller -c, or --per-token", s->n_tokens, s->window);
    }
    if (s->o->chunks.value > 0 && (double)s->n_windows > s->o->chunks.value) {
        s->n_windows = (size_t)s->o->chunks.value;
    }
    return LFM_OK;
}

/* Put BOS at the beginning of every window. */
static void begin_windows(score *s) {
    const int32_t bos = lfm_token_bos(s->model);
    for (size_t w = 0; w < s->n_windows && bos >= 0 && s->tokens[0] == bos; w++) {
        s->tokens[w * s->window] = bos;
    }
}

static lfm_status open_session(lfm_session **out, const lfm_model *m, const cli_options *o,
                               size_t window, lfm_error *err) {
    lfm_session_options opt = cli_session_options(o);
    tune_begin(&opt, !o->quiet && !o->cpus);
    opt.n_ctx = (uint32_t)window;
    return lfm_session_new(out, m, &opt, err);
}

static lfm_status check_saved(score *s, lfm_error *err) {
    logits_head head;
    const size_t n = s->n_windows * s->window;
    FILE *f = s->base.file;
    if (fread(&head, sizeof head, 1, f) != 1 || head.n_vocab != s->n_vocab ||
        head.window != s->window || head.n_windows < s->n_windows) {
        return err_set(err, LFM_ERR_UNSUPPORTED,
                       "%s was saved with another vocabulary, with another -c, or for less text",
                       s->o->against);
    }
    for (size_t i = 0; i < head.n_windows * s->window; i++) {
        int32_t token = -1;
        if (fread(&token, sizeof token, 1, f) != 1 || (i < n && token != s->tokens[i])) {
            return err_set(err, LFM_ERR_UNSUPPORTED, "%s was saved for another text",
                           s->o->against);
        }
    }
    return LFM_OK;
}

/* --against: the first bytes tell a file of logits from a model. */
static lfm_status open_base(score *s, lfm_error *err) {
    char magic[8] = "";
    const lfm_model_options opt = {.isa = s->o->isa};
    FILE *f = fopen(s->o->against, "rb");
    if (!f) return err_set(err, LFM_ERR_IO, "cannot open %s: %s", s->o->against, strerror(errno));
    if (fread(magic, sizeof magic, 1, f) == 1 && memcmp(magic, LOGITS_MAGIC, sizeof magic) == 0) {
        s->base.file = f;
        return fseek(f, 0, SEEK_SET) == 0 ? check_saved(s, err)
                                          : err_set(err, LFM_ERR_IO, "cannot read %s: %s",
                                                    s->o->against, strerror(errno));
    }
    fclose(f);
    crash_name_file(s->o->against);
    lfm_status st = lfm_model_open(&s->base.model, s->o->against, &opt, err);
    if (st == LFM_OK && lfm_model_get_info(s->base.model)->n_vocab != s->n_vocab) {
        st = err_set(err, LFM_ERR_UNSUPPORTED, "%s has another vocabulary (%" PRIu32 " tokens, not "
                     "%zu)", s->o->against, lfm_model_get_info(s->base.model)->n_vocab, s->n_vocab);
    }
    return st == LFM_OK ? open_session(&s->base.session, s->base.model, s->o, s->window, err) : st;
}

static lfm_status begin_saving(score *s, lfm_error *err) {
    const logits_head head = {
        .magic = LOGITS_MAGIC, .n_vocab = (uint32_t)s->n_vocab, .window = (uint32_t)s->window,
        .n_windows = s->n_windows,
    };
    lfm_status st = output_open(&s->save, s->o->save_logits, err);
    if (st == LFM_OK) st = output_write(&s->save, (const char *)&head, sizeof head, err);
    if (st == LFM_OK) {
        st = output_write(&s->save, (const char *)s->tokens,
                          s->n_windows * s->window * sizeof *s->tokens, err);
    }
    return st;
}

/* ---- Scoring -------------------------------------------------------------------------------- */

static lfm_status print_token(score *s, int32_t token, double log_p, bool scored, lfm_error *err) {
    size_t n = 0;
    const char *bytes = lfm_token_bytes(s->model, token, &n);
    json_out text = {0};
    json_write_string(&text, bytes, n);
    const lfm_status st = json_finish(&text, err);
    if (st == LFM_OK && scored) {
        printf("%" PRId32 "\t%.6f\t%s\n", token, log_p, text.ptr);
    } else if (st == LFM_OK) {
        printf("%" PRId32 "\t-\t%s\n", token, text.ptr);
    }
    json_out_free(&text);
    return st;
}

/* The logits of the base for n tokens, into s->other. */
static lfm_status base_eval(score *s, const int32_t *tokens, size_t n, lfm_error *err) {
    if (!s->base.file) return lfm_eval_all(s->base.session, tokens, n, s->other, err);
    if (fread(s->other, s->n_vocab * sizeof *s->other, n, s->base.file) != n) {
        return err_set(err, LFM_ERR_FORMAT, "%s is cut off", s->o->against);
    }
    return LFM_OK;
}

static double surprise(const float *logits, size_t n_vocab, int32_t next) {
    return log_sum_exp(logits, n_vocab) - (double)logits[next];
}

/* Score next[n], whose logits are in s->logits. */
static lfm_status score_piece(score *s, const int32_t *next, size_t n, lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = 0; i < n && st == LFM_OK; i++) {
        const float *logits = s->logits + i * s->n_vocab;
        const double nll = surprise(logits, s->n_vocab, next[i]);
        moments_add(&s->nll, nll);
        if (s->o->per_token) st = print_token(s, next[i], -nll, true, err);
        if (s->o->against) {
            const float *other = s->other + i * s->n_vocab;
            moments_add(&s->base.nll, surprise(other, s->n_vocab, next[i]));
            st = divergence_add(&s->div, other, logits, s->n_vocab, next[i], err);
        }
    }
    if (st == LFM_OK && s->o->save_logits) {
        st = output_write(&s->save, (const char *)s->logits, n * s->n_vocab * sizeof *s->logits,
                          err);
    }
    return st;
}

/* Score what follows each of tokens[first .. n - 2]; those before are evaluated already. */
static lfm_status score_from(score *s, const int32_t *tokens, size_t first, size_t n,
                             lfm_error *err) {
    lfm_status st = LFM_OK;
    for (size_t i = first; i + 1 < n && st == LFM_OK && !term_stopped();) {
        const size_t left = n - 1 - i;
        const size_t step = left < PIECE ? left : PIECE;
        st = lfm_eval_all(s->session, tokens + i, step, s->logits, err);
        if (st == LFM_OK && s->o->against) st = base_eval(s, tokens + i, step, err);
        if (st == LFM_OK) st = score_piece(s, tokens + i + 1, step, err);
        i += step;
    }
    return st;
}

static lfm_status score_window(score *s, const int32_t *tokens, lfm_error *err) {
    const size_t first = s->window / 2;
    lfm_session_reset(s->session);
    lfm_status st = lfm_eval(s->session, tokens, first, err);
    if (st == LFM_OK && s->base.session) {
        lfm_session_reset(s->base.session);
        st = lfm_eval(s->base.session, tokens, first, err);
    }
    return st == LFM_OK ? score_from(s, tokens, first, s->window, err) : st;
}

static lfm_status score_windows(score *s, lfm_error *err) {
    lfm_status st = LFM_OK;
    s->progress.unit = "windows";
    for (size_t w = 0; w < s->n_windows && st == LFM_OK && !term_stopped(); w++) {
        st = score_window(s, s->tokens + w * s->window, err);
        term_progress_show(&s->progress, "scoring", w + 1, s->n_windows);
    }
    return st;
}

/* --per-token: the whole text is one window; a line for each token. */
static lfm_status score_tokens(score *s, lfm_error *err) {
    if (s->n_tokens > lfm_model_get_info(s->model)->n_ctx_max) {
        return err_set(err, LFM_ERR_FULL, "the text has %zu tokens; --per-token takes at most %"
                       PRIu32, s->n_tokens, lfm_model_get_info(s->model)->n_ctx_max);
    }
    const lfm_status st = print_token(s, s->tokens[0], 0.0, false, err);
    return st == LFM_OK ? score_from(s, s->tokens, 0, s->n_tokens, err) : st;
}

/* ---- Results -------------------------------------------------------------------------------- */

/* exp of a mean; its error to first order. */
static double perplexity(const moments *nll, double *error) {
    const double ppl = exp(moments_mean(nll));
    *error = ppl * moments_error(nll);
    return ppl;
}

static void print_text(score *s) {
    double error = 0.0;
    const double ppl = perplexity(&s->nll, &error);
    printf("perplexity  %.4f +- %.4f   (%zu tokens scored, %zu windows of %zu)\n", ppl, error,
           s->nll.n, s->n_windows, s->window);
    if (!s->o->against) return;
    double base_error = 0.0;
    const double base = perplexity(&s->base.nll, &base_error);
    printf("base        %.4f +- %.4f   (%s)\n", base, base_error, cli_base_name(s->o->against));
    printf("ratio       %.6f\n", ppl / base);
    printf("KL          mean %.6f +- %.6f nats, median %.6f, 90 %% %.6f, 99 %% %.6f, most %.6f\n",
           moments_mean(&s->div.kl), moments_error(&s->div.kl), divergence_percentile(&s->div, 0.5),
           divergence_percentile(&s->div, 0.9), divergence_percentile(&s->div, 0.99),
           divergence_percentile(&s->div, 1.0));
    printf("probability of the true token: off by %.3f %% (root mean square)\n",
           100.0 * sqrt(moments_mean(&s->div.delta_p)));
    printf("same top    %.3f +- %.3f %%\n", 100.0 * moments_mean(&s->div.same_top),
           100.0 * moments_error(&s->div.same_top));
}

static void print_json(score *s) {
    double error = 0.0;
    const double ppl = perplexity(&s->nll, &error);
    printf("{\"perplexity\": %.6f, \"error\": %.6f, \"nll\": %.8f, \"tokens_scored\": %zu, "
           "\"windows\": %zu, \"window\": %zu", ppl, error, moments_mean(&s->nll), s->nll.n,
           s->n_windows, s->window);
    if (s->o->against) {
        double base_error = 0.0;
        const double base = perplexity(&s->base.nll, &base_error);
        printf(", \"base_perplexity\": %.6f, \"kl_mean\": %.8f, \"kl_error\": %.8f, "
               "\"kl_median\": %.8f, \"kl_90\": %.8f, \"kl_99\": %.8f, \"kl_max\": %.8f, "
               "\"same_top\": %.6f", base, moments_mean(&s->div.kl), moments_error(&s->div.kl),
               divergence_percentile(&s->div, 0.5), divergence_percentile(&s->div, 0.9),
               divergence_percentile(&s->div, 0.99), divergence_percentile(&s->div, 1.0),
               moments_mean(&s->div.same_top));
    }
    puts("}");
}

/* ---- The command ---------------------------------------------------------------------------- */

static lfm_status prepare(score *s, lfm_error *err) {
    lfm_status st = cli_open_model(&s->model, s->o, false, err);
    if (st != LFM_OK) return st;
    s->n_vocab = lfm_model_get_info(s->model)->n_vocab;
    st = read_tokens(s, err);
    if (st == LFM_OK && s->o->per_token) {
        s->window = s->n_tokens > 4 ? s->n_tokens : 4;
    } else if (st == LFM_OK) {
        st = plan_windows(s, err);
        begin_windows(s);
    }
    if (st == LFM_OK) st = open_session(&s->session, s->model, s->o, s->window, err);
    if (st == LFM_OK && s->o->against) st = open_base(s, err);
    if (st != LFM_OK) return st;
    s->logits = malloc(2 * PIECE * s->n_vocab * sizeof *s->logits);
    if (!s->logits) return err_no_memory(err, "logits");
    s->other = s->logits + PIECE * s->n_vocab;
    return LFM_OK;
}

static lfm_status run(score *s, lfm_error *err) {
    lfm_status st = prepare(s, err);
    term_catch_stop();
    if (st == LFM_OK && s->o->save_logits) st = begin_saving(s, err);
    if (st != LFM_OK) return st;
    if (!s->o->no_sandbox) {
        sandbox_enter(s->o->save_logits ? SANDBOX_FILES : SANDBOX_CLOSED);
    }
    term_progress_start(&s->progress, cli_progress(s->o));
    st = s->o->per_token ? score_tokens(s, err) : score_windows(s, err);
    term_progress_end(&s->progress);
    if (s->o->save_logits) {
        const lfm_status closed = output_close(&s->save, st == LFM_OK && !term_stopped(), err);
        if (st == LFM_OK) st = closed;
    }
    if (st == LFM_OK && !term_stopped() && !s->o->per_token) {
        if (s->o->json) {
            print_json(s);
        } else {
            print_text(s);
        }
    }
    return st;
}

static lfm_status check(const cli_options *o, lfm_error *err) {
    if (o->per_token && (o->against || o->save_logits || o->json)) {
        return err_set(err, LFM_ERR_ARG,
                       "--per-token prints its own table; --against, --save-logits and --json "
                       "cannot be used with it");
    }
    return LFM_OK;
}

int cmd_score(const cli_options *o) {
    score s = {.o = o, .save = {.fd = -1}};
    lfm_error err = {0};
    lfm_status st = check(o, &err);
    if (st == LFM_OK) st = run(&s, &err);
    if (s.base.file) {
        fclose(s.base.file);
    }
    lfm_session_free(s.base.session);
    lfm_model_close(s.base.model);
    lfm_session_free(s.session);
    lfm_model_close(s.model);
    lfm_free(s.tokens);
    free(s.logits);
    divergence_drop(&s.div);
    if (st != LFM_OK && term_stopped()) { /* interrupted: main ends by the signal */
        return CLI_FAILED;
    }
    return st == LFM_OK ? CLI_DONE : cli_fail(&err);
}
