/*
 * schema_walk.c - what the grammars of JSON schemas let through: given values, and random answers.
 *
 *     schema_walk check FILE...   every `yes` must be possible, every `no` impossible
 *         --may-fail=N            this many lines at most that are not as expected (0)
 *     schema_walk walk FILE...    random complete answers, one JSON line for each schema
 *         --answers=N             for each schema (100)
 *         --seed=N                other answers (1)
 *         --room=BYTES            from the half of it on, answers are brought to an end (400)
 *         --model=FILE            its tokens instead of the 256 bytes
 *         --only=N                the N-th line only
 *
 * A line of FILE is {"schema": ..} or {"tools": [..]}, with "case", "yes": [..], "no": [..] and
 * "refused": ".." where it has them; a string of `yes` or `no` of tools is a whole answer.  Given
 * values are written as grammars write JSON: as they stand, and with members in the order of
 * `properties`.  Everything goes through lfm.h, so what stands beside a grammar is walked too.
 */
#include "../support/vocab.h"
#include "api/internal.h"
#include "base/json.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct {
    bool walks;
    size_t n_answers, room, only, may_fail;
    uint64_t seed;
    const char *model_file;
} options;

typedef struct {
    options o;
    const lfm_model *model;
    size_t n_vocab, number; /* number of the line, from 1, over all files */
    float *logits;          // [n_vocab]
    int32_t *allowed;       // [n_vocab]
    size_t n_cases, n_bad; /* lines, and complaints about them */
    size_t n_bad_lines;
} walker;

/* The processor's, so that other programs do not count. */
static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void give_up(const char *what) {
    fprintf(stderr, "schema_walk: %s\n", what);
    exit(1);
}

/* ---- The vocabulary -------------------------------------------------------------------------- */

static const lfm_model *byte_model(void) {
    static lfm_model whole; /* nothing but a vocabulary */
    static const vocab_token extra[] = {
        {"<s>", 3}, {"<|im_end|>", 3}, {"<|tool_call_start|>", 3}, {"<|tool_call_end|>", 3},
    };
    static const char *const ids[] = {"eos", "1"};
    static const vocab_spec spec = {.extra = extra, .n_extra = 4, .ids = ids, .n_ids = 1};
    static gguf_file file;
    size_t n = 0;
    lfm_error err = {0};
    uint8_t *bytes = vocab_file(&spec, &n);
    if (gguf_parse(&file, bytes, n, "bytes", &err) != LFM_OK ||
        tok_load(&whole.tok, &file, &err) != LFM_OK) {
        give_up(err.text);
    }
    gguf_close(&file);
    free(bytes);
    return &whole;
}

static const lfm_model *open_model(const char *path) {
    lfm_model *m = NULL;
    lfm_error err = {0};
    const lfm_model_options opt = {.vocab_only = true};
    if (!path) return byte_model();
    if (lfm_model_open(&m, path, &opt, &err) != LFM_OK) give_up(err.text);
    return m;
}

/* ---- One schema ------------------------------------------------------------------------------ */

typedef struct {
    lfm_grammar *grammar;
    lfm_constraint *c;
    double compile_ms;
    lfm_error err;
} compiled;

static lfm_status compile(const walker *w, compiled *to, const json_value *line) {
    const json_value *tools = json_get(line, "tools");
    const lfm_constraint_kind kind = tools ? LFM_CONSTRAINT_TOOLS : LFM_CONSTRAINT_JSON_SCHEMA;
    json_out text = {0};
    *to = (compiled){0};
    json_write_value(&text, tools ? tools : json_get(line, "schema"));
    if (json_finish(&text, NULL) != LFM_OK) give_up("out of memory");
    const double began = now_ms();
    lfm_status st = lfm_grammar_new(&to->grammar, kind, text.ptr, text.len, &to->err);
    to->compile_ms = now_ms() - began;
    if (st == LFM_OK) st = lfm_constraint_new(&to->c, w->model, to->grammar, 0, &to->err);
    json_out_free(&text);
    return st;
}

static void drop(compiled *k) {
    lfm_constraint_free(k->c);
    lfm_grammar_free(k->grammar);
}

/* ---- Given values ---------------------------------------------------------------------------- */

enum { MAX_KEYS = 1000 };

/* Keys in the order in which the schema's `properties` name them first. */
typedef struct {
    const json_value *keys[MAX_KEYS];
    size_t n;
} key_order;

