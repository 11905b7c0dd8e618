/*
 * help.c - help texts, made from the tables.
 */
#include "cli/help/help.h"

#include "cli/help/command_table.h"

#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

static const char *const group_titles[N_GROUPS] = {
    [GROUP_PROMPT] = "Prompt",
    [GROUP_LENGTH] = "Length",
    [GROUP_SHAPE] = "Constraints on the answer (at most one; exit status 4 if it was cut)",
    [GROUP_SAMPLING] = "Sampling ('card' = what the model's card recommends)",
    [GROUP_OUTPUT] = "Output",
    [GROUP_STATE] = "Context",
    [GROUP_MACHINE] = "Machine",
    [GROUP_ASK] = "What to show",
    [GROUP_OTHER] = "Other",
    [GROUP_IDLE] = "Accepted for compatibility with other programs; no effect here",
};

/* Print text wrapped at words, from `column` on; further lines begin at HELP_COLUMN. */
static void print_wrapped(FILE *to, const char *text, size_t column) {
    if (column >= HELP_COLUMN) {
        fputc('\n', to);
        column = 0;
    }
    fprintf(to, "%*s", (int)(HELP_COLUMN - column), "");
    column = HELP_COLUMN;
    while (*text) {
        const size_t len = strcspn(text, " ");
        if (column > HELP_COLUMN && column + 1 + len > HELP_WIDTH) {
            fprintf(to, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        }
        const bool first = column == HELP_COLUMN;
        column += (size_t)fprintf(to, "%s%.*s", first ? "" : " ", (int)len, text);
        text += len;
        text += *text == ' ';
    }
    fputc('\n', to);
}

static void print_row(FILE *to, const opt_row *row) {
    char text[400];
    size_t column = (size_t)fprintf(to, "  ");
    for (const char *p = row->names; *p; p++) {
        column += (size_t)fprintf(to, *p == ' ' ? ", " : "%c", *p);
    }
    if (row->arg) {
        column += (size_t)fprintf(to, " %s", row->arg);
    }
    snprintf(text, sizeof text, row->preset ? "%s (%s)" : "%s", row->help, row->preset);
    print_wrapped(to, text, column + 1 > HELP_COLUMN ? HELP_COLUMN : column);
}

void help_command(FILE *to, const cli_command *command) {
    fprintf(to, "lfm %s - %s\n\n  lfm %s\n", command->name, command->summary, command->synopsis);
    for (int group = 0; group < N_GROUPS; group++) {
        bool any = false;
        for (size_t i = 0; i < n_option_rows; i++) {
            const opt_row *row = &option_table[i];
            if ((int)row->group != group || !(row->commands & command->bit) ||
                row->kind == OPT_REFUSED) {
                continue;
            }
            if (!any) {
                fprintf(to, "\n%s\n", group_titles[group]);
            }
            any = true;
            print_row(to, row);
        }
    }
    fprintf(to, "\nExamples\n%s", command->examples);
}

void help_overview(FILE *to) {
    fputs("lfm runs LFM2 models (GGUF files) on the CPU.\n\n"
          "  lfm COMMAND [MODEL] [options]\n\n", to);
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "  %-10s  %s\n", commands[i].name, commands[i].summary);
    }
    fputs("  help        this text, or help on a command (lfm help run) or a topic (energy, env, "
          "exit, grammar)\n"
          "  completion  a script with which bash, zsh or fish completes command lines\n"
          "  man         the manual page, as source: lfm man | man -l -\n\n"
          "MODEL may also be given with -m or in the variable LFM_MODEL.\n\n"
          "  lfm run model.gguf -p \"Name three moons of Jupiter.\"\n"
          "  git diff | lfm run model.gguf -p \"Write a commit message.\"\n"
          "  lfm info model.gguf\n\n"
          "Exit status: 0 done, 1 it failed, 2 the command line is wrong, 3 the prompt\n"
          "does not fit the context, 4 the answer is empty or not as requested; when\n"
          "interrupted, the signal's (lfm help exit).\n", to);
}
