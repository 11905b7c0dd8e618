#!/usr/bin/python3
"""sample.py - let a trained model write, in plain F32.

    sample.py state.pt merges.txt [--prompt TEXT | --ask TEXT] [--n 250] [--temperature 0.7]
    sample.py state.pt merges.txt --heldout CORPUS_DIR      loss, and the load of every expert

Without a prompt it begins a story of its own.  --ask goes through the chat template.
"""
import argparse
import os

import torch

import bpe
import export
import reference
from model import Model


def load(path, file_type="F32"):
    """The model, with its matrices rounded as a file of `file_type` has them."""
    st = torch.load(path, map_location="cpu")
    m = Model(st["shape"])
    m.load_state_dict(export.rounded(st["shape"], st["model"], file_type))
    return m


def choose(logits, temperature, min_p):
    if temperature == 0:
        return int(logits.argmax())
    p = torch.softmax(logits, 0)
    p = torch.softmax(torch.where(p < min_p * p.max(), torch.tensor(float("-inf")), logits)
                      / temperature, 0)
    return int(torch.multinomial(p, 1))


def generate(m, ids, n, temperature, min_p):
    ids, stop = list(ids), (bpe.EOT, bpe.IM_END)
    start = len(ids)
    with torch.no_grad():
        while len(ids) < start + n and len(ids) < m.shape.n_ctx:
            nxt = choose(reference.logits(m, torch.tensor([ids]))[0, -1], temperature, min_p)
            if nxt in stop:
                break
            ids.append(nxt)
    return ids[start:]


def report(m, vocab, corpus):
    """Held-out loss and, per layer, each expert's share of the choices (1.00 is an even load)."""
    import train
    docs = train.story_ids(vocab, bpe.documents(os.path.join(corpus, "heldout.txt")))
    loss, n = train.held_out(m, docs)
    print(f"held-out: {loss:.4f} nats per token over {n} tokens, perplexity "
          f"{2.718281828 ** loss:.2f}")
    t = m.shape.n_ctx       # whole windows for the loads: padding would count too
    ids = torch.tensor(sum(docs, [])[:sum(map(len, docs)) // t * t]).view(-1, t)
    with torch.no_grad():
        for i in range(0, len(ids), 8):
            m.hidden(ids[i:i + 8].contiguous())
    for i in range(m.shape.n_dense, m.shape.n_layer):
        load = getattr(m, f"load{i}").float()
        load = load / load.mean()
        print(f"layer {i}: {load.min():.2f} to {load.max():.2f}:",
              " ".join(f"{v:.2f}" for v in load))


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a.add_argument("state")
    a.add_argument("merges")
    a.add_argument("--prompt", default="")
    a.add_argument("--ask")
    a.add_argument("--heldout", metavar="CORPUS_DIR")
    a.add_argument("--type", default="F32", choices=sorted(export.FILE_TYPE),
                   help="round the weights as a file of this type")
    a.add_argument("--n", type=int, default=250)
    a.add_argument("--temperature", type=float, default=0.7)
    a.add_argument("--min-p", type=float, default=0.05)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--threads", type=int, default=1)
    a = a.parse_args()
    torch.set_num_threads(a.threads)
    m, vocab = load(a.state, a.type), bpe.Bpe.load(a.merges)
    if a.heldout:
        return report(m, vocab, a.heldout)
    torch.manual_seed(a.seed)
    text = a.prompt
    if a.ask:
        text = f"<|im_start|>user\n{a.ask}<|im_end|>\n<|im_start|>assistant\n"
    ids = [bpe.BOS] + vocab.encode(text, special=bool(a.ask))
    out = generate(m, ids, a.n, a.temperature, a.min_p)
    print((a.prompt if not a.ask else "") + vocab.decode(out))


if __name__ == "__main__":
    main()
