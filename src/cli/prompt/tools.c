/*
 * tools.c - the functions that a model may call.
 */
#include "cli/prompt/tools.h"

#include "cli/prompt/prompt.h"

#include <string.h>

/* The name of a tool; NULL when it has none. */
static const json_value *name_of(const json_value *tool) {
    const json_value *function = json_get(tool, "function");
    const json_value *name = json_get(function ? function : tool, "name");
    return name && name->kind == JSON_STRING && name->len > 0 ? name : NULL;
}

static bool is_word(const char *choice) {
    return strcmp(choice, "auto") == 0 || strcmp(choice, "none") == 0 ||
           strcmp(choice, "required") == 0;
}

bool tools_required(const cli_options *o) {
    return o->tool_choice && strcmp(o->tool_choice, "auto") != 0 &&
           strcmp(o->tool_choice, "none") != 0;
}

lfm_status tools_list(json_out *list, const json_value *tools, const char *where,
                      const char *choice, lfm_error *err) {
    size_t i = 0;
    bool found = !choice || is_word(choice);
    const json_value *inner = json_get(tools, "tools");
    tools = inner ? inner : tools;
    json_write_text(list, "[");
    for (const json_value *tool = tools->kind == JSON_ARRAY ? tools->first : tools; tool;
         tool = tool->next, i++) {
        const json_value *name = name_of(tool);
        if (!name) {
            return err_set(err, LFM_ERR_ARG, "%s: tool %zu has no name; a tool is "
                           "{\"name\":\"..\",\"description\":\"..\",\"parameters\":{..}}", where,
                           i + 1);
        }
        found = found || json_is(name, choice);
        json_write_text(list, i > 0 ? ", " : "");
        json_write_value(list, tool);
        if (tools->kind != JSON_ARRAY) {
            i++;
            break;
        }
    }
    json_write_text(list, "]");
    if (i == 0) {
        return err_set(err, LFM_ERR_ARG, "%s: the list is empty", where);
    }
    if (!found) {
        return err_set(err, LFM_ERR_ARG, "%s: there is no tool '%.60s' to choose (auto, none, "
                       "required, or the name of one)", where, choice);
    }
    return json_finish(list, err);
}

lfm_status tools_read(json_out *list, const cli_options *o, lfm_error *err) {
    json_out text = {0};
    json_out where = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    if (!o->tools) {
        return o->tool_choice ? err_set(err, LFM_ERR_ARG, "--tool-choice needs --tools FILE")
                              : LFM_OK;
    }
    lfm_status st = prompt_read_file(&text, o->tools, false, err);
    if (st == LFM_OK && json_parse(&doc, text.ptr, text.len, &why) != LFM_OK) {
        st = err_set(err, why.status == LFM_ERR_MEMORY ? LFM_ERR_MEMORY : LFM_ERR_ARG,
                     "--tools %s: %s", o->tools, why.text);
    }
    json_write_text(&where, "--tools ");
    json_write_text(&where, o->tools);
    if (st == LFM_OK) st = json_finish(&where, err);
    if (st == LFM_OK) st = tools_list(list, doc.root, where.ptr, o->tool_choice, err);
    json_doc_free(&doc);
    json_out_free(&text);
    json_out_free(&where);
    return st;
}

lfm_status tools_chosen(json_out *chosen, const json_out *list, const cli_options *o,
                        lfm_error *err) {
    json_doc doc = {0};
    const bool all = is_word(o->tool_choice);
    size_t n = 0;
    lfm_status st = json_parse(&doc, list->ptr, list->len, err);
    json_write_text(chosen, "[");
    for (const json_value *t = st == LFM_OK ? doc.root->first : NULL; t; t = t->next) {
        if (all || json_is(name_of(t), o->tool_choice)) {
            json_write_text(chosen, n++ > 0 ? ", " : "");
            json_write_value(chosen, t);
        }
    }
    json_write_text(chosen, "]");
    json_doc_free(&doc);
    return st == LFM_OK ? json_finish(chosen, err) : st;
}
