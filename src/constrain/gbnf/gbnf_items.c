/*
 * gbnf_items.c - the items of a rule: literals, classes, tokens, repetitions.
 */
#include "constrain/gbnf/gbnf_internal.h"

#include "base/grow.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <string.h>

/* ---- Text ----------------------------------------------------------------------------------- */

/* Report the character at the current place. */
lfm_status gbnf_unexpected(const gbnf_parser *p, const char *wanted) {
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

void gbnf_skip_space(gbnf_parser *p, bool newline_ok) {
    for (;; p->pos++) {
        const int c = gbnf_peek(p);
        if (c == '#') {
            const char *end = memchr(p->text + p->pos, '\n', p->len - p->pos);
            p->pos = end ? (size_t)(end - p->text) : p->len;
        }
        const int d = gbnf_peek(p);
        if (d != ' ' && d != '\t' && d != '\r' && !(newline_ok && d == '\n')) return;
    }
}

/* ---- Characters ----------------------------------------------------------------------------- */

static int hex_value(int c) {
    return gbnf_is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

static lfm_status read_hex(gbnf_parser *p, size_t begin, int n_digits, uint32_t *code) {
    uint64_t value = 0;
    for (int i = 0; i < n_digits; i++, p->pos++) {
        const int digit = hex_value(gbnf_peek(p));
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
static lfm_status read_character(gbnf_parser *p, uint32_t *code) {
    const size_t begin = p->pos;
    if (gbnf_peek(p) != '\\') {
        p->pos += utf8_decode(p->text + p->pos, p->len - p->pos, code);
        return LFM_OK;
    }
    p->pos++;
    const int c = gbnf_peek(p);
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
        return gbnf_fail(p->tree, begin, p->err,
                         "unknown escape; use one of \\n \\r \\t \\\\ \\\" "
                         "\\[ \\] \\- \\^ \\xNN \\uNNNN \\UNNNNNNNN");
    }
}

/* ---- Items ---------------------------------------------------------------------------------- */

lfm_status gbnf_add_item(gbnf_parser *p, gbnf_node node) {
    uint32_t index = 0;
    const lfm_status st = gbnf_new_node(p->tree, node, &index, p->err);
    if (st == LFM_OK) {
        gbnf_adopt(p->tree, p->groups[p->n_groups - 1].sequence, index);
    }
    return st;
}

lfm_status gbnf_read_literal(gbnf_parser *p) {
    gbnf_tree *t = p->tree;
    gbnf_node node = {
        .kind = GBNF_TEXT, .at = (uint32_t)p->pos, .first = (uint32_t)t->n_bytes,
    };
    p->pos++;
    while (gbnf_peek(p) != '"') {
        uint32_t code = 0;
        char bytes[4];
        if (p->pos >= p->len || gbnf_peek(p) == '\n') {
            return gbnf_fail(t, node.at, p->err, "this literal has no closing quote on its line");
        }
        const lfm_status st = read_character(p, &code);
        if (st != LFM_OK) return st;
        const size_t n = utf8_encode(code, bytes);
        char *grown = grow_array(t->bytes, &t->bytes_cap, t->n_bytes + n, 1);
        if (!grown) return gbnf_no_memory(p->tree, p->err);
        t->bytes = grown;
        memcpy(t->bytes + t->n_bytes, bytes, n);
        t->n_bytes += n;
    }
    p->pos++;
    node.n = (uint32_t)t->n_bytes - node.first;
    node.size = node.n > 0 ? node.n : 1;
    return gbnf_add_item(p, node);
}

/* Room for one more range, and the two that normalising may add. */
static lfm_status push_range(gbnf_parser *p, uint32_t lo, uint32_t hi) {
    gbnf_tree *t = p->tree;
    char_range *grown = grow_array(t->ranges, &t->ranges_cap, t->n_ranges + 3, sizeof *grown);
    if (!grown) return gbnf_no_memory(p->tree, p->err);
    t->ranges = grown;
    t->ranges[t->n_ranges++] = (char_range){lo, hi};
    return LFM_OK;
}

static lfm_status no_character(const gbnf_parser *p, size_t at) {
    return gbnf_fail(p->tree, at, p->err, "this class is empty");
}

/* The ranges from `first` on are a set. */
static lfm_status add_set(gbnf_parser *p, size_t at, size_t first, bool negated) {
    gbnf_tree *t = p->tree;
    t->n_ranges = first + charset_normalise(t->ranges + first, t->n_ranges - first, negated);
    const gbnf_node node = {
        .kind = GBNF_CHARACTER, .at = (uint32_t)at, .first = (uint32_t)first,
        .n = (uint32_t)(t->n_ranges - first),
        .size = t->n_ranges > first && t->ranges[t->n_ranges - 1].hi > 0x7f ? 8 : 1,
    };
    return node.n > 0 ? gbnf_add_item(p, node) : no_character(p, at);
}

lfm_status gbnf_read_class(gbnf_parser *p) {
    const size_t at = p->pos++;
    const size_t first = p->tree->n_ranges;
    const bool negated = gbnf_peek(p) == '^';
    p->pos += negated;
    lfm_status st = LFM_OK;
    while (gbnf_peek(p) != ']' && st == LFM_OK) {
        uint32_t lo = 0;
        if (p->pos >= p->len || gbnf_peek(p) == '\n') {
            return gbnf_fail(p->tree, at, p->err, "this class has no closing bracket on its line");
        }
        const size_t begin = p->pos;
        st = read_character(p, &lo);
        uint32_t hi = lo;
        const bool dash = gbnf_peek(p) == '-' && p->pos + 1 < p->len;
        if (st == LFM_OK && dash && p->text[p->pos + 1] != ']') {
            p->pos++;
            st = read_character(p, &hi);
        }
        if (st == LFM_OK && hi < lo) {
            st = gbnf_fail(p->tree, begin, p->err, "this range runs backwards");
        }
        if (st == LFM_OK) st = push_range(p, lo, hi);
    }
    if (st == LFM_OK && p->tree->n_ranges == first) { /* [^] is any character */
        st = negated ? push_range(p, 0xd800, 0xd800) : no_character(p, at);
    }
    p->pos++;
    return st == LFM_OK ? add_set(p, at, first, negated) : st;
}

lfm_status gbnf_read_dot(gbnf_parser *p) {
    const size_t first = p->tree->n_ranges;
    const lfm_status st = push_range(p, 0, 0x10ffff);
    return st == LFM_OK ? add_set(p, p->pos++, first, false) : st;
}

/* <name>, <[id]>, and the same after a '!'. */
lfm_status gbnf_read_token(gbnf_parser *p) {
    gbnf_tree *t = p->tree;
    gbnf_node node = {
        .kind = GBNF_TOKEN, .at = (uint32_t)p->pos, .first = (uint32_t)t->n_tokens, .size = 1,
    };
    node.negated = gbnf_peek(p) == '!';
    p->pos += node.negated;
    const size_t begin = p->pos;
    if (gbnf_peek(p) != '<') return gbnf_unexpected(p, "a token such as <name> or <[123]>");
    while (p->pos < p->len && gbnf_peek(p) != '>' && gbnf_peek(p) != '\n') {
        p->pos++;
    }
    if (gbnf_peek(p) != '>') {
        return gbnf_fail(t, begin, p->err, "this token has no closing '>' on its line");
    }
    p->pos++;
    gbnf_token token = {-1, (uint32_t)begin, (uint32_t)(p->pos - begin)};
    if (token.len > 3 && p->text[begin + 1] == '[' && p->text[p->pos - 2] == ']') {
        int64_t id = 0;
        for (size_t i = begin + 2; i < p->pos - 2; i++) {
            const int c = (unsigned char)p->text[i];
            id = 10 * id + (c - '0');
            if (!gbnf_is_digit(c) || id > INT32_MAX) {
                return gbnf_fail(t, begin, p->err, "this is not the number of a token");
            }
        }
        token.id = token.len > 4 ? (int32_t)id : -1;
    }
    gbnf_token *grown = grow_array(t->tokens, &t->tokens_cap, t->n_tokens + 1, sizeof *grown);
    if (!grown) return gbnf_no_memory(p->tree, p->err);
    t->tokens = grown;
    t->tokens[t->n_tokens++] = token;
    return gbnf_add_item(p, node);
}

/* '@', a mark (grammar.h). */
lfm_status gbnf_read_mark(gbnf_parser *p) {
    const gbnf_node node = {.kind = GBNF_MARK, .at = (uint32_t)p->pos, .size = 1};
    p->pos++;
    return gbnf_add_item(p, node);
}

/* ---- Repetitions ---------------------------------------------------------------------------- */

static lfm_status read_count(gbnf_parser *p, uint32_t *count) {
    const size_t at = p->pos;
    uint64_t value = 0;
    while (gbnf_is_digit(gbnf_peek(p))) {
        value = 10 * value + (unsigned)(gbnf_peek(p) - '0');
        if (value > INT32_MAX) {
            return gbnf_fail(p->tree, at, p->err, "at most %d repetitions are supported",
                             INT32_MAX);
        }
        p->pos++;
    }
    *count = (uint32_t)value;
    return LFM_OK;
}

/* {m} {m,} {m,n} {,n}, from the brace on. */
static lfm_status read_counts(gbnf_parser *p, bool nested, uint32_t *min, uint32_t *max) {
    const size_t at = p->pos++;
    lfm_status st = LFM_OK;
    gbnf_skip_space(p, nested);
    if (!gbnf_is_digit(gbnf_peek(p)) && gbnf_peek(p) != ',') return gbnf_unexpected(p, "a number");
    *min = 0;
    if (gbnf_is_digit(gbnf_peek(p))) st = read_count(p, min);
    *max = *min;
    gbnf_skip_space(p, nested);
    if (st == LFM_OK && gbnf_peek(p) == ',') {
        p->pos++;
        gbnf_skip_space(p, nested);
        *max = GBNF_NONE;
        if (gbnf_is_digit(gbnf_peek(p))) st = read_count(p, max);
        gbnf_skip_space(p, nested);
    }
    if (st == LFM_OK && gbnf_peek(p) != '}') return gbnf_unexpected(p, "'}'");
    p->pos++;
    if (st == LFM_OK && *max < *min) {
        return gbnf_fail(p->tree, at, p->err, "{%" PRIu32 ",%" PRIu32 "} allows nothing: the "
                         "second number is smaller", *min, *max);
    }
    return st;
}

/* The last item of the sequence becomes the child of a repetition in its place. */
lfm_status gbnf_read_repeat(gbnf_parser *p, bool nested) {
    gbnf_tree *t = p->tree;
    const uint32_t sequence = p->groups[p->n_groups - 1].sequence;
    const uint32_t item = t->nodes[sequence].first;
    if (item == GBNF_NONE) {
        return gbnf_fail(t, p->pos, p->err, "'%c' has nothing before it to repeat", gbnf_peek(p));
    }
    uint32_t min = gbnf_peek(p) == '+';
    uint32_t max = gbnf_peek(p) == '?' ? 1 : GBNF_NONE;
    lfm_status st = LFM_OK;
    if (gbnf_peek(p) == '{') {
        st = read_counts(p, nested, &min, &max);
    } else {
        p->pos++;
    }
    uint32_t child = 0;
    if (st == LFM_OK) st = gbnf_new_node(t, t->nodes[item], &child, p->err);
    if (st == LFM_OK) {
        const uint32_t before = t->nodes[item].next;
        const uint32_t size = t->nodes[item].size;
        t->nodes[item] = (gbnf_node){
            .kind = GBNF_REPEAT, .at = t->nodes[child].at, .first = child, .min = min, .max = max,
            .next = before,
        };
        /* A star is one more step; counted repetitions are written out only while that is short
         * (lower.c). */
        const uint64_t copies = max != GBNF_NONE ? max : min ? min : 1;
        t->nodes[item].size = copies * size + 1 <= GBNF_COPY_LIMIT ? (uint32_t)copies * size + 1
                              : copies > 1                         ? 2
                                                                   : gbnf_add_sizes(size, 1);
    }
    return st;
}
