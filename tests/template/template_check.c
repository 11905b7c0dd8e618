/*
 * template_check.c - chat templates against what Jinja2 renders (reference.py makes the cases).
 *
 *     template_check FILE...              *.jsonl: one case in each line; *.json: an array of cases
 *     template_check --templates=DIR ..   where a case's templates are; otherwise beside FILE
 *     template_check --show=N ..          how many differences are printed (5)
 *     template_check --only=N FILE        only the N-th case, and what it renders
 *
 * A case has a template, its variables, and "text" or "error".  Texts have to be the same bytes.
 * Where Jinja2 raises an error, the engine has to fail and to say why, in its own words.  No file:
 * tests/template/cases.jsonl.
 */
#include "base/json.h"
#include "base/system/map.h"
#include "jinja/jinja.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *templates; /* folder, or NULL */
    const char *file;
    size_t only; /* 0 = all */
    size_t show;
    size_t passed, failed, number; /* number of the case, from 1 */
} check;

/* ---- Rendering ------------------------------------------------------------------------------- */

enum { MAX_GLOBALS = 64 };

typedef struct {
    jinja_global list[MAX_GLOBALS];
    char names[MAX_GLOBALS][32]; /* of kwargs; a key of base/json.h has no NUL */
    size_t n;
} variables;

static void add(variables *to, jinja_global g) {
    if (to->n < MAX_GLOBALS) to->list[to->n++] = g;
}

/* The variables of a case, as reference.py passes them. */
static void variables_of(variables *to, const json_value *kase) {
    static const json_value list = {.kind = JSON_ARRAY};
    static const json_value null = {.kind = JSON_NULL};
    static const json_value no = {.kind = JSON_FALSE};
    const json_value *messages = json_get(kase, "messages");
    const json_value *tools = json_get(kase, "tools");
    const json_value *prompt = json_get(kase, "add_generation_prompt");
    const json_value *kwargs = json_get(kase, "kwargs");
    add(to, (jinja_global){.name = "bos_token", .own = "<|startoftext|>"});
    add(to, (jinja_global){.name = "eos_token", .own = "<|im_end|>"});
    add(to, (jinja_global){.name = "messages", .value = messages ? messages : &list});
    add(to, (jinja_global){.name = "tools", .value = tools ? tools : &null});
    add(to, (jinja_global){.name = "add_generation_prompt", .value = prompt ? prompt : &no});
    const json_value *v = kwargs ? kwargs->first : NULL;
    for (; v && to->n < MAX_GLOBALS; v = v->next) {
        char *name = to->names[to->n];
        snprintf(name, sizeof to->names[0], "%.*s", (int)v->key_len, v->key);
        add(to, (jinja_global){.name = name, .value = v});
    }
}

static lfm_status render_case(jinja_text *out, const char *source, size_t len,
                              const json_value *kase, lfm_error *err) {
    static variables known;
    known.n = 0;
    variables_of(&known, kase);
    jinja_program *program = NULL;
    lfm_status st = jinja_parse(&program, source, len, err);
    if (st == LFM_OK) st = jinja_render(program, known.list, known.n, NULL, jinja_now(), out, err);
    jinja_free(program);
    return st;
}

/* ---- Telling --------------------------------------------------------------------------------- */

/* Bytes as one printable line, at most `most` of them. */
static void show(const char *what, const char *bytes, size_t len, size_t most) {
    json_out o = {0};
    size_t n = len < most ? len : most;
    json_write_string(&o, bytes, n);
    printf("  %s: %s%s\n", what, o.ptr ? o.ptr : "", n < len ? "..." : "");
    json_out_free(&o);
}

__attribute__((format(printf, 4, 5)))
static void differ(check *c, const char *source, size_t len, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("FAILED: %s, case %zu: ", c->file, c->number);
    vprintf(format, args);
    printf("\n");
    va_end(args);
    show("template", source, len, 2000);
}

/* Where two texts begin to differ, with what stands before. */
static void show_texts(const char *got, size_t n_got, const char *want, size_t n_want) {
    size_t at = 0;
    while (at < n_got && at < n_want && got[at] == want[at]) {
        at++;
    }
    size_t from = at < 40 ? 0 : at - 40;
    while (from > 0 && ((unsigned char)got[from] & 0xc0) == 0x80) {
        from--;
    }
    printf("  the texts differ from byte %zu on\n", at);
    show("wanted", want + from, n_want - from, 200);
    show("got   ", got + from, n_got - from, 200);
}

/* ---- Cases ----------------------------------------------------------------------------------- */

