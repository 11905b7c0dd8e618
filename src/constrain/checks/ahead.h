/*
 * ahead.h - looking ahead: texts after which a marked bracket can still be closed.
 *
 * Elements of a marked array must differ, and its grammar may run out of them, so a text is allowed
 * only if some text was found that closes the outermost marked bracket and repeats nothing
 * (keys.h).  After a text that is allowed another one is, so no answer gets stuck.  Looking ahead
 * has a limit; where it gives up, a text counts as not allowed.
 */
#ifndef CONSTRAIN_CHECKS_AHEAD_H
#define CONSTRAIN_CHECKS_AHEAD_H

#include "constrain/engine/automaton.h"
#include "constrain/engine/keys.h"

typedef struct ahead ahead;

/* `a` must outlive it.  One thread at a time may use both. */
lfm_status ahead_new(ahead **out, automaton *a, lfm_error *err);
void ahead_free(ahead *h); /* NULL is fine; before the automaton goes */

/* May these bytes follow in *state (pinned), and what k has read?  Changes neither. */
lfm_status ahead_allows(ahead *h, keys_open *k, const uint32_t *state, const char *text, size_t n,
                        bool *allowed, lfm_error *err);

/* Is there a whole text that repeats nothing?  True as well where that is not known: after a long
 * search, or where the grammar names tokens. */
lfm_status ahead_has_text(ahead *h, bool *has, lfm_error *err);

/* Within a string: may all texts follow that the grammar allows, if they have no quote and at most
 * so many bytes?  So it is if after each of them more strings can be written than are forbidden. */
enum { AHEAD_FREE_BYTES = 32 };
lfm_status ahead_is_free(ahead *h, const keys_open *k, const uint32_t *state, bool *is_free,
                         lfm_error *err);

#endif
