/*
 * help_topics.c - lfm help TOPIC, and the tables of exit codes and variables that the manual page
 * prints as well.
 */
#include "cli/help/help_topics.h"

#include <string.h>

const help_fact help_exit_codes[] = {
    {"0", "done"},
    {"1", "it failed: file, memory, output; lfm batch: some lines failed"},
    {"2", "the command line, a schema or a grammar is wrong; nothing was run"},
    {"3", "the prompt does not fit the context"},
    {"4", "the answer is empty, was caught in a loop, or was cut before it met its constraint; "
          "with --strict, before it ended"},
    {"5", "lfm bench compare --fail-if-slower: it is slower"},
    {"by signal", "interrupted (128 + 2 in shells), terminated (128 + 15), or the reader closed "
                  "the pipe (128 + 13)"},
    {NULL, NULL},
};

const help_fact help_environment[] = {
    {"LFM_MODEL", "the model, when the command line names none"},
    {"LFM_THREADS", "the number of threads, when -t is not given"},
    {"LFM_ISA", "the highest instruction set to use"},
    {"LFM_NOHISTORY", "when set, lfm chat keeps no history"},
    {"LFM_NO_COLOR, NO_COLOR", "when set, nothing is dimmed"},
    {"FORCE_COLOR", "when set, everything but the answer is dimmed, even off a terminal"},
    {"TERM", "dumb: nothing is dimmed"},
    {"VISUAL, EDITOR", "the editor of lfm chat's Ctrl-G"},
    {"TMPDIR", "where a message is kept while it is in the editor"},
    {"XDG_STATE_HOME", "directory of lfm/history, the input history of lfm chat (~/.local/state)"},
    {"XDG_CONFIG_HOME", "directory of lfm/tune, the results of lfm bench --tune (~/.config)"},
    {NULL, NULL},
};

static const char grammar[] =
    "The answers of lfm run and lfm batch can be constrained.  Give one of:\n\n"
    "--choices 'yes,no,not sure'    one of these texts; \\, is a comma\n"
    "--schema 'name, age int, tags str[], mood good|bad, note?'\n"
    "                               JSON with these members; types are str (the default),\n"
    "                               int, float, bool, or words to choose from; [] makes a list,\n"
    "                               and a ? makes a member optional\n"
    "-j SCHEMA, -j @FILE, -jf FILE  JSON that a JSON Schema (draft 2020-12) allows.  What is not\n"
    "                               supported is an error that names it, never ignored\n"
    "--grammar TEXT                 text that matches a grammar in llama.cpp's notation (GBNF):\n\n"
    "  root   ::= \"The move is \" square \"-\" square \".\"\n"
    "  square ::= [a-h] [1-8]\n\n"
    "\"text\", [a-z], [^\"], . for any character; ( | ) * + ? {2,4}; root is the answer.\n\n"
    "Thoughts (<think>) come first and are not constrained.  Exit status 0 means that the\n"
    "answer meets the constraint, 4 that it was cut before it was complete, 2 that the\n"
    "constraint is wrong, which is found before the model is read.\n";

static const char energy[] =
    "lfm bench reports the energy for each token, above what the machine takes when idle\n"
    "(measured for three seconds before the tests).\n\n"
    "--power rapl     the processor's own counters, below /sys/class/powercap/intel-rapl:*\n"
    "                 (Intel, and AMD by the same name).  J/token is that of the package;\n"
    "                 core, dram and psys follow where the processor counts them.\n"
    "--power battery  what the battery delivers, the screen included; readings come slowly, so\n"
    "                 it needs --sustain of a minute or more, and no AC power.\n"
    "--power none     do not measure.\n\n"
    "Since Linux 5.10 only root reads the counters, because they can reveal what others\n"
    "compute (CVE-2020-8694).  lfm never asks for root.  To allow it on a machine of your own:\n\n"
    "  sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj               (until a restart)\n"
    "  echo 'SUBSYSTEM==\"powercap\", RUN+=\"/bin/chmod a+r /sys%p/energy_uj\"' |\n"
    "      sudo tee /etc/udev/rules.d/60-powercap.rules                        (permanently)\n\n"
    "macOS gives no readings to programs without root.\n";

static const struct {
    const char *name;
    const char *text;       /* NULL: `facts` is the text */
    const help_fact *facts;
} topics[] = {
    {"energy", energy, NULL},
    {"env", NULL, help_environment},
    {"exit", NULL, help_exit_codes},
    {"grammar", grammar, NULL},
};

enum { N_TOPICS = sizeof topics / sizeof *topics };

/* Print a table, its second column wrapped at 90 characters. */
static void print_facts(FILE *to, const help_fact *facts) {
    enum { SECOND = 24, WIDTH = 90 };
    for (; facts->name; facts++) {
        size_t column = (size_t)fprintf(to, "%-*s", SECOND, facts->name);
        for (const char *p = facts->text; *p;) {
            const size_t len = strcspn(p, " ");
            if (column > SECOND && column + 1 + len > WIDTH) {
                fprintf(to, "\n%*s", SECOND, "");
                column = SECOND;
            }
            column += (size_t)fprintf(to, "%s%.*s", column > SECOND ? " " : "", (int)len, p);
            p += len;
            p += *p == ' ';
        }
        fputc('\n', to);
    }
}

bool help_topic(FILE *to, const char *name) {
    for (size_t i = 0; i < N_TOPICS; i++) {
        if (strcmp(topics[i].name, name) == 0) {
            if (topics[i].text) {
                fputs(topics[i].text, to);
            } else {
                print_facts(to, topics[i].facts);
            }
            return true;
        }
    }
    return false;
}

const char *help_topic_name(size_t i) {
    return i < N_TOPICS ? topics[i].name : NULL;
}
