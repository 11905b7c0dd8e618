/*
 * schema_list.c - lists of schemas, each of them once.
 */
#include "constrain/schema/schema_internal.h"

#include "base/grow.h"

bool schema_same_item(const schema_item *a, const schema_item *b) {
    return a->node == b->node && a->part == b->part && a->of == b->of;
}

void schema_push(schema_compiler *c, schema_list *list, schema_item item) {
    for (size_t i = 0; i < list->n; i++) {
        if (schema_same_item(&list->at[i], &item)) {
            return; /* already there; a reference to itself adds nothing */
        }
    }
    schema_item *grown = grow_array(list->at, &list->cap, list->n + 1, sizeof *grown);
    if (!grown) {
        schema_fail_memory(c);
        return;
    }
    list->at = grown;
    list->at[list->n++] = item;
}

void schema_push_all(schema_compiler *c, schema_list *list, const json_value *array) {
    if (array->kind != JSON_ARRAY || array->n == 0) {
        schema_fail(c, array, "this must be a list of schemas");
        return;
    }
    for (const json_value *v = array->first; v && c->status == LFM_OK; v = v->next) {
        schema_push(c, list, (schema_item){v, PART_ALL, NULL});
    }
}
