/*
 * tok_list.c - a growing list of token ids.
 */
#include "token/tok_list.h"

#include "base/grow.h"

#include <stdlib.h>
#include <string.h>

lfm_status tok_push(tok_list *list, int32_t id, lfm_error *err) {
    if (list->n == list->cap) {
        const size_t cap = list->cap ? 2 * list->cap : 64;
        int32_t *ids = grow_array(list->ids, &list->cap, cap, sizeof *ids);
        if (!ids) return err_set(err, LFM_ERR_MEMORY, "out of memory for %zu tokens", cap);
        list->ids = ids;
    }
    list->ids[list->n++] = id;
    return LFM_OK;
}

void tok_list_free(tok_list *list) {
    free(list->ids);
    memset(list, 0, sizeof *list);
}
