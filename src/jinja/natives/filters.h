/*
 * filters.h - what the files of filters share.
 */
#ifndef JINJA_NATIVES_FILTERS_H
#define JINJA_NATIVES_FILTERS_H

#include "jinja/natives/native.h"

/* Was the argument given, and is it true? */
static inline bool given(value v) {
    return v.kind != VALUE_ABSENT;
}

static inline bool flag(value v) {
    return given(v) && value_truth(v);
}

/* Each is the filter of its name. */

/* filters_text.c */
value filter_string(run *r, value self, const value *a);
value filter_upper(run *r, value self, const value *a);
value filter_lower(run *r, value self, const value *a);
value filter_capitalize(run *r, value self, const value *a);
value filter_title(run *r, value self, const value *a);
value filter_trim(run *r, value self, const value *a);
value filter_replace(run *r, value self, const value *a);
value filter_indent(run *r, value self, const value *a);
value filter_truncate(run *r, value self, const value *a);
value filter_wordcount(run *r, value self, const value *a);
value filter_escape(run *r, value self, const value *a);
value filter_format(run *r, value self, const arguments *a);
value filter_tojson(run *r, value self, const value *a);

/* filters_number.c */
value filter_int(run *r, value self, const value *a);
value filter_float(run *r, value self, const value *a);
value filter_abs(run *r, value self, const value *a);
value filter_round(run *r, value self, const value *a);

/* filters_list.c */
value filter_list(run *r, value self, const value *a);
value filter_first(run *r, value self, const value *a);
value filter_last(run *r, value self, const value *a);
value filter_join(run *r, value self, const value *a);
value filter_reverse(run *r, value self, const value *a);
value filter_sort(run *r, value self, const value *a);
value filter_dictsort(run *r, value self, const value *a);
value filter_unique(run *r, value self, const value *a);
value filter_min(run *r, value self, const value *a);
value filter_max(run *r, value self, const value *a);
value filter_sum(run *r, value self, const value *a);
value filter_batch(run *r, value self, const value *a);
value filter_slice(run *r, value self, const value *a);
value filter_map(run *r, value self, const arguments *a);
value filter_select(run *r, value self, const arguments *a);
value filter_reject(run *r, value self, const arguments *a);
value filter_selectattr(run *r, value self, const arguments *a);
value filter_rejectattr(run *r, value self, const arguments *a);

#endif
