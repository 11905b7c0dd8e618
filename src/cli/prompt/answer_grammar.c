/*
 * answer_grammar.c - the grammar of answers: --json-schema, --schema, --choices, --grammar.
 */
#include "cli/prompt/answer_grammar.h"

#include "base/markers.h"
#include "cli/shared/input.h"
#include "cli/shared/term.h"

#include <string.h>

/* An option that sets the grammar. */
typedef struct {
    const char *name;
    const char *value; /* NULL = not given */
    lfm_constraint_kind kind;
    bool is_file;
} source;

enum { N_SOURCES = 6 };

/* The option that was given; its name is NULL without one. */
static source find_source(const cli_options *o) {
    const source sources[N_SOURCES] = {
        {"--json-schema", o->json_schema, LFM_CONSTRAINT_JSON_SCHEMA, false},
        {"--json-schema-file", o->json_schema_file, LFM_CONSTRAINT_JSON_SCHEMA, true},
        {"--schema", o->schema, LFM_CONSTRAINT_CONCISE, false},
        {"--choices", o->form_choices, LFM_CONSTRAINT_CHOICES, false},
        {"--grammar", o->grammar, LFM_CONSTRAINT_GBNF, false},
        {"--grammar-file", o->grammar_file, LFM_CONSTRAINT_GBNF, true},
    };
    source found = {0};
    for (size_t i = 0; i < N_SOURCES && !found.name; i++) {
        if (sources[i].value) {
            found = sources[i];
        }
    }
    if (found.name && found.kind == LFM_CONSTRAINT_JSON_SCHEMA && found.value[0] == '@') {
        found.value++;
        found.is_file = true;
    }
    return found;
}

lfm_status answer_grammar_read(answer_grammar *f, const cli_options *o, tools_offered *tools,
                               lfm_error *err) {
    source s = find_source(o);
    json_out text = {0};
    lfm_error why = {0};
    lfm_status st = LFM_OK;
    if (tools && tools_required(o)) {
        if (s.name) {
            return err_set(err, LFM_ERR_ARG,
                           "%s and --tool-choice %s both constrain the answer; give one of them",
                           s.name, o->tool_choice);
        }
        if (tools->n == 0) {
            return err_set(err, LFM_ERR_ARG, "--tool-choice needs --tools FILE, or \"tools\" in "
                           "the file of --messages");
        }
        s = (source){o->tools ? "--tools" : "--messages", o->tools ? o->tools : o->messages,
                     LFM_CONSTRAINT_TOOL, false};
        s.kind = strcmp(o->tool_choice, "required") == 0 ? LFM_CONSTRAINT_TOOLS : s.kind;
    }
    if (!s.name) return LFM_OK;
    const bool is_tools = s.kind == LFM_CONSTRAINT_TOOLS || s.kind == LFM_CONSTRAINT_TOOL;
    if (is_tools) {
        st = tools_be_lenient(tools, o, err);
        if (st == LFM_OK && !tools_write(&text, tools, o->tool_choice)) {
            st = err_set(err, LFM_ERR_ARG, "%s %s: no tool is left that could be called", s.name,
                         s.value);
        }
    } else if (s.is_file) {
        st = input_read_file(&text, s.value, INPUT_CODE, err);
    } else {
        json_write_text(&text, s.value);
    }
    if (st == LFM_OK) st = json_finish(&text, err);
    if (st == LFM_OK) {
        st = lfm_grammar_new(&f->grammar, s.kind, text.ptr, text.len, &why);
        const bool is_file = s.is_file || is_tools;
        if (st != LFM_OK) { /* a bad grammar is a mistake of the command line */
            st = err_set(err, st == LFM_ERR_MEMORY ? st : LFM_ERR_ARG, "%s%s%s: %s", s.name,
                         is_file ? " " : "", is_file ? s.value : "", why.text);
        }
        answer_grammar_tell(f, o);
    }
    json_out_free(&text);
    return st;
}

bool answer_grammar_tell(const answer_grammar *f, const cli_options *o) {
    const char *notes = f->grammar ? lfm_grammar_notes(f->grammar) : "";
    for (const char *at = notes; *at && !o->quiet;) {
        const size_t n = strcspn(at, "\n");
        term_message("%.*s", (int)n, at);
        at += n + (at[n] == '\n');
    }
    return notes[0] != '\0';
}

lfm_status answer_grammar_bind(answer_grammar *f, const lfm_model *m, const cli_options *o,
                               lfm_error *err) {
    const int flags = o->raw ? 0 : LFM_CONSTRAINT_THOUGHTS;
    return f->grammar ? lfm_constraint_new(&f->first, m, f->grammar, flags, err) : LFM_OK;
}

lfm_status answer_grammar_begin(const answer_grammar *f, const char *begins, lfm_constraint **out,
                                lfm_error *err) {
    *out = NULL;
    if (!f->first) return LFM_OK;
    lfm_error why = {0};
    lfm_status st = lfm_constraint_clone(out, f->first, err);
    if (st == LFM_OK && begins) {
        st = lfm_constraint_accept_text(*out, begins, strlen(begins), &why);
        if (st != LFM_OK) {
            const bool opened = strncmp(begins, THINK_OPEN, strlen(THINK_OPEN)) == 0;
            st = err_set(err, st, "%s does not meet the constraint on the answer: %s",
                         opened ? "the beginning of the answer, " THINK_OPEN "," : "--prefill",
                         why.text);
        }
    }
    return st;
}

void answer_grammar_drop(answer_grammar *f) {
    lfm_constraint_free(f->first);
    lfm_grammar_free(f->grammar);
    *f = (answer_grammar){0};
}
