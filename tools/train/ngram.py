#!/usr/bin/python3
"""ngram.py - the yardstick: an interpolated, modified Kneser-Ney n-gram model over the same tokens.

    ngram.py CORPUS_DIR merges.txt [--order 5]

Prints the held-out loss in nats per token for every order up to --order.  As for the trained
model, the end of each story is scored and its start is not.  A token has at most 12 bits, so an
n-gram of up to five is one 64-bit number, and counting is sorting.

Source: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1998).
"""
import argparse
import os

import numpy as np

import bpe

BITS = 12


def sequence(vocab, docs, order):
    """All tokens with order - 1 starts before each document, and the positions to be predicted."""
    ids, at = [], []
    for d in docs:
        ids += [bpe.BOS] * (order - 1)
        tokens = vocab.encode(d) + [bpe.EOT]
        at.append(np.arange(len(ids), len(ids) + len(tokens)))
        ids += tokens
    return np.array(ids, np.uint64), np.concatenate(at)


def keys(ids, at, n):
    """The n-grams that end at the given positions; the oldest token is in the highest bits."""
    k = np.zeros(len(at), np.uint64)
    for back in range(n - 1, -1, -1):
        k = k << np.uint64(BITS) | ids[at - back]
    return k


class Order:
    """Counts of one order: n-grams, their contexts' totals and the mass that goes to lower
    orders."""

    def __init__(self, grams, counts, n_vocab):
        self.grams, self.counts, self.n_vocab = grams, counts, n_vocab
        n1, n2, n3, n4 = (max(1, int((counts == c).sum())) for c in (1, 2, 3, 4))
        y = n1 / (n1 + 2 * n2)
        self.d = np.clip(
            [0, 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3], 0, None)
        self.contexts, inverse = np.unique(grams >> np.uint64(BITS), return_inverse=True)
        self.total = np.bincount(inverse, counts)
        self.kept_back = np.bincount(inverse, self.d[np.minimum(counts, 3)])

    def probability(self, grams, lower):
        """P(last token | context), given the lower order's probabilities."""
        where = np.searchsorted(self.contexts, grams >> np.uint64(BITS))
        where = np.minimum(where, len(self.contexts) - 1)
        known = self.contexts[where] == grams >> np.uint64(BITS)
        at = np.minimum(np.searchsorted(self.grams, grams), len(self.grams) - 1)
        c = np.where(self.grams[at] == grams, self.counts[at], 0)
        total = self.total[where]
        p = (c - self.d[np.minimum(c, 3)]) / total + self.kept_back[where] / total * lower
        return np.where(known, p, lower)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a.add_argument("corpus")
    a.add_argument("merges")
    a.add_argument("--order", type=int, default=5)
    a = a.parse_args()
    vocab = bpe.Bpe.load(a.merges)
    n_vocab = len(vocab.tokens)
    assert n_vocab <= 1 << BITS and a.order * BITS <= 64
    ids, at = sequence(vocab, bpe.documents(os.path.join(a.corpus, "stories.txt")), a.order)
    held, held_at = sequence(vocab, bpe.documents(os.path.join(a.corpus, "heldout.txt")), a.order)
    full = {n: np.unique(keys(ids, at, n), return_counts=True) for n in range(1, a.order + 1)}
    # below the highest order a count says how many different tokens came before
    below = {n: np.unique(full[n + 1][0] & np.uint64((1 << BITS * n) - 1), return_counts=True)
             for n in range(1, a.order)}
    print(f"{len(at)} training tokens, {len(held_at)} held-out tokens")
    for top in range(1, a.order + 1):
        p = np.full(len(held_at), 1 / n_vocab)
        for n in range(1, top + 1):
            grams, counts = full[n] if n == top else below[n]
            p = Order(grams, counts, n_vocab).probability(keys(held, held_at, n), p)
        loss = -np.log(p).mean()
        print(f"order {top}: {loss:.4f} nats per token, perplexity {np.exp(loss):.2f}")


if __name__ == "__main__":
    main()
