/*
 * template.c - the chat template of a model.
 */
#include "api/template.h"

#include "base/markers.h"
#include "base/thoughts.h"

#include <stdio.h>
#include <string.h>

/* How tool calls are written where a template has no words for them: as the LFM2 models write them
 * (MODEL.md, "Tool calls"). */
#define CALLS \
    "{%- macro write_calls(calls) -%}\n" \
    "  {{- '" TOOL_CALL_START "[' -}}\n" \
    "  {%- for call in calls -%}\n" \
    "    {%- set f = call.function if call.function is defined else call -%}\n" \
    "    {{- f.name ~ '(' -}}\n" \
    "    {%- for key, v in (f.arguments or {}).items() -%}\n" \
    "      {{- key ~ '=' ~ (v | tojson if v is string or v is mapping else v) -}}\n" \
    "      {{- '' if loop.last else ', ' -}}\n" \
    "    {%- endfor -%}\n" \
    "    {{- ')' if loop.last else '), ' -}}\n" \
    "  {%- endfor -%}\n" \
    "  {{- ']" TOOL_CALL_END "' -}}\n" \
    "{%- endmacro -%}\n"

/* ChatML, with tools, tool calls, thoughts and content in parts. */
static const char built_in[] = CALLS
    "{%- macro write_content(content) -%}\n"
    "  {%- if content is string -%}{{- content -}}\n"
    "  {%- else -%}\n"
    "    {%- for part in content or [] -%}\n"
    "      {%- if part is string -%}{{- part -}}\n"
    "      {%- elif part.type == 'text' -%}{{- part.text -}}\n"
    "      {%- elif part.type == 'image' -%}{{- '<image>' -}}\n"
    "      {%- else -%}{{- part | tojson -}}\n"
    "      {%- endif -%}\n"
    "    {%- endfor -%}\n"
    "  {%- endif -%}\n"
    "{%- endmacro -%}\n"
    "{{- bos_token -}}\n"
    "{%- set ns = namespace(user=-1) -%}\n"
    "{%- if tools and messages[0].role != 'system' -%}\n"
    "  {{- '" TURN_START "system\\nList of tools: ' ~ tools | tojson ~ '" TURN_END "\\n' -}}\n"
    "{%- endif -%}\n"
    "{%- for m in messages if m.role == 'user' -%}\n"
    "  {%- set ns.user = ns.user + 1 -%}\n"
    "{%- endfor -%}\n"
    "{%- set seen = namespace(users=-1) -%}\n"
    "{%- for m in messages -%}\n"
    "  {%- if m.role == 'user' -%}{%- set seen.users = seen.users + 1 -%}{%- endif -%}\n"
    "  {{- '" TURN_START "' ~ m.role ~ '\\n' -}}\n"
    "  {%- if m.role == 'assistant' and m.thinking and seen.users == ns.user -%}\n"
    "    {{- '" THINK_OPEN "' ~ m.thinking ~ '" THINK_CLOSE "' -}}\n"
    "  {%- endif -%}\n"
    "  {{- write_content(m.content) -}}\n"
    "  {%- if m.role == 'assistant' and m.tool_calls -%}{{- write_calls(m.tool_calls) -}}\n"
    "  {%- endif -%}\n"
    "  {%- if tools and loop.first and m.role == 'system' -%}\n"
    "    {{- ('\\n' if m.content else '') ~ 'List of tools: ' ~ tools | tojson -}}\n"
    "  {%- endif -%}\n"
    "  {{- '" TURN_END "\\n' -}}\n"
    "{%- endfor -%}\n"
    "{%- if add_generation_prompt -%}{{- '" TURN_START "assistant\\n' -}}{%- endif -%}\n";

static const char calls_only[] = CALLS "{{- write_calls(tool_calls) -}}";

/* ---- Rendering ------------------------------------------------------------------------------ */

enum { MAX_GLOBALS = 64 };

typedef struct {
    jinja_global list[MAX_GLOBALS];
    char names[MAX_GLOBALS][64];
    size_t n;
} globals;

/* Variables that a person gave; those of names that are too long are read by no template. */
static void add_members(globals *g, const json_value *object) {
    const json_value *v = object ? object->first : NULL;
    for (; v && g->n < MAX_GLOBALS; v = v->next) {
        if (v->key_len >= sizeof g->names[0]) continue;
        memcpy(g->names[g->n], v->key, v->key_len);
        g->names[g->n][v->key_len] = '\0';
        g->list[g->n] = (jinja_global){.name = g->names[g->n], .value = v};
        g->n++;
    }
}

