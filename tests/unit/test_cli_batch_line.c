/*
 * test_cli_batch_line.c - what a line of `lfm batch` asks for, and what is wrong with it.
 */
#include "cli/batch/batch_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static lfm_status read_line(batch_line *l, const cli_options *o, batch_sessions *open,
                            const char *text, lfm_error *err) {
    *err = (lfm_error){0};
    return batch_line_read(l, o, NULL, open, text, strlen(text), 7, err);
}

/* ---- What is wrong -------------------------------------------------------------------------- */

static void test_errors(void **state) {
    (void)state;
    static const struct {
        const char *line, *id, *text;
    } cases[] = {
        {"nonsense", "7", "expected a value"},
        {"[1]", "7", "a line must be a JSON string or object"},
        {"{\"id\":null,\"prompt\":\"x\"}", "7", "\"id\" must be a string or a number"},
        {"{\"id\":\"a\"}", "\"a\"", "no \"prompt\" and no \"messages\""},
        {"{\"id\":1.50,\"prompt\":3}", "1.50", "no \"prompt\" and no"},
        {"{\"prompt\":\"x\",\"colour\":1}", "7", "unknown key \"colour\""},
        {"{\"prompt\":\"x\",\"n\":1.5}", "7", "\"n\" must be a whole number from -1"},
        {"{\"prompt\":\"x\",\"top_p\":2}", "7", "\"top_p\" must be a number from 0 to 1"},
        {"{\"prompt\":\"x\",\"stop\":[1]}", "7", "\"stop\" must be a string or a list"},
        {"{\"prompt\":\"x\",\"stop\":\"a\\u0000b\"}", "7", "\"stop\" must be"},
        {"{\"prompt\":\"x\",\"system\":1}", "7", "\"system\" must be a string"},
        {"{\"messages\":{}}", "7", "\"messages\" must be a list"},
        {"{\"messages\":[]}", "7", "\"messages\" must be a list"},
        {"{\"prompt\":\"x\",\"choices\":\"\",\"schema\":\"a\"}", "7", "\"choices\" is empty"},
        {"{\"prompt\":\"x\",\"choices\":[\"a\",\"\"]}", "7",
         "\"choices\" must be a list of strings"},
        {"{\"prompt\":\"x\",\"choices\":{}}", "7", "\"choices\" must be a list of strings"},
        {"{\"prompt\":\"x\",\"schema\":{},\"grammar\":\"g\"}", "7", "more than one constraint"},
        {"{\"prompt\":\"x\",\"grammar\":{}}", "7", "unknown key \"grammar\""},
        {"{\"prompt\":\"x\",\"response_format\":7}", "7", "\"response_format\" must have"},
        {"{\"prompt\":\"x\",\"response_format\":{\"type\":\"json_schema\"}}", "7", "must have"},
        {"{\"prompt\":\"x\",\"logprobs\":\"yes\"}", "7", "\"logprobs\" must be a number, true or"},
        {"{\"prompt\":\"x\",\"logprobs\":21}", "7", "\"logprobs\" must be a whole number"},
        {"{\"prompt\":\"x\",\"logit_bias\":[]}", "7", "\"logit_bias\" must be an object"},
        {"{\"prompt\":\"x\",\"logit_bias\":{\"a\":1}}", "7", "\"logit_bias\" must be {"},
        {"{\"prompt\":\"x\",\"logit_bias\":{\"1\":\"x\"}}", "7", "\"logit_bias\" must be {"},
        {"{\"prompt\":\"x\",\"logit_bias\":{\"12345678901\":1}}", "7", "\"logit_bias\" must be {"},
        {"{\"prompt\":\"x\",\"tools\":[],\"tool_choice\":\"required\"}", "7",
         "\"tool_choice\" requires a call, and there is no tool that could be called"},
        {"{\"prompt\":\"x\",\"tools\":[{}]}", "7", "\"tools\": tool 1 has no name"},
        {"{\"prompt\":\"x\",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":\"g\"}", "7",
         "\"tools\": unknown tool 'g'"},
        {"{\"prompt\":\"x\",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":{}}", "7",
         "\"tool_choice\" must be auto"},
        {"{\"prompt\":\"x\",\"tools\":[{\"name\":\"f\"}],\"tool_choice\":\"f\",\"schema\":{}}", "7",
         "a required tool call and another"},
        {"{\"prompt\":\"x\",\"session\":3}", "7", "\"session\" must be a name"},
        {"{\"prompt\":\"x\",\"session\":\"\"}", "7", "\"session\" must be a name"},
        {"{\"session\":\"a\",\"messages\":[{}]}", "7", "a session keeps its own messages"},
        {"{\"custom_id\":\"c\"}", "\"c\"", "there is no \"body\""},
        {"{\"custom_id\":\"c\",\"url\":\"/v1/embeddings\",\"body\":{}}", "\"c\"", "the url is not"},
        {"{\"custom_id\":\"c\",\"url\":\"/v1/completions\",\"body\":{}}", "\"c\"", "the url is"},
        {"{\"custom_id\":\"c\",\"body\":{\"prompt\":\"x\"}}", "\"c\"", "unknown key \"prompt\""},
        {"{\"custom_id\":\"c\",\"body\":{\"messages\":[{}],\"n\":2}}", "\"c\"",
         "only one answer is"},
        {"{\"custom_id\":\"c\",\"body\":{\"messages\":[{}],\"stream\":true}}", "\"c\"",
         "\"stream\""},
        {"{\"custom_id\":\"c\",\"body\":{\"messages\":[{}],\"session\":\"s\"}}", "\"c\"",
         "unknown key \"session\""},
    };
    const cli_options o = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        batch_sessions open = {0};
        batch_line l;
        lfm_error err;
        const lfm_status st = read_line(&l, &o, &open, cases[i].line, &err);
        if (st == LFM_OK || (cases[i].text && !strstr(err.text, cases[i].text))) {
            fail_msg("%s: got \"%s\"", cases[i].line, err.text);
        }
        assert_string_equal(l.id.ptr, cases[i].id);
        batch_line_drop(&l);
        batch_sessions_drop(&open);
    }
}

