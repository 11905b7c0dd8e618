/*
 * chat_commands.c - the commands of `lfm chat`: lines that begin with a slash.
 */
#include "cli/chat/chat_internal.h"

#include "cli/lineedit/tty.h"
#include "cli/prompt/prompt_tokens.h"
#include "cli/prompt/session_store.h"
#include "cli/shared/common.h"
#include "cli/shared/input.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef lfm_status command_fn(chat *c, const char *arg, lfm_error *err);

/* ---- Files ---------------------------------------------------------------------------------- */

/* Replace our messages with those of a session file: texts only, without tool calls. */
static lfm_status take_messages(chat *c, const conversation *past, lfm_error *err) {
    lfm_status st = conversation_set_system(&c->talk, NULL, 0, err);
    chat_forget(c);
    for (size_t i = 0; i < past->n && st == LFM_OK; i++) {
        const chat_message *m = &past->messages[i];
        if (!m->role) {
            st = err_set(err, LFM_ERR_UNSUPPORTED, "the session has messages that are not text");
        } else if (strcmp(m->role, "system") == 0) {
            st = conversation_set_system(&c->talk, m->text, m->n, err);
        } else {
            const bool user = strcmp(m->role, "user") == 0;
            st = conversation_add(&c->talk, user ? "user" : "assistant", m->text, m->n, err);
        }
    }
    return st;
}

lfm_status chat_load(chat *c, const char *path, lfm_error *err) {
    cli_options o = c->o;
    conversation past = {0};
    bool continues = false;
    o.session = path;
    o.raw = false;
    lfm_status st = session_store_load(&past, &continues, c->session, &o, err);
    if (st == LFM_OK) st = take_messages(c, &past, err);
    conversation_drop(&past);
    return st;
}

lfm_status chat_save(chat *c, const char *path, lfm_error *err) {
    cli_options o = c->o;
    o.session = path;
    return session_store_save(c->session, &o, &c->talk, err);
}

/* ---- An editor ------------------------------------------------------------------------------ */

static const char *editor_name(void) {
    const char *name = getenv("VISUAL");
    name = name && name[0] ? name : getenv("EDITOR");
    return name && name[0] ? name : "vi";
}

static lfm_status run_editor(const char *path, lfm_error *err) {
    int status = 0;
    tty_set(TTY_NORMAL);
    const pid_t child = fork();
    if (child == 0) {
        /* $EDITOR may hold arguments: let the shell split it, and pass the path unchanged. */
        char line[1024];
        const int n = snprintf(line, sizeof line, "%s \"$1\"", editor_name());
        if (n > 0 && (size_t)n < sizeof line) {
            execl("/bin/sh", "sh", "-c", line, "lfm", path, (char *)NULL);
        }
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return err_set(err, LFM_ERR_IO,
                       "%s failed; the text is unchanged. Set $EDITOR to choose the "
                       "editor", editor_name());
    }
    return LFM_OK;
}

lfm_status chat_edit(chat *c, lfm_error *err) {
    const char *folder = getenv("TMPDIR");
    char path[512];
    json_out text = {0};
    const int len = snprintf(path, sizeof path, "%s/lfm-XXXXXX",
                             folder && folder[0] ? folder : "/tmp");
    const int fd = len > 0 && (size_t)len < sizeof path ? mkstemp(path) : -1; /* mode 0600 */
    if (fd < 0) {
        return err_set(err, LFM_ERR_IO, "cannot create a temporary file: %s", strerror(errno));
    }
    FILE *file = fdopen(fd, "wb");
    bool written = file && fwrite(c->edit.text ? c->edit.text : "", 1, c->edit.len, file) ==
                               c->edit.len;
    if (file) {
        written = fclose(file) == 0 && written;
    } else {
        close(fd);
    }
    lfm_status st = written ? run_editor(path, err)
                            : err_set(err, LFM_ERR_IO, "%s: %s", path, strerror(errno));
    if (st == LFM_OK) st = input_read_file(&text, path, INPUT_TEXT, err);
    if (st == LFM_OK) {
        editor_set(&c->edit, text.ptr ? text.ptr : "", text.len);
    }
    unlink(path);
    json_out_free(&text);
    return st;
}

/* ---- Commands ------------------------------------------------------------------------------- */

static lfm_status do_bye(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    (void)err;
    c->leave = true;
    return LFM_OK;
}

static lfm_status do_clear(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    (void)err;
    chat_forget(c);
    json_out_free(&c->attached);
    c->attached = (json_out){0};
    chat_say(c, c->talk.system ? "cleared; the system prompt stays" : "cleared");
    return LFM_OK;
}

/* Remove the last answer; false when there is none to remove. */
static bool pop_answer(chat *c) {
    if (c->talk.n == 0 || strcmp(c->talk.messages[c->talk.n - 1].role, "assistant") != 0) {
        return false;
    }
    conversation_pop(&c->talk);
    return c->talk.n > 0;
}

