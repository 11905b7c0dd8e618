#!/usr/bin/python3
"""train.py - train the small story model on a CPU, within a given number of minutes.

    train.py --corpus DIR --merges merges.txt --out DIR --minutes 70 [--chat chat.txt] [--resume]

The schedule follows the clock, not a number of steps, so that the learning rate has come down to
zero when the time is up however busy the machine was: 2 % warm-up, constant, then from `--decay` on
linear to zero.  During the decay the sequences are 1,024 tokens long instead of 512, and a share of
them are conversations (`--chat`).  Every few minutes the held-out loss is measured, the state saved
(DIR/state.pt, which --resume takes up again) and the weights exported (DIR/latest-f32.gguf).
"""
import argparse
import json
import math
import os
import random
import time

import torch

import bpe
import export
from model import Model, Shape

IGNORE = -1


class Stream:
    """An endless shuffled stream of documents, cut into windows of t + 1 tokens."""

    def __init__(self, docs, seed):
        self.docs, self.random = docs, random.Random(seed)
        self.order, self.ids, self.n_epoch = [], [], 0

    def window(self, t):
        while len(self.ids) < t + 1:
            if not self.order:
                self.order = list(range(len(self.docs)))
                self.random.shuffle(self.order)
                self.n_epoch += 1
            self.ids += self.docs[self.order.pop()]
        out, self.ids = self.ids[:t + 1], self.ids[t:]
        return out


def story_ids(vocab, docs):
    return [[bpe.BOS] + vocab.encode(d) + [bpe.EOT] for d in docs]


