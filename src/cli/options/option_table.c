/*
 * option_table.c - every option of every command, once.
 *
 * Names and meanings follow llama.cpp's tools where they have the option, so that habits and
 * scripts carry over.  The help text says where a default differs.
 */
#include "cli/options/options.h"

#define RUN CMD_RUN
#define INFO CMD_INFO
#define TOKENIZE CMD_TOKENIZE
#define LOGITS CMD_LOGITS
#define QUANTIZE CMD_QUANTIZE
#define SCORE CMD_SCORE
#define BATCH CMD_BATCH
#define PICK CMD_PICK
#define BENCH CMD_BENCH
#define PACK CMD_PACK
#define VERIFY CMD_VERIFY
#define CHAT CMD_CHAT
#define SELFTEST CMD_SELFTEST
#define TEXTS (RUN | TOKENIZE | SCORE | PICK | CHAT)   /* commands that read a text */
#define ANSWER (RUN | BATCH | CHAT)             /* commands that generate one */
#define ONE_ANSWER (RUN | BATCH)                /* ... without a conversation */
#define EVAL (RUN | LOGITS | SCORE | BATCH | PICK | CHAT) /* commands that evaluate tokens */
#define ALL \
    (RUN | INFO | TOKENIZE | LOGITS | QUANTIZE | SCORE | BATCH | PICK | BENCH | PACK | VERIFY | \
     CHAT | SELFTEST)

