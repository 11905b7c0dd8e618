/*
 * help.c - help texts, made from the tables.
 */
#include "cli/cli.h"

#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 100 };

static const char *const group_titles[N_GROUPS] = {
    [GROUP_PROMPT] = "Prompt",
    [GROUP_LENGTH] = "Length",
    [GROUP_SHAPE] = "Shape of the answer (at most one; exit status 4 if it was cut)",
    [GROUP_SAMPLING] = "Sampling ('card' = what the model's card recommends)",
    [GROUP_OUTPUT] = "Output",
    [GROUP_STATE] = "Context",
    [GROUP_MACHINE] = "Machine",
    [GROUP_ASK] = "What to show",
    [GROUP_OTHER] = "Other",
    [GROUP_IDLE] = "Accepted because other programs have them; no effect here",
};

/* Text in words, from the present column on; further lines begin at HELP_COLUMN. */
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
    fputs("  help        this text, or that of a command: lfm help run\n"
          "  completion  what bash, zsh or fish need to complete command lines\n"
          "  man         the manual page, as source: lfm man | man -l -\n\n"
          "MODEL may also be given with -m or in the variable LFM_MODEL.\n\n"
          "  lfm run model.gguf -p \"Name three moons of Jupiter.\"\n"
          "  git diff | lfm run model.gguf -p \"Write a commit message.\"\n"
          "  lfm info model.gguf\n\n"
          "Exit status: 0 done, 1 it could not be done, 2 the command line is wrong, 3 the prompt\n"
          "does not fit the context, 4 the answer is empty; when interrupted, the signal.\n", to);
}

/* ---- Topics --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
} topics[] = {
    {"energy",
     "lfm bench tells the energy for each token, over what the machine takes when idle (three\n"
     "seconds before the tests).\n\n"
     "--power rapl     the processor's own counters, below /sys/class/powercap/intel-rapl:*\n"
     "                 (Intel, and AMD by the same name).  J/token are those of the package;\n"
     "                 core, dram and psys follow where the processor counts them.\n"
     "--power battery  what the battery delivers, the screen included; it is told slowly, so only\n"
     "                 together with --sustain of a minute or more, and not on AC.\n"
     "--power none     do not measure.\n\n"
     "Since Linux 5.10 only root reads the counters, because they can give away what others\n"
     "compute (CVE-2020-8694).  lfm never asks for root.  To allow it on a machine of your own:\n\n"
     "  sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj               (until a restart)\n"
     "  echo 'SUBSYSTEM==\"powercap\", RUN+=\"/bin/chmod a+r /sys%p/energy_uj\"' |\n"
     "      sudo tee /etc/udev/rules.d/60-powercap.rules                        (for ever)\n\n"
     "macOS tells nothing to programs without root.\n"},
};

bool help_topic(FILE *to, const char *name) {
    for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
        if (strcmp(topics[i].name, name) == 0) {
            fputs(topics[i].text, to);
            return true;
        }
    }
    return false;
}
