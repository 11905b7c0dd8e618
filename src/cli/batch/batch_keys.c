/*
 * batch_keys.c - the keys of a line of `lfm batch`: options, grammar, tools.
 */
#include "cli/batch/batch_line.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Options -------------------------------------------------------------------------------- */

/* Set a number, in the range of the option on the command line. */
static lfm_status set_number(batch_line *l, const char *option, const json_value *v,
                             lfm_error *err) {
    const opt_row *row = opt_find_row(option, strlen(option), CMD_BATCH);
    if (v->kind != JSON_NUMBER || !opt_put_number(&l->o, row, v->number)) {
        return err_set(err, LFM_ERR_ARG, "\"%.*s\" must be a%s number from %g to %g",
                       (int)v->key_len, v->key, row->kind == OPT_INT ? " whole" : "", row->min,
                       row->max);
    }
    return LFM_OK;
}

char *batch_copy_text(const json_value *v) {
    char *text = malloc(v->len + 1);
    if (text) {
        memcpy(text, v->text, v->len);
        text[v->len] = '\0';
    }
    return text;
}

bool batch_is_text(const json_value *v) {
    return v->kind == JSON_STRING && v->len > 0 && !memchr(v->text, 0, v->len);
}

/* "stop": a string or a list of strings. */
static lfm_status set_stops(batch_line *l, const json_value *v, lfm_error *err) {
    const bool one = v->kind == JSON_STRING;
    if (v->kind == JSON_NULL) return LFM_OK;
    l->stops = calloc(one ? 1 : v->n + 1, sizeof *l->stops);
    if (!l->stops) return err_set(err, LFM_ERR_MEMORY, "out of memory");
    for (const json_value *s = one ? v : v->first; s; s = one ? NULL : s->next) {
        if ((!one && v->kind != JSON_ARRAY) || !batch_is_text(s)) {
            return err_set(err, LFM_ERR_ARG, "\"stop\" must be a string or a list of strings");
        }
        l->stops[l->n_stops] = batch_copy_text(s);
        if (!l->stops[l->n_stops++]) return err_set(err, LFM_ERR_MEMORY, "out of memory");
    }
    l->o.stops = (const char **)(void *)l->stops;
    l->o.n_stops = l->n_stops;
    return LFM_OK;
}

/* "logit_bias": {"15043": -1.5, ..}, added to those of the command line. */
static lfm_status set_bias(batch_line *l, const json_value *v, lfm_error *err) {
    if (v->kind == JSON_NULL) return LFM_OK;
    l->bias = calloc(l->o.n_bias + v->n + 1, sizeof *l->bias);
    if (!l->bias) return err_set(err, LFM_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < l->o.n_bias; i++) {
        l->bias[i] = l->o.bias[i];
    }
    size_t n = l->o.n_bias;
    for (const json_value *b = v->kind == JSON_OBJECT ? v->first : NULL; b; b = b->next) {
        const bool is_id = b->key_len > 0 && b->key_len < 10 &&
                           strspn(b->key, "0123456789") >= b->key_len;
        if (!is_id || b->kind != JSON_NUMBER || fabs(b->number) > 1e30) {
            return err_set(err, LFM_ERR_ARG, "\"logit_bias\" must be {\"TOKEN ID\": NUMBER, ..}");
        }
        l->bias[n++] = (lfm_logit_bias){(int32_t)strtol(b->key, NULL, 10), (float)b->number};
    }
    l->o.bias = l->bias;
    l->o.n_bias = n;
    return v->kind == JSON_OBJECT
               ? LFM_OK : err_set(err, LFM_ERR_ARG, "\"logit_bias\" must be an object");
}

static bool key_is(const json_value *v, const char *name) {
    return v->key_len == strlen(name) && memcmp(v->key, name, v->key_len) == 0;
}

