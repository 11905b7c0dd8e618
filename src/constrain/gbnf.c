/*
 * gbnf.c - the text of a GBNF grammar -> a syntax tree.
 */
#include "constrain/gbnf.h"

#include "base/utf8.h"
#include "constrain/grow.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A group that is open: its alternatives so far, and the sequence that grows. */
typedef struct {
    uint32_t alternatives; /* node */
    uint32_t sequence;     /* node */
    uint32_t at;           /* of the parenthesis */
} open_group;

typedef struct {
    gbnf_tree *tree;
    const char *text;
    size_t pos, len;
    open_group *groups;    /* from the rule itself to the innermost parenthesis */
    size_t n_groups, groups_cap;
    uint32_t *names;       // [names_cap] rule + 1 by the hash of its name; 0 = free
    size_t names_cap;      /* a power of two, at least twice n_rules */
    lfm_error *err;
} parser;

/* ---- Errors --------------------------------------------------------------------------------- */

lfm_status gbnf_fail(const gbnf_tree *tree, size_t at, lfm_error *err, const char *format, ...) {
    size_t line = 1;
    size_t column = 1;
    for (size_t i = 0; i < at && i < tree->len; i++) {
        if (tree->text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)tree->text[i] & 0xc0) != 0x80) {
            column++;
        }
    }
    char what[300];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    return err_set(err, LFM_ERR_ARG, "line %zu, column %zu: %s", line, column, what);
}

static lfm_status no_memory(const parser *p) {
    return err_set(p->err, LFM_ERR_MEMORY, "out of memory reading a grammar of %zu bytes", p->len);
}

/* What stands at the current place, for a message: one character, quoted. */
static lfm_status unexpected(const parser *p, const char *wanted) {
    if (p->pos >= p->len) {
        return gbnf_fail(p->tree, p->pos, p->err, "the grammar ends where %s is expected", wanted);
    }
    uint32_t code = 0;
    const size_t n = utf8_decode(p->text + p->pos, p->len - p->pos, &code);
    if (p->text[p->pos] == '\n' || p->text[p->pos] == '\r') {
        return gbnf_fail(p->tree, p->pos, p->err, "the line ends where %s is expected", wanted);
    }
    return gbnf_fail(p->tree, p->pos, p->err, "'%.*s' where %s is expected", (int)n,
                     p->text + p->pos, wanted);
}

/* ---- Characters ----------------------------------------------------------------------------- */

static int peek(const parser *p) {
    return p->pos < p->len ? (unsigned char)p->text[p->pos] : -1;
}

/* Blanks and comments; line breaks too where they do not end the rule. */
static void skip_space(parser *p, bool newline_ok) {
    for (;; p->pos++) {
        const int c = peek(p);
        if (c == '#') {
            const char *end = memchr(p->text + p->pos, '\n', p->len - p->pos);
            p->pos = end ? (size_t)(end - p->text) : p->len;
        }
        const int d = peek(p);
        if (d != ' ' && d != '\t' && d != '\r' && !(newline_ok && d == '\n')) {
            return;
        }
    }
}

static bool is_digit(int c) {
    return c >= '0' && c <= '9';
}

static bool is_word(int c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' || c == '_';
}