/* ---- What is asked for ---------------------------------------------------------------------- */

static void assert_conversation(const conversation *c, const char *json) {
    json_out text = {0};
    assert_int_equal(conversation_write(&text, c, NULL, NULL), LFM_OK);
    assert_string_equal(text.ptr, json);
    json_out_free(&text);
}

static void test_conversations(void **state) {
    (void)state;
    static const struct {
        const char *line, *conversation;
    } cases[] = {
        {"\"a\\nb\"", "{\"messages\": [{\"role\": \"user\", \"content\": \"a\\nb\"}]}"},
        {"{\"prompt\":\"p\",\"system\":\"s\"}",
         "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, "
         "{\"role\": \"user\", \"content\": \"p\"}]}"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":{\"name\":\"f\"}}",
         "{\"tools\": [{\"name\": \"f\"}], \"messages\": "
         "[{\"role\": \"user\", \"content\": \"x\"}]}"},
        {"{\"custom_id\":1,\"body\":{\"model\":\"m\",\"user\":\"u\",\"parallel_tool_calls\":true,"
         "\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]}}",
         "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}"},
    };
    const cli_options o = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        batch_line l;
        lfm_error err;
        if (read_line(&l, &o, NULL, cases[i].line, &err) != LFM_OK) {
            fail_msg("%s: %s", cases[i].line, err.text);
        }
        assert_conversation(&l.talk, cases[i].conversation);
        assert_false(l.waits);
        batch_line_drop(&l);
    }
}

static void test_settings(void **state) {
    (void)state;
    lfm_logit_bias given[] = {{4, 1.0f}};
    const cli_options o = {
        .temp = {0.5, true}, .logprobs = {3, true}, .bias = given, .n_bias = 1};
    batch_line l;
    lfm_error err;
    const char *line = "{\"prompt\":\"x\",\"n\":5,\"temperature\":0.25,\"seed\":9,\"stop\":[\"a\","
                       "\"b\"],\"logprobs\":true,\"prefill\":\"Well\",\"typical\":0.5}";
    assert_int_equal(read_line(&l, &o, NULL, line, &err), LFM_OK);
    assert_true(l.o.n_predict.value == 5 && l.o.temp.value == 0.25 && l.o.seed.value == 9);
    assert_true(l.o.logprobs.given && l.o.logprobs.value == 3 && l.o.typical.value == 0.5);
    assert_int_equal(l.o.n_stops, 2);
    assert_string_equal(l.o.stops[1], "b");
    assert_string_equal(l.o.prefill, "Well");
    batch_line_drop(&l);
    line = "{\"prompt\":\"x\",\"logit_bias\":{\"7\":-2.5,\"0\":1}}";
    assert_int_equal(read_line(&l, &o, NULL, line, &err), LFM_OK);
    assert_true(l.o.n_bias == 3 && l.o.bias[0].token == 4 && l.o.bias[1].token == 7);
    assert_true(l.o.bias[1].bias == -2.5f && l.o.bias[2].token == 0 && given[0].bias == 1.0f);
    batch_line_drop(&l);
    assert_int_equal(read_line(&l, &o, NULL, "{\"prompt\":\"x\",\"logprobs\":false}", &err),
                     LFM_OK);
    assert_true(!l.o.logprobs.given && l.o.temp.value == 0.5);
    batch_line_drop(&l);
    line = "{\"custom_id\":1,\"body\":{\"messages\":[{}],\"logprobs\":true,\"top_logprobs\":5}}";
    assert_int_equal(read_line(&l, &o, NULL, line, &err), LFM_OK);
    assert_true(l.o.logprobs.given && l.o.logprobs.value == 5);
    batch_line_drop(&l);
}