def held_out(model, docs, t=1024, rows=8):
    """Loss in nats per token, end of text included.  Windows advance by t/2 and only the second
    half is scored (except at the start of a story), so that the context is never short."""
    windows = []
    for ids in docs:
        for start in range(0, max(1, len(ids) - 1 - t // 2), t // 2):
            part = ids[start:start + t + 1]
            skip = t // 2 if start else 0
            x = part[:-1] + [bpe.PAD] * (t + 1 - len(part))
            y = [IGNORE] * skip + part[1 + skip:] + [IGNORE] * (t + 1 - len(part))
            windows.append((x, y))
    total, n = 0.0, 0
    with torch.no_grad():
        for i in range(0, len(windows), rows):
            x = torch.tensor([w[0] for w in windows[i:i + rows]])
            y = torch.tensor([w[1] for w in windows[i:i + rows]])
            count = int((y >= 0).sum())
            total += float(model.loss(x, y)) * count
            n += count
    for i in range(model.shape.n_dense, model.shape.n_layer):
        getattr(model, f"load{i}").zero_()
    return total / n, n


def orthogonalise(g, steps=5):
    """Newton-Schulz iteration towards the nearest semi-orthogonal matrices, for g [n][rows][cols]
    with rows <= cols (the quintic coefficients of Keller Jordan's Muon)."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = (g / (g.norm(dim=(1, 2), keepdim=True) + 1e-7)).bfloat16()
    for _ in range(steps):
        m = torch.bmm(x, x.transpose(1, 2))
        x = a * x + torch.bmm(b * m + c * torch.bmm(m, m), x)
    return x.float()


class Muon:
    """Momentum, orthogonalised, for the matrices; those of one shape go through in one batch.

    The update is scaled by 0.2 sqrt(longer side), which gives it the size of an Adam step."""

    def __init__(self, params, momentum=0.95, decay=0.1):
        self.params, self.momentum, self.decay = params, momentum, decay
        self.state = [torch.zeros_like(p) for p, _ in params]

    def step(self, rate):
        groups = {}
        for i, (p, cut) in enumerate(self.params):
            m = self.state[i].mul_(self.momentum).add_(p.grad, alpha=1 - self.momentum)
            u = p.grad.lerp(m, self.momentum)
            u = u.reshape(-1, u.shape[-2] // cut, u.shape[-1])  # a stack of `cut` matrices
            flip = u.shape[1] > u.shape[2]
            u = u.transpose(1, 2) if flip else u
            groups.setdefault(u.shape[1:], []).append((p, u, flip))
        for shape, members in groups.items():
            done = orthogonalise(torch.cat([u for _, u, _ in members])).split(
                [u.shape[0] for _, u, _ in members])
            for (p, _, flip), u in zip(members, done):
                u = u.transpose(1, 2) if flip else u
                p.data.mul_(1 - rate * self.decay)
                p.data.add_(u.reshape(p.shape), alpha=-rate * 0.2 * math.sqrt(max(shape)))


def optimisers(model):
    s = model.shape
    stacked = {"in_proj": 3, "gate_up": 2}
    matrices, table, vectors, routers = [], [], [], []
    for name, p in model.p.items():
        kind = name.split("/")[-1]
        if kind == "token_embd":
            table.append(p)
        elif kind == "router":
            routers.append(p)
        elif kind == "conv" or p.dim() == 1:
            vectors.append(p)
        else:
            matrices.append((p, stacked.get(kind, 1)))
    adam = torch.optim.AdamW([
        {"params": table, "weight_decay": 0.1, "scale": 1.0},
        {"params": vectors, "weight_decay": 0.0, "scale": 1.0},
        {"params": routers, "weight_decay": 0.0, "scale": 0.1},     # slow enough for the biases
    ], betas=(0.9, 0.95), eps=1e-10)
    assert s.n_embd % 32 == 0
    return Muon(matrices), adam


def schedule(x, warm, decay):
    """The learning rate's factor at fraction x of the time."""
    if x < warm:
        return x / warm + 0.01
    return 1.0 if x < decay else max(0.0, (1 - x) / (1 - decay))


def load_report(model):
    """The fullest and the emptiest expert of each layer, relative to an even load."""
    out = []
    for i in range(model.shape.n_dense, model.shape.n_layer):
        f = getattr(model, f"load{i}").float()
        f = f / f.mean().clamp(min=1)
        out.append(f"{f.min():.2f}-{f.max():.2f}")
    return " ".join(out)


def save(path, value):
    torch.save(value, path + ".part")
    os.replace(path + ".part", path)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a.add_argument("--corpus", required=True)
    a.add_argument("--merges", required=True)
    a.add_argument("--chat", help="conversations, mixed in during the decay")
    a.add_argument("--chat-share", type=float, default=0.2)
    a.add_argument("--out", required=True)
    a.add_argument("--minutes", type=float, default=70)
    a.add_argument("--decay", type=float, default=0.6, help="fraction of the time where it begins")
    a.add_argument("--rate", type=float, default=4e-3, help="of Muon, for the matrices")
    a.add_argument("--adam-rate", type=float, default=3e-3, help="for the table, norms and router")
    a.add_argument("--dropout", type=float, default=0.05)
    a.add_argument("--tokens", type=int, default=8192, help="per step")
    a.add_argument("--threads", type=int, default=2)
    a.add_argument("--save-minutes", type=float, default=5)
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--resume", action="store_true")
    a = a.parse_args()

    torch.set_num_threads(a.threads)
    os.makedirs(a.out, exist_ok=True)
    vocab = bpe.Bpe.load(a.merges)
    stories = Stream(story_ids(vocab, bpe.documents(os.path.join(a.corpus, "stories.txt"))), a.seed)
    held = story_ids(vocab, bpe.documents(os.path.join(a.corpus, "heldout.txt")))
    chat = None
    model = Model(Shape(n_vocab=len(vocab.tokens)), a.seed)
    muon, adam = optimisers(model)
    n_step, spent, n_seen = 0, 0.0, 0
    state_path = os.path.join(a.out, "state.pt")
    if a.resume and os.path.exists(state_path):
        st = torch.load(state_path)
        model.load_state_dict(st["model"])
        muon.state, n_step, spent, n_seen = st["muon"], st["n_step"], st["spent"], st["n_seen"]
        adam.load_state_dict(st["adam"])
        stories.random.seed(a.seed + n_step)
    log = open(os.path.join(a.out, "log.jsonl"), "a", encoding="utf-8")

    def note(**kv):
        line = json.dumps(kv)
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()

    note(params=sum(p.numel() for p in model.parameters()),
         train_tokens=sum(map(len, stories.docs)), heldout_tokens=sum(len(d) - 1 for d in held))
    began, last_save, mean = time.time() - spent, time.time(), None
    pick = random.Random(a.seed + 2 + n_step)
    while True:
        x = (time.time() - began) / (a.minutes * 60)
        f = schedule(x, 0.02, a.decay)
        late = x >= a.decay
        if late and chat is None and a.chat and os.path.exists(a.chat):
            chat = Stream([[bpe.BOS] + vocab.encode(d, special=True)
                           for d in bpe.conversations(a.chat)], a.seed + 1)
        t = 1024 if late else 512
        rows = [(chat if chat and pick.random() < a.chat_share else stories).window(t)
                for _ in range(a.tokens // t)]
        rows = torch.tensor(rows)
        loss = model.loss(rows[:, :-1].contiguous(), rows[:, 1:].contiguous(), a.dropout)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        muon.step(a.rate * f)
        for g in adam.param_groups:
            g["lr"] = a.adam_rate * f * g["scale"]
        adam.step()
        model.zero_grad(set_to_none=True)
        n_step += 1
        n_seen += a.tokens
        mean = float(loss) if mean is None else 0.95 * mean + 0.05 * float(loss)
        loads = load_report(model) if n_step % 25 == 0 else None
        model.nudge((0.005 + 0.02 * max(0.0, 1 - x / 0.1)) * min(1.0, f * 4))
        if n_step % 25 == 0:
            note(step=n_step, x=round(x, 4), loss=round(mean, 4), norm=round(float(norm), 3),
                 tokens=n_seen, epoch=stories.n_epoch, s=round(time.time() - began, 1), load=loads)
        if x >= 1 or time.time() - last_save > a.save_minutes * 60:
            save(state_path, {"model": model.state_dict(), "muon": muon.state,
                              "adam": adam.state_dict(), "n_step": n_step, "n_seen": n_seen,
                              "spent": time.time() - began, "shape": model.shape})
            export.write_model(os.path.join(a.out, "latest-f32.gguf"), model.shape,
                               model.state_dict(), vocab, "F32")
            # the whole takes as long as many steps: a fifth will do until the end
            h, n = held_out(model, held if x >= 1 else held[::5])
            note(step=n_step, x=round(x, 4), heldout=round(h, 4), n=n, seen=n_seen,
                 s=round(time.time() - began, 1))
            last_save = time.time()
        if x >= 1:
            break


if __name__ == "__main__":
    main()
