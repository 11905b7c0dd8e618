/*
 * filters.c - the filters of Jinja 3.1 that chat templates use.
 */
#include "jinja/natives/filters.h"

static value filter_default(run *r, value self, const value *a) {
    (void)r;
    const bool take = self.kind == VALUE_UNDEFINED || (flag(a[1]) && !value_truth(self));
    return !take ? self : given(a[0]) ? a[0] : value_word("");
}

static value filter_length(run *r, value self, const value *a) {
    (void)a;
    return value_int((int64_t)value_length(r, self));
}

static value filter_safe(run *r, value self, const value *a) {
    (void)a;
    return value_string(value_str(r, self));
}

static value filter_items(run *r, value self, const value *a) {
    if (self.kind == VALUE_DICT) {
        value v = native_items(r, self, a);
        v.kind = VALUE_ITERATOR;
        return v;
    }
    return self.kind == VALUE_UNDEFINED ? value_list(r, VALUE_ITERATOR, 0)
                                        : run_fail(r, &self, "a %s has no items", value_type(self));
}

natives native_filters(void) {
    static const native filters[] = {
        {.name = "abs", .function = filter_abs},
        {.name = "batch",
         .function = filter_batch,
         .parameters = {"linecount", "fill_with"},
         .required = 1},
        {.name = "capitalize", .function = filter_capitalize},
        {.name = "count", .function = filter_length},
        {.name = "d", .function = filter_default, .parameters = {"default_value", "boolean"}},
        {.name = "default", .function = filter_default, .parameters = {"default_value", "boolean"}},
        {.name = "dictsort",
         .function = filter_dictsort,
         .parameters = {"case_sensitive", "by", "reverse"}},
        {.name = "e", .function = filter_escape},
        {.name = "escape", .function = filter_escape},
        {.name = "first", .function = filter_first},
        {.name = "float", .function = filter_float, .parameters = {"default"}},
        {.name = "format", .any = filter_format},
        {.name = "indent", .function = filter_indent, .parameters = {"width", "first", "blank"}},
        {.name = "int", .function = filter_int, .parameters = {"default", "base"}},
        {.name = "items", .function = filter_items},
        {.name = "join", .function = filter_join, .parameters = {"d", "attribute"}},
        {.name = "last", .function = filter_last},
        {.name = "length", .function = filter_length},
        {.name = "list", .function = filter_list},
        {.name = "lower", .function = filter_lower},
        {.name = "map", .any = filter_map},
        {.name = "max", .function = filter_max, .parameters = {"case_sensitive", "attribute"}},
        {.name = "min", .function = filter_min, .parameters = {"case_sensitive", "attribute"}},
        {.name = "reject", .any = filter_reject},
        {.name = "rejectattr", .any = filter_rejectattr},
        {.name = "replace",
         .function = filter_replace,
         .parameters = {"old", "new", "count"},
         .required = 2},
        {.name = "reverse", .function = filter_reverse},
        {.name = "round", .function = filter_round, .parameters = {"precision", "method"}},
        {.name = "safe", .function = filter_safe},
        {.name = "select", .any = filter_select},
        {.name = "selectattr", .any = filter_selectattr},
        {.name = "slice",
         .function = filter_slice,
         .parameters = {"slices", "fill_with"},
         .required = 1},
        {.name = "sort",
         .function = filter_sort,
         .parameters = {"reverse", "case_sensitive", "attribute"}},
        {.name = "string", .function = filter_string},
        {.name = "sum", .function = filter_sum, .parameters = {"attribute", "start"}},
        {.name = "title", .function = filter_title},
        {.name = "tojson",
         .function = filter_tojson,
         .parameters = {"ensure_ascii", "indent", "separators", "sort_keys"}},
        {.name = "trim", .function = filter_trim, .parameters = {"chars"}},
        {.name = "truncate",
         .function = filter_truncate,
         .parameters = {"length", "killwords", "end", "leeway"}},
        {.name = "unique",
         .function = filter_unique,
         .parameters = {"case_sensitive", "attribute"}},
        {.name = "upper", .function = filter_upper},
        {.name = "wordcount", .function = filter_wordcount},
    };
    return NATIVES(filters);
}
