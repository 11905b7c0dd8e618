/*
 * test_cli_options.c - the command line against the option table.
 */
#include "cli/options/option_internal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const cli_command run = {.name = "run", .bit = CMD_RUN, .after = AFTER_PROMPT};
static const cli_command info = {.name = "info", .bit = CMD_INFO};
static const cli_command tokenize = {.name = "tokenize", .bit = CMD_TOKENIZE};

enum { MAX_WORDS = 40 };

/* Split at spaces ('~' stands for a space inside a word) and parse. */
static lfm_status parse(cli_options *o, const cli_command *command, const char *line, char *copy,
                        lfm_error *err) {
    char *argv[MAX_WORDS];
    int argc = 0;
    strcpy(copy, line);
    for (char *p = strtok(copy, " "); p; p = strtok(NULL, " ")) {
        assert_true(argc < MAX_WORDS);
        for (char *q = p; *q; q++) {
            *q = *q == '~' ? ' ' : *q;
        }
        argv[argc++] = p;
    }
    *err = (lfm_error){0};
    return opt_parse(o, command, argc, argv, err);
}

/* ---- What is accepted ----------------------------------------------------------------------- */

static void test_values(void **state) {
    (void)state;
    cli_options o;
    char copy[400];
    lfm_error err;
    const char *line = "m.gguf -n 5 --temp=0.25 --top-k 40 -s -1 -sys be~brief --raw --json "
                       "--kv f32 --preset llama.cpp -l 7+1.5 -l 9-inf --logit-bias=8-2 "
                       "--stop a -r b";
    assert_int_equal(parse(&o, &run, line, copy, &err), LFM_OK);
    assert_string_equal(o.model, "m.gguf");
    assert_true(o.model_was_operand && o.raw && o.json);
    assert_false(o.dry_run || o.quiet || o.top_p.given || o.help);
    assert_true(o.n_predict.given && o.n_predict.value == 5);
    assert_true(o.temp.given && o.temp.value == 0.25);
    assert_true(o.top_k.value == 40 && o.seed.value == -1 && o.seed.given);
    assert_string_equal(o.system, "be brief");
    assert_int_equal(o.kv, KV_F32);
    assert_int_equal(o.preset, PRESET_LLAMA_CPP);
    assert_int_equal(o.n_bias, 3);
    assert_true(o.bias[0].token == 7 && o.bias[0].bias == 1.5f);
    assert_true(o.bias[1].token == 9 && isinf(o.bias[1].bias) && o.bias[1].bias < 0);
    assert_true(o.bias[2].token == 8 && o.bias[2].bias == -2.0f);
    assert_int_equal(o.n_stops, 2);
    assert_string_equal(o.stops[1], "b");
    assert_int_equal(o.n_given, 14);
    assert_string_equal(o.given[1].word, "--temp=0.25");
    assert_null(o.given[1].value);
    assert_string_equal(o.given[0].value, "5");
    opt_drop(&o);
}

/* Every spelling of every row is found, and found to be that row. */
static void test_every_name(void **state) {
    (void)state;
    for (size_t i = 0; i < n_option_rows; i++) {
        const opt_row *row = &option_table[i];
        char names[100];
        strcpy(names, row->names);
        for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
            for (unsigned bit = CMD_RUN; bit <= CMD_LOGITS; bit <<= 1) {
                const cli_command command = {.name = "x", .bit = bit};
                const bool needs = row->kind != OPT_TRUE && row->kind != OPT_HELP;
                char value[] = "no such value";
                char *argv[] = {name, value};
                cli_options o;
                lfm_error err = {0};
                (void)opt_parse(&o, &command, needs ? 2 : 1, argv, &err);
                if ((row->commands & bit) && (strstr(err.text, "has no option") ||
                                              strstr(err.text, "unknown option"))) {
                    fail_msg("%s", err.text);
                }
                opt_drop(&o);
            }
        }
    }
}

/* No command has two rows for one name. */
static void test_names_are_unique(void **state) {
    (void)state;
    for (size_t i = 0; i < n_option_rows; i++) {
        for (size_t j = i + 1; j < n_option_rows; j++) {
            char names[100];
            char padded[104];
            if (!(option_table[i].commands & option_table[j].commands)) {
                continue;
            }
            strcpy(names, option_table[i].names);
            snprintf(padded, sizeof padded, " %s ", option_table[j].names);
            for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
                char word[100];
                snprintf(word, sizeof word, " %s ", name);
                assert_null(strstr(padded, word));
            }
        }
    }
}

