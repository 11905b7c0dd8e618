/*
 * prompt.c - collecting the prompt.
 */
#include "cli/prompt/prompt.h"

#include "base/utf8.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Files ---------------------------------------------------------------------------------- */

static lfm_status read_all(json_out *text, int fd, const char *name, lfm_error *err) {
    char chunk[16384];
    for (;;) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n > 0) {
            json_write_raw(text, chunk, (size_t)n);
        } else if (n == 0) {
            return json_finish(text, err);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            struct pollfd wait = {.fd = fd, .events = POLLIN};
            (void)poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return err_set(err, LFM_ERR_IO, "%s: cannot be read: %s", name, strerror(errno));
        }
    }
}

/* Somebody at a terminal should learn why nothing happens. */
static void explain_wait(int fd) {
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    if (term_err_is_tty() && poll(&wait, 1, 2000) == 0) {
        term_message("waiting for standard input (-N to skip)");
    }
}

lfm_status prompt_read_file(json_out *text, const char *path, bool drop_newline, lfm_error *err) {
    const bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    const size_t start = text->len;
    const int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return cli_no_file(path, errno, err);
    }
    if (is_stdin) {
        explain_wait(fd);
    }
    const lfm_status st = read_all(text, fd, name, err);
    if (!is_stdin) {
        close(fd);
    }
    if (drop_newline && text->len > start && text->ptr[text->len - 1] == '\n') {
        text->ptr[--text->len] = '\0';
    }
    return st;
}

/* ---- Parts ---------------------------------------------------------------------------------- */

/* Terminals are for people, and /dev/null or a closed descriptor is how scripts say "nothing". */
static bool stdin_has_data(void) {
    struct stat info;
    return fstat(STDIN_FILENO, &info) == 0 &&
           (S_ISREG(info.st_mode) || S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

static bool stdin_is_placed(const cli_options *o) {
    for (size_t i = 0; i < o->n_parts; i++) {
        if (o->parts[i].kind != PART_TEXT && strcmp(o->parts[i].value, "-") == 0) {
            return true;
        }
    }
    return (o->messages && strcmp(o->messages, "-") == 0) ||
           (o->system_file && strcmp(o->system_file, "-") == 0);
}

/* -e: the escapes of C; a backslash before anything else stays. */
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
        st = prompt_read_file(text, part->value, part->kind == PART_FILE, err);
    }
    if (st == LFM_OK) st = json_finish(text, err);
    if (st == LFM_OK && text->len == body) { /* an empty part leaves no blank line */
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

static void write_tools(json_out *json, const json_out *tools) {
    if (tools && tools->len > 0) {
        json_write_text(json, "\"tools\": ");
        json_write_raw(json, tools->ptr, tools->len);
        json_write_text(json, ", ");
    }
}

/* A file with a list of messages, or with an object that has one (and perhaps tools: those of
 * --tools come instead). */
static lfm_status read_messages(json_out *json, const char *path, const json_out *tools,
                                lfm_error *err) {
    json_out file = {0};
    json_doc doc = {0};
    lfm_error why = {0};
    lfm_status st = prompt_read_file(&file, path, false, err);
    if (st == LFM_OK && json_parse(&doc, file.ptr, file.len, &why) != LFM_OK) {
        st = err_set(err, why.status, "--messages %s: %s", path, why.text);
    }
    if (st == LFM_OK) {
        const bool is_list = doc.root->kind == JSON_ARRAY;
        const json_value *list = is_list ? doc.root : json_get(doc.root, "messages");
        if (!list || list->kind != JSON_ARRAY || list->n == 0) {
            st = err_set(err, LFM_ERR_ARG, "--messages %s: there is no list of messages, such as "
                         "[{\"role\":\"user\",\"content\":\"..\"}]", path);
        } else {
            const bool own = tools && tools->len > 0;
            json_write_text(json, is_list || own ? "{" : "");
            write_tools(json, tools);
            json_write_text(json, is_list || own ? "\"messages\": " : "");
            json_write_value(json, is_list || own ? list : doc.root);
            json_write_text(json, is_list || own ? "}" : "");
            st = json_finish(json, err);
        }
    }
    json_doc_free(&doc);
    json_out_free(&file);
    return st;
}

static lfm_status write_message(json_out *json, const char *role, const char *what,
                                const json_out *text, lfm_error *err) {
    if (!utf8_valid(text->ptr, text->len)) {
        return err_set(err, LFM_ERR_ARG, "the %s is not UTF-8 text. Convert it (iconv -t UTF-8), "
                       "or use --raw to continue any bytes", what);
    }
    json_write_text(json, "{\"role\": \"");
    json_write_text(json, role);
    json_write_text(json, "\", \"content\": ");
    json_write_string(json, text->ptr, text->len);
    json_write_text(json, "}");
    return LFM_OK;
}

static lfm_status read_system(json_out *system, const cli_options *o, lfm_error *err) {
    if (o->system) {
        json_write_text(system, o->system);
        return json_finish(system, err);
    }
    return prompt_read_file(system, o->system_file, true, err);
}

/* The messages of a session; a system prompt that is given again must be the same. */
static lfm_status write_past(json_out *json, const json_value *past, const json_out *system,
                             const cli_options *o, lfm_error *err) {
    if (system) {
        const json_value *first = past->first;
        const json_value *content = json_get(first, "content");
        if (!first || !json_is(json_get(first, "role"), "system") || !content ||
            !json_is(content, system->ptr)) {
            return err_set(err, LFM_ERR_UNSUPPORTED, "%s was begun with another system prompt, or "
                           "none. Leave it out, or use another session file", o->session);
        }
    }
    for (const json_value *m = past->first; m; m = m->next) {
        json_write_value(json, m);
        json_write_text(json, ", ");
    }
    return LFM_OK;
}

lfm_status prompt_conversation(json_out *json, const cli_options *o, const json_value *past,
                               const json_out *tools, const json_out *text, lfm_error *err) {
    if (o->messages) {
        return read_messages(json, o->messages, tools, err);
    }
    const bool has_system = o->system || o->system_file;
    json_out system = {0};
    lfm_status st = has_system ? read_system(&system, o, err) : LFM_OK;
    json_write_text(json, "{");
    write_tools(json, tools);
    json_write_text(json, "\"messages\": [");
    if (st == LFM_OK && past) {
        st = write_past(json, past, has_system ? &system : NULL, o, err);
    } else if (st == LFM_OK && has_system) {
        st = write_message(json, "system", "system prompt", &system, err);
        json_write_text(json, ", ");
    }
    if (st == LFM_OK) st = write_message(json, "user", "prompt", text, err);
    json_write_text(json, "]}");
    json_out_free(&system);
    return st == LFM_OK ? json_finish(json, err) : st;
}
