/*
 * manual.c - lfm man: the manual page, from the tables.
 */
#include "cli/help/manual.h"

#include "cli/help/command_table.h"
#include "cli/help/help_topics.h"

#include <string.h>

/* Print text escaped for roff: backslashes, dashes, and control characters that begin a line. */
static void text(FILE *to, const char *s) {
    bool start = true;
    for (const char *p = s; *p; p++) {
        if (start && (*p == '.' || *p == '\'')) {
            fputs("\\&", to);
        }
        if (*p == '\\') {
            fputs("\\e", to);
        } else if (*p == '-') {
            fputs("\\-", to);
        } else {
            fputc(*p, to);
        }
        start = *p == '\n';
    }
}

static void option(FILE *to, const opt_row *row) {
    fputs(".TP\n", to);
    const char *names = row->names;
    const char *p;
    size_t n;
    while (opt_next_word(&names, ' ', &p, &n)) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)n, p);
        fputs("\\fB", to);
        text(to, name);
        fputs("\\fR", to);
        fputs(*names ? ", " : "", to);
    }
    if (row->arg) {
        fputs(" \\fI", to);
        text(to, row->arg);
        fputs("\\fR", to);
    }
    fputc('\n', to);
    text(to, row->help);
    if (row->preset) {
        fputs(" (default: ", to);
        text(to, row->preset);
        fputs(")", to);
    }
    fputc('\n', to);
}

static void command(FILE *to, const cli_command *c) {
    fputs(".SS lfm ", to);
    text(to, c->synopsis);
    fputc('\n', to);
    text(to, c->summary);
    fputs(".\n", to);
    for (int group = 0; group < N_GROUPS; group++) {
        for (size_t i = 0; i < n_option_rows; i++) {
            const opt_row *row = &option_table[i];
            if ((int)row->group == group && (row->commands & c->bit) && row->kind != OPT_REFUSED &&
                group != GROUP_IDLE && row->kind != OPT_HELP) {
                option(to, row);
            }
        }
    }
    fputs(".PP\n.EX\n", to);
    text(to, c->examples);
    fputs(".EE\n", to);
}

static void facts(FILE *to, const help_fact *table) {
    for (; table->name; table++) {
        fputs(".TP\n.B ", to);
        text(to, table->name);
        fputc('\n', to);
        text(to, table->text);
        fputc('\n', to);
    }
}

void manual_print(FILE *to) {
    fputs(".TH LFM 1 \"\" \"lfm " LFM_VERSION "\" \"User Commands\"\n"
          ".SH NAME\nlfm \\- run LFM2 models on the CPU\n"
          ".SH SYNOPSIS\n.B lfm\n.I COMMAND\n[\\fIMODEL\\fR] [\\fIoptions\\fR]\n"
          ".SH DESCRIPTION\n"
          "Runs Liquid AI's LFM2 and LFM2.5 models (mixtures of experts and dense ones) from GGUF "
          "files.  The answer goes to standard output and nothing else does; the same file, "
          "options and seed give the same bytes on every machine.\n"
          ".SH COMMANDS\n", to);
    for (size_t i = 0; i < n_commands; i++) {
        command(to, &commands[i]);
    }
    fputs(".SS lfm help [\\fICOMMAND\\fR]\nThe same in short.\n"
          ".SS lfm completion bash|zsh|fish\nA script with which the shell completes command "
          "lines.\n"
          ".SS lfm man\nThis page, as source.\n"
          ".SH EXIT STATUS\n", to);
    facts(to, help_exit_codes);
    fputs(".SH SIGNALS\n"
          ".TP\nSIGINT, SIGTERM\nend the answer within a token, save what was asked "
          "for, and exit by the signal; a second one exits at once.\n"
          ".TP\nSIGUSR1\nprint a line of progress on standard error.\n"
          ".SH ENVIRONMENT\n", to);
    facts(to, help_environment);
    fputs(".SH FILES\n.TP\n.I $XDG_STATE_HOME/lfm/history\nthe input history of lfm "
          "chat (~/.local/state without the variable)\n"
          ".TP\n.I $XDG_CONFIG_HOME/lfm/tune\nnumbers of threads found by lfm bench \\-\\-tune "
          "(~/.config without the variable)\n", to);
}
