/*
 * test_alloc_failure.c - every allocation, mapping and thread fails once, and then for ever.
 *
 * Linked with --wrap, so that the n-th call fails.  From opening a model to sampling a token, and
 * in reading tool calls, each failure must come back as LFM_ERR_MEMORY, or be survived with the
 * same answer; nothing may be leaked.
 */
#include "answer/answer_calls.h"

#include "jinja/jinja.h"
#include "lfm.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static long calls;     /* allocations so far */
static long fail_at;   /* the one that fails; 0 = none */
static int for_ever;   /* and all after it */
static long live;      /* allocated and not freed */

static int fails(void) {
    const long n = __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED);
    return fail_at != 0 && (for_ever ? n >= fail_at : n == fail_at);
}

static void *counted(void *p) {
    if (p) {
        __atomic_add_fetch(&live, 1, __ATOMIC_RELAXED);
    }
    return p;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
void __real_free(void *p);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
int __real_munmap(void *p, size_t n);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
void __wrap_free(void *p);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
int __wrap_munmap(void *p, size_t n);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *), void *arg);

void *__wrap_malloc(size_t n) {
    return fails() ? NULL : counted(__real_malloc(n));
}
void *__wrap_calloc(size_t n, size_t size) {
    return fails() ? NULL : counted(__real_calloc(n, size));
}
void *__wrap_realloc(void *p, size_t n) {
    if (fails()) {
        return NULL;
    }
    return p ? __real_realloc(p, n) : counted(__real_realloc(p, n));
}
void *__wrap_aligned_alloc(size_t align, size_t n) {
    return fails() ? NULL : counted(__real_aligned_alloc(align, n));
}
void __wrap_free(void *p) {
    if (p) {
        __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    }
    __real_free(p);
}
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset) {
    if (fails()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    void *p = __real_mmap(at, n, prot, flags, fd, offset);
    if (p != MAP_FAILED) {
        counted(p);
    }
    return p;
}
int __wrap_munmap(void *p, size_t n) {
    __atomic_sub_fetch(&live, 1, __ATOMIC_RELAXED);
    return __real_munmap(p, n);
}
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
                          void *arg) {
    return fails() ? EAGAIN : __real_pthread_create(t, attr, fn, arg);
}

static char model_path[256];
enum { MAX_VOCAB = 1024 }; /* the model has 512 */

typedef lfm_status scenario(int32_t *token, lfm_error *err);

/* The whole way; *token is the choice, and the number of tokens before it. */
static lfm_status evaluated(int32_t *token, lfm_error *err) {
    static const char chat[] =
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Tell me a story\"}]}";
    static const char said[] = " upon a time<|im_end|>\n";
    lfm_model *model = NULL;
    lfm_session *session = NULL;
    lfm_sampler *sampler = NULL;
    int32_t *prompt = NULL;
    int32_t *text = NULL;
    char *rendered = NULL;
    size_t n_prompt = 0;
    size_t n_text = 0;
    size_t n_rendered = 0;
    /* Few threads for few tokens: they would only wait for each other.  Of two that begin, the
     * second can fail alone. */
    const lfm_session_options options = {
        .n_ctx = 128, .n_batch = 32, .n_threads = for_ever ? 2 : 3, .n_threads_batch = 1};
    lfm_status st = lfm_model_open(&model, model_path, NULL, err);
    if (st == LFM_OK) {
        st = lfm_session_new(&session, model, &options, err);
    }
    if (st == LFM_OK) {
        st = lfm_chat_tokenize(model, chat, sizeof chat - 1, "Once", &prompt, &n_prompt, &rendered,
                               &n_rendered, err);
    }
    if (st == LFM_OK) {
        st = lfm_tokenize(model, said, sizeof said - 1, LFM_TOKENIZE_SPECIAL, &text, &n_text, err);
    }
    if (st == LFM_OK) {
        st = lfm_eval(session, prompt, n_prompt, err);
    }
    if (st == LFM_OK) {
        st = lfm_eval(session, text, n_text, err);
    }
    if (st == LFM_OK) {
        st = lfm_eval(session, text, 1, err);
    }
    if (st == LFM_OK) {
        lfm_sampling settings;
        lfm_sampling_default(model, &settings, sizeof settings);
        settings.seed = 7;
        st = lfm_sampler_new(&sampler, model, &settings, err);
    }
    for (size_t i = 0; st == LFM_OK && i < n_text; i++) {
        st = lfm_sampler_accept(sampler, text[i], err);
    }
    if (st == LFM_OK) {
        st = lfm_sampler_pick(sampler, lfm_logits(session), token, err);
        *token += MAX_VOCAB * (int32_t)(n_prompt + n_text); /* these may not change either */
    }
    lfm_free(prompt);
    lfm_free(text);
    lfm_free(rendered);
    lfm_sampler_free(sampler);
    lfm_session_free(session);
    lfm_model_close(model);
    return st;
}

