/*
 * cmd_chat.c - lfm chat: a conversation in the terminal.
 *
 * Typed text goes to the terminal, messages go to standard error, and answers to standard output.
 */
#include "cli/chat/chat_internal.h"

#include "cli/lineedit/tty.h"
#include "cli/prompt/prompt.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ESCAPE_MS = 50 }; /* no byte for this long after Escape: it was the key, not a sequence */

/* ---- Reading a message ---------------------------------------------------------------------- */

static void draw(chat *c, bool finish) {
    json_out out = {0};
    editor_draw(&c->edit, &out, "> ", ". ", tty_columns(), c->color, finish);
    if (!out.failed) {
        tty_write(out.ptr, out.len);
    }
    json_out_free(&out);
}

/* Wait for the next byte from the terminal; -1 = Ctrl-C, or the terminal is gone. */
static int next_byte(chat *c, char *byte) {
    for (;;) {
        const int n = tty_read(byte, 1, c->edit.n_key > 0 ? ESCAPE_MS : -1);
        if (n != 0 || term_stopped()) return term_stopped() ? -1 : n;
        editor_idle(&c->edit);
        if (tty_must_redraw() || c->edit.n_key == 0) {
            draw(c, false);
        }
    }
}

/* Handle an event that does not end the message. */
static lfm_status handle_event(chat *c, editor_event event, lfm_error *err) {
    lfm_status st = LFM_OK;
    if (event == EDITOR_EXTERNAL) {
        draw(c, true);
        if (chat_edit(c, err) != LFM_OK) {
            chat_say(c, "%s", err->text);
            err_clear(err);
        }
        tty_set(TTY_KEYS);
    } else if (event == EDITOR_CLEAR) {
        tty_write("\033[H\033[2J", 7);
        c->edit.row = 0;
    } else if (event == EDITOR_SUSPEND) {
        draw(c, true);
        tty_suspend();
    }
    if (c->edit.failed) st = err_no_memory(err, "the message");
    draw(c, false);
    return st;
}

/* Edit until a message is complete, cancelled, or the user leaves. */
static lfm_status read_message(chat *c, editor_event *event, lfm_error *err) {
    lfm_status st = LFM_OK;
    char byte = 0;
    tty_set(TTY_KEYS);
    draw(c, false);
    *event = EDITOR_MORE;
    while (st == LFM_OK) {
        if (next_byte(c, &byte) < 0) {
            *event = EDITOR_END;
            break;
        }
        *event = editor_feed(&c->edit, byte);
        if (*event == EDITOR_DONE || *event == EDITOR_CANCEL || *event == EDITOR_END) break;
        /* Draw nothing in the middle of a paste or of a key sequence. */
        if (!(c->edit.pasting || c->edit.n_key > 0) || *event != EDITOR_MORE) {
            st = handle_event(c, *event, err);
        }
    }
    draw(c, true);
    tty_set(TTY_WATCH);
    return st;
}

/* ---- One turn ------------------------------------------------------------------------------- */

static lfm_status send_message(chat *c, const char *text, size_t n, lfm_error *err) {
    json_out whole = {0};
    if (c->attached.len > 0) {
        json_write_raw(&whole, c->attached.ptr, c->attached.len);
        json_write_text(&whole, n > 0 ? "\n\n" : "");
    }
    json_write_raw(&whole, text, n);
    lfm_status st = json_finish(&whole, err);
    if (st == LFM_OK) st = conversation_add(&c->talk, "user", whole.ptr, whole.len, err);
    json_out_free(&whole);
    json_out_free(&c->attached);
    c->attached = (json_out){0};
    return st == LFM_OK ? chat_answer(c, err) : st;
}

/* Report the failure of a turn and continue, unless out of memory or leaving. */
static lfm_status tolerate(chat *c, lfm_status st, lfm_error *err) {
    if (st == LFM_OK || st == LFM_ERR_MEMORY || c->leave) return st;
    chat_say(c, "%s", err->text);
    err_clear(err);
    return LFM_OK;
}

static lfm_status take_turn(chat *c, lfm_error *err) {
    const char *text = NULL;
    size_t n = 0;
    lfm_error late = {0};
    editor_message(&c->edit, &text, &n);
    if (n == 0 && c->attached.len == 0) return LFM_OK;
    if (history_add(&c->past, c->edit.text, &late) != LFM_OK) {
        chat_say(c, "%s", late.text);
    }
    char *line = malloc(n + 1); /* a copy, because commands may change the editor's text */
    if (!line) return err_no_memory(err, "the message");
    memcpy(line, text, n);
    line[n] = '\0';
    editor_clear(&c->edit);
    const bool is_command = line[0] == '/' && line[1] != '/';
    lfm_status st = is_command ? chat_command(c, line, err) : send_message(c, line, n, err);
    free(line);
    if (st == LFM_OK && c->o.session && !is_command) st = chat_save(c, c->o.session, err);
    return tolerate(c, st, err);
}

