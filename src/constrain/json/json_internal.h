/*
 * json_internal.h - what the files of this folder share.
 */
#ifndef CONSTRAIN_JSON_JSON_INTERNAL_H
#define CONSTRAIN_JSON_JSON_INTERNAL_H

#include "constrain/schema/schema_internal.h"

/* ---- schema_branches.c ---------------------------------------------------------------------- */

/* Lists of items of which one must hold. */
typedef struct {
    schema_list items;
    size_t *ends;     // [n] where each list ends
    size_t n, cap;
} schema_branches;

/* The branches of a choice; `base` is what else is required. */
void schema_list_branches(schema_compiler *c, schema_branches *b, const schema_item *choice,
                          const schema_list *base);

/* Drop branches that nothing satisfies, and, where others are left, those that would add keys to
 * objects whose members are listed. */
void schema_prune(schema_compiler *c, schema_branches *b, const schema_list *base);

void schema_drop_branches(schema_branches *b);

/* Is it plain that nothing satisfies `base` and items[n] together?  false = perhaps not. */
bool schema_is_empty(schema_compiler *c, const schema_list *base, const schema_item *items,
                     size_t n);

/* Has schema_is_empty not been asked too often yet? */
bool schema_may_try(const schema_compiler *c);

/* ---- schema_values.c ------------------------------------------------------------------------ */

typedef struct schema_matcher schema_matcher;

/* Write the values of enum or const that satisfy everything else. */
void schema_write_values(schema_compiler *c, const schema_facts *f, const schema_list *choices);

/* Does this value satisfy the items of PART_BASE? */
schema_verdict schema_judge_facts(schema_compiler *c, const schema_facts *f, const json_value *v);

void schema_drop_matcher(schema_compiler *c);

/* ---- schema_array.c ------------------------------------------------------------------------- */

/* Write what a list may be, as schema_write_string does for strings. */
void schema_write_array(schema_compiler *c, const schema_facts *f, json_out *rules);

/* ---- schema_tools.c ------------------------------------------------------------------------- */

/* Write the first rules of a grammar for a list of tools: several calls, or only one. */
void schema_write_tools(schema_compiler *c, bool only_one);

#endif