static void test_grammars(void **state) {
    (void)state;
    static const struct {
        const char *member;
        lfm_constraint_kind kind;
        const char *text;
    } cases[] = {
        {"\"schema\":\"a int\"", LFM_CONSTRAINT_CONCISE, "a int"},
        {"\"schema\":{\"type\":\"null\"}", LFM_CONSTRAINT_JSON_SCHEMA, "{\"type\": \"null\"}"},
        {"\"json_schema\":\"{}\"", LFM_CONSTRAINT_JSON_SCHEMA, "{}"},
        {"\"choices\":\"a,b\"", LFM_CONSTRAINT_CHOICES, "a,b"},
        {"\"choices\":[\"a,b\",\"c\\\\\"]", LFM_CONSTRAINT_CHOICES, "a\\,b,c\\\\"},
        {"\"grammar\":\"root ::= [a]\"", LFM_CONSTRAINT_GBNF, "root ::= [a]"},
        {"\"response_format\":{\"type\":\"json_object\"}", LFM_CONSTRAINT_JSON_SCHEMA,
         "{\"type\": \"object\"}"},
        {"\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"schema\":true}}",
         LFM_CONSTRAINT_JSON_SCHEMA, "true"},
        {"\"tools\":[{\"name\":\"f\"},{\"name\":\"g\"}],\"tool_choice\":\"required\"",
         LFM_CONSTRAINT_TOOLS, "[{\"name\": \"f\"}, {\"name\": \"g\"}]"},
        {"\"tools\":[{\"name\":\"f\"},{\"name\":\"g\"}],\"tool_choice\":\"g\"",
         LFM_CONSTRAINT_TOOL, "[{\"name\": \"g\"}]"},
    };
    const cli_options o = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_out line = {0};
        batch_line l;
        lfm_error err;
        json_write_text(&line, "{\"prompt\":\"x\",");
        json_write_text(&line, cases[i].member);
        json_write_text(&line, "}");
        if (read_line(&l, &o, NULL, line.ptr, &err) != LFM_OK) {
            fail_msg("%s: %s", line.ptr, err.text);
        }
        assert_int_equal(l.grammar_kind, cases[i].kind);
        assert_string_equal(l.grammar.ptr, cases[i].text);
        batch_line_drop(&l);
        json_out_free(&line);
    }
}

/* ---- Sessions ------------------------------------------------------------------------------- */

static void test_sessions(void **state) {
    (void)state;
    const cli_options o = {0};
    const lfm_answer_state answer = {.said = "y", .said_len = 1};
    batch_sessions open = {0};
    batch_line l;
    lfm_error err;
    const char *line = "{\"session\":\"a\",\"prompt\":\"x\"}";
    assert_int_equal(read_line(&l, &o, &open, line, &err), LFM_OK);
    assert_non_null(l.session);
    assert_conversation(&l.talk, "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}");
    assert_int_equal(batch_session_end_turn(l.session, &l.talk, false, &answer, &err), LFM_OK);
    l.session->busy = true;
    batch_line_drop(&l);
    assert_int_equal(read_line(&l, &o, &open, line, &err), LFM_OK);
    assert_true(l.waits && l.talk.n == 0);
    l.session->busy = false;
    batch_line_drop(&l);
    assert_int_equal(read_line(&l, &o, &open, line, &err), LFM_OK);
    assert_conversation(&l.talk, "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}, "
                                 "{\"role\": \"assistant\", \"content\": \"y\"}, "
                                 "{\"role\": \"user\", \"content\": \"x\"}]}");
    batch_line_drop(&l);
    line = "{\"session\":\"a\",\"prompt\":\"x\",\"system\":\"s\"}";
    assert_int_equal(read_line(&l, &o, &open, line, &err), LFM_ERR_ARG);
    batch_line_drop(&l);
    const cli_options raw = {.raw = true};
    assert_int_equal(read_line(&l, &raw, &open, "{\"session\":\"a\",\"prompt\":\"x\"}", &err),
                     LFM_ERR_ARG);
    batch_line_drop(&l);
    batch_sessions_drop(&open);
}

static void test_many_sessions(void **state) {
    (void)state;
    enum { N = 500 };
    batch_sessions open = {0};
    batch_session *all[N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            char name[16];
            snprintf(name, sizeof name, "session %d", (i * 37) % N);
            batch_session *one = batch_sessions_get(&open, name, NULL);
            assert_string_equal(one->name, name);
            assert_true(round == 0 || one == all[i]);
            all[i] = one;
        }
    }
    assert_int_equal(open.n, N);
    batch_sessions_drop(&open);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),   cmocka_unit_test(test_conversations),
        cmocka_unit_test(test_settings), cmocka_unit_test(test_grammars),
        cmocka_unit_test(test_sessions), cmocka_unit_test(test_many_sessions),
    };
    return cmocka_run_group_tests_name("cli/batch_line", tests, NULL, NULL);
}
