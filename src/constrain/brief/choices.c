/*
 * choices.c - a list of allowed answers -> a grammar.
 */
#include "constrain/brief/choices.h"

#include "base/json.h"
#include "base/utf8.h"
#include "constrain/gbnf/gbnf_write.h"

lfm_status choices_to_gbnf(char **gbnf, const char *text, size_t len, lfm_error *err) {
    json_out out = {0};
    json_out choice = {0};
    size_t n = 0;
    lfm_status st = LFM_OK;
    *gbnf = NULL;
    if (!utf8_valid(text, len)) return err_set(err, LFM_ERR_ARG, "the choices are not UTF-8");
    json_write_text(&out, "root ::= ");
    for (size_t i = 0; i <= len && st == LFM_OK; i++) {
        if (i < len && text[i] != ',') {
            const bool escape = text[i] == '\\' && i + 1 < len &&
                                (text[i + 1] == ',' || text[i + 1] == '\\');
            i += escape;
            json_write_raw(&choice, text + i, 1);
            continue;
        }
        n++;
        if (choice.len == 0 && !choice.failed) {
            st = err_set(err, LFM_ERR_ARG, "choice %zu is empty; write them as yes,no (and a "
                         "comma in one as \\,)", n);
            break;
        }
        gbnf_write_literal(&out, choice.ptr, choice.len);
        json_write_text(&out, i < len ? " | " : "\n");
        choice.len = 0;
    }
    out.failed = out.failed || choice.failed;
    json_out_free(&choice);
    if (st == LFM_OK) st = json_finish(&out, err);
    if (st != LFM_OK) {
        json_out_free(&out);
        return st;
    }
    *gbnf = out.ptr;
    return LFM_OK;
}