static void check_text(check *c, const char *source, size_t len, const json_value *kase) {
    const json_value *want = json_get(kase, "text");
    const json_value *why = json_get(kase, "error");
    jinja_text got = {0};
    lfm_error err = {0};
    lfm_status st = render_case(&got, source, len, kase, &err);
    bool right = want ? st == LFM_OK && got.len == want->len &&
                            (got.len == 0 || memcmp(got.text, want->text, got.len) == 0)
                      : st != LFM_OK && err.text[0] != '\0';
    if (right) {
        c->passed++;
    } else if (++c->failed <= c->show) {
        if (st != LFM_OK && !want) {
            differ(c, source, len, "it fails and does not say why");
        } else if (st != LFM_OK) {
            differ(c, source, len, "%s", err.text);
            show("wanted", want->text, want->len, 200);
        } else if (!want) {
            differ(c, source, len, "Jinja2 refuses it: %.*s", why ? (int)why->len : 0,
                   why ? why->text : "");
            show("got", got.text, got.len, 200);
        } else {
            differ(c, source, len, "another text");
            show_texts(got.text, got.len, want->text, want->len);
        }
    }
    if (c->only) {
        printf("%s\n", st == LFM_OK ? got.text : err.text);
    }
    jinja_text_free(&got);
}

/* A template that is a file, which lies in c->templates or beside the file of cases. */
static void check_named(check *c, const json_value *name, const json_value *kase) {
    const char *slash = strrchr(c->file, '/');
    int beside = slash ? (int)(slash - c->file) : 0;
    char path[1024];
    map file = {0};
    lfm_error err = {0};
    if (c->templates) {
        snprintf(path, sizeof path, "%s/%.*s", c->templates, (int)name->len, name->text);
    } else {
        snprintf(path, sizeof path, "%.*s%s%.*s", beside, c->file, beside ? "/" : "",
                 (int)name->len, name->text);
    }
    if (map_read(&file, path, &err) == LFM_OK) {
        check_text(c, file.data ? file.data : "", file.size, kase);
    } else {
        printf("FAILED: %s, case %zu: %s\n", c->file, c->number, err.text);
        c->failed++;
    }
    map_close(&file);
}

static void check_case(check *c, const json_value *kase) {
    const json_value *source = json_get(kase, "template");
    c->number++;
    if (c->only && c->number != c->only) return;
    bool has_text = json_get(kase, "text");
    if (!source || source->kind != JSON_STRING || has_text == !!json_get(kase, "error")) {
        printf("FAILED: %s, case %zu: it needs a template, and a text or an error\n", c->file,
               c->number);
        c->failed++;
    } else if (source->len > 6 && memcmp(source->text + source->len - 6, ".jinja", 6) == 0) {
        check_named(c, source, kase);
    } else {
        check_text(c, source->text, source->len, kase);
    }
}

/* One JSON text: a case, or an array of them. */
static bool check_json(check *c, const char *text, size_t len) {
    json_doc doc = {0};
    lfm_error err = {0};
    if (json_parse(&doc, text, len, &err) != LFM_OK) {
        printf("FAILED: %s, after case %zu: %s\n", c->file, c->number, err.text);
        return false;
    }
    if (doc.root->kind == JSON_ARRAY) {
        for (const json_value *v = doc.root->first; v; v = v->next) {
            check_case(c, v);
        }
    } else {
        check_case(c, doc.root);
    }
    json_doc_free(&doc);
    return true;
}

static bool check_file(check *c, const char *path) {
    size_t n = strlen(path);
    bool lines = n > 6 && strcmp(path + n - 6, ".jsonl") == 0;
    lfm_error err = {0};
    map file = {0};
    c->file = path;
    c->number = 0;
    if (map_read(&file, path, &err) != LFM_OK) {
        fprintf(stderr, "template_check: %s\n", err.text);
        return false;
    }
    const char *at = file.data;
    const char *end = at ? at + file.size : NULL;
    bool ok = true;
    while (ok && at < end) {
        const char *line = lines ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        const char *stop = line ? line : end;
        ok = check_json(c, at, (size_t)(stop - at));
        at = line ? line + 1 : end;
    }
    if (ok && c->number == 0) {
        fprintf(stderr, "template_check: %s has no case\n", path);
        ok = false;
    }
    map_close(&file);
    return ok;
}

int main(int argc, char **argv) {
    check c = {.show = 5};
    int n_files = 0;
    bool ok = true;
    setenv("SOURCE_DATE_EPOCH", "1795996800", 1); /* reference.py's NOW */
    setenv("TZ", "UTC", 1);
    for (int i = 1; i < argc && ok; i++) {
        if (strncmp(argv[i], "--templates=", 12) == 0) {
            c.templates = argv[i] + 12;
        } else if (strncmp(argv[i], "--show=", 7) == 0) {
            c.show = strtoul(argv[i] + 7, NULL, 10);
        } else if (strncmp(argv[i], "--only=", 7) == 0) {
            c.only = strtoul(argv[i] + 7, NULL, 10);
        } else {
            ok = check_file(&c, argv[i]);
            n_files++;
        }
    }
    if (ok && n_files == 0) ok = check_file(&c, "tests/template/cases.jsonl");
    printf("%zu cases passed, %zu failed\n", c.passed, c.failed);
    return !ok || c.failed > 0;
}
