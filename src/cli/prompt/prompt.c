/*
 * prompt.c - collecting the prompt from the command line, files and standard input.
 */
#include "cli/prompt/prompt.h"

#include "base/utf8.h"
#include "cli/shared/common.h"
#include "cli/shared/input.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Parts ---------------------------------------------------------------------------------- */

/* Never read from a terminal; /dev/null or a closed descriptor is how scripts say "nothing". */
static bool stdin_has_data(void) {
    struct stat info;
    return fstat(STDIN_FILENO, &info) == 0 &&
           (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

/* Does an option name "-" as its file? */
static bool stdin_is_placed(const cli_options *o) {
    for (size_t i = 0; i < o->n_parts; i++) {
        if (o->parts[i].kind != PART_TEXT && strcmp(o->parts[i].value, "-") == 0) return true;
    }
    return (o->messages && strcmp(o->messages, "-") == 0) ||
           (o->system_file && strcmp(o->system_file, "-") == 0);
}

/* -e: interpret the escapes of C.  A backslash before any other character stays. */
static void write_unescaped(json_out *text, const char *p) {
    static const char from[] = "nrtbfva\\'\"";
    static const char to[] = "\n\r\t\b\f\v\a\\'\"";
    for (; *p; p++) {
        const char *simple = *p == '\\' && p[1] ? strchr(from, p[1]) : NULL;
        json_write_raw(text, simple ? &to[simple - from] : p, 1);
        p += simple != NULL;
    }
}

static lfm_status add_part(json_out *text, bool *any, const opt_part *part, bool escape,
                           lfm_error *err) {
    const size_t start = text->len;
    lfm_status st = LFM_OK;
    if (*any) {
        json_write_text(text, "\n\n");
    }
    const size_t body = text->len;
    if (part->kind == PART_TEXT && escape) {
        write_unescaped(text, part->value);
    } else if (part->kind == PART_TEXT) {
        json_write_text(text, part->value);
    } else {
        st = input_read_file(text, part->value,
                             part->kind == PART_BYTES ? INPUT_BYTES : INPUT_TEXT, err);
    }
    if (st == LFM_OK) st = json_finish(text, err);
    if (st == LFM_OK && text->len == body) { /* an empty part adds no blank line */
        text->len = start;
        text->ptr[start] = '\0';
    }
    *any = *any || text->len > start;
    return st;
}

lfm_status prompt_read(json_out *text, bool *any, const cli_options *o, lfm_error *err) {
    const opt_part from_stdin = {PART_FILE, "-"};
    lfm_status st = LFM_OK;
    *any = false;
    if (!o->no_stdin && !stdin_is_placed(o) && stdin_has_data()) {
        st = add_part(text, any, &from_stdin, false, err);
    }
    for (size_t i = 0; i < o->n_parts && st == LFM_OK; i++) {
        st = add_part(text, any, &o->parts[i], o->escape, err);
    }
    *any = *any || o->n_parts > 0;
    return st == LFM_OK ? json_finish(text, err) : st;
}

/* ---- Conversations -------------------------------------------------------------------------- */

/* "--messages FILE", for errors. */
static lfm_status name_messages(json_out *where, const char *path, lfm_error *err) {
    json_write_text(where, "--messages ");
    json_write_text(where, path);
    return json_finish(where, err);
}

static lfm_status take_messages(conversation *c, tools_offered *tools, const json_value *root,
                                const char *where, const cli_options *o, lfm_error *err) {
    const json_value *list = root->kind == JSON_ARRAY ? root : json_get(root, "messages");
    const json_value *own = json_get(root, "tools");
    if (!list || list->kind != JSON_ARRAY || list->n == 0) {
        return err_set(err, LFM_ERR_ARG, "%s: no list of messages, such as "
                       "[{\"role\":\"user\",\"content\":\"..\"}]", where);
    }
    lfm_status st = conversation_read(c, list, err);
    const bool has_own = own && own->kind != JSON_NULL && !(own->kind == JSON_ARRAY && own->n == 0);
    if (st == LFM_OK && has_own && tools->n == 0) {
        st = tools_take(tools, own, where, o->tool_choice, err);
    }
    return st == LFM_OK ? conversation_set_tools(c, tools, err) : st;
}

lfm_status prompt_read_messages(conversation *c, tools_offered *tools, const cli_options *o,
                                lfm_error *err) {
    json_out file = {0};
    json_out where = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    lfm_status st = name_messages(&where, o->messages, err);
    if (st == LFM_OK) st = input_read_file(&file, o->messages, INPUT_CODE, err);
    if (st == LFM_OK && json_parse(&doc, file.ptr, file.len, &why) != LFM_OK) {
        st = err_set(err, why.status, "%s: %s", where.ptr, why.text);
    }
    if (st == LFM_OK) st = take_messages(c, tools, doc.root, where.ptr, o, err);
    json_doc_free(&doc);
    json_out_free(&file);
    json_out_free(&where);
    return st;
}

static lfm_status check_text(const char *what, const json_out *text, lfm_error *err) {
    return utf8_valid(text->ptr, text->len)
               ? LFM_OK
               : err_set(err, LFM_ERR_ARG,
                         "the %s is not UTF-8 text. Convert it (iconv -t UTF-8), "
                         "or use --raw to continue any bytes",
                         what);
}

lfm_status prompt_read_system(json_out *system, const cli_options *o, lfm_error *err) {
    const char *file = o->system ? NULL : o->system_file;
    if (file) return input_read_file(system, file, INPUT_TEXT, err);
    json_write_text(system, o->system ? o->system : "");
    return json_finish(system, err);
}

/* A system prompt that is given again must equal the one that the session began with. */
static lfm_status check_same_system(const conversation *c, const json_out *system,
                                    const cli_options *o, lfm_error *err) {
    const chat_message *first = c->n > 0 ? &c->messages[0] : NULL;
    const bool same = first && first->role && strcmp(first->role, "system") == 0 &&
                      first->n == strlen(system->ptr) &&
                      memcmp(first->text, system->ptr, first->n) == 0;
    return same ? LFM_OK
                : err_set(err, LFM_ERR_UNSUPPORTED,
                          "%s was started with another system prompt, or none. Leave it out, or "
                          "use another session file",
                          o->session);
}

static lfm_status set_system(conversation *c, const cli_options *o, bool continues,
                             lfm_error *err) {
    json_out system = {0};
    lfm_status st = prompt_read_system(&system, o, err);
    if (st == LFM_OK && continues) {
        st = check_same_system(c, &system, o, err);
    } else if (st == LFM_OK) {
        st = check_text("system prompt", &system, err);
        if (st == LFM_OK) st = conversation_set_system(c, system.ptr, system.len, err);
    }
    json_out_free(&system);
    return st;
}

lfm_status prompt_conversation(conversation *c, const cli_options *o, bool continues,
                               const tools_offered *tools, const json_out *text, lfm_error *err) {
    lfm_status st = conversation_set_tools(c, tools, err);
    if (st == LFM_OK && (o->system || o->system_file)) st = set_system(c, o, continues, err);
    if (st == LFM_OK) st = check_text("prompt", text, err);
    return st == LFM_OK ? conversation_add(c, "user", text->ptr, text->len, err) : st;
}
