/*
 * tok_list.h - a growing list of token ids.
 */
#ifndef TOKEN_TOK_LIST_H
#define TOKEN_TOK_LIST_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed is empty. */
typedef struct {
    int32_t *ids;
    size_t n, cap;
} tok_list;

lfm_status tok_push(tok_list *list, int32_t id, lfm_error *err);
void tok_list_free(tok_list *list);

#endif