static lfm_status do_undo(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    (void)err;
    if (!pop_answer(c)) {
        chat_say(c, "there is nothing to undo");
        return LFM_OK;
    }
    const chat_message *last = &c->talk.messages[c->talk.n - 1];
    editor_set(&c->edit, last->text, last->n);
    conversation_pop(&c->talk);
    return LFM_OK;
}

static lfm_status do_regen(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    if (!pop_answer(c)) {
        chat_say(c, "there is no answer yet");
        return LFM_OK;
    }
    return chat_answer(c, err);
}

static lfm_status do_read(chat *c, const char *arg, lfm_error *err) {
    const size_t before = c->attached.len;
    if (!arg[0]) {
        chat_say(c, "/read needs a file: /read notes.txt");
        return LFM_OK;
    }
    if (before > 0) {
        json_write_text(&c->attached, "\n\n");
    }
    lfm_status st = input_read_file(&c->attached, arg, INPUT_TEXT, err);
    if (st == LFM_OK) st = json_finish(&c->attached, err);
    if (st == LFM_OK) {
        chat_say(c, "%s (%zu bytes) will come before your next message", arg,
                 c->attached.len - before);
    }
    return st;
}

static lfm_status do_save(chat *c, const char *arg, lfm_error *err) {
    const char *path = arg[0] ? arg : c->o.session;
    if (!path) {
        chat_say(c, "/save needs a file: /save talk.lfm");
        return LFM_OK;
    }
    const lfm_status st = chat_save(c, path, err);
    if (st == LFM_OK) {
        chat_say(c, "saved; continue with: lfm chat MODEL --session %s", path);
    }
    return st;
}

static lfm_status do_load(chat *c, const char *arg, lfm_error *err) {
    if (!arg[0]) {
        chat_say(c, "/load needs a file: /load talk.lfm");
        return LFM_OK;
    }
    if (access(arg, F_OK) != 0) {
        chat_say(c, "%s: %s", arg, strerror(errno));
        return LFM_OK;
    }
    const lfm_status st = chat_load(c, arg, err);
    if (st == LFM_OK) {
        chat_say(c, "%zu messages, %u tokens", c->talk.n, (unsigned)lfm_session_pos(c->session));
    }
    return st;
}

static lfm_status do_system(chat *c, const char *arg, lfm_error *err) {
    if (!arg[0]) {
        chat_say(c, "system prompt: %s", c->talk.system ? c->talk.system : "(none)");
        return LFM_OK;
    }
    const lfm_status st = conversation_set_system(&c->talk, arg, strlen(arg), err);
    if (st == LFM_OK) {
        chat_say(c, "the system prompt was changed, for earlier messages too");
    }
    return st;
}

static lfm_status do_set(chat *c, const char *arg, lfm_error *err) {
    char name[32];
    const size_t n = strcspn(arg, " ");
    const char *value = arg + n + strspn(arg + n, " ");
    lfm_error why = {0};
    (void)err;
    if (n == 0 || n >= sizeof name || !value[0]) {
        chat_say(c,
                 "/set NAME VALUE, named like the options: temp, top-k, top-p, min-p, "
                 "repeat-penalty, seed, n");
        return LFM_OK;
    }
    memcpy(name, arg, n);
    name[n] = '\0';
    if (opt_set(&c->o, CMD_CHAT, name, value, &why) != LFM_OK) {
        chat_say(c, "%s", why.text);
    }
    return LFM_OK;
}

static lfm_status do_think(chat *c, const char *arg, lfm_error *err) {
    const bool is_number = arg[0] && arg[strspn(arg, "0123456789")] == '\0';
    (void)err;
    if (is_number) {
        c->o.think_budget = (opt_number){strtod(arg, NULL), true};
    } else if (strcmp(arg, "on") == 0 || strcmp(arg, "hide") == 0 || strcmp(arg, "off") == 0) {
        c->o.think_budget = (opt_number){0};
        c->o.no_think = c->o.hide_thinking = false;
        c->o.reasoning = 0;
        c->o.think = arg[0] == 'h' ? THINK_HIDE : arg[1] == 'f' ? THINK_OFF : THINK_AUTO;
    } else {
        chat_say(c, "/think on, hide (think, but do not show it), off, or a number of tokens");
    }
    return LFM_OK;
}

static lfm_status do_stats(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    (void)err;
    chat_print_stats(c);
    return LFM_OK;
}

/* Print the conversation as the model reads it. */
static lfm_status do_raw(chat *c, const char *arg, lfm_error *err) {
    cli_options plain = c->o;
    prompt_tokens prompt = {0};
    lfm_status st = LFM_OK;
    (void)arg;
    plain.prefill = NULL;
    if (c->talk.n > 0 || c->talk.system) {
        st = prompt_tokenize_chat(&prompt, c->model, &plain, &c->talk, err);
    }
    if (st == LFM_OK) {
        cli_print(prompt.text ? prompt.text : "", prompt.text_len);
        chat_say(c, "\n%zu tokens", prompt.n);
    }
    prompt_tokens_drop(&prompt);
    return st;
}

