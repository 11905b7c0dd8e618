/*
 * command_table.c - every command, once: its name, its help and its function.
 */
#include "cli/help/command_table.h"

#include "cli/shared/common.h"

#include <string.h>

const cli_command commands[] = {
    {"run", CMD_RUN, AFTER_PROMPT, "run MODEL [PROMPT..] [options]", "answer one prompt and exit",
     "  lfm run model.gguf \"Why is the sky blue?\"\n"
     "  git diff | lfm run model.gguf -p \"Write a commit message.\" > message\n"
     "  lfm run model.gguf -sys \"Answer in one word.\" -f page.txt -p \"Language?\" -n 8\n"
     "  while read -r f; do lfm run -N model.gguf -f \"$f\" -p \"One line:\"; done < files\n",
     cmd_run},
    {"chat", CMD_CHAT, AFTER_PROMPT, "chat MODEL [PROMPT..] [options]", "talk in the terminal",
     "  lfm chat model.gguf\n"
     "  lfm chat model.gguf --session talk.lfm          (continue where it ended)\n"
     "  git diff | lfm chat model.gguf \"Explain this.\"  (a first message, then talk)\n\n"
     "/help in the conversation lists its commands.\n",
     cmd_chat},
    {"info", CMD_INFO, AFTER_NOTHING, "info MODEL [options]",
     "what is in a file, and how much memory it needs",
     "  lfm info model.gguf\n"
     "  lfm info model.gguf --plan -c 32768\n"
     "  lfm info model.gguf --kv general.license\n",
     cmd_info},
    {"tokenize", CMD_TOKENIZE, AFTER_PROMPT, "tokenize MODEL [TEXT..] [options]",
     "text to token ids, and back",
     "  lfm tokenize model.gguf --count < book.txt\n"
     "  lfm tokenize model.gguf --ids \"Hello\"\n"
     "  lfm tokenize model.gguf --ids \"Hello\" | lfm tokenize model.gguf --decode\n",
     cmd_tokenize},
    {"logits", CMD_LOGITS, AFTER_NOTHING, "logits MODEL --tokens FILE -o OUT.f32 [options]",
     "raw logits of given tokens, for comparing engines",
     "  lfm logits model.gguf --tokens ids.txt -o out.f32   (little-endian float32,\n"
     "                                                       n_tokens x n_vocab)\n",
     cmd_logits},
    {"quantize", CMD_QUANTIZE, AFTER_OUT_TYPE, "quantize MODEL OUT TYPE [options]",
     "the same model in a smaller file",
     "  lfm quantize model-F16.gguf model-Q4_K_M.gguf Q4_K_M\n"
     "  lfm quantize model-F16.gguf out.gguf Q4_0 --dry-run\n\n"
     "Types, from large to small: F32 BF16 F16 Q8_0 Q6_K Q5_1 Q5_K_M Q5_K_S Q5_0 Q4_1 Q4_K_M\n"
     "Q4_K_S Q4_0 IQ4_NL IQ4_XS MXFP4_MOE Q3_K_L Q3_K_M Q3_K_S Q2_K.  Q4_K_M is a good choice.\n",
     cmd_quantize},
    {"pack", CMD_PACK, AFTER_OUT, "pack MODEL OUT [options]",
     "copy a model into one file with checksums",
     "  lfm pack model-00001-of-00003.gguf model.gguf\n\n"
     "The result is a GGUF file that other programs read too.  It computes the same bits at the\n"
     "same speed: weights are used in place, packed or not.  Opening the file detects damage to\n"
     "its head, lfm verify any other damage.\n",
     cmd_pack},
    {"verify", CMD_VERIFY, AFTER_NOTHING, "verify MODEL [options]",
     "look for damage in a model file",
     "  lfm verify model.gguf && lfm run model.gguf \"Hello\"\n\n"
     "Packed files (lfm pack) are compared with their checksums.  In other files, the structure\n"
     "is checked, and whether all weights are finite numbers.\n",
     cmd_verify},
    {"batch", CMD_BATCH, AFTER_INPUT, "batch MODEL [IN.jsonl] [-o OUT.jsonl] [options]",
     "many prompts, one model load: a line in, a line out",
     "  lfm batch model.gguf questions.jsonl -o answers.jsonl --resume\n"
     "  cut -f2 words.tsv | lfm batch model.gguf --lines --each 'French for {}:' -n 8\n"
     "  jq -c '{id:.key,prompt:.body}' tickets.json | lfm batch model.gguf -n 4\n\n"
     "A line is a JSON string; or an object with prompt or messages, and optionally id, system,\n"
     "session (lines with one name are one conversation), n, temp, top_k, top_p, min_p, typical,\n"
     "repeat_penalty, seed, stop, logit_bias, prefill, logprobs, tools, tool_choice,\n"
     "chat_template_kwargs, and one of schema, choices, grammar, response_format; or a request in\n"
     "OpenAI's batch format.  Answers come in the order of the lines.\n",
     cmd_batch},
    {"pick", CMD_PICK, AFTER_CHOICES, "pick MODEL -p PROMPT CHOICE.. [options]",
     "choose one of several answers, with exact probabilities",
     "  lfm pick model.gguf -f mail.txt -p \"Is this spam?\" yes no\n"
     "  if lfm pick model.gguf -f mail.txt -p \"Spam?\" --test yes no; then mv mail.txt spam/; fi\n"
     "  lfm pick model.gguf -p \"The capital of France?\" --json Paris London Rome\n",
     cmd_pick},
    {"bench", CMD_BENCH, AFTER_CHOICES, "bench MODEL [options]",
     "measure prefill and decode; compare results",
     "  lfm bench model.gguf\n"
     "  lfm bench model.gguf -p 0 -n 64 -t 1-8 -d 0,8192\n"
     "  lfm bench model.gguf -o json > new.json; lfm bench compare old.json new.json\n"
     "  lfm bench model.gguf --ab '-t 4' '-t 8'\n"
     "  lfm bench model.gguf --tune\n"
     "  lfm bench model.gguf --sustain 5m --power battery\n"
     "  lfm bench model.gguf --text book.txt -p 2000\n\n"
     "pp512 is a prompt of 512 tokens, tg128 are 128 generated ones.  ~ marks rows that are less\n"
     "certain; the report gives the reason.  Energy: lfm help energy.\n",
     cmd_bench},
    {"score", CMD_SCORE, AFTER_PROMPT, "score MODEL [TEXT..] [options]",
     "how well a model predicts a text (alias: perplexity)",
     "  lfm score model.gguf -f book.txt\n"
     "  lfm score model-Q4_0.gguf -f book.txt --against model-F16.gguf\n"
     "  lfm score model.gguf -p \"The cat sat on the mat.\" --per-token\n",
     cmd_score},
    {"selftest", CMD_SELFTEST, AFTER_NOTHING, "selftest [MODEL] [options]",
     "does this machine compute the right bits?",
     "  lfm selftest                (the kernels of this processor, in a second)\n"
     "  lfm selftest model.gguf     (and one hash for all threads, batches, caches)\n",
     cmd_selftest},
};

const size_t n_commands = sizeof commands / sizeof *commands;

const cli_command *cli_find_command(const char *name) {
    if (strcmp(name, "perplexity") == 0) {
        name = "score"; /* llama.cpp's name */
    }
    for (size_t i = 0; i < n_commands; i++) {
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    }
    return NULL;
}