/* The option whose number a key sets; NULL = none. */
static const char *number_of_key(const json_value *v) {
    static const struct {
        const char *key, *option;
    } rows[] = {
        {"n", "--predict"},
        {"max_tokens", "--predict"},
        {"max_completion_tokens", "--predict"},
        {"temp", "--temp"},
        {"temperature", "--temp"},
        {"top_k", "--top-k"},
        {"top_p", "--top-p"},
        {"min_p", "--min-p"},
        {"typical", "--typical"},
        {"repeat_last_n", "--repeat-last-n"},
        {"repeat_penalty", "--repeat-penalty"},
        {"presence_penalty", "--presence-penalty"},
        {"frequency_penalty", "--frequency-penalty"},
        {"seed", "--seed"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (key_is(v, rows[i].key)) return rows[i].option;
    }
    return NULL;
}

static lfm_status set_kwargs(batch_line *l, const json_value *v, lfm_error *err) {
    if (v->kind == JSON_NULL) return LFM_OK;
    if (v->kind != JSON_OBJECT) {
        return err_set(err, LFM_ERR_ARG, "\"chat_template_kwargs\" must be an object");
    }
    json_write_value(&l->kwargs, v);
    const lfm_status st = json_finish(&l->kwargs, err);
    l->o.template_kwargs = l->kwargs.ptr;
    return st;
}

/* Options that a line may set. */
static lfm_status set_option(batch_line *l, const json_value *v, bool *known, lfm_error *err) {
    const char *number = number_of_key(v);
    *known = true;
    if (l->format == LINE_OPENAI && key_is(v, "n")) { /* OpenAI's number of answers */
        return v->kind == JSON_NUMBER && v->number == 1
                   ? LFM_OK
                   : err_set(err, LFM_ERR_UNSUPPORTED, "\"n\": only one answer is supported");
    }
    if (number) return v->kind == JSON_NULL ? LFM_OK : set_number(l, number, v, err);
    if (key_is(v, "stop")) return set_stops(l, v, err);
    if (key_is(v, "logit_bias")) return set_bias(l, v, err);
    if (key_is(v, "prefill") && batch_is_text(v)) {
        l->prefill = batch_copy_text(v);
        l->o.prefill = l->prefill;
        return l->prefill ? LFM_OK : err_set(err, LFM_ERR_MEMORY, "out of memory");
    }
    if (key_is(v, "chat_template_kwargs")) return set_kwargs(l, v, err);
    *known = false;
    return LFM_OK;
}

/* ---- Grammar -------------------------------------------------------------------------------- */

static lfm_status set_grammar(batch_line *l, lfm_constraint_kind kind, const json_value *v,
                            lfm_error *err) {
    if (l->grammar.len > 0) {
        return err_set(err, LFM_ERR_ARG, "the line has more than one constraint on the answer");
    }
    l->grammar_kind = kind;
    if (v->kind == JSON_STRING) {
        json_write_raw(&l->grammar, v->text, v->len);
    } else {
        json_write_value(&l->grammar, v);
    }
    const lfm_status st = json_finish(&l->grammar, err);
    return st == LFM_OK && l->grammar.len == 0
               ? err_set(err, LFM_ERR_ARG, "\"%.*s\" is empty", (int)v->key_len, v->key) : st;
}

/* "choices": a list of texts. */
static lfm_status set_choices(batch_line *l, const json_value *v, lfm_error *err) {
    if (v->kind == JSON_STRING) return set_grammar(l, LFM_CONSTRAINT_CHOICES, v, err);
    if (v->kind != JSON_ARRAY || v->n == 0 || l->grammar.len > 0) {
        return err_set(err, LFM_ERR_ARG, "\"choices\" must be a list of strings");
    }
    l->grammar_kind = LFM_CONSTRAINT_CHOICES;
    for (const json_value *c = v->first; c; c = c->next) {
        if (c->kind != JSON_STRING || c->len == 0) {
            return err_set(err, LFM_ERR_ARG, "\"choices\" must be a list of strings");
        }
        for (size_t i = 0; i < c->len; i++) {
            json_write_text(&l->grammar, c->text[i] == ',' || c->text[i] == '\\' ? "\\" : "");
            json_write_raw(&l->grammar, c->text + i, 1);
        }
        json_write_text(&l->grammar, c->next ? "," : "");
    }
    return json_finish(&l->grammar, err);
}

/* OpenAI's {"type": "text" | "json_object" | "json_schema", "json_schema": {"schema": ..}}. */
static lfm_status set_response_format(batch_line *l, const json_value *v, lfm_error *err) {
    const json_value *type = json_get(v, "type");
    const json_value *schema = json_get(json_get(v, "json_schema"), "schema");
    if (json_is(type, "text")) {
        l->no_grammar = true;
        return LFM_OK;
    }
    if (json_is(type, "json_object")) {
        static const char object[] = "{\"type\": \"object\"}";
        const json_value any = {.kind = JSON_STRING, .key = v->key, .key_len = v->key_len,
                                .text = object, .len = sizeof object - 1};
        return set_grammar(l, LFM_CONSTRAINT_JSON_SCHEMA, &any, err);
    }
    if (json_is(type, "json_schema") && schema) {
        return set_grammar(l, LFM_CONSTRAINT_JSON_SCHEMA, schema, err);
    }
    return err_set(err, LFM_ERR_ARG, "\"response_format\" must have the type text, json_object, or "
                   "json_schema with a \"json_schema\": {\"schema\": ..}");
}

/* The keys that set a grammar.  "schema" is a JSON schema (an object) or the short notation. */
static lfm_status set_grammar_key(batch_line *l, const json_value *v, bool *known, lfm_error *err) {
    *known = true;
    if (key_is(v, "response_format")) {
        return v->kind == JSON_NULL ? LFM_OK : set_response_format(l, v, err);
    }
    if (l->format != LINE_OPENAI && key_is(v, "schema")) {
        return v->kind == JSON_STRING ? set_grammar(l, LFM_CONSTRAINT_CONCISE, v, err)
                                      : set_grammar(l, LFM_CONSTRAINT_JSON_SCHEMA, v, err);
    }
    if (l->format != LINE_OPENAI && key_is(v, "json_schema")) {
        return set_grammar(l, LFM_CONSTRAINT_JSON_SCHEMA, v, err);
    }
    if (l->format != LINE_OPENAI && key_is(v, "choices")) return set_choices(l, v, err);
    if (l->format != LINE_OPENAI && key_is(v, "grammar") && v->kind == JSON_STRING) {
        return set_grammar(l, LFM_CONSTRAINT_GBNF, v, err);
    }
    *known = false;
    return LFM_OK;
}

/* "logprobs": the number of alternatives.  OpenAI's is true or false, with the number in
 * "top_logprobs". */
static lfm_status set_logprobs(batch_line *l, const json_value *body, lfm_error *err) {
    const json_value *wanted = json_get(body, "logprobs");
    const json_value *top = json_get(body, "top_logprobs");
    opt_number *n = &l->o.logprobs;
    if (wanted && wanted->kind == JSON_NUMBER) return set_number(l, "--logprobs", wanted, err);
    if (wanted && (wanted->kind == JSON_FALSE || wanted->kind == JSON_NULL)) {
        *n = (opt_number){0};
        return LFM_OK;
    }
    if (wanted && wanted->kind != JSON_TRUE) {
        return err_set(err, LFM_ERR_ARG, "\"logprobs\" must be a number, true or false");
    }
    n->given = n->given || wanted;
    return top && top->kind != JSON_NULL && n->given ? set_number(l, "--logprobs", top, err)
                                                     : LFM_OK;
}

/* ---- Tools ---------------------------------------------------------------------------------- */

/* "tool_choice": auto, none, required, the name of a tool, or OpenAI's
 * {"type":"function","function":{"name":..}}. */
static lfm_status set_tool_choice(batch_line *l, const json_value *v, lfm_error *err) {
    const json_value *name = json_get(json_get(v, "function"), "name");
    name = v->kind == JSON_STRING ? v : name;
    if (!name || !batch_is_text(name)) {
        return err_set(err, LFM_ERR_ARG, "\"tool_choice\" must be auto, none, required, or name a "
                       "function");
    }
    l->tool_choice = batch_copy_text(name);
    l->o.tool_choice = l->tool_choice;
    return l->tool_choice ? LFM_OK : err_set(err, LFM_ERR_MEMORY, "out of memory");
}

static lfm_status set_tools(batch_line *l, const json_value *body, lfm_error *err) {
    const json_value *tools = json_get(body, "tools");
    const json_value *choice = json_get(body, "tool_choice");
    lfm_status st = LFM_OK;
    if (!tools || tools->kind == JSON_NULL) return LFM_OK;
    if (l->o.raw) {
        return err_set(err, LFM_ERR_ARG, "\"tools\" need the chat template, and --raw has none");
    }
    if (choice && choice->kind != JSON_NULL) st = set_tool_choice(l, choice, err);
    if (st == LFM_OK) st = tools_take(&l->tools, tools, "\"tools\"", l->tool_choice, err);
    if (st == LFM_OK && tools_required(&l->o)) {
        if (l->grammar.len > 0) {
            return err_set(err, LFM_ERR_ARG,
                           "the line has a required tool call and another constraint");
        }
        const bool any = strcmp(l->o.tool_choice, "required") == 0;
        l->grammar_kind = any ? LFM_CONSTRAINT_TOOLS : LFM_CONSTRAINT_TOOL;
        st = tools_be_lenient(&l->tools, &l->o, err);
        if (st == LFM_OK && !tools_write(&l->grammar, &l->tools, l->o.tool_choice)) {
            return err_set(err, LFM_ERR_ARG, "\"tool_choice\" requires a call, and there is no "
                                             "tool that could be called");
        }
        if (st == LFM_OK) st = json_finish(&l->grammar, err);
    }
    return st;
}

/* ---- Entry point ---------------------------------------------------------------------------- */

/* Keys that other functions read, and keys without effect on the answer. */
static bool is_read_elsewhere(const batch_line *l, const json_value *v) {
    static const char *const ours[] = {"id", "prompt", "messages", "system", "tools", "tool_choice",
                                       "session", "logprobs"};
    static const char *const theirs[] = {"model", "messages", "tools", "tool_choice", "user",
                                         "metadata", "store", "logprobs", "top_logprobs",
                                         "parallel_tool_calls", "service_tier"};
    const bool openai = l->format == LINE_OPENAI;
    const size_t n = openai ? sizeof theirs / sizeof *theirs : sizeof ours / sizeof *ours;
    for (size_t i = 0; i < n; i++) {
        if (key_is(v, openai ? theirs[i] : ours[i])) return true;
    }
    return openai && key_is(v, "stream") && v->kind == JSON_FALSE;
}

lfm_status batch_keys_read(batch_line *l, const json_value *body, lfm_error *err) {
    for (const json_value *v = body->first; v; v = v->next) {
        bool known = is_read_elsewhere(l, v);
        lfm_status st = known ? LFM_OK : set_option(l, v, &known, err);
        if (st == LFM_OK && !known) st = set_grammar_key(l, v, &known, err);
        if (st != LFM_OK || !known) {
            return st != LFM_OK ? st : err_set(err, LFM_ERR_ARG, "unknown key \"%.*s\"",
                                               (int)(v->key_len < 60 ? v->key_len : 60), v->key);
        }
    }
    const lfm_status st = set_logprobs(l, body, err);
    return st == LFM_OK ? set_tools(l, body, err) : st;
}