static int hex_value(int c) {
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static lfm_status read_hex(parser *p, size_t begin, int n_digits, uint32_t *code) {
    uint64_t value = 0;
    for (int i = 0; i < n_digits; i++, p->pos++) {
        const int digit = hex_value(peek(p));
        if (digit < 0) {
            return gbnf_fail(p->tree, begin, p->err, "this escape needs %d hexadecimal digits",
                             n_digits);
        }
        value = value << 4 | (unsigned)digit;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return gbnf_fail(p->tree, begin, p->err, "U+%04" PRIX64 " is not a character", value);
    }
    *code = (uint32_t)value;
    return LFM_OK;
}

/* One character of a literal or a class, which may be an escape.  The text is valid UTF-8. */
static lfm_status read_character(parser *p, uint32_t *code) {
    const size_t begin = p->pos;
    if (peek(p) != '\\') {
        p->pos += utf8_decode(p->text + p->pos, p->len - p->pos, code);
        return LFM_OK;
    }
    p->pos++;
    const int c = peek(p);
    p->pos++;
    switch (c) {
    case 'x': return read_hex(p, begin, 2, code);
    case 'u': return read_hex(p, begin, 4, code);
    case 'U': return read_hex(p, begin, 8, code);
    case 'n': *code = '\n'; return LFM_OK;
    case 'r': *code = '\r'; return LFM_OK;
    case 't': *code = '\t'; return LFM_OK;
    case '\\': case '"': case '\'': case '[': case ']': case '-': case '^': case '/':
        *code = (uint32_t)c;
        return LFM_OK;
    default:
        return gbnf_fail(p->tree, begin, p->err, "unknown escape; there are \\n \\r \\t \\\\ \\\" "
                         "\\[ \\] \\- \\^ \\xNN \\uNNNN \\UNNNNNNNN");
    }
}

/* ---- The tree ------------------------------------------------------------------------------- */

static uint32_t add_sizes(uint32_t a, uint32_t b) {
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

static lfm_status new_node(parser *p, gbnf_node node, uint32_t *index) {
    gbnf_tree *t = p->tree;
    gbnf_node *nodes = grow_array(t->nodes, &t->nodes_cap, t->n_nodes + 1, sizeof *nodes);
    if (!nodes) {
        return no_memory(p);
    }
    t->nodes = nodes;
    node.next = GBNF_NONE;
    t->nodes[t->n_nodes] = node;
    *index = (uint32_t)t->n_nodes++;
    return LFM_OK;
}

/* Put `node` in front of the children of `parent`. */
static void adopt(gbnf_tree *t, uint32_t parent, uint32_t node) {
    t->nodes[node].next = t->nodes[parent].first;
    t->nodes[parent].first = node;
}

static lfm_status add_item(parser *p, gbnf_node node) {
    uint32_t index = 0;
    const lfm_status st = new_node(p, node, &index);
    if (st == LFM_OK) {
        adopt(p->tree, p->groups[p->n_groups - 1].sequence, index);
    }
    return st;
}

static lfm_status new_sequence(parser *p, open_group *g) {
    const gbnf_node empty = {
        .kind = GBNF_SEQUENCE, .first = GBNF_NONE, .at = (uint32_t)p->pos,
    };
    const lfm_status st = new_node(p, empty, &g->sequence);
    if (st == LFM_OK) {
        adopt(p->tree, g->alternatives, g->sequence);
    }
    return st;
}

static lfm_status open_one(parser *p) {
    open_group *groups = grow_array(p->groups, &p->groups_cap, p->n_groups + 1, sizeof *groups);
    if (!groups) {
        return no_memory(p);
    }
    p->groups = groups;
    open_group *g = &groups[p->n_groups++];
    g->at = (uint32_t)p->pos;
    const gbnf_node empty = {
        .kind = GBNF_ALTERNATIVES, .first = GBNF_NONE, .at = (uint32_t)p->pos,
    };
    const lfm_status st = new_node(p, empty, &g->alternatives);
    return st == LFM_OK ? new_sequence(p, g) : st;
}

/* The innermost sequence is complete: its size counts for the group. */
static void close_sequence(parser *p) {
    gbnf_tree *t = p->tree;
    const open_group *g = &p->groups[p->n_groups - 1];
    uint32_t size = 1;
    for (uint32_t i = t->nodes[g->sequence].first; i != GBNF_NONE; i = t->nodes[i].next) {
        size = add_sizes(size, t->nodes[i].size);
    }
    t->nodes[g->alternatives].size = add_sizes(t->nodes[g->alternatives].size, size);
}

/* ---- Names ---------------------------------------------------------------------------------- */

static uint64_t hash_name(const char *name, size_t len) { /* FNV-1a */
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < len; i++) {
        h = (h ^ (unsigned char)name[i]) * 0x100000001b3u;
    }
    return h ^ h >> 29;
}

static lfm_status grow_names(parser *p) {
    const size_t cap = p->names_cap ? 2 * p->names_cap : 64;
    uint32_t *names = calloc(cap, sizeof *names);
    if (!names) {
        return no_memory(p);
    }
    for (size_t i = 0; i < p->tree->n_rules; i++) {
        const gbnf_rule *r = &p->tree->rules[i];
        size_t slot = hash_name(p->text + r->at, r->len) & (cap - 1);
        while (names[slot] != 0) {
            slot = (slot + 1) & (cap - 1);
        }
        names[slot] = (uint32_t)i + 1;
    }
    free(p->names);
    p->names = names;
    p->names_cap = cap;
    return LFM_OK;
}

/* The rule that is named at `at`, made if it is new. */
static lfm_status find_rule(parser *p, size_t at, size_t len, uint32_t *index) {
    gbnf_tree *t = p->tree;
    if (2 * (t->n_rules + 1) > p->names_cap) {
        const lfm_status st = grow_names(p);
        if (st != LFM_OK) {
            return st;
        }
    }
    size_t slot = hash_name(p->text + at, len) & (p->names_cap - 1);
    for (; p->names[slot] != 0; slot = (slot + 1) & (p->names_cap - 1)) {
        const gbnf_rule *r = &t->rules[p->names[slot] - 1];
        if (r->len == len && memcmp(p->text + r->at, p->text + at, len) == 0) {
            *index = p->names[slot] - 1;
            return LFM_OK;
        }
    }
    gbnf_rule *rules = grow_array(t->rules, &t->rules_cap, t->n_rules + 1, sizeof *rules);
    if (!rules) {
        return no_memory(p);
    }
    t->rules = rules;
    t->rules[t->n_rules] = (gbnf_rule){(uint32_t)at, (uint32_t)len, GBNF_NONE};
    *index = (uint32_t)t->n_rules;
    p->names[slot] = (uint32_t)++t->n_rules;
    return LFM_OK;
}

/* ---- Items ---------------------------------------------------------------------------------- */

static lfm_status read_literal(parser *p) {
    gbnf_tree *t = p->tree;
    gbnf_node node = {
        .kind = GBNF_TEXT, .at = (uint32_t)p->pos, .first = (uint32_t)t->n_bytes,
    };
    p->pos++;
    while (peek(p) != '"') {
        uint32_t code = 0;
        char bytes[4];
        if (p->pos >= p->len || peek(p) == '\n') {
            return gbnf_fail(t, node.at, p->err, "this literal has no closing quote on its line");
        }
        const lfm_status st = read_character(p, &code);
        if (st != LFM_OK) {
            return st;
        }
        const size_t n = utf8_encode(code, bytes);
        char *grown = grow_array(t->bytes, &t->bytes_cap, t->n_bytes + n, 1);
        if (!grown) {
            return no_memory(p);
        }
        t->bytes = grown;
        memcpy(t->bytes + t->n_bytes, bytes, n);
        t->n_bytes += n;
    }
    p->pos++;
    node.n = (uint32_t)t->n_bytes - node.first;
    node.size = node.n > 0 ? node.n : 1;
    return add_item(p, node);
}

/* Room for one more range, and the two that normalising may add. */
static lfm_status push_range(parser *p, uint32_t lo, uint32_t hi) {
    gbnf_tree *t = p->tree;
    char_range *grown = grow_array(t->ranges, &t->ranges_cap, t->n_ranges + 3, sizeof *grown);
    if (!grown) {
        return no_memory(p);
    }
    t->ranges = grown;
    t->ranges[t->n_ranges++] = (char_range){lo, hi};
    return LFM_OK;
}

/* The ranges from `first` on are a set. */
static lfm_status add_set(parser *p, size_t at, size_t first, bool negated) {
    gbnf_tree *t = p->tree;
    t->n_ranges = first + charset_normalise(t->ranges + first, t->n_ranges - first, negated);
    const gbnf_node node = {
        .kind = GBNF_CHARACTER, .at = (uint32_t)at, .first = (uint32_t)first,
        .n = (uint32_t)(t->n_ranges - first),
        .size = t->n_ranges > first && t->ranges[t->n_ranges - 1].hi > 0x7f ? 8 : 1,
    };
    if (node.n == 0) {
        return gbnf_fail(t, at, p->err, "no character is in this class");
    }
    return add_item(p, node);
}

static lfm_status read_class(parser *p) {
    const size_t at = p->pos++;
    const size_t first = p->tree->n_ranges;
    const bool negated = peek(p) == '^';
    p->pos += negated;
    lfm_status st = LFM_OK;
    while (peek(p) != ']' && st == LFM_OK) {
        uint32_t lo = 0;
        if (p->pos >= p->len || peek(p) == '\n') {
            return gbnf_fail(p->tree, at, p->err, "this class has no closing bracket on its line");
        }
        const size_t begin = p->pos;
        st = read_character(p, &lo);
        uint32_t hi = lo;
        if (st == LFM_OK && peek(p) == '-' && p->pos + 1 < p->len && p->text[p->pos + 1] != ']') {
            p->pos++;
            st = read_character(p, &hi);
        }
        if (st == LFM_OK && hi < lo) {
            st = gbnf_fail(p->tree, begin, p->err, "this range runs backwards");
        }
        if (st == LFM_OK) {
            st = push_range(p, lo, hi);
        }
    }
    if (st == LFM_OK && p->tree->n_ranges == first) { /* [^] is any character, [] an error */
        st = negated ? push_range(p, 0xd800, 0xd800) : LFM_OK;
    }
    p->pos++;
    return st == LFM_OK ? add_set(p, at, first, negated) : st;
}

static lfm_status read_dot(parser *p) {
    const size_t first = p->tree->n_ranges;
    const lfm_status st = push_range(p, 0, 0x10ffff);
    return st == LFM_OK ? add_set(p, p->pos++, first, false) : st;
}

/* <name>, <[id]>, and the same after a '!'. */
static lfm_status read_token(parser *p) {
    gbnf_tree *t = p->tree;
    gbnf_node node = {
        .kind = GBNF_TOKEN, .at = (uint32_t)p->pos, .first = (uint32_t)t->n_tokens, .size = 1,
    };
    node.negated = peek(p) == '!';
    p->pos += node.negated;
    const size_t begin = p->pos;
    if (peek(p) != '<') {
        return unexpected(p, "a token such as <name> or <[123]>");
    }
    while (p->pos < p->len && peek(p) != '>' && peek(p) != '\n') {
        p->pos++;
    }
    if (peek(p) != '>') {
        return gbnf_fail(t, begin, p->err, "this token has no closing '>' on its line");
    }
    p->pos++;
    gbnf_token token = {-1, (uint32_t)begin, (uint32_t)(p->pos - begin)};
    if (token.len > 3 && p->text[begin + 1] == '[' && p->text[p->pos - 2] == ']') {
        int64_t id = 0;
        for (size_t i = begin + 2; i < p->pos - 2; i++) {
            id = is_digit((unsigned char)p->text[i]) ? 10 * id + (p->text[i] - '0') : INT64_MAX / 16;
            if (id > INT32_MAX) {
                return gbnf_fail(t, begin, p->err, "this is not the number of a token");
            }
        }
        token.id = token.len > 4 ? (int32_t)id : -1;
    }
    gbnf_token *grown = grow_array(t->tokens, &t->tokens_cap, t->n_tokens + 1, sizeof *grown);
    if (!grown) {
        return no_memory(p);
    }
    t->tokens = grown;
    t->tokens[t->n_tokens++] = token;
    return add_item(p, node);
}

/* ---- Repetitions ---------------------------------------------------------------------------- */

static lfm_status read_count(parser *p, uint32_t *count) {
    const size_t at = p->pos;
    uint64_t value = 0;
    while (is_digit(peek(p))) {
        value = 10 * value + (unsigned)(peek(p) - '0');
        if (value > INT32_MAX) {
            return gbnf_fail(p->tree, at, p->err, "at most %d repetitions can be counted",
                             INT32_MAX);
        }
        p->pos++;
    }
    *count = (uint32_t)value;
    return LFM_OK;
}

/* {m} {m,} {m,n} {,n}, from the brace on. */
static lfm_status read_counts(parser *p, bool nested, uint32_t *min, uint32_t *max) {
    const size_t at = p->pos++;
    lfm_status st = LFM_OK;
    skip_space(p, nested);
    if (!is_digit(peek(p)) && peek(p) != ',') {
        return unexpected(p, "a number");
    }
    *min = 0;
    if (is_digit(peek(p))) {
        st = read_count(p, min);
    }
    *max = *min;
    skip_space(p, nested);
    if (st == LFM_OK && peek(p) == ',') {
        p->pos++;
        skip_space(p, nested);
        *max = GBNF_NONE;
        if (is_digit(peek(p))) {
            st = read_count(p, max);
        }
        skip_space(p, nested);
    }
    if (st == LFM_OK && peek(p) != '}') {
        return unexpected(p, "'}'");
    }
    p->pos++;
    if (st == LFM_OK && *max < *min) {
        return gbnf_fail(p->tree, at, p->err, "{%" PRIu32 ",%" PRIu32 "} allows nothing: the "
                         "second number is smaller", *min, *max);
    }
    return st;
}

/* The last item of the sequence becomes the child of a repetition in its place. */
static lfm_status read_repeat(parser *p, bool nested) {
    gbnf_tree *t = p->tree;
    const uint32_t sequence = p->groups[p->n_groups - 1].sequence;
    const uint32_t item = t->nodes[sequence].first;
    if (item == GBNF_NONE) {
        return gbnf_fail(t, p->pos, p->err, "'%c' has nothing before it to repeat", peek(p));
    }
    uint32_t min = peek(p) == '+';
    uint32_t max = peek(p) == '?' ? 1 : GBNF_NONE;
    lfm_status st = LFM_OK;
    if (peek(p) == '{') {
        st = read_counts(p, nested, &min, &max);
    } else {
        p->pos++;
    }
    uint32_t child = 0;
    if (st == LFM_OK) {
        st = new_node(p, t->nodes[item], &child);
    }
    if (st == LFM_OK) {
        const uint32_t before = t->nodes[item].next;
        const uint32_t size = t->nodes[item].size;
        t->nodes[item] = (gbnf_node){
            .kind = GBNF_REPEAT, .at = t->nodes[child].at, .first = child, .min = min, .max = max,
            .next = before,
        };
        /* A star is one more step; counts are copied only while that is short (grammar.c). */
        const uint64_t copies = max != GBNF_NONE ? max : min ? min : 1;
        t->nodes[item].size = copies * size + 1 <= GBNF_COPY_LIMIT ? (uint32_t)copies * size + 1
                              : copies > 1                         ? 2
                                                                   : add_sizes(size, 1);
    }
    return st;
}

/* ---- Rules ---------------------------------------------------------------------------------- */

/* End of the word at `pos`, which may be the same place. */
static size_t word_end(const parser *p) {
    size_t end = p->pos;
    while (end < p->len && is_word((unsigned char)p->text[end])) {
        end++;
    }
    return end;
}

/* Is the word at the current place the head of a rule, "name ::="? */
static bool at_rule_head(const parser *p) {
    parser ahead = *p;
    ahead.pos = word_end(p);
    skip_space(&ahead, false);
    return ahead.len - ahead.pos >= 3 && memcmp(ahead.text + ahead.pos, "::=", 3) == 0;
}

static lfm_status read_reference(parser *p) {
    const size_t end = word_end(p);
    gbnf_node node = {.kind = GBNF_RULE, .at = (uint32_t)p->pos, .size = 2};
    const lfm_status st = find_rule(p, p->pos, end - p->pos, &node.first);
    p->pos = end;
    return st == LFM_OK ? add_item(p, node) : st;
}

static lfm_status close_group(parser *p) {
    if (p->n_groups == 1) {
        return gbnf_fail(p->tree, p->pos, p->err, "')' without '('");
    }
    close_sequence(p);
    const uint32_t group = p->groups[--p->n_groups].alternatives;
    adopt(p->tree, p->groups[p->n_groups - 1].sequence, group);
    p->pos++;
    return LFM_OK;
}

static lfm_status next_alternative(parser *p) {
    p->pos++;
    close_sequence(p);
    return new_sequence(p, &p->groups[p->n_groups - 1]);
}

/* One item, parenthesis, bar or repetition; *done when the rule ends here. */
static lfm_status read_item(parser *p, bool *done) {
    const bool nested = p->n_groups > 1;
    lfm_status st = LFM_OK;
    bool newline_ok = nested;
    switch (peek(p)) {
    case '"': st = read_literal(p); break;
    case '[': st = read_class(p); break;
    case '.': st = read_dot(p); break;
    case '<': case '!': st = read_token(p); break;
    case '*': case '+': case '?': case '{': st = read_repeat(p, nested); break;
    case '|':
        st = next_alternative(p);
        newline_ok = true;
        break;
    case '(':
        st = open_one(p);
        p->pos++;
        newline_ok = true;
        break;
    case ')':
        st = close_group(p);
        newline_ok = p->n_groups > 1;
        break;
    default:
        if (!is_word(peek(p))) {
            *done = true;
            return LFM_OK;
        }
        st = read_reference(p);
    }
    if (st == LFM_OK) {
        skip_space(p, newline_ok);
    }
    return st;
}

/* name ::= alternatives, up to the end of the line. */
static lfm_status read_rule(parser *p) {
    gbnf_tree *t = p->tree;
    const size_t at = p->pos;
    const size_t end = word_end(p);
    uint32_t rule = 0;
    if (end == at) {
        return unexpected(p, "the name of a rule");
    }
    lfm_status st = find_rule(p, at, end - at, &rule);
    if (st != LFM_OK) {
        return st;
    }
    const int len = end - at > 60 ? 60 : (int)(end - at);
    if (t->rules[rule].body != GBNF_NONE) {
        return gbnf_fail(t, at, p->err, "rule '%.*s' is defined twice", len, p->text + at);
    }
    t->rules[rule].at = (uint32_t)at;
    p->pos = end;
    skip_space(p, false);
    if (p->len - p->pos < 3 || memcmp(p->text + p->pos, "::=", 3) != 0) {
        return unexpected(p, "'::='");
    }
    p->pos += 3;
    skip_space(p, true);
    if (p->pos >= p->len || (is_word(peek(p)) && at_rule_head(p))) {
        return gbnf_fail(t, at, p->err, "rule '%.*s' is empty; write \"\" for the empty text", len,
                         p->text + at);
    }
    p->n_groups = 0;
    st = open_one(p);
    for (bool done = false; st == LFM_OK && !done;) {
        st = read_item(p, &done);
    }
    if (st != LFM_OK) {
        return st;
    }
    if (p->n_groups > 1) {
        if (p->pos < p->len) {
            return unexpected(p, "')' or an item");
        }
        return gbnf_fail(t, p->groups[p->n_groups - 1].at, p->err, "this '(' is never closed");
    }
    if (p->pos < p->len && peek(p) != '\n') {
        return unexpected(p, "an item, '|' or the end of the line");
    }
    close_sequence(p);
    t->rules[rule].body = p->groups[0].alternatives;
    skip_space(p, true);
    return LFM_OK;
}

/* ---- The whole ------------------------------------------------------------------------------ */

/* Edits (insert, delete, replace) from one short name to another. */
static size_t name_distance(const char *a, size_t n, const char *b, size_t m) {
    size_t row[33];
    for (size_t j = 0; j <= m; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            const size_t replace = diagonal + (a[i - 1] != b[j - 1]);
            const size_t other = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            diagonal = row[j];
            row[j] = replace < other ? replace : other;
        }
    }
    return row[m];
}

