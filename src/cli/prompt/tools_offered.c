/*
 * tools_offered.c - the functions that a model may call: reading --tools, applying --tool-choice.
 */
#include "cli/prompt/tools_offered.h"

#include "cli/shared/input.h"
#include "cli/shared/term.h"
#include "lfm.h"

#include <stdlib.h>
#include <string.h>

/* The name of a tool; NULL = it has none. */
static const json_value *name_of(const json_value *v) {
    const json_value *function = json_get(v, "function");
    const json_value *name = json_get(function ? function : v, "name");
    return name && name->kind == JSON_STRING && name->len > 0 ? name : NULL;
}

/* Is it one of the words of --tool-choice that are not names of tools? */
static bool is_word(const char *choice) {
    return strcmp(choice, "auto") == 0 || strcmp(choice, "none") == 0 ||
           strcmp(choice, "required") == 0;
}

bool tools_required(const cli_options *o) {
    return o->tool_choice && strcmp(o->tool_choice, "auto") != 0 &&
           strcmp(o->tool_choice, "none") != 0;
}

static lfm_status add_tool(tools_offered *list, const json_value *v, const json_value *name,
                           lfm_error *err) {
    offered_tool *t = &list->all[list->n];
    *t = (offered_tool){.name = malloc(name->len + 1)};
    if (!t->name) return err_no_memory(err, "the tools");
    memcpy(t->name, name->text, name->len);
    t->name[name->len] = '\0';
    list->n++;
    json_write_value(&t->json, v);
    return json_finish(&t->json, err);
}

lfm_status tools_take(tools_offered *list, const json_value *tools, const char *where,
                      const char *choice, lfm_error *err) {
    bool found = !choice || is_word(choice);
    const json_value *inner = json_get(tools, "tools");
    tools = inner ? inner : tools;
    const bool many = tools->kind == JSON_ARRAY;
    const size_t n = many ? tools->n : 1;
    lfm_status st = LFM_OK;
    list->all = calloc(n + 1, sizeof *list->all);
    if (!list->all) return err_no_memory(err, "the tools");
    const json_value *v = many ? tools->first : tools;
    for (size_t i = 0; i < n && st == LFM_OK; i++, v = v->next) {
        const json_value *name = name_of(v);
        if (!name) {
            return err_set(err, LFM_ERR_ARG,
                           "%s: tool %zu has no name; a tool is "
                           "{\"name\":\"..\",\"description\":\"..\",\"parameters\":{..}}",
                           where, i + 1);
        }
        found = found || json_is(name, choice);
        st = add_tool(list, v, name, err);
    }
    if (st == LFM_OK && !found) {
        st = err_set(err, LFM_ERR_ARG,
                     "%s: unknown tool '%.60s'; use auto, none, required, or the name of a tool",
                     where, choice);
    }
    return st;
}

lfm_status tools_read(tools_offered *list, const cli_options *o, lfm_error *err) {
    json_out text = {0};
    json_out where = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    if (!o->tools) return LFM_OK;
    lfm_status st = input_read_file(&text, o->tools, INPUT_CODE, err);
    if (st == LFM_OK && json_parse(&doc, text.ptr, text.len, &why) != LFM_OK) {
        st = err_set(err, why.status == LFM_ERR_MEMORY ? LFM_ERR_MEMORY : LFM_ERR_ARG,
                     "--tools %s: %s", o->tools, why.text);
    }
    json_write_text(&where, "--tools ");
    json_write_text(&where, o->tools);
    if (st == LFM_OK) st = json_finish(&where, err);
    if (st == LFM_OK) st = tools_take(list, doc.root, where.ptr, o->tool_choice, err);
    json_doc_free(&doc);
    json_out_free(&text);
    json_out_free(&where);
    return st;
}

lfm_status tools_be_lenient(tools_offered *list, const cli_options *o, lfm_error *err) {
    for (size_t i = 0; i < list->n && o->tools_lenient; i++) {
        json_out one = {0};
        lfm_error why = {0};
        lfm_grammar *g = NULL;
        json_write_text(&one, "[");
        json_write_raw(&one, list->all[i].json.ptr, list->all[i].json.len);
        json_write_text(&one, "]");
        lfm_status st = json_finish(&one, err);
        if (st == LFM_OK) {
            st = lfm_grammar_new(&g, LFM_CONSTRAINT_TOOL, one.ptr, one.len, &why);
        }
        lfm_grammar_free(g);
        json_out_free(&one);
        if (st == LFM_ERR_MEMORY) return err_no_memory(err, "the tools");
        list->all[i].left_out = st != LFM_OK;
        if (st != LFM_OK) {
            term_message("--tools-lenient leaves one out: %s", why.text);
        }
    }
    return LFM_OK;
}

bool tools_write(json_out *json, const tools_offered *list, const char *choice) {
    const bool all = !choice || is_word(choice);
    size_t n = 0;
    json_write_text(json, "[");
    for (size_t i = 0; i < list->n; i++) {
        const offered_tool *t = &list->all[i];
        if ((all || strcmp(t->name, choice) == 0) && !(choice && t->left_out)) {
            json_write_text(json, n++ > 0 ? ", " : "");
            json_write_raw(json, t->json.ptr, t->json.len);
        }
    }
    json_write_text(json, "]");
    return n > 0;
}

void tools_drop(tools_offered *list) {
    for (size_t i = 0; i < list->n; i++) {
        free(list->all[i].name);
        json_out_free(&list->all[i].json);
    }
    free(list->all);
    *list = (tools_offered){0};
}