static size_t place_of(const key_order *order, const json_value *member) {
    size_t i = 0;
    while (i < order->n && (order->keys[i]->key_len != member->key_len ||
                            memcmp(order->keys[i]->key, member->key, member->key_len) != 0)) {
        i++;
    }
    return i;
}

static void collect_keys(key_order *order, const json_value *schema) { /* at most 64 deep */
    for (const json_value *v = schema->first; v; v = v->next) {
        const bool named = v->key && v->key_len == 10 && memcmp(v->key, "properties", 10) == 0;
        for (const json_value *p = named ? v->first : NULL; p && order->n < MAX_KEYS; p = p->next) {
            if (p->key && place_of(order, p) == order->n) order->keys[order->n++] = p;
        }
        collect_keys(order, v);
    }
}

/* The value with its members in that order; keys that it does not name come last. */
static void write_ordered(json_out *out, const json_value *v, const key_order *order) {
    if (v->kind == JSON_ARRAY) {
        json_write_text(out, "[");
        for (const json_value *e = v->first; e; e = e->next) {
            write_ordered(out, e, order);
            json_write_text(out, e->next ? ", " : "");
        }
        json_write_text(out, "]");
    } else if (v->kind == JSON_OBJECT) {
        size_t n_written = 0;
        json_write_text(out, "{");
        for (size_t place = 0; place <= order->n; place++) {
            for (const json_value *m = v->first; m; m = m->next) {
                if (place_of(order, m) != place) continue;
                json_write_text(out, n_written++ > 0 ? ", " : "");
                json_write_string(out, m->key, m->key_len);
                json_write_text(out, ": ");
                write_ordered(out, m, order);
            }
        }
        json_write_text(out, "}");
    } else {
        json_write_value(out, v);
    }
}

static bool text_possible(lfm_constraint *c, const char *text, size_t n) {
    lfm_constraint_reset(c);
    return lfm_constraint_accept_text(c, text, n, NULL) == LFM_OK && lfm_constraint_is_complete(c);
}

static bool value_possible(lfm_constraint *c, const json_value *v, const key_order *order) {
    json_out as_given = {0};
    json_out ordered = {0};
    json_write_value(&as_given, v);
    write_ordered(&ordered, v, order);
    if (json_finish(&as_given, NULL) != LFM_OK || json_finish(&ordered, NULL) != LFM_OK) {
        give_up("out of memory");
    }
    const bool possible = text_possible(c, as_given.ptr, as_given.len) ||
                          text_possible(c, ordered.ptr, ordered.len);
    json_out_free(&as_given);
    json_out_free(&ordered);
    return possible;
}

static void complain(walker *w, const json_value *line, const char *what, const json_value *v) {
    json_out text = {0};
    const json_value *name = json_get(line, "case");
    if (v) json_write_value(&text, v);
    printf("%zu %.*s: %s%s\n", w->number, name ? (int)name->len : 0, name ? name->text : "", what,
           v && text.ptr ? text.ptr : "");
    json_out_free(&text);
    w->n_bad++;
}

static void check_line(walker *w, const json_value *line) {
    static key_order order;
    const json_value *refused = json_get(line, "refused");
    const bool tools = json_get(line, "tools") != NULL;
    char says[sizeof((lfm_error *)0)->text + 20];
    compiled k;
    w->n_cases++;
    if (compile(w, &k, line) != LFM_OK) {
        snprintf(says, sizeof says, "refused: %s", k.err.text);
        if (!refused || !strstr(k.err.text, refused->text)) complain(w, line, says, NULL);
        drop(&k);
        return;
    }
    if (refused) complain(w, line, "compiles, and should be refused", NULL);
    order.n = 0;
    collect_keys(&order, line);
    for (int good = 0; good < 2; good++) {
        const json_value *list = json_get(line, good ? "yes" : "no");
        for (const json_value *v = list ? list->first : NULL; v; v = v->next) {
            const bool possible = tools && v->kind == JSON_STRING
                                      ? text_possible(k.c, v->text, v->len)
                                      : value_possible(k.c, v, &order);
            if (possible != good) {
                complain(w, line, good ? "impossible, and valid: " : "possible, and invalid: ", v);
            }
        }
    }
    drop(&k);
}

/* ---- Random answers -------------------------------------------------------------------------- */

typedef struct {
    double mask_ms, worst_ms;
    size_t n_masks;
    size_t n_open;
    char fault[300];   /* of the first walk that could not go on */
    json_out at_fault; /* the text before it */
} walks;