static lfm_status undefined(const parser *p, const gbnf_rule *missing) {
    const gbnf_tree *t = p->tree;
    const gbnf_rule *near = NULL;
    const int len = missing->len > 60 ? 60 : (int)missing->len;
    size_t best = missing->len > 2 ? 3 : 2; /* two edits at most */
    for (size_t i = 0; i < t->n_rules && i < 10000 && missing->len <= 32; i++) {
        const gbnf_rule *r = &t->rules[i];
        if (r->body != GBNF_NONE && r->len <= 32) {
            const size_t d = name_distance(p->text + missing->at, missing->len, p->text + r->at,
                                           r->len);
            near = d < best ? r : near;
            best = d < best ? d : best;
        }
    }
    if (near) {
        return gbnf_fail(t, missing->at, p->err, "rule '%.*s' is not defined. Did you mean '%.*s'?",
                         len, p->text + missing->at, (int)near->len, p->text + near->at);
    }
    return gbnf_fail(t, missing->at, p->err, "rule '%.*s' is not defined", len,
                     p->text + missing->at);
}

static lfm_status check_names(parser *p) {
    gbnf_tree *t = p->tree;
    t->root = GBNF_NONE;
    for (size_t i = 0; i < t->n_rules; i++) {
        const gbnf_rule *r = &t->rules[i];
        if (r->len == 4 && memcmp(p->text + r->at, "root", 4) == 0) {
            t->root = (uint32_t)i;
        }
        if (r->body == GBNF_NONE) {
            return undefined(p, r);
        }
    }
    if (t->root == GBNF_NONE) {
        return err_set(p->err, LFM_ERR_ARG, "the grammar has no rule 'root', where it would begin");
    }
    return LFM_OK;
}