/* An answer that has a form: its beginning is given, then a token is chosen. */
static lfm_status constrain(const lfm_model *model, int32_t *token, lfm_error *err) {
    static const char schema[] = "{\"type\":\"object\",\"additionalProperties\":{}}";
    static const char given[] = "{\"a\": {\"b\": [1, 2]}, \"c\": \"d\", \"a";
    lfm_grammar *grammar = NULL;
    lfm_constraint *c = NULL;
    lfm_constraint *clone = NULL;
    float logits[MAX_VOCAB] = {0};
    lfm_status st = lfm_grammar_new(&grammar, LFM_CONSTRAINT_JSON_SCHEMA, "true", 4, err);
    lfm_grammar_free(grammar);
    grammar = NULL;
    if (st == LFM_OK) {
        st = lfm_grammar_new(&grammar, LFM_CONSTRAINT_JSON_SCHEMA, schema, sizeof schema - 1, err);
    }
    if (st == LFM_OK) {
        st = lfm_constraint_new(&c, model, grammar, LFM_CONSTRAINT_THOUGHTS, err);
    }
    if (st == LFM_OK) {
        st = lfm_constraint_accept_text(c, given, sizeof given - 1, err);
    }
    if (st == LFM_OK) {
        st = lfm_constraint_clone(&clone, c, err);
    }
    if (st == LFM_OK) {
        st = lfm_constraint_mask(clone, logits, err);
    }
    for (*token = 0; st == LFM_OK && isinf(logits[*token]); ++*token) {
    }
    if (st == LFM_OK) {
        st = lfm_constraint_accept(clone, *token, err);
    }
    lfm_constraint_free(c);
    lfm_constraint_free(clone);
    lfm_grammar_free(grammar);
    return st;
}

static lfm_status constrained(int32_t *token, lfm_error *err) {
    lfm_model *model = NULL;
    lfm_status st = lfm_model_open(&model, model_path, NULL, err);
    if (st == LFM_OK) {
        st = constrain(model, token, err);
    }
    lfm_model_close(model);
    return st;
}

/* Tool calls in an answer; *token is how many were read, and the bytes of the text. */
static lfm_status called(int32_t *token, lfm_error *err) {
    static const char said[] = "Look: [f(a='f('b')', c=['x', {'y': 1}])] and [f(a=";
    static const char block[] = "[f(a=1, a=2), f(x='it's', y='z'), {\"name\": \"g\"}]";
    static const char broken[] = "[f(";
    answer_calls c = {0};
    answer_text to = {0};
    lfm_status st = answer_calls_begin(&c, "[{\"name\": \"f\"}]", err);
    for (size_t i = 0; st == LFM_OK && i < sizeof said - 1; i++) {
        st = answer_calls_add(&c, &to, said + i, 1, err);
    }
    if (st == LFM_OK) st = answer_calls_mark(&c, &to, true, err);
    if (st == LFM_OK) st = answer_calls_add(&c, &to, block, sizeof block - 1, err);
    if (st == LFM_OK) st = answer_calls_mark(&c, &to, false, err);
    if (st == LFM_OK) st = answer_calls_add(&c, &to, block, sizeof block - 1, err);
    if (st == LFM_OK) st = answer_calls_mark(&c, &to, true, err);
    if (st == LFM_OK) st = answer_calls_add(&c, &to, broken, sizeof broken - 1, err);
    if (st == LFM_OK) st = answer_calls_end(&c, &to, err);
    if (st == LFM_OK) st = answer_text_end(&to, err);
    *token = (int32_t)(1000 * c.list.n + to.text.len);
    answer_calls_drop(&c);
    answer_text_drop(&to);
    return st;
}

/* A template whose values are so large that each takes an allocation of its own; *token is the
 * length of its text. */
