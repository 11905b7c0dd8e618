/*
 * constraint_internal.h - what constraint.c and grammar.c share.
 */
#ifndef API_CONSTRAINT_INTERNAL_H
#define API_CONSTRAINT_INTERNAL_H

#include "api/internal.h"
#include "base/markers.h"
#include "base/thoughts.h"
#include "constrain/checks/ahead.h"
#include "constrain/engine/keys.h"
#include "constrain/engine/mask.h"

enum { CONSTRAINT_MAX_BREAKS = 8 }; /* between thoughts and text; models write two */

/* What the clones of a constraint share. */
typedef struct {
    size_t n_users;
    const lfm_model *model;
    automaton *automaton;
    mask_vocab vocab;
    mask mask;
    int32_t *named;      // [n_tokens] ids of the tokens that the grammar names
    bool *matches;       // [n_tokens]
    int32_t open, close; /* tokens of the tags; -1 = thoughts are not allowed */
    int32_t *risky;      // [n_risky] tokens with text behind a '>', which might end a thought
    size_t n_risky;
    int32_t *extras;     // [n_extras] tokens that may follow where the grammar does not say so
    float *kept;         // [n_extras] their logits
    size_t n_extras;
    bool unique_keys;    /* the text is JSON: no object may have a key twice */
    uint64_t *watched;   // [mask_words] tokens that may complete a key, or open a marked bracket
    uint64_t *narrowed;  // [mask_words] a mask without tokens that the checks refuse
    ahead *ahead;        /* where brackets are marked; NULL = nowhere */
} constraint_shared;

/* Fill in everything but n_users and model.  Release it even after an error. */
lfm_status constraint_shared_make(constraint_shared *w, const lfm_grammar *g, int flags,
                                  lfm_error *err);

/* Drop one user; the last one frees it. */
void constraint_shared_release(constraint_shared *w);

/* Does the text consist of line breaks only? */
bool constraint_all_breaks(const char *text, size_t n);

lfm_status constraint_no_memory(lfm_error *err);

#endif
