/*
 * induction.h - weights written by hand: a model that copies what followed the last token before.
 *
 * Two layers make an induction head.  The embedding of a token is a code of CODE values, 1 or -1.
 * Layer 0, a convolution, puts the code of the previous token beside it.  Layer 1, attention, looks
 * for the position whose previous token is the current one, and adds the code of the token there
 * to the residual stream, so loud that the tied head predicts that token.  After a text "... a b
 * ... a" the model says b, from any distance.  The feed-forward blocks are zero.
 */
#ifndef MKMODEL_INDUCTION_H
#define MKMODEL_INDUCTION_H

#include "plan.h"

/* Weight number `i` of a tensor of the preset `induction`; `seed` is that of the tensor. */
float induction_weight(const tensor *t, uint64_t seed, uint64_t i);

#endif