lfm_status template_render(const chat_template *t, const json_value *conversation,
                           const jinja_marks *marks, jinja_text *out, lfm_error *err) {
    static const json_value yes = {.kind = JSON_TRUE};
    static const json_value null = {.kind = JSON_NULL};
    const json_value *tools = json_get(conversation, "tools");
    globals g = {0};
    add_members(&g, t->kwargs.root);
    add_members(&g, json_get(conversation, "chat_template_kwargs"));
    g.n = g.n < MAX_GLOBALS - 8 ? g.n : MAX_GLOBALS - 8;
    g.list[g.n++] = (jinja_global){.name = "bos_token", .own = t->bos};
    g.list[g.n++] = (jinja_global){.name = "eos_token", .own = TURN_END};
    g.list[g.n++] = (jinja_global){.name = "messages", .value = json_get(conversation, "messages")};
    g.list[g.n++] = (jinja_global){.name = "tools", .value = tools ? tools : &null};
    g.list[g.n++] = (jinja_global){.name = "documents", .value = &null};
    g.list[g.n++] = (jinja_global){.name = "add_generation_prompt", .value = &yes};
    return jinja_render(t->program, g.list, g.n, marks, jinja_now(), out, err);
}

lfm_status template_write_calls(const chat_template *t, const json_value *calls, jinja_text *out,
                                lfm_error *err) {
    const jinja_global g = {.name = "tool_calls", .value = calls};
    return jinja_render(t->calls, &g, 1, NULL, 0, out, err);
}

/* ---- Opening -------------------------------------------------------------------------------- */

/* Parse the program and try it with the shortest conversation. */
static lfm_status try_program(chat_template *t, const char *text, size_t len, lfm_error *err) {
    static const char hello[] = "{\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}";
    jinja_text out = {0};
    json_doc doc = {0};
    lfm_status st = jinja_parse(&t->program, text, len, err);
    if (st == LFM_OK) st = json_parse(&doc, hello, sizeof hello - 1, err);
    if (st == LFM_OK) st = template_render(t, doc.root, NULL, &out, err);
    if (st == LFM_OK) {
        t->has_tools = jinja_mentions(t->program, "tools");
        t->has_calls = jinja_mentions(t->program, "tool_calls");
        t->has_thoughts = jinja_mentions(t->program, "thinking") ||
                          jinja_mentions(t->program, "reasoning_content");
        t->opens_thoughts = thoughts_opened(out.text, out.len) < out.len;
    } else {
        jinja_free(t->program);
        t->program = NULL;
    }
    jinja_text_free(&out);
    json_doc_free(&doc);
    return st;
}

static lfm_status read_kwargs(chat_template *t, const char *kwargs, lfm_error *err) {
    lfm_error why = {0};
    if (!kwargs) return LFM_OK;
    lfm_status st = json_parse(&t->kwargs, kwargs, strlen(kwargs), &why);
    if (st == LFM_OK && t->kwargs.root->kind != JSON_OBJECT) {
        st = err_set(&why, LFM_ERR_ARG, "it must be a JSON object: {\"name\": value}");
    }
    return st == LFM_OK ? st : err_set(err, st, "the variables of the chat template: %s", why.text);
}

lfm_status template_open(chat_template *t, const char *of_file, size_t of_file_len,
                         const char *given, const char *kwargs, const char *bos, size_t bos_len,
                         lfm_error *err) {
    lfm_error why = {0};
    if (bos_len < sizeof t->bos) { /* longer ones are in no model */
        memcpy(t->bos, bos, bos_len);
    }
    lfm_status st = read_kwargs(t, kwargs, err);
    if (st == LFM_OK) st = jinja_parse(&t->calls, calls_only, sizeof calls_only - 1, err);
    if (st != LFM_OK) return st;
    if (given) {
        t->origin = "given";
        st = try_program(t, given, strlen(given), &why);
        const bool mistake = st == LFM_ERR_FORMAT; /* of the caller, not of the file */
        return st == LFM_OK ? st : err_set(err, mistake ? LFM_ERR_ARG : st, "%s", why.text);
    }
    t->origin = "own";
    if (of_file && of_file_len > 0) {
        st = try_program(t, of_file, of_file_len, &why);
        if (st == LFM_OK) return st;
        if (st == LFM_ERR_MEMORY) return err_set(err, st, "%s", why.text);
        snprintf(t->warning, sizeof t->warning,
                 "the file's template cannot be used, so this is "
                 "plain ChatML: %.170s",
                 why.text);
    } else {
        snprintf(t->warning, sizeof t->warning,
                 "the file has no chat template; using plain ChatML");
    }
    t->origin = "built-in";
    return try_program(t, built_in, sizeof built_in - 1, err);
}

void template_close(chat_template *t) {
    jinja_free(t->program);
    jinja_free(t->calls);
    json_doc_free(&t->kwargs);
    *t = (chat_template){0};
}