/* One macro for each kind of row.  Fields are those of cli_options. */
#define FIELD(name) offsetof(cli_options, name)
#define FLAG(names, group, commands, field, help) \
    {names, NULL, OPT_TRUE, GROUP_##group, commands, FIELD(field), 0, 0, NULL, help}
#define TEXT(names, arg, group, commands, field, help) \
    {names, arg, OPT_TEXT, GROUP_##group, commands, FIELD(field), 0, 0, NULL, help}
#define INT(names, arg, group, commands, field, min, max, preset, help) \
    {names, arg, OPT_INT, GROUP_##group, commands, FIELD(field), min, max, preset, help}
#define REAL(names, arg, group, commands, field, min, max, preset, help) \
    {names, arg, OPT_REAL, GROUP_##group, commands, FIELD(field), min, max, preset, help}
#define PERCENT(names, arg, group, commands, field, min, max, preset, help) \
    {names, arg, OPT_PERCENT, GROUP_##group, commands, FIELD(field), min, max, preset, help}
#define SECONDS(names, arg, group, commands, field, min, max, preset, help) \
    {names, arg, OPT_SECONDS, GROUP_##group, commands, FIELD(field), min, max, preset, help}
#define TEXTS_OF(kind, names, arg, group, commands, field, help) \
    {names, arg, kind, GROUP_##group, commands, FIELD(field), 0, 0, NULL, help}
#define CHOICE(kind, names, words, group, commands, field, preset, help) \
    {names, words, kind, GROUP_##group, commands, FIELD(field), 0, 0, preset, help}
#define UNSET(names, group, commands, field, help) \
    {names, NULL, OPT_FALSE, GROUP_##group, commands, FIELD(field), 0, 0, NULL, help}
#define SET(names, group, commands, field, value, help) \
    {names, NULL, OPT_SET, GROUP_##group, commands, FIELD(field), value, 0, NULL, help}
#define OTHER(kind, names, arg, group, commands, help) \
    {names, arg, kind, GROUP_##group, commands, 0, 0, 0, NULL, help}

#define INT_BIG 2147483647.0
#define SEED_BIG 9007199254740991.0 /* 2^53 - 1: exact as a double, here and in JSON readers */

const opt_row option_table[] = {
    OTHER(OPT_PART_TEXT, "-p --prompt", "TEXT", PROMPT, TEXTS,
          "prompt; may be repeated; operands after MODEL count as prompts too"),
    OTHER(OPT_PART_FILE, "-f --file", "FILE", PROMPT, TEXTS,
          "prompt from a file (- = standard input); its last line end is dropped"),
    OTHER(OPT_PART_BYTES, "-bf --binary-file", "FILE", PROMPT, TEXTS,
          "prompt from a file, every byte of it"),
    TEXT("-sys --system", "TEXT", PROMPT, ANSWER | PICK, system, "system prompt"),
    TEXT("-sysf --system-file", "FILE", PROMPT, ANSWER | PICK, system_file,
         "system prompt from a file"),
    TEXT("--messages", "FILE", PROMPT, RUN, messages,
         "conversation as JSON: [{\"role\":\"user\",\"content\":\"..\"},..]"),
    TEXT("--prefill", "TEXT", PROMPT, ANSWER, prefill, "text that the answer begins with"),
    TEXT("--chat-template --chat-template-file", "FILE", PROMPT, ANSWER | PICK | INFO,
         template_file,
         "chat template to use instead of the model's own (Jinja)"),
    TEXT("--template-kwargs --chat-template-kwargs", "JSON", PROMPT, ANSWER | PICK | INFO,
         template_kwargs,
         "further variables of the chat template: {\"preserve_thinking\": true}"),
    FLAG("--raw -no-cnv --no-conversation", PROMPT, ONE_ANSWER | PICK, raw,
         "no chat template: continue the text, byte for byte"),
    FLAG("--no-special", PROMPT, ONE_ANSWER | PICK, no_special,
         "with --raw: control tokens written in the prompt stay plain text"),
    FLAG("-N --no-stdin", PROMPT, TEXTS, no_stdin,
         "leave standard input alone (for loops that read from it)"),
    FLAG("-e --escape", PROMPT, TEXTS, escape,
         "interpret \\n, \\t, \\\\ and other escapes of C in -p"),
    UNSET("--no-escape", PROMPT, TEXTS, escape, "the opposite of -e (the default)"),
    FLAG("--dry-run", PROMPT, RUN, dry_run,
         "show the rendered prompt, its size, the memory that it needs and how long reading it "
         "takes here, measured for some seconds; run nothing"),

    INT("-n --predict --n-predict", "N", LENGTH, ANSWER, n_predict, -1, INT_BIG, "-1",
        "tokens to generate; -1 = until the answer ends"),
    OTHER(OPT_STOP, "--stop -r --reverse-prompt", "TEXT", LENGTH, ANSWER,
          "stop before this text, which is never shown; may be repeated"),
    CHOICE(OPT_CHOICE, "--think", THINK_WORDS, LENGTH, ANSWER, think, "auto",
           "show thoughts on a terminal, always (on standard error), never; off = do not think"),
    FLAG("--hidethinking", LENGTH, ANSWER, hide_thinking, "the same as --think hide"),
    FLAG("--no-think", LENGTH, ANSWER, no_think, "the same as --think off"),
    CHOICE(OPT_CHOICE, "--reasoning", REASONING_WORDS, LENGTH, ANSWER, reasoning, "auto",
           "off is the same as --think off"),
    INT("--think-budget --reasoning-budget", "N", LENGTH, ANSWER, think_budget, -1, INT_BIG, "auto",
        "end thoughts after N tokens; auto = leave a quarter of -n for the answer"),
    TEXT("--reasoning-budget-message", "TEXT", LENGTH, ANSWER, think_message,
         "text to insert when the budget ends the thoughts"),
    CHOICE(OPT_CHOICE, "--loop-guard", LOOP_GUARD_WORDS, LENGTH, ANSWER, loop_guard, "on",
           "end thoughts, or an answer, caught in a loop (then exit status 4)"),
    FLAG("--strict", LENGTH, RUN, strict, "exit status 4 when -n or the context cut the answer"),
    FLAG("--ignore-eos", LENGTH, ANSWER, ignore_eos, "do not let the model end the answer"),

    TEXT("-j --json-schema", "S|@F", SHAPE, ONE_ANSWER, json_schema,
         "the answer is JSON that this schema allows (@F: the schema in file F)"),
    TEXT("-jf --json-schema-file", "FILE", SHAPE, ONE_ANSWER, json_schema_file,
         "the same, with the schema in a file"),
    TEXT("--schema", "FIELDS", SHAPE, ONE_ANSWER, schema,
         "the same, in short notation: 'name, age int, note?'"),
    TEXT("--tools", "FILE", SHAPE, RUN, tools,
         "functions that the model may call, as JSON; calls are printed as JSON, one per line"),
    TEXT("--tool-choice", "WHICH", SHAPE, RUN, tool_choice,
         "auto, none, required (the answer is calls with valid arguments), or a tool's name (one "
         "call)"),
    FLAG("--tools-lenient", SHAPE, RUN | BATCH, tools_lenient,
         "leave out tools whose parameters no grammar can follow, and say so, where --tool-choice "
         "requires a call"),
    CHOICE(OPT_CHOICE, "--tool-calls", TOOL_CALLS_WORDS, SHAPE, RUN, tool_calls, "json",
           "how calls are printed; raw = as the model writes them"),
    TEXT("--choices", "A,B,..", SHAPE, ONE_ANSWER, form_choices,
         "the answer is one of these texts; \\, is a comma"),
    TEXT("--grammar", "GBNF", SHAPE, ONE_ANSWER, grammar,
         "the answer matches this grammar, in llama.cpp's notation"),
    TEXT("--grammar-file", "FILE", SHAPE, ONE_ANSWER, grammar_file,
         "the same, with the grammar in a file"),

    CHOICE(OPT_CHOICE, "--preset", PRESET_WORDS, SAMPLING, ANSWER, preset, "card",
           "settings to start from: the model's (its file's or its card's), llama.cpp's, or none "
           "(greedy)"),
    REAL("--temp --temperature", "T", SAMPLING, ANSWER, temp, 0, 1e6, "card",
         "temperature; 0 = always the most probable token"),
    INT("--top-k", "N", SAMPLING, ANSWER, top_k, 0, INT_BIG, "card",
        "keep the N most probable tokens; 0 = off"),
    REAL("--top-p", "P", SAMPLING, ANSWER, top_p, 0, 1, "card",
         "keep the most probable tokens that add up to P; 1 = off"),
    REAL("--min-p", "P", SAMPLING, ANSWER, min_p, 0, 1, "card",
         "keep tokens at least P times as probable as the best; 0 = off"),
    REAL("--typical --typical-p", "P", SAMPLING, ANSWER, typical, 0, 1, "1",
         "keep tokens of typical surprise that add up to P; 1 = off"),
    REAL("--repeat-penalty", "X", SAMPLING, ANSWER, repeat_penalty, 0.001, 1000, "card",
         "make tokens less likely that already occurred; 1 = off"),
    INT("--repeat-last-n", "N", SAMPLING, ANSWER, repeat_last_n, -1, INT_BIG, "64",
        "tokens that the penalties look back at; 0 = off, -1 = all"),
    REAL("--presence-penalty", "X", SAMPLING, ANSWER, presence_penalty, -1e4, 1e4, "0",
         "subtracted from the logit of every token that occurred"),
    REAL("--frequency-penalty", "X", SAMPLING, ANSWER, frequency_penalty, -1e4, 1e4, "0",
         "the same, for each occurrence"),
    OTHER(OPT_BIAS, "-l --logit-bias", "ID+B", SAMPLING, ANSWER,
          "add B to the logit of a token (or ID-B; ID-inf forbids it); may be repeated"),
    OTHER(OPT_STAGES, "--samplers", "LIST", SAMPLING, ANSWER,
          "the stages to use, in order (penalties;top_k;typ_p;top_p;min_p;temperature)"),
    INT("-s --seed", "N", SAMPLING, ANSWER, seed, -1, SEED_BIG, "-1",
        "random seed; -1 = a new one, which -v and --json show"),

    FLAG("--json", OUTPUT, RUN | INFO | TOKENIZE | SCORE | PICK, json,
         "one JSON object instead of text"),
    TEXT("-o --output", "FILE", OUTPUT, RUN | LOGITS | BATCH, out,
         "write to FILE, which appears only when it is complete"),
    FLAG("--jsonl", OUTPUT, RUN, jsonl,
         "a JSON object for every piece of the answer, then the object of --json"),
    FLAG("-x --extract", OUTPUT, RUN, extract,
         "only the first code block of the answer; exit status 4 if it has none"),
    INT("--logprobs", "K", OUTPUT, RUN | BATCH, logprobs, 0, 20, NULL,
        "log-probabilities of every token and of the K most probable ones; run needs --json, or "
        "--jsonl (in every line)"),
    {"--stats", STATS_WORDS, OPT_CHOICE_MAYBE, GROUP_OUTPUT, RUN, FIELD(stats), STATS_TEXT, 0,
     "none", "timings on standard error, for people (--stats alone) or as a line of JSON"},
    INT("--stats-fd", "N", OUTPUT, RUN, stats_fd, 0, 65535, NULL,
        "write timings to this open file descriptor instead; without --stats, as JSON"),
    TEXT("--log-file", "FILE", OUTPUT, RUN, log_file,
         "append a line of JSON about this run: time, model, seed, timings, exit status"),
    CHOICE(OPT_CHOICE, "--progress", PROGRESS_WORDS, OUTPUT,
           RUN | SCORE | BATCH | QUANTIZE | PACK | VERIFY, progress, "auto",
           "show progress; auto = on a terminal, always = elsewhere too, one line per second"),
    FLAG("--no-newline", OUTPUT, RUN, no_newline, "do not end the answer with a newline"),
    FLAG("--no-stream", OUTPUT, RUN, no_stream, "print the answer when it is complete"),
    FLAG("-sp --special", OUTPUT, RUN, special, "show control tokens"),
    FLAG("-q --quiet", OUTPUT, ALL & ~(INFO | TOKENIZE | BENCH), quiet,
         "errors only, even on a terminal"),
    FLAG("--force", OUTPUT, QUANTIZE | PACK, force, "replace OUT if it exists"),
    FLAG("--dry-run", OUTPUT, QUANTIZE, dry_run,
         "show what every tensor would become and the size of the file; write nothing"),
    FLAG("-v --verbose", OUTPUT, RUN, verbose, "timings, seed and settings on standard error"),
    FLAG("-v --verbose", OUTPUT, BENCH, verbose,
         "how the threads were chosen, and the memory that tests need, on standard error"),
    FLAG("-vv", OUTPUT, RUN, very_verbose, "the same, with times of events, and memory"),
    SET("--no-color", OUTPUT, RUN | CHAT, color, COLOR_NEVER, "the same as --color never"),
    CHOICE(OPT_CHOICE_MAYBE, "--color -co", COLOR_WORDS, OUTPUT, RUN | CHAT, color, "auto",
           "dim everything but the answer on a terminal"),

    INT("-c --ctx-size", "N", STATE, RUN | CHAT | INFO | LOGITS | BATCH | PICK, n_ctx, 0,
        INT_BIG, "0", "longest context; 0 = grow up to the model's limit"),
    CHOICE(OPT_CHOICE, "--truncate", TRUNCATE_WORDS, STATE, RUN | BATCH, truncate, "none",
           "where to cut a prompt that leaves no room for the answer (-n, else a quarter of the "
           "context); a message reports how much"),
    CHOICE(OPT_CHOICE, "--kv -ctk -ctv --cache-type-k --cache-type-v", KV_WORDS, STATE,
           EVAL | BENCH, kv, "f16", "type of keys and values in memory; one type for both"),
    TEXT("--session", "FILE", STATE, RUN | CHAT, session,
         "continue a conversation: load FILE, add this turn, save it"),
    TEXT("--prompt-cache", "FILE", STATE, RUN, prompt_cache,
         "saved state of a prompt: a common beginning is not evaluated again"),
    FLAG("--no-history", STATE, CHAT, no_history,
         "do not read or write the input history ($LFM_NOHISTORY)"),
    FLAG("--prompt-cache-ro", STATE, RUN, prompt_cache_ro, "use the cache, but do not write it"),
    CHOICE(OPT_CHOICE, "--on-overflow", OVERFLOW_WORDS, STATE, RUN | CHAT, on_overflow, "stop",
           "when the context is full: end the answer, or forget the oldest half and evaluate the "
           "rest again"),
    SET("--context-shift", STATE, RUN | CHAT, on_overflow, OVERFLOW_SHIFT,
        "the same as --on-overflow shift"),
    SET("--no-context-shift", STATE, RUN | CHAT, on_overflow, OVERFLOW_STOP,
        "the same as --on-overflow stop"),
    INT("--keep", "N", STATE, RUN | CHAT, n_keep, 0, INT_BIG, "0",
        "with --on-overflow shift: never forget the first N tokens"),

    TEXT("-m --model", "FILE", MACHINE, ALL, model,
         "the model, instead of the first operand or $LFM_MODEL"),
    INT("-t --threads", "N", MACHINE, EVAL | INFO | QUANTIZE | PACK | VERIFY | SELFTEST, n_threads,
        -1, 4096, "cores",
        "threads ($LFM_THREADS; 'lfm bench --tune' finds the best); they change no result"),
    INT("-tb --threads-batch", "N", MACHINE, EVAL, n_threads_batch, -1, 4096, "-t",
        "threads for the tokens of a prompt, which are evaluated together"),
    INT("-b --batch-size", "N", MACHINE, EVAL, n_batch, 1, 65536, "512",
        "prompt tokens evaluated together; the answer does not depend on it"),
    TEXT("--isa", "NAME", MACHINE, EVAL | INFO | BENCH, isa,
         "highest instruction set to use"),
    TEXT("--cpus", "LIST", MACHINE, EVAL | BENCH, cpus,
         "run on these processors only, such as 0-3,8"),
    INT("--nice", "N", MACHINE, EVAL | BENCH, nice, -20, 19, "0",
        "let other programs go first (19: all of them)"),
    FLAG("--mlock", MACHINE, EVAL | BENCH, mlock,
         "lock the model in memory, so that it is never paged out"),
    FLAG("--no-mmap", MACHINE, EVAL | BENCH, no_mmap,
         "read the whole model at the start instead of mapping it"),
    UNSET("--mmap", MACHINE, EVAL | BENCH, no_mmap, "the opposite of --no-mmap (the default)"),
    CHOICE(OPT_CHOICE, "-lm --load-mode", LOAD_WORDS, MACHINE, EVAL, load_mode, "mmap",
           "the same in one word, as in llama.cpp; none = --no-mmap"),
    FLAG("--no-sandbox", MACHINE, RUN | SCORE | BATCH | PICK | LOGITS, no_sandbox,
         "do not give up unneeded system calls once everything is loaded (Linux)"),

    FLAG("--tensors", ASK, INFO, tensors, "list the tensors"),
    TEXT("--kv", "KEY", ASK, INFO, key, "the value of one metadata key; 'all' lists all keys"),
    FLAG("--template", ASK, INFO, chat_template, "the chat template in the file"),
    FLAG("--plan", ASK, INFO, plan,
         "only the plan: the memory for contexts, and the time to read prompts that fill them, "
         "measured for some seconds (-c N: for that context)"),

    FLAG("--probe", ASK, INFO, probe,
         "measure this machine's memory bandwidth and int8 arithmetic, and the tokens per second "
         "that they allow"),

    FLAG("--count", ASK, TOKENIZE, count, "only the number of tokens"),
    FLAG("--ids", ASK, TOKENIZE, ids, "only the ids, on one line"),
    FLAG("--decode", ASK, TOKENIZE, decode, "ids to text, byte for byte"),
    FLAG("-sp --special", ASK, TOKENIZE, special,
         "control tokens: recognise them in text, show them when decoding"),

    TEXT("--tokens", "FILE", ASK, LOGITS, tokens,
         "token ids separated by white space (- = standard input)"),

    INT("-c --ctx-size", "N", ASK, SCORE, n_ctx, 0, INT_BIG, "512",
        "length of the windows that the text is cut into"),
    INT("--chunks", "N", ASK, SCORE, chunks, -1, INT_BIG, "-1", "score only the first N windows"),
    TEXT("--against", "FILE", ASK, SCORE, against,
         "another model, or saved logits: KL divergence from it, and how often both find the same "
         "token most probable"),
    TEXT("--save-logits", "FILE", ASK, SCORE, save_logits,
         "save the logits of every scored position for --against"),
    FLAG("--per-token", ASK, SCORE, per_token,
         "a line for each token: id, log-probability, text"),

    FLAG("--lines", ASK, BATCH, lines,
         "every line is a prompt in plain text; every answer is one line, its newlines as \\n"),
    TEXT("--each", "TEXT", ASK, BATCH, each,
         "the prompt for every line, with the line in place of {}"),
    INT("--np --parallel", "N", ASK, BATCH, n_parallel, 1, 64, "4",
        "answers to generate together; no answer depends on it"),
    FLAG("--resume", ASK, BATCH, resume, "continue OUT: skip the ids that it already holds"),
    FLAG("--fail-fast", ASK, BATCH, fail_fast, "stop at the first line that fails"),
    FLAG("--unordered", ASK, BATCH, unordered,
         "write answers as they finish, not in the order of the lines"),
    INT("--limit", "N", ASK, BATCH, limit, 0, INT_BIG, "0", "read only N lines; 0 = all"),

    FLAG("--test", ASK, PICK, test, "print nothing: exit status 0 for the first choice, else 1"),
    FLAG("--all", ASK, PICK, all, "every choice with its probability"),

    TEXTS_OF(OPT_TEXTS, "-p --n-prompt", "LIST", ASK, BENCH, bench_p,
             "prompt lengths (512); lists such as 1,2,4 or 8-64*2, 0 = none; may be repeated"),
    TEXTS_OF(OPT_TEXTS, "-n --n-gen", "LIST", ASK, BENCH, bench_n, "tokens to generate (128)"),
    TEXTS_OF(OPT_TEXTS, "-pg", "PP,TG", ASK, BENCH, bench_pg,
             "a prompt and generated tokens in one test"),
    TEXTS_OF(OPT_TEXTS, "-d --n-depth", "LIST", ASK, BENCH, bench_d,
             "tokens in the context before the test; they are not read, since no time depends on "
             "what they are (0)"),
    TEXTS_OF(OPT_TEXTS, "-t --threads", "LIST", ASK, BENCH, bench_t,
             "threads (tuned, or cores; $LFM_THREADS)"),
    TEXTS_OF(OPT_TEXTS, "-b --batch-size", "LIST", ASK, BENCH, bench_b,
             "prompt tokens evaluated together (512)"),
    INT("-r --repetitions", "N", ASK, BENCH, n_repeat, 1, 1000, "5", "times to run each test"),
    PERCENT("--until", "P", ASK, BENCH, until, 0, 100, "0",
         "repeat until the mean is known to P per cent (95 % confidence; at most 100 times)"),
    REAL("--delay", "S", ASK, BENCH, delay, 0, 3600, "0", "seconds to wait before each repetition"),
    CHOICE(OPT_CHOICE, "--cooldown", COOLDOWN_WORDS, ASK, BENCH, cooldown, "none",
           "auto: before each repetition wait until the processor is as cool and slow as at the "
           "start"),
    FLAG("--no-warmup", ASK, BENCH, no_warmup, "skip the unmeasured first run of each test"),
    FLAG("--no-probe", ASK, BENCH, no_probe,
         "do not measure memory bandwidth and int8 arithmetic, which takes up to 1 GiB of memory "
         "for a small model"),
    TEXT("--text", "FILE", ASK, BENCH, text,
         "measure a real text, with tokenising and sampling, instead of random tokens: time to the "
         "first token, and between tokens"),
    SECONDS("--sustain", "TIME", ASK, BENCH, sustain, 1, 86400, NULL,
            "repeat for 90s, 5m or 1h: burst speed, sustained speed, and drift"),
    TEXTS_OF(OPT_PAIR, "--ab", "'OPTIONS A' 'OPTIONS B'", ASK, BENCH, ab,
             "compare two sets of options; they take turns (A B B A), -r turns for each test"),
    FLAG("--tune", ASK, BENCH, tune,
         "find the best numbers of threads for prompts and for decoding, and save them in "
         "~/.config/lfm/tune for every command; on hybrid processors, also try the fast cores "
         "alone"),
    FLAG("--roofline", ASK, BENCH, roofline, "how fast each part of the model reads its weights"),
    CHOICE(OPT_CHOICE, "--power", POWER_WORDS, ASK, BENCH, power, "auto",
           "source of energy readings; auto = rapl where readable (lfm help energy)"),
    CHOICE(OPT_CHOICE, "-mmp", MMP_WORDS, ASK, BENCH, mmp, "1",
           "0 = --no-mmap, as in llama-bench"),
    CHOICE(OPT_CHOICE, "-o --output", FORMAT_WORDS, ASK, BENCH, bench_format, "md",
           "format of the results"),
    CHOICE(OPT_CHOICE, "-oe --output-err", "none|" FORMAT_WORDS, ASK, BENCH, bench_format_err,
           "none", "the same, also to standard error"),
    PERCENT("--fail-if-slower", "P", ASK, BENCH, fail_if_slower, 0, 100, NULL,
         "compare: exit status 5 when B is shown to be slower by P per cent or more"),

    OTHER(OPT_HELP, "-h --help --usage", NULL, OTHER, ALL, "this text"),

    /* Options of other programs. */
    {"-cnv --conversation", NULL, OPT_REFUSED, GROUP_IDLE, RUN, 0, 0, 0, "model",
     "-cnv starts a conversation; use: lfm chat"},
    OTHER(OPT_REFUSED, "-i --interactive -if --interactive-first", NULL, IDLE, RUN,
          "for a conversation, use: lfm chat MODEL; 'lfm run' gives one answer and exits"),
    OTHER(OPT_REFUSED, "-hf -hfr --hf-repo -hff --hf-file -mu --model-url", NULL, IDLE,
          EVAL | INFO | TOKENIZE | BENCH,
          "nothing is downloaded: get the GGUF file (curl -LO URL), then: lfm run FILE"),
    OTHER(OPT_REFUSED, "--format", "json", IDLE, RUN,
          "use --json for a machine-readable result, or --json-schema '{}' to make the model write "
          "JSON"),
    OTHER(OPT_IDLE, "-st --single-turn", NULL, IDLE, RUN, "always the case"),
    OTHER(OPT_IDLE, "--no-display-prompt", NULL, IDLE, ANSWER, "always the case"),
    OTHER(OPT_IDLE, "--simple-io", NULL, IDLE, ANSWER, "always the case"),
    OTHER(OPT_IDLE, "--no-warmup --warmup", NULL, IDLE, EVAL, "there is nothing to warm up"),
    OTHER(OPT_IDLE, "--log-disable", NULL, IDLE, EVAL, "there is no log"),
    OTHER(OPT_IDLE, "--jinja --no-jinja", NULL, IDLE, ANSWER,
          "always the case; see --chat-template"),
    OTHER(OPT_IDLE, "--perf --no-perf --show-timings --no-show-timings", NULL, IDLE, ANSWER,
          "see -v and --stats"),
    OTHER(OPT_IDLE, "--nowordwrap", NULL, IDLE, RUN, "always the case"),
    OTHER(OPT_IDLE_VALUE, "--keepalive", "TIME", IDLE, RUN, "there is no server"),
    OTHER(OPT_IDLE, "--prompt-cache-all", NULL, IDLE, RUN, "see --session"),
    OTHER(OPT_IDLE_MAYBE, "-fa --flash-attn", "on|off|auto|0|1", IDLE, EVAL | BENCH,
          "there is only one implementation of attention"),
    OTHER(OPT_IDLE_VALUE, "-ngl --gpu-layers --n-gpu-layers", "N", IDLE, EVAL | BENCH,
          "this program computes on the CPU"),
    OTHER(OPT_IDLE_VALUE, "-ub --ubatch-size", "N", IDLE, EVAL, "only -b is used"),
    OTHER(OPT_IDLE_VALUE, "-lv --verbosity --log-verbosity", "N", IDLE, ANSWER, "see -v and -q"),
};

const size_t n_option_rows = sizeof option_table / sizeof *option_table;