/* Bytes that a reader sees as one kind have the chance of one. */
static int kind_of(uint8_t b) {
    return b >= 0x80 ? 0 : b >= 'a' && b <= 'z' ? 1 : b >= 'A' && b <= 'Z' ? 2
           : b >= '0' && b <= '9' ? 3 : strchr("\"}])", b) && b ? 4 : b == '\\' ? 5
           : b == ',' || b == ':' ? 6 : 7;
}

static uint8_t first_byte(const walker *w, int32_t token) {
    size_t n = 0;
    const char *text = tok_bytes(w->model->tok, token, &n);
    return n > 0 ? (uint8_t)text[0] : 0;
}

/* One of the n allowed tokens: a kind, then one of it; or what closes, while there is such. */
static int32_t choose(const walker *w, size_t n, uint64_t dice, bool closing) {
    static const char closers[] = "\"}])";
    size_t of_kind[8] = {0};
    size_t n_kinds = 0;
    for (const char *c = closers; closing && *c; c++) {
        for (size_t i = 0; i < n; i++) {
            size_t len = 0;
            const char *text = tok_bytes(w->model->tok, w->allowed[i], &len);
            if (len == 1 && *text == *c) return w->allowed[i];
        }
    }
    for (size_t i = 0; i < n; i++) {
        n_kinds += of_kind[kind_of(first_byte(w, w->allowed[i]))]++ == 0;
    }
    size_t pick = dice % n_kinds;
    int kind = 0;
    while (of_kind[kind] == 0 || pick-- > 0) {
        kind++;
    }
    pick = (dice >> 32) % of_kind[kind];
    for (size_t i = 0;; i++) {
        if (kind_of(first_byte(w, w->allowed[i])) == kind && pick-- == 0) return w->allowed[i];
    }
}

static void fault(walks *r, const char *what, const json_out *text) {
    if (r->fault[0]) return;
    snprintf(r->fault, sizeof r->fault, "%s", what);
    json_write_raw(&r->at_fault, text->ptr ? text->ptr : "", text->len);
}

/* The tokens that can follow; the end of the answer apart. */
static bool next_tokens(walker *w, lfm_constraint *c, walks *r, size_t *n, lfm_error *err) {
    memset(w->logits, 0, w->n_vocab * sizeof *w->logits);
    const double began = now_ms();
    const lfm_status st = lfm_constraint_mask(c, w->logits, err);
    const double took = now_ms() - began;
    r->mask_ms += took;
    r->worst_ms = took > r->worst_ms ? took : r->worst_ms;
    r->n_masks++;
    *n = 0;
    for (size_t i = 0; st == LFM_OK && i < w->n_vocab; i++) {
        if (w->logits[i] == 0.0f && !tok_is_end(w->model->tok, (int32_t)i)) {
            w->allowed[(*n)++] = (int32_t)i;
        }
    }
    return st == LFM_OK;
}

/* A walk; true when the answer is complete. */
static bool walk(walker *w, lfm_constraint *c, walks *r, uint64_t seed, json_out *text) {
    uint64_t n_drawn = 0;
    lfm_error err = {0};
    lfm_constraint_reset(c);
    while (text->len < w->o.room) {
        const bool closing = text->len >= w->o.room / 2;
        const bool complete = lfm_constraint_is_complete(c);
        size_t n = 0;
        if (complete && (closing || rng_at(seed, n_drawn++) % 4 == 0)) return true;
        if (!next_tokens(w, c, r, &n, &err)) {
            fault(r, err.text, text);
            return false;
        }
        if (n == 0) {
            if (!complete) fault(r, "no token can follow, and the text is not complete", text);
            return complete;
        }
        const int32_t token = choose(w, n, rng_at(seed, n_drawn++), closing);
        if (lfm_constraint_accept(c, token, &err) != LFM_OK) {
            fault(r, err.text, text);
            return false;
        }
        size_t len = 0;
        const char *bytes = tok_bytes(w->model->tok, token, &len);
        json_write_raw(text, bytes, len);
    }
    r->n_open++;
    return false;
}