/* ---- The conversation ----------------------------------------------------------------------- */

static lfm_status converse(chat *c, lfm_error *err) {
    bool warned = false; /* Ctrl-C was the last input, and a hint was printed */
    lfm_status st = LFM_OK;
    while (st == LFM_OK && !c->leave && !term_stopped()) {
        editor_event event;
        st = read_message(c, &event, err);
        if (st == LFM_OK && event == EDITOR_END) {
            c->leave = true;
        } else if (st == LFM_OK && event == EDITOR_CANCEL) {
            if (warned && c->edit.len == 0) {
                term_stop(SIGINT); /* main then dies by the signal */
            } else if (c->edit.len == 0) {
                chat_say(c, "Ctrl-D or /bye leaves, and so does another Ctrl-C");
            }
            warned = c->edit.len == 0;
            editor_clear(&c->edit);
        } else if (st == LFM_OK) {
            warned = false;
            st = take_turn(c, err);
            if (term_take_interrupt()) { /* it stopped the answer */
                continue;
            }
        }
    }
    return st;
}

static lfm_status open_history(chat *c) {
    char path[1024];
    lfm_error err = {0};
    const char *unwanted = getenv("LFM_NOHISTORY");
    if (c->o.no_history || (unwanted && unwanted[0]) || !history_default_path(path, sizeof path)) {
        return LFM_OK;
    }
    if (history_open(&c->past, path, &err) != LFM_OK) { /* work without a history */
        chat_say(c, "%s", err.text);
    }
    return LFM_OK;
}

static lfm_status read_system(chat *c, lfm_error *err) {
    json_out text = {0};
    if (!c->o.system && !c->o.system_file) return LFM_OK;
    lfm_status st = prompt_read_system(&text, &c->o, err);
    if (st == LFM_OK) st = conversation_set_system(&c->talk, text.ptr, text.len, err);
    json_out_free(&text);
    return st;
}

/* Open the model and a session, and load the earlier conversation. */
static lfm_status load(chat *c, lfm_error *err) {
    lfm_status st = cli_open_model(&c->model, &c->o, false, err);
    if (st == LFM_OK) st = cli_new_session(&c->session, c->model, &c->o, err);
    if (st == LFM_OK && c->o.session) st = chat_load(c, c->o.session, err);
    if (st == LFM_OK && c->talk.n == 0) {
        st = read_system(c, err);
    } else if (st == LFM_OK && (c->o.system || c->o.system_file)) {
        st = err_set(err, LFM_ERR_ARG, "%s already has a system prompt; /system changes it",
                     c->o.session);
    }
    return st;
}

static void greet(const chat *c) {
    const char *warning = lfm_chat_warning(c->model);
    if (warning[0]) {
        chat_say(c, "%s", warning);
    }
    chat_say(c, "%s   /help for help, Ctrl-D to leave", cli_base_name(c->o.model));
    if (c->talk.n > 0) {
        chat_say(c, "%zu messages so far", c->talk.n);
    }
}

static lfm_status chat_all(chat *c, lfm_error *err) {
    json_out first = {0};
    bool any = false;
    lfm_status st = prompt_read(&first, &any, &c->o, err);
    if (st == LFM_OK) st = load(c, err);
    if (st == LFM_OK) {
        c->edit.past = &c->past;
        open_history(c);
        if (!c->o.quiet) {
            greet(c);
        }
    }
    if (st == LFM_OK && any && first.len > 0) {
        st = tolerate(c, send_message(c, first.ptr, first.len, err), err);
        term_take_interrupt();
        if (st == LFM_OK && c->o.session) st = tolerate(c, chat_save(c, c->o.session, err), err);
    }
    json_out_free(&first);
    return st == LFM_OK ? converse(c, err) : st;
}

int cmd_chat(const cli_options *o) {
    chat c = {.o = *o, .color = term_use_color(o->color)};
    lfm_error err = {0};
    int code = CLI_DONE;
    if (tty_open(&err) != LFM_OK) {
        term_message("lfm chat needs a terminal, and %s. For prompts from files and programs: lfm "
                     "run, or lfm batch", err.text);
        return CLI_USAGE;
    }
    if (chat_all(&c, &err) != LFM_OK) {
        tty_set(TTY_NORMAL);
        code = cli_fail(&err);
    }
    tty_close();
    conversation_drop(&c.talk);
    json_out_free(&c.attached);
    history_drop(&c.past);
    editor_drop(&c.edit);
    lfm_session_free(c.session);
    lfm_model_close(c.model);
    return code;
}