static lfm_status check_text(const parser *p) {
    if (p->len > GBNF_MAX_BYTES) {
        return err_set(p->err, LFM_ERR_ARG, "the grammar has %zu bytes; %d are the most", p->len,
                       GBNF_MAX_BYTES);
    }
    uint32_t code = 0;
    for (size_t at = 0; at < p->len;) {
        const size_t n = utf8_decode(p->text + at, p->len - at, &code);
        if (n == 0) {
            return gbnf_fail(p->tree, at, p->err, "this byte is not UTF-8");
        }
        at += n;
    }
    return LFM_OK;
}

lfm_status gbnf_parse(gbnf_tree *tree, const char *text, size_t len, lfm_error *err) {
    *tree = (gbnf_tree){.text = text, .len = len};
    parser p = {.tree = tree, .text = text, .len = len, .err = err};
    lfm_status st = check_text(&p);
    if (st == LFM_OK) {
        skip_space(&p, true);
    }
    while (st == LFM_OK && p.pos < p.len) {
        st = read_rule(&p);
    }
    if (st == LFM_OK) {
        st = check_names(&p);
    }
    free(p.groups);
    free(p.names);
    if (st != LFM_OK) {
        gbnf_tree_free(tree);
    }
    return st;
}

void gbnf_tree_free(gbnf_tree *tree) {
    free(tree->nodes);
    free(tree->rules);
    free(tree->ranges);
    free(tree->bytes);
    free(tree->tokens);
    *tree = (gbnf_tree){0};
}