static void walk_line(walker *w, const json_value *line) {
    compiled k;
    walks r = {0};
    json_out out = {0};
    const json_value *name = json_get(line, "case");
    const lfm_status st = compile(w, &k, line);
    w->n_cases++;
    json_begin_object(&out, NULL);
    json_put_int(&out, "line", (int64_t)w->number);
    if (name) json_put_string(&out, "case", name->text, name->len);
    json_put_fixed(&out, "compile_ms", k.compile_ms, 3);
    if (st != LFM_OK) {
        json_put_text(&out, "refused", k.err.text);
        w->n_bad++;
    } else {
        json_begin_array(&out, "answers");
        for (size_t i = 0; i < w->o.n_answers && !r.fault[0]; i++) {
            json_out text = {0};
            if (walk(w, k.c, &r, rng_at(w->o.seed, i), &text)) {
                json_put_string(&out, NULL, text.ptr ? text.ptr : "", text.len);
            }
            json_out_free(&text);
        }
        json_end_array(&out);
        json_put_int(&out, "open", (int64_t)r.n_open);
        json_put_int(&out, "masks", (int64_t)r.n_masks);
        json_put_fixed(&out, "mask_us", r.n_masks ? r.mask_ms * 1e3 / (double)r.n_masks : 0, 3);
        json_put_fixed(&out, "worst_mask_ms", r.worst_ms, 3);
        if (r.fault[0]) {
            json_put_text(&out, "fault", r.fault);
            json_put_string(&out, "after", r.at_fault.ptr ? r.at_fault.ptr : "", r.at_fault.len);
            w->n_bad++;
        }
    }
    json_end_object(&out);
    if (json_finish(&out, NULL) != LFM_OK) give_up("out of memory");
    puts(out.ptr);
    json_out_free(&out);
    json_out_free(&r.at_fault);
    drop(&k);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static void each_line(walker *w, const char *path) {
    char *text = NULL;
    size_t cap = 0;
    FILE *f = fopen(path, "r");
    if (!f) give_up(path);
    for (ssize_t n = getline(&text, &cap, f); n >= 0; n = getline(&text, &cap, f)) {
        json_doc doc = {0};
        lfm_error err = {0};
        w->number++;
        if (n < 2 || (w->o.only && w->number != w->o.only)) continue;
        if (json_parse(&doc, text, (size_t)n, &err) != LFM_OK) {
            fprintf(stderr, "schema_walk: %s, line %zu: %s\n", path, w->number, err.text);
            w->n_bad_lines++;
        } else if (w->o.walks) {
            walk_line(w, doc.root);
        } else {
            const size_t before = w->n_bad;
            check_line(w, doc.root);
            w->n_bad_lines += w->n_bad > before;
        }
        json_doc_free(&doc);
    }
    free(text);
    fclose(f);
}

static const char *value_of(const char *argument, const char *name) {
    const size_t n = strlen(name);
    return strncmp(argument, name, n) == 0 ? argument + n : NULL;
}

int main(int argc, char **argv) {
    walker w = {.o = {.n_answers = 100, .seed = 1, .room = 400}};
    const bool checks = argc > 2 && strcmp(argv[1], "check") == 0;
    w.o.walks = argc > 2 && strcmp(argv[1], "walk") == 0;
    if (!checks && !w.o.walks) give_up("schema_walk check|walk [--option=..] FILE...");
    int n_files = 0;
    for (int i = 2; i < argc; i++) {
        const char *v = NULL;
        if ((v = value_of(argv[i], "--answers="))) {
            w.o.n_answers = strtoull(v, NULL, 10);
        } else if ((v = value_of(argv[i], "--seed="))) {
            w.o.seed = strtoull(v, NULL, 10);
        } else if ((v = value_of(argv[i], "--room="))) {
            w.o.room = strtoull(v, NULL, 10);
        } else if ((v = value_of(argv[i], "--only="))) {
            w.o.only = strtoull(v, NULL, 10);
        } else if ((v = value_of(argv[i], "--may-fail="))) {
            w.o.may_fail = strtoull(v, NULL, 10);
        } else if ((v = value_of(argv[i], "--model="))) {
            w.o.model_file = v;
        } else {
            argv[2 + n_files++] = argv[i];
        }
    }
    w.model = open_model(w.o.model_file);
    w.n_vocab = tok_n_vocab(w.model->tok);
    w.logits = calloc(w.n_vocab, sizeof *w.logits);
    w.allowed = calloc(w.n_vocab, sizeof *w.allowed);
    if (!w.logits || !w.allowed) give_up("out of memory");
    for (int i = 0; i < n_files; i++) {
        each_line(&w, argv[2 + i]);
    }
    free(w.logits);
    free(w.allowed);
    if (checks) {
        printf("%zu of %zu schemas as expected\n", w.n_cases - w.n_bad_lines, w.n_cases);
    }
    return checks && w.n_bad_lines > w.o.may_fail;
}