/* ---- Operands ------------------------------------------------------------------------------- */

static void test_prompt_order(void **state) {
    (void)state;
    static const struct {
        const char *line, *model, *parts; /* kinds t f b with their values */
    } cases[] = {
        {"m why is it", "m", "t:why is it "},
        {"m -p a -f b -bf c -p d", "m", "t:a f:b b:c t:d "},
        {"-p a m why -f b is it", "m", "t:a t:why is it f:b "},
        {"why is -m m it", "m", "t:why is it "},
        {"-f x why -m m -p y", "m", "f:x t:why t:y "},
        {"m a -", "m", "t:a f:- "},
        {"m - a", "m", "f:- t:a "},
        {"m -p -n", "m", "t:-n "},
        {"m -- -n 3", "m", "t:-n 3 "},
        {"-- m -p", "m", "t:-p "},
        {"m -p= -p=x=y", "m", "t: t:x=y "},
        {"m", "m", ""},
        {"-p x", NULL, "t:x "},
    };
    unsetenv("LFM_MODEL");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_options o;
        char copy[200];
        char parts[200] = "";
        lfm_error err;
        assert_int_equal(parse(&o, &run, cases[i].line, copy, &err), LFM_OK);
        for (size_t j = 0; j < o.n_parts; j++) {
            const size_t len = strlen(parts);
            snprintf(parts + len, sizeof parts - len, "%c:%s ", "tfb"[o.parts[j].kind],
                     o.parts[j].value);
        }
        assert_string_equal(parts, cases[i].parts);
        if (cases[i].model) {
            assert_string_equal(o.model, cases[i].model);
        } else {
            assert_null(o.model);
        }
        opt_drop(&o);
    }
}

static void test_environment(void **state) {
    (void)state;
    cli_options o;
    char copy[100];
    lfm_error err;
    setenv("LFM_MODEL", "env.gguf", 1);
    setenv("LFM_THREADS", "3", 1);
    assert_int_equal(parse(&o, &run, "-p x", copy, &err), LFM_OK);
    assert_string_equal(o.model, "env.gguf");
    assert_false(o.model_was_operand);
    assert_true(o.n_threads.value == 3);
    opt_drop(&o);
    assert_int_equal(parse(&o, &run, "op.gguf -t 2", copy, &err), LFM_OK);
    assert_string_equal(o.model, "op.gguf");
    assert_true(o.n_threads.value == 2);
    opt_drop(&o);
    assert_int_equal(parse(&o, &run, "-m opt.gguf", copy, &err), LFM_OK);
    assert_string_equal(o.model, "opt.gguf");
    opt_drop(&o);
    setenv("LFM_THREADS", "many", 1);
    assert_int_equal(parse(&o, &run, "m", copy, &err), LFM_ERR_ARG);
    assert_non_null(strstr(err.text, "LFM_THREADS"));
    opt_drop(&o);
    assert_int_equal(parse(&o, &tokenize, "m", copy, &err), LFM_OK); /* has no threads */
    opt_drop(&o);
    unsetenv("LFM_MODEL");
    unsetenv("LFM_THREADS");
}

/* ---- Options of other programs -------------------------------------------------------------- */

