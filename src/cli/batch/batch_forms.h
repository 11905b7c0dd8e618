/*
 * batch_forms.h - the forms that lines of `lfm batch` ask for; those used last are kept ready.
 */
#ifndef CLI_BATCH_BATCH_FORMS_H
#define CLI_BATCH_BATCH_FORMS_H

#include "cli/prompt/form.h"

enum { FORMS_IN_USE = 64, FORMS_KEPT = 8 };

typedef struct batch_form batch_form;

/* A zeroed struct is a valid empty one. */
typedef struct {
    batch_form *all[FORMS_IN_USE + FORMS_KEPT];
    size_t n_asked;
} batch_forms;

/* The form that `text` describes, ready for answers of the model; it stays until as many calls of
 * forms_give_back were made.  At most FORMS_IN_USE different ones at a time.  LFM_ERR_ARG says what
 * is wrong with it. */
lfm_status forms_get(batch_forms *f, lfm_constraint_kind kind, const json_out *text,
                     const lfm_model *m, const cli_options *o, batch_form **out, lfm_error *err);
void forms_give_back(batch_form *form); /* NULL is fine */

const answer_form *form_of(const batch_form *form);

void forms_drop(batch_forms *f);

#endif
