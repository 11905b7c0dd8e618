/*
 * random_tools.c - random lists of tools, as a client may offer them.
 */
#include "random_tools.h"

#include "base/rng.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    json_out *out;
    uint64_t seed, n_drawn;
} maker;

static size_t draw(maker *m, size_t n) {
    return (size_t)(rng_at(m->seed, m->n_drawn++) % n);
}

/* Texts that a reader of calls might stumble over. */
static const char *const odd[] = {
    "red", "", "it's", "say \"yes\"", "a, b", "x'), f(y='z", "[f()]", "C:\\", "\\'", "\\n", "a\nb",
    "\t", "\\033[0m", "{1: 2}", "(x)", "\xc3\xa9", "\xf0\x9f\x98\x80", "', '", "\")]", "'''",
    "<|tool_call_end|>", "a=1", "\x01\x7f", "None",
};

static void write_odd(maker *m) {
    const char *text = odd[draw(m, sizeof odd / sizeof *odd)];
    json_write_string(m->out, text, strlen(text));
}

static void write_schema(maker *m, int depth);

static void write_string(maker *m) {
    static const char *const more[] = {
        "", ", \"minLength\": 1, \"maxLength\": 40",
        ", \"pattern\": \"^[a-z'\\\",)\\\\\\\\]{1,9}$\"",
        ", \"format\": \"date-time\"", ", \"format\": \"uuid\"", ", \"description\": \"any\"",
    };
    json_write_text(m->out, "{\"type\": \"string\"");
    json_write_text(m->out, more[draw(m, sizeof more / sizeof *more)]);
    json_write_text(m->out, "}");
}

static void write_enum(maker *m) {
    json_write_text(m->out, "{\"enum\": [");
    for (size_t i = 0, n = 1 + draw(m, 3); i < n; i++) {
        char number[40];
        snprintf(number, sizeof number, "%s[%zu, {\"k'\": null}, ", i > 0 ? ", " : "", i);
        json_write_text(m->out, number);
        write_odd(m);
        json_write_text(m->out, "]");
    }
    json_write_text(m->out, ", 7, -1.5e-3, null, true]}");
}

static void write_array(maker *m, int depth) {
    json_write_text(m->out, "{\"type\": \"array\", \"maxItems\": 3, \"items\": ");
    write_schema(m, depth - 1);
    json_write_text(m->out, "}");
}

/* {"type": "object", "properties": ..}.  `arguments`: the names are those of arguments. */
static void write_object(maker *m, int depth, bool arguments) {
    static const char *const names[] = {"a", "from", "class", "import", "city_1", "None", "_"};
    const size_t first = draw(m, 5);
    const size_t n = draw(m, 3);
    json_write_text(m->out, "{\"type\": \"object\", \"properties\": {");
    for (size_t i = 0; i <= n; i++) {
        json_write_text(m->out, i > 0 ? ", " : "");
        if (arguments || draw(m, 2)) {
            json_write_string(m->out, names[first + i], strlen(names[first + i]));
        } else {
            const char *name = odd[(first + 5 * i) % (sizeof odd / sizeof *odd)];
            json_write_string(m->out, name, strlen(name));
        }
        json_write_text(m->out, ": ");
        write_schema(m, depth - 1);
    }
    json_write_text(m->out, "}, \"required\": [");
    if (arguments) {
        json_write_string(m->out, names[first], strlen(names[first]));
    }
    json_write_text(m->out, "]}");
}

static void write_schema(maker *m, int depth) {
    static const char *const leaves[] = {
        "{\"type\": \"number\"}", "{\"type\": \"integer\"}", "{\"type\": [\"boolean\", \"null\"]}",
        "{\"type\": \"integer\", \"minimum\": -5, \"maximum\": 300}",
        "{\"type\": \"number\", \"exclusiveMinimum\": 0.25}", "{}",
        "{\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}}",
        "{\"anyOf\": [{\"type\": \"string\"}, {\"type\": \"number\"}]}",
    };
    const size_t which = draw(m, depth > 0 ? 8 : 5);
    if (which < 2) {
        json_write_text(m->out, leaves[draw(m, sizeof leaves / sizeof *leaves)]);
    } else if (which < 4) {
        write_string(m);
    } else if (which < 5) {
        write_enum(m);
    } else if (which < 6) {
        write_array(m, depth);
    } else {
        write_object(m, depth, false);
    }
}

void random_tools(json_out *out, uint64_t seed) {
    static const char *const names[] = {"f", "get-sum", "Cal.add", "2-x", "caf\xc3\xa9", "from"};
    maker m = {out, seed, 0};
    const size_t first = draw(&m, 4);
    json_write_text(out, "[");
    for (size_t i = 0, n = draw(&m, 3); i <= n; i++) {
        json_write_text(out, i > 0 ? ", {\"name\": " : "{\"name\": ");
        json_write_string(out, names[first + i], strlen(names[first + i]));
        json_write_text(out, ", \"parameters\": ");
        write_object(&m, 2, true);
        json_write_text(out, "}");
    }
    json_write_text(out, "]");
}