/* Options that change what others said; words that may be left out; "auto". */
static void test_settings(void **state) {
    (void)state;
    cli_options o;
    char copy[400];
    lfm_error err;
    const char *line = "m -e --no-escape --on-overflow stop --context-shift --no-color --no-mmap "
                       "--think-budget 5 --reasoning-budget auto --stats --samplers "
                       "Temp,top-k;dry;nucleus -vv -ctk f32";
    assert_int_equal(parse(&o, &run, line, copy, &err), LFM_OK);
    assert_false(o.escape || o.think_budget.given);
    assert_true(o.no_mmap && o.verbose && o.very_verbose);
    assert_int_equal(o.on_overflow, OVERFLOW_SHIFT);
    assert_int_equal(o.color, COLOR_NEVER);
    assert_int_equal(o.stats, STATS_TEXT);
    assert_int_equal(o.kv, KV_F32);
    const uint8_t want[LFM_N_STAGES] = {LFM_STAGE_TEMPERATURE, LFM_STAGE_TOP_K, LFM_STAGE_TOP_P};
    assert_memory_equal(o.stages, want, sizeof want);
    opt_drop(&o);
    line = "m --context-shift --no-context-shift --no-mmap --mmap --stats json -v";
    assert_int_equal(parse(&o, &run, line, copy, &err), LFM_OK);
    assert_int_equal(o.on_overflow, OVERFLOW_STOP);
    assert_int_equal(o.stats, STATS_JSON);
    assert_false(o.no_mmap || o.very_verbose || o.stages[0]);
    opt_drop(&o);
    static const char *const alike[] = {"typ_p", "typp", "TYP-P", "typical", "typical_p", "typ"};
    for (size_t i = 0; i < sizeof alike / sizeof *alike; i++) {
        char one[40];
        snprintf(one, sizeof one, "m --samplers top_k;%s", alike[i]);
        assert_int_equal(parse(&o, &run, one, copy, &err), LFM_OK);
        assert_true(o.stages[0] == LFM_STAGE_TOP_K && o.stages[1] == LFM_STAGE_TYPICAL);
        opt_drop(&o);
    }
    static const struct {
        const char *line;
        bool no_mmap, mlock;
    } modes[] = {
        {"m -lm mmap", false, false}, {"m -lm none", true, false}, {"m -lm mlock", true, true},
        {"m --load-mode mmap+mlock", false, true}, {"m", false, false},
    };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(parse(&o, &run, modes[i].line, copy, &err), LFM_OK);
        assert_true(o.no_mmap == modes[i].no_mmap && o.mlock == modes[i].mlock);
        opt_drop(&o);
    }
    assert_string_equal(opt_stage_name(LFM_STAGE_TYPICAL), "typ_p");
}

