/*
 * case.h - upper, lower and title case, as Python's strings have them.
 */
#ifndef JINJA_VALUES_CASE_H
#define JINJA_VALUES_CASE_H

#include "jinja/values/run.h"

typedef enum { CASE_UPPER, CASE_LOWER, CASE_TITLE } letter_case; /* order of the tables */

/* str.upper, str.lower, str.title.  Each byte keeps the writer of the character it comes from. */
text text_to_case(run *r, text t, letter_case to);
text text_capitalize(run *r, text t); /* str.capitalize */

/* str.isupper, str.islower: a letter with case, and none of another case.  Not for TITLE. */
bool text_has_case(text t, letter_case wanted);

#endif
