#!/usr/bin/python3
"""bpe.py - the byte-level BPE vocabulary of the small story model.

Learns the merges from the corpus (`train`), and encodes text with them (`Bpe.encode`).
The layout of the ids is that of the family's 65,536-token vocabulary: special tokens first
(0 pad, 1 start of text, 2 end of text, ... 6 im_start, 7 im_end, ...), then the 256 bytes in
GPT-2's order, then one token per merge, in the order in which they were learned.

The text is first cut with the Llama-3 split that `tokenizer.ggml.pre = lfm2` means.  A piece that
is itself a token is taken whole (the family's ignore_merges); any other is merged pair by pair.
"""
import heapq
import json
import sys
from collections import Counter, defaultdict

import regex

SPECIALS = [
    "<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|fim_pre|>", "<|fim_mid|>", "<|fim_suf|>",
    "<|im_start|>", "<|im_end|>", "<|tool_list_start|>", "<|tool_list_end|>",
    "<|tool_call_start|>", "<|tool_call_end|>", "<|tool_response_start|>",
    "<|tool_response_end|>", "<|reserved_4|>", "<|reserved_5|>",
]
PAD, BOS, EOT, IM_START, IM_END = 0, 1, 2, 6, 7

SPLIT = regex.compile(
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_letters():
    """GPT-2's printable letter for each byte, as a list of 256 strings; and the byte order of
    ids."""
    plain = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    letters, order, extra = [None] * 256, list(plain), 0
    for b in plain:
        letters[b] = chr(b)
    for b in range(256):
        if letters[b] is None:
            letters[b] = chr(256 + extra)
            extra += 1
            order.append(b)
    return letters, order


LETTER, BYTE_ORDER = byte_letters()


def spell(data):
    """The vocabulary's spelling of raw bytes."""
    return "".join(LETTER[b] for b in data)


class Bpe:
    """A learned vocabulary: `tokens` (spelling by id) and `merges` (pairs of spellings)."""

    def __init__(self, merges):
        self.merges = [tuple(m) for m in merges]
        self.tokens = SPECIALS + [LETTER[b] for b in BYTE_ORDER] + [a + b for a, b in self.merges]
        self.id_of = {t: i for i, t in enumerate(self.tokens)}
        self.rank = {m: i for i, m in enumerate(self.merges)}
        self.byte_of = {LETTER[b]: b for b in range(256)}
        self.cache = {}
        self.special_split = regex.compile(
            "(" + "|".join(regex.escape(s) for s in SPECIALS) + ")")

    @staticmethod
    def load(path):
        with open(path, encoding="utf-8") as f:
            return Bpe([line.rstrip("\n").split(" ") for line in f if line.strip()])

    def save(self, path):
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(f"{a} {b}\n" for a, b in self.merges)

    def piece(self, word):
        """Token ids of one piece of the split, given in the vocabulary's spelling."""
        ids = self.cache.get(word)
        if ids is not None:
            return ids
        if word in self.id_of:
            ids = [self.id_of[word]]
        else:
            parts = list(word)
            while len(parts) > 1:
                ranks = [self.rank.get(p, 1 << 30) for p in zip(parts, parts[1:])]
                best = min(ranks)
                if best == 1 << 30:
                    break
                i = ranks.index(best)
                parts[i:i + 2] = [parts[i] + parts[i + 1]]
            ids = [self.id_of[p] for p in parts]
        self.cache[word] = ids
        return ids

    def encode(self, text, special=False):
        """Token ids of `text`; with `special`, special tokens written out in it are recognised."""
        ids = []
        for part in self.special_split.split(text) if special else [text]:
            if special and part in SPECIALS:
                ids.append(SPECIALS.index(part))
                continue
            for m in SPLIT.finditer(part):
                ids += self.piece(spell(m.group().encode("utf-8")))
        return ids

    def decode(self, ids):
        out = b"".join(self.tokens[i].encode() if i < len(SPECIALS)
                       else bytes(self.byte_of[c] for c in self.tokens[i]) for i in ids)
        return out.decode("utf-8", errors="replace")


def train(text, n_vocab):
    """Learn merges from `text` until the vocabulary has `n_vocab` tokens.

    Ties go to the pair that sorts first, so that the result does not depend on hash order."""
    counts = Counter(spell(m.group().encode("utf-8")) for m in SPLIT.finditer(text))
    words = [[list(w), n] for w, n in sorted(counts.items())]
    pair_count, where = Counter(), defaultdict(set)
    for i, (parts, n) in enumerate(words):
        for p in zip(parts, parts[1:]):
            pair_count[p] += n
            where[p].add(i)
    heap = [(-n, p) for p, n in pair_count.items()]
    heapq.heapify(heap)
    merges = []
    while len(SPECIALS) + 256 + len(merges) < n_vocab and heap:
        n, pair = heapq.heappop(heap)
        if -n != pair_count[pair]:
            continue            # an older count of this pair: the current one is also on the heap
        merges.append(pair)
        joined, changed = pair[0] + pair[1], set()
        for i in where.pop(pair):
            parts, n_word = words[i]
            for p in zip(parts, parts[1:]):
                pair_count[p] -= n_word
                changed.add(p)
            j = 0
            while j + 1 < len(parts):
                if parts[j] == pair[0] and parts[j + 1] == pair[1]:
                    parts[j:j + 2] = [joined]
                j += 1
            for p in zip(parts, parts[1:]):
                pair_count[p] += n_word
                where[p].add(i)
                changed.add(p)
        for p in changed:
            if pair_count[p] > 0:
                heapq.heappush(heap, (-pair_count[p], p))
    return Bpe(merges)


def documents(path):
    """The stories of a corpus file: separated by lines that say <|endoftext|>."""
    with open(path, encoding="utf-8") as f:
        parts = f.read().split("<|endoftext|>")
    return [p.strip("\n") for p in parts if p.strip()]


def conversations(path):
    """The conversations of a chat file, in ChatML, separated by empty lines that say %%."""
    with open(path, encoding="utf-8") as f:
        return [p for p in f.read().split("%%\n") if p.strip()]


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: bpe.py stories.txt n_vocab merges.txt")
    docs = documents(sys.argv[1])
    bpe = train("\n\n".join(docs), int(sys.argv[2]))
    bpe.save(sys.argv[3])
    ids = [bpe.encode(d) for d in docs[::50]]
    assert all(bpe.decode(i) == d for i, d in zip(ids, docs[::50]))
    n_bytes = sum(len(d.encode()) for d in docs[::50])
    print(json.dumps({"n_vocab": len(bpe.tokens), "bytes_per_token": n_bytes / sum(map(len, ids))}))


if __name__ == "__main__":
    main()