static void test_idle(void **state) {
    (void)state;
    static const struct {
        const char *line;
        size_t n_idle, n_parts;
    } cases[] = {
        {"m -ngl 99 -fa -st --jinja --no-warmup", 5, 0},
        {"m -fa on -p x", 1, 1},
        {"m -fa what", 1, 1},
        {"m -ngl all --simple-io --log-disable --no-display-prompt", 4, 0},
        {"m --color -p x", 0, 1},
        {"m --color never x", 0, 1},
        {"m -tb 8 -no-cnv", 0, 0},
        {"m -ub 64 -lv 3 --perf --no-perf --prompt-cache-all", 5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_options o;
        char copy[200];
        lfm_error err;
        size_t n = 0;
        assert_int_equal(parse(&o, &run, cases[i].line, copy, &err), LFM_OK);
        for (size_t j = 0; j < o.n_given; j++) {
            n += o.given[j].idle;
        }
        assert_int_equal(n, cases[i].n_idle);
        assert_int_equal(o.n_parts, cases[i].n_parts);
        opt_drop(&o);
    }
}

/* Options of more than one value. */
static void test_more_values(void **state) {
    (void)state;
    static const cli_command bench = {.name = "bench", .bit = CMD_BENCH, .after = AFTER_CHOICES};
    cli_options o;
    char copy[400];
    lfm_error err;
    const char *line = "m -p 1,2 -p 3 --ab -t~4 -t~8 --sustain 5m -t 2";
    assert_int_equal(parse(&o, &bench, line, copy, &err), LFM_OK);
    assert_int_equal(o.bench_p.n, 2);
    assert_string_equal(o.bench_p.at[0], "1,2");
    assert_string_equal(o.bench_p.at[1], "3");
    assert_string_equal(o.ab[0], "-t 4");
    assert_string_equal(o.ab[1], "-t 8");
    assert_int_equal(o.bench_t.n, 1); /* what stands inside --ab is not read here */
    assert_true(o.sustain.given && o.sustain.value == 300);
    assert_int_equal(o.n_given, 5);
    assert_ptr_equal(o.given[0].row, o.given[1].row);
    opt_drop(&o);
    static const struct {
        const char *line;
        double seconds;
        const char *error;
    } cases[] = {
        {"m --sustain 90", 90, NULL},
        {"m --sustain 90s", 90, NULL},
        {"m --sustain 1.5m", 90, NULL},
        {"m --sustain=2h", 7200, NULL},
        {"m --sustain 5d", 0, "--sustain: '5d' is not a time such as 90s, 5m or 1h"},
        {"m --sustain s", 0, "--sustain: 's' is not a time such as 90s, 5m or 1h"},
        {"m --sustain 0.5s", 0, "--sustain: '0.5s' is outside 1s..86400s"},
        {"m --sustain 25h", 0, "--sustain: '25h' is outside 1s..86400s"},
        {"m --ab -t~4", 0, "--ab needs two values: --ab 'OPTIONS A' 'OPTIONS B'"},
        {"m --ab", 0, "--ab needs a value: --ab 'OPTIONS A' 'OPTIONS B'"},
        {"m -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1 -d 1",
         0, "-d: given more than 16 times"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const lfm_status st = parse(&o, &bench, cases[i].line, copy, &err);
        assert_int_equal(st, cases[i].error ? LFM_ERR_ARG : LFM_OK);
        if (cases[i].error) {
            assert_string_equal(err.text, cases[i].error);
        } else {
            assert_true(o.sustain.value == cases[i].seconds);
        }
        opt_drop(&o);
    }
    setenv("LFM_THREADS", "3", 1); /* also where -t is a list */
    assert_int_equal(parse(&o, &bench, "m", copy, &err), LFM_OK);
    assert_true(o.n_threads.given && o.n_threads.value == 3);
    opt_drop(&o);
    unsetenv("LFM_THREADS");
}

/* ---- What is refused ------------------------------------------------------------------------ */

static void test_errors(void **state) {
    (void)state;
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"m --temprature 1", "unknown option '--temprature'. Did you mean '--temperature'?"},
        {"m --tmep=1", "unknown option '--tmep'. Did you mean '--temp'?"},
        {"m -temp 1", "unknown option '-temp'. Did you mean '--temp'?"},
        {"m --no~such~thing", "unknown option '--no such thing'. See: lfm help run"},
        {"m --z", "unknown option '--z'. See: lfm help run"},
        {"m -t8", "unknown option '-t8'. Did you mean '-t 8'?"},
        {"m -Nq", "unknown option '-Nq'. Did you mean '-N'?"}, /* letters are not bundled */
        {"m --tensors", "'lfm run' has no option '--tensors'. See: lfm help run"},
        {"m -n", "-n needs a value: -n N"},
        {"m --predict", "--predict needs a value: --predict N"},
        {"m -n 1.5", "-n: '1.5' is not a whole number in -1..2147483647"},
        {"m -n -2", "-n: '-2' is not a whole number in -1..2147483647"},
        {"m -n 1e99", "-n: '1e99' is not a whole number in -1..2147483647"},
        {"m -n=", "-n: '' is not a whole number in -1..2147483647"},
        {"m -n 0x10", "-n: '0x10' is not a whole number in -1..2147483647"},
        {"m -n ~5", "-n: ' 5' is not a whole number in -1..2147483647"},
        {"m -c -1", "-c: '-1' is not a whole number in 0..2147483647"},
        {"m --temp nan", "--temp: 'nan' is not a number in 0..1000000"},
        {"m --temp inf", "--temp: 'inf' is not a number in 0..1000000"},
        {"m --top-p 1.01", "--top-p: '1.01' is not a number in 0..1"},
        {"m --top-p 1,0", "--top-p: '1,0' is not a number in 0..1"},
        {"m -s 9007199254740992",
         "-s: '9007199254740992' is not a whole number in -1..9007199254740991"},
        {"m --kv q4_0", "--kv: 'q4_0' is not one of f16|f32|q8_0|q8"},
        {"m --preset=", "--preset: '' is not one of card|llama.cpp|greedy"},
        {"m --raw=1", "--raw takes no value, but got '1'"},
        {"m --stop=", "--stop: the text is empty"},
        {"m -l 5", "-l: '5' is not a token id with a bias, such as 15043+1 or 15043-1"},
        {"m -l +1", "-l: '+1' is not a token id"},
        {"m -l 5+x", "-l: '5+x' is not a token id"},
        {"m -l 99999999999+1", "-l: '99999999999+1' is not a token id"},
        {"m --samplers top_k;foo",
         "--samplers: unknown stage 'foo'. The names are penalties, top_k"},
        {"m --samplers ;top_k", "--samplers: unknown stage ''. The names"},
        {"m --samplers typ_p,typical-p", "--samplers: typ_p is listed twice"},
        {"m --samplers=", "--samplers: the list is empty"},
        {"m --samplers xtc", "--samplers: the list is empty"},
        {"m --samplers min_p --top-p 0.9", "--top-p has no effect: --samplers does not list top_p"},
        {"m --frequency-penalty 1 --samplers temp", "--frequency-penalty has no effect"},
        {"m --logprobs 21", "--logprobs: '21' is not a whole number in 0..20"},
        {"m --stats-fd -1", "--stats-fd: '-1' is not a whole number in 0..65535"},
        {"m --nice 20", "--nice: '20' is not a whole number in -20..19"},
        {"m --truncate start", "--truncate: 'start' is not one of none|head|tail|middle"},
        {"m --preset gredy", "--preset: 'gredy' is not one of card|llama.cpp|greedy. Did you mean "
                             "'greedy'?"},
        {"m --no-escape=1", "--no-escape takes no value, but got '1'"},
        {"m -i", "for a conversation, use: lfm chat MODEL"},
        {"-hf a/b", "nothing is downloaded"},
        {"-cnv", "-cnv starts a conversation; use: lfm chat MODEL"},
        {"m -cnv", "-cnv starts a conversation; use: lfm chat m"},
        {"m --format json", "use --json for a machine-readable result"},
        {"m --format=json", "use --json for a machine-readable result"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_options o;
        char copy[200];
        lfm_error err;
        assert_int_equal(parse(&o, &run, cases[i].line, copy, &err), LFM_ERR_ARG);
        if (strncmp(err.text, cases[i].text, strlen(cases[i].text)) != 0) {
            fail_msg("%s: got \"%s\"", cases[i].line, err.text);
        }
        opt_drop(&o);
    }
}

static void test_unexpected_operand(void **state) {
    (void)state;
    cli_options o;
    char copy[100];
    lfm_error err;
    assert_int_equal(parse(&o, &info, "m x", copy, &err), LFM_ERR_ARG);
    assert_string_equal(err.text, "unexpected operand 'x'. See: lfm help info");
    opt_drop(&o);
    assert_int_equal(parse(&o, &info, "m -", copy, &err), LFM_ERR_ARG);
    opt_drop(&o);
}

static void test_help_wins(void **state) {
    (void)state;
    static const struct {
        const char *line;
        bool help;
    } cases[] = {
        {"-h", true}, {"m -p x --help", true}, {"m --nonsense -h", true}, {"m -n x --help", true},
        {"m -n -h", true}, {"m -p -h", false}, {"m -- -h", false}, {"m --nonsense -- -h", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cli_options o;
        char copy[100];
        lfm_error err;
        const lfm_status st = parse(&o, &run, cases[i].line, copy, &err);
        /* "-n -h": -h is the value of -n, and a wrong one; that is an error like any other */
        if (strcmp(cases[i].line, "m -n -h") == 0) {
            assert_int_equal(st, LFM_ERR_ARG);
        } else {
            assert_int_equal(o.help, cases[i].help);
            assert_true(st == LFM_OK || !cases[i].help);
        }
        opt_drop(&o);
    }
}

/* ---- What cannot stand together ------------------------------------------------------------- */

/* Add a word of a conflict to the line, with a value that its option accepts. */
static void add_use(char line[200], const char *word, size_t len, unsigned bit) {
    char use[100];
    if (len == strlen("LFM_THREADS") && memcmp(word, "LFM_THREADS", len) == 0) {
        setenv("LFM_THREADS", "3", 1);
        return;
    }
    if (len == strlen("PROMPT") && memcmp(word, "PROMPT", len) == 0) {
        snprintf(use, sizeof use, "-p x");
    } else {
        const opt_row *row = opt_find_row(word, len, bit);
        assert_non_null(row);
        const char *second = row->kind == OPT_CHOICE ? strchr(row->arg, '|') + 1 : "";
        snprintf(use, sizeof use, "%.*s%s%.*s", (int)len, word,
                 row->kind == OPT_TRUE ? "" : row->kind == OPT_PAIR ? " 2 2"
                 : row->kind == OPT_CHOICE ? " " : " 2",
                 (int)strcspn(second, "|"), second);
    }
    snprintf(line + strlen(line), 200 - strlen(line), " %s", use);
}

static void expect_conflict(unsigned bit, const char *line, const char *expected) {
    const cli_command command = {.name = "x", .bit = bit, .after = AFTER_PROMPT};
    cli_options o;
    char copy[200];
    lfm_error err;
    if (parse(&o, &command, line, copy, &err) != LFM_OK) {
        fail_msg("%s: %s", line, err.text);
    }
    if (opt_check_conflicts(&o, &err) != LFM_ERR_ARG || strcmp(err.text, expected) != 0) {
        fail_msg("%s: got \"%s\" instead of \"%s\"", line, err.text, expected);
    }
    opt_drop(&o);
    unsetenv("LFM_THREADS");
}

/* Every pair of every row, with its own message. */
static void check_pairs(const opt_conflict *c, unsigned bit) {
    const char *list = c->options;
    const char *one;
    size_t one_len;
    while (opt_next_word(&list, ' ', &one, &one_len)) {
        const char *others = c->kind == OPT_ONE_OF ? list : c->others;
        const char *other;
        size_t other_len;
        char text[300];
        char line[200] = "m";
        add_use(line, one, one_len, bit);
        if (c->kind == OPT_NEEDS) {
            expect_conflict(bit, line, c->why);
        }
        while (opt_next_word(&others, ' ', &other, &other_len)) {
            char both[200];
            strcpy(both, line);
            add_use(both, other, other_len, bit);
            snprintf(text, sizeof text, "%.*s and %.*s %s", (int)one_len, one, (int)other_len,
                     other, c->why);
            if (c->kind != OPT_NEEDS) {
                expect_conflict(bit, both, c->kind == OPT_ONE_OF ? text : c->why);
            }
        }
    }
}

static void test_conflicts(void **state) {
    (void)state;
    unsetenv("LFM_THREADS");
    for (size_t i = 0; i < n_opt_conflicts; i++) {
        for (unsigned bit = CMD_RUN; bit <= CMD_SELFTEST; bit <<= 1) {
            if (opt_conflicts[i].commands & bit) {
                check_pairs(&opt_conflicts[i], bit);
            }
        }
    }
}

static void test_what_stands_together(void **state) {
    (void)state;
    static const struct {
        unsigned bit;
        const char *line;
    } cases[] = {
        {CMD_RUN, "m"}, {CMD_RUN, "m --raw -p x --json --logprobs 0"},
        {CMD_RUN, "m --messages a --json-schema b --jsonl --logprobs 1"},
        {CMD_RUN, "m --truncate none --messages a"}, {CMD_RUN, "m --truncate head -sysf a"},
        {CMD_RUN, "m --prompt-cache-ro --prompt-cache a"}, {CMD_RUN, "m --tools a --tool-choice b"},
        {CMD_BATCH, "m --resume -o a --logprobs 3 --unordered"}, {CMD_BATCH, "m --lines --raw"},
        {CMD_BENCH, "m -o md --roofline"}, {CMD_BENCH, "m --tune --no-probe -r 3"},
        {CMD_INFO, "m --json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cli_command command = {.name = "x", .bit = cases[i].bit};
        cli_options o;
        char copy[200];
        lfm_error err;
        assert_int_equal(parse(&o, &command, cases[i].line, copy, &err), LFM_OK);
        if (opt_check_conflicts(&o, &err) != LFM_OK) {
            fail_msg("%s: %s", cases[i].line, err.text);
        }
        opt_drop(&o);
    }
}

/* ---- Distances ------------------------------------------------------------------------------ */

static void test_distance(void **state) {
    (void)state;
    static const struct {
        const char *a, *b;
        size_t distance;
    } cases[] = {
        {"", "", 0}, {"abc", "abc", 0}, {"abc", "", 3}, {"abc", "abd", 1}, {"abc", "acb", 1},
        {"abc", "ab", 1}, {"abc", "xabc", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(opt_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(opt_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char longer[60];
    memset(longer, 'a', sizeof longer);
    longer[59] = '\0';
    assert_true(opt_distance(longer, "a") == SIZE_MAX);
    size_t best = SIZE_MAX;
    assert_true(opt_is_near("rum", "run", &best));
    assert_false(opt_is_near("rum", "rub", &best)); /* not nearer than the first */
    assert_false(opt_is_near("ab", "ax", &best));   /* two letters are no evidence */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_every_name),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_prompt_order),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_more_values),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_unexpected_operand),
        cmocka_unit_test(test_help_wins),
        cmocka_unit_test(test_conflicts),
        cmocka_unit_test(test_what_stands_together),
        cmocka_unit_test(test_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