static void show_params(const chat *c) {
    const struct {
        const char *name;
        opt_number value;
    } all[] = {
        {"temp", c->o.temp}, {"top-k", c->o.top_k}, {"top-p", c->o.top_p}, {"min-p", c->o.min_p},
        {"typical", c->o.typical}, {"repeat-penalty", c->o.repeat_penalty}, {"seed", c->o.seed},
        {"n", c->o.n_predict},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i].value.given) {
            chat_say(c, "%-15s %.9g", all[i].name, all[i].value.value);
        } else {
            chat_say(c, "%-15s (%s)", all[i].name, c->o.preset == PRESET_CARD ? "model card"
                                                                              : "preset");
        }
    }
}

static lfm_status do_show(chat *c, const char *arg, lfm_error *err) {
    const lfm_model_info *i = lfm_model_get_info(c->model);
    if (strcmp(arg, "params") == 0) {
        show_params(c);
    } else if (strcmp(arg, "stats") == 0) {
        chat_print_stats(c);
    } else if (strcmp(arg, "template") == 0) {
        char template[100];
        cli_describe_template(i, template, sizeof template);
        chat_say(c, "%s", template);
    } else if (strcmp(arg, "context") == 0) {
        chat_say(c, "%zu messages, %s of %s tokens", c->talk.n,
                 cli_grouped(lfm_session_pos(c->session)).text,
                 cli_grouped(lfm_session_n_ctx(c->session)).text);
    } else if (strcmp(arg, "info") == 0 || !arg[0]) {
        chat_say(c, "%s: %s, %s parameters, %s; %s kernels, %u threads", cli_base_name(c->o.model),
                 i->arch, cli_count(i->n_params).text, cli_size(i->file_bytes).text, i->isa,
                 (unsigned)lfm_session_n_threads(c->session));
    } else {
        chat_say(c, "/show info, params, template, context or stats");
    }
    (void)err;
    return LFM_OK;
}

static lfm_status do_edit(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    return chat_edit(c, err);
}

static lfm_status do_help(chat *c, const char *arg, lfm_error *err);

static const struct {
    const char *name, *arg;
    command_fn *run;
    const char *help;
} all_commands[] = {
    {"help", "", do_help, "this list"},
    {"bye", "", do_bye, "leave; also /exit, /quit and Ctrl-D"},
    {"exit", NULL, do_bye, NULL},
    {"quit", NULL, do_bye, NULL},
    {"clear", "", do_clear, "forget the conversation"},
    {"regen", "", do_regen, "another answer to the last message"},
    {"undo", "", do_undo, "take the last message back, to change it"},
    {"edit", "", do_edit, "write the message in $EDITOR; also Ctrl-G"},
    {"read", "FILE", do_read, "put a file before the next message"},
    {"save", "FILE", do_save, "save the conversation and the model's memory of it"},
    {"load", "FILE", do_load, "continue a saved conversation"},
    {"system", "[TEXT]", do_system, "show or change the system prompt"},
    {"set", "NAME V", do_set, "temp, top-k, top-p, min-p, repeat-penalty, seed, n"},
    {"show", "[WHAT]", do_show, "info, params, template, context or stats"},
    {"stats", "", do_stats, "speed of the last answer"},
    {"think", "on|hide|off|N", do_think, "show or hide thoughts, no thoughts, at most N tokens"},
    {"raw", "", do_raw, "the conversation as the model reads it"},
};
enum { N_COMMANDS = sizeof all_commands / sizeof *all_commands };

static lfm_status do_help(chat *c, const char *arg, lfm_error *err) {
    (void)arg;
    (void)err;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (all_commands[i].help) {
            char usage[40];
            snprintf(usage, sizeof usage, "/%s %s", all_commands[i].name, all_commands[i].arg);
            chat_say(c, "%-20s %s", usage, all_commands[i].help);
        }
    }
    chat_say(c, "Alt-Enter or Ctrl-J: a new line. \"\"\" before and after: several lines. "
                "Ctrl-C: stop an answer. Ctrl-R: search.");
    return LFM_OK;
}

lfm_status chat_command(chat *c, const char *line, lfm_error *err) {
    const size_t n = strcspn(line + 1, " \n");
    const char *arg = line + 1 + n + strspn(line + 1 + n, " \n");
    const char *near = NULL;
    size_t best = SIZE_MAX;
    char word[32] = "";
    memcpy(word, line + 1, n < sizeof word - 1 ? n : sizeof word - 1);
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(all_commands[i].name, word) == 0) return all_commands[i].run(c, arg, err);
        near = opt_is_near(word, all_commands[i].name, &best) ? all_commands[i].name : near;
    }
    if (near) {
        chat_say(c, "unknown command /%s. Did you mean /%s?", word, near);
    } else {
        chat_say(c, "unknown command /%s; /help lists the commands", word);
    }
    return LFM_OK;
}