static lfm_status rendered(int32_t *token, lfm_error *err) {
    static const char source[] =
        "{%- set x = 'ab <' * 2000 -%}{%- set l = range(301) | list -%}"
        "{%- set y = 10 ** 4000 -%}{%- set z = (x ~ 1, x + 'c', x[::2], x | upper, x | title) -%}"
        "{%- set z = (x | replace('a', 'b'), x | e, x | indent, x | tojson, x | reverse) -%}"
        "{%- set z = (x.split('<'), x.split(), x.rsplit('<'), x.splitlines(), x | list) -%}"
        "{%- set z = (l | sort, l | map('string') | join, l | string, l + l, l[::2], l * 2) -%}"
        "{%- set z = (l | batch(2) | list, l | unique | list, l | select('odd') | list) -%}"
        "{%- set z = (y * 3, y // 7, y | string, '%9999s' % 'a', '{:>9999}'.format(x)) -%}"
        "{%- set d = dict(l[1:] | map('string') | batch(2)) -%}"
        "{%- set d = dict(x=x, l=l, d=d) -%}{%- set z = (d | string, d | tojson, d.items()) -%}"
        "{%- macro m(t) -%}{{ t }}{{ caller() }}{%- endmacro -%}"
        "{%- call m(x) -%}{{ x }}{%- endcall -%}"
        "{%- set s -%}{{ x }}{{ l }}{%- endset -%}{%- filter upper -%}{{ s }}{%- endfilter -%}";
    jinja_program *program = NULL;
    jinja_text out = {0};
    char *longer = malloc(sizeof source + 100000); /* the parser's memory grows, too */
    if (!longer) return err_no_memory(err, "the test");
    char *end = stpcpy(longer, source);
    for (int i = 0; i < 200; i++) {
        end += sprintf(end, "{{ [%d, ''] }}", i);
    }
    lfm_status st = jinja_parse(&program, longer, (size_t)(end - longer), err);
    if (st == LFM_OK) st = jinja_render(program, NULL, 0, NULL, 0, &out, err);
    *token = (int32_t)out.len;
    jinja_text_free(&out);
    jinja_free(program);
    free(longer);
    return st;
}

static void sweep(scenario *run, int forever) {
    lfm_error err = {0};
    int32_t right = -1;
    fail_at = 0;
    calls = 0;
    for_ever = forever;
    assert_int_equal(run(&right, &err), LFM_OK);
    const long total = calls;
    const long before = live;
    long survived = 0;
    assert_true(total > 20);
    for (long n = 1; n <= total; n++) {
        int32_t token = -1;
        err = (lfm_error){0};
        calls = 0;
        fail_at = n;
        const lfm_status st = run(&token, &err);
        fail_at = 0;
        if (st == LFM_OK) { /* a thread, or memory that only makes it faster */
            assert_int_equal(token, right);
            survived++;
        } else {
            assert_int_equal(st, LFM_ERR_MEMORY);
            assert_int_equal(err.status, LFM_ERR_MEMORY);
            assert_true(strlen(err.text) > 10);
        }
        if (live != before) {
            print_message("call %ld of %ld left %ld allocations (%s)\n", n, total, live - before,
                          err.text);
        }
        assert_int_equal(live, before);
    }
    print_message("%ld calls, each failed %s: %ld survived, the others said so\n", total,
                  forever ? "for ever" : "once", survived);
    assert_true(survived < total);
}

static void test_fail_once(void **state) {
    (void)state;
    sweep(evaluated, 0);
}

static void test_fail_for_ever(void **state) {
    (void)state;
    sweep(evaluated, 1);
}

static void test_constrained(void **state) {
    (void)state;
    sweep(constrained, 0);
    sweep(constrained, 1);
}

static void test_called(void **state) {
    int32_t n = 0;
    lfm_error err = {0};
    (void)state;
    assert_int_equal(called(&n, &err), LFM_OK);
    assert_int_equal(n, 3000 + strlen("Look:  and [f(a=<|tool_call_start|>[f("));
    sweep(called, 0);
    sweep(called, 1);
}

static void test_rendered(void **state) {
    (void)state;
    sweep(rendered, 0);
    sweep(rendered, 1);
}

static int make_model(void **state) {
    (void)state;
    const char *maker = getenv("LFM_MKMODEL");
    char command[1024];
    snprintf(model_path, sizeof model_path, "/tmp/lfm-alloc-%ld.gguf", (long)getpid());
    snprintf(command, sizeof command, "'%s' nano-moe Q4_0 -o %s --seed 5 >/dev/null",
             maker ? maker : "build/release/mkmodel", model_path);
    return system(command);
}

static int drop_model(void **state) {
    (void)state;
    return remove(model_path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_once),
        cmocka_unit_test(test_fail_for_ever),
        cmocka_unit_test(test_constrained),
        cmocka_unit_test(test_called),
        cmocka_unit_test(test_rendered),
    };
    return cmocka_run_group_tests(tests, make_model, drop_model);
}
