/*
 * main.c - from argv to a command, and its exit status.
 */
#include "cli/help/command_table.h"
#include "cli/help/completion.h"
#include "cli/help/help.h"
#include "cli/help/help_topics.h"
#include "cli/help/manual.h"
#include "cli/shared/common.h"
#include "cli/shared/crash.h"
#include "cli/shared/term.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Does a word in the place of the command look like a model file? */
static bool looks_like_model(const char *word) {
    const size_t len = strlen(word);
    return (len > 5 && strcmp(word + len - 5, ".gguf") == 0) || access(word, F_OK) == 0;
}

/* `is_topic`: the word follows `lfm help`, so it may be a topic too. */
static int unknown_command(const char *word, bool is_topic) {
    size_t best = SIZE_MAX;
    const char *near = NULL;
    for (size_t i = 0; i < n_commands; i++) {
        near = opt_is_near(word, commands[i].name, &best) ? commands[i].name : near;
    }
    for (size_t i = 0; help_topic_name(i); i++) {
        near = is_topic && opt_is_near(word, help_topic_name(i), &best) ? help_topic_name(i) : near;
    }
    if (near) {
        term_message("unknown command '%s'. Did you mean '%s'?", word, near);
    } else if (looks_like_model(word)) {
        term_message("the command comes first; did you mean: lfm run %s, or lfm chat %s", word,
                     word);
    } else if (word[0] == '-') {
        term_message("the command comes before the options, as in: lfm run %s ... See: lfm help",
                     word);
    } else {
        term_message("unknown command '%s'. See: lfm help", word);
    }
    return CLI_USAGE;
}

static int help(const char *topic) {
    const cli_command *command = topic ? cli_find_command(topic) : NULL;
    if (topic && strcmp(topic, "--man") == 0) {
        manual_print(stdout);
        return CLI_DONE;
    }
    if (topic && help_topic(stdout, topic)) return CLI_DONE;
    if (topic && !command) return unknown_command(topic, true);
    if (command) {
        help_command(stdout, command);
    } else {
        help_overview(stdout);
    }
    return CLI_DONE;
}

static int run_command(const cli_command *command, int argc, char *const *argv) {
    cli_options o;
    lfm_error err = {0};
    int code;
    if (opt_parse(&o, command, argc, argv, &err) != LFM_OK) {
        code = cli_fail(&err);
    } else if (o.help) {
        code = help(command->name);
    } else if (!o.model && command->bit != CMD_SELFTEST) {
        term_message("no model; give a GGUF file: lfm %s, or -m FILE, or set LFM_MODEL. One to try "
                     "comes with the source: models/lfm-stories-Q4_0.gguf", command->synopsis);
        code = CLI_USAGE;
    } else {
        code = command->run(&o);
    }
    opt_drop(&o);
    return code;
}

static int dispatch(int argc, char *const *argv) {
    if (argc < 2) {
        help_overview(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    const cli_command *command = cli_find_command(word);
    if (command) return run_command(command, argc - 2, argv + 2);
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        puts("lfm " LFM_VERSION);
        return CLI_DONE;
    }
    if (strcmp(word, "completion") == 0) return completion_print(argc > 2 ? argv[2] : NULL);
    if (strcmp(word, "man") == 0) {
        manual_print(stdout);
        return CLI_DONE;
    }
    if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "--usage") == 0) {
        return help(argc > 2 ? argv[2] : NULL);
    }
    return unknown_command(word, false);
}

int main(int argc, char **argv) {
    term_init();
    crash_catch();
    int code = dispatch(argc, argv);
    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout)) && code == CLI_DONE) {
        term_message("standard output: cannot be written: %s",
                     errno ? strerror(errno) : "input/output error");
        code = CLI_FAILED;
    }
    term_die_if_stopped();
    return code;
}
