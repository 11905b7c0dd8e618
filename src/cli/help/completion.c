/*
 * completion.c - lfm completion: what shells need to complete command lines, from the tables.
 */
#include "cli/help/completion.h"

#include "cli/help/command_table.h"
#include "cli/shared/common.h"
#include "cli/shared/term.h"

#include <string.h>

typedef void name_fn(FILE *to, const char *name, size_t n, const opt_row *row);

/* Call `fn` for each spelling of each option of a command. */
static void each_name(FILE *to, unsigned bit, name_fn *fn) {
    for (size_t i = 0; i < n_option_rows; i++) {
        const opt_row *row = &option_table[i];
        if (!(row->commands & bit) || row->kind == OPT_REFUSED) continue;
        const char *names = row->names;
        const char *name;
        size_t n;
        while (opt_next_word(&names, ' ', &name, &n)) {
            fn(to, name, n, row);
        }
    }
}

static bool has_choices(const opt_row *row) {
    return row->kind == OPT_CHOICE || row->kind == OPT_CHOICE_MAYBE || row->kind == OPT_IDLE_MAYBE;
}

static bool takes_file(const opt_row *row) {
    return row->arg && (strcmp(row->arg, "FILE") == 0 || strcmp(row->arg, "S|@F") == 0);
}

/* Print "a|b|c" with another separator. */
static void print_choices(FILE *to, const opt_row *row, const char *between) {
    for (const char *p = row->arg; *p; p++) {
        if (*p == '|') {
            fputs(between, to);
        } else {
            fputc(*p, to);
        }
    }
}

static void print_commands(FILE *to) {
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "%s ", commands[i].name);
    }
    fputs("help completion man", to);
}

/* ---- bash ----------------------------------------------------------------------------------- */

static void bash_word(FILE *to, const char *name, size_t n, const opt_row *row) {
    (void)row;
    fprintf(to, "%.*s ", (int)n, name);
}

static void bash_value(FILE *to, const char *name, size_t n, const opt_row *row) {
    if (has_choices(row)) {
        fprintf(to, "    %.*s) COMPREPLY=($(compgen -W '", (int)n, name);
        print_choices(to, row, " ");
        fputs("' -- \"$cur\")); return ;;\n", to);
    } else if (opt_takes_value(row->kind) && !takes_file(row)) {
        fprintf(to, "    %.*s) COMPREPLY=(); return ;;\n", (int)n, name);
    } else if (opt_takes_value(row->kind)) {
        fprintf(to, "    %.*s) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", (int)n, name);
    }
}

static void bash(FILE *to) {
    fputs("# bash completion for lfm: eval \"$(lfm completion bash)\"\n"
          "_lfm() {\n"
          "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
          "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "    COMPREPLY=($(compgen -W '", to);
    print_commands(to);
    fputs("' -- \"$cur\"))\n    return\n  fi\n  case ${COMP_WORDS[1]} in\n", to);
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "  %s)\n    case $prev in\n", commands[i].name);
        each_name(to, commands[i].bit, bash_value);
        fputs("    esac\n    case $cur in\n    -*) COMPREPLY=($(compgen -W '", to);
        each_name(to, commands[i].bit, bash_word);
        fputs("' -- \"$cur\")); return ;;\n    esac ;;\n", to);
    }
    fputs("  help) COMPREPLY=($(compgen -W '", to);
    print_commands(to);
    fputs("' -- \"$cur\")); return ;;\n"
          "  completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")); return ;;\n"
          "  esac\n"
          "  COMPREPLY=($(compgen -f -- \"$cur\"))\n"
          "}\n"
          "complete -o filenames -F _lfm lfm\n", to);
}

/* ---- zsh ------------------------------------------------------------------------------------ */

/* Escape for '...[..]' of _arguments. */
static void zsh_text(FILE *to, const char *text) {
    for (const char *p = text; *p; p++) {
        if (*p == '\'') {
            fputs("'\\''", to);
        } else if (strchr("[]:\\", *p)) {
            fprintf(to, "\\%c", *p);
        } else {
            fputc(*p, to);
        }
    }
}

static void zsh_option(FILE *to, const char *name, size_t n, const opt_row *row) {
    fprintf(to, "      '*%.*s[", (int)n, name);
    zsh_text(to, row->help);
    fputs("]", to);
    if (has_choices(row)) {
        fputs(row->kind == OPT_CHOICE ? ":value:(" : "::value:(", to);
        print_choices(to, row, " ");
        fputs(")", to);
    } else if (opt_takes_value(row->kind)) {
        fputs(takes_file(row) ? ":file:_files" : ":value: ", to);
        fputs(row->kind == OPT_PAIR ? ":value: " : "", to);
    }
    fputs("' \\\n", to);
}

static void zsh(FILE *to) {
    fputs("#compdef lfm\n"
          "# zsh completion for lfm: lfm completion zsh > \"${fpath[1]}/_lfm\"\n"
          "_lfm() {\n"
          "  if (( CURRENT == 2 )); then\n"
          "    local -a all=(\n", to);
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "      '%s:", commands[i].name);
        zsh_text(to, commands[i].summary);
        fputs("'\n", to);
    }
    fputs("      'help:explain a command' 'completion:for a shell' 'man:the manual page'\n"
          "    )\n"
          "    _describe command all\n"
          "    return\n"
          "  fi\n"
          "  local command=$words[2]\n"
          "  shift words\n"
          "  (( CURRENT-- ))\n"
          "  case $command in\n", to);
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "  %s)\n    _arguments \\\n", commands[i].name);
        each_name(to, commands[i].bit, zsh_option);
        fputs("      '*:file:_files' ;;\n", to);
    }
    fputs("  completion) _arguments '1:shell:(bash zsh fish)' ;;\n"
          "  *) _files ;;\n"
          "  esac\n"
          "}\n"
          "_lfm \"$@\"\n", to);
}

/* ---- fish ----------------------------------------------------------------------------------- */

static void fish_text(FILE *to, const char *text) {
    for (const char *p = text; *p; p++) {
        fprintf(to, strchr("'\\", *p) ? "\\%c" : "%c", *p);
    }
}

/* The name of a command, which fish needs on every line. */
static const char *fish_command(unsigned bit) {
    for (size_t i = 0; i < n_commands; i++) {
        if (commands[i].bit == bit) return commands[i].name;
    }
    return "";
}

static void fish_option(FILE *to, const char *command, const char *name, size_t n,
                        const opt_row *row) {
    const bool is_long = n > 2 && name[1] == '-';
    fprintf(to, "complete -c lfm -n '__fish_seen_subcommand_from %s' -%c %.*s", command,
            is_long ? 'l' : n == 2 ? 's' : 'o', (int)(n - (is_long ? 2 : 1)),
            name + (is_long ? 2 : 1));
    if (has_choices(row)) {
        fputs(row->kind == OPT_CHOICE ? " -x -a '" : " -a '", to);
        print_choices(to, row, " ");
        fputs("'", to);
    } else if (opt_takes_value(row->kind)) {
        fputs(takes_file(row) ? " -r" : " -x", to);
    }
    fputs(" -d '", to);
    fish_text(to, row->help);
    fputs("'\n", to);
}

static void fish(FILE *to) {
    fputs("# fish completion for lfm: lfm completion fish > ~/.config/fish/completions/lfm.fish\n",
          to);
    for (size_t i = 0; i < n_commands; i++) {
        fprintf(to, "complete -c lfm -f -n __fish_use_subcommand -a %s -d '", commands[i].name);
        fish_text(to, commands[i].summary);
        fputs("'\n", to);
    }
    fputs("complete -c lfm -f -n __fish_use_subcommand -a 'help completion man'\n"
          "complete -c lfm -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n",
          to);
    for (size_t i = 0; i < n_option_rows; i++) {
        const opt_row *row = &option_table[i];
        for (unsigned bit = 1; bit && row->kind != OPT_REFUSED; bit <<= 1) {
            const char *names = row->names;
            const char *name;
            size_t n;
            while ((row->commands & bit) && opt_next_word(&names, ' ', &name, &n)) {
                fish_option(to, fish_command(bit), name, n, row);
            }
        }
    }
}

int completion_print(const char *shell) {
    if (shell && strcmp(shell, "bash") == 0) {
        bash(stdout);
    } else if (shell && strcmp(shell, "zsh") == 0) {
        zsh(stdout);
    } else if (shell && strcmp(shell, "fish") == 0) {
        fish(stdout);
    } else {
        term_message("lfm completion bash, zsh or fish");
        return CLI_USAGE;
    }
    return CLI_DONE;
}
