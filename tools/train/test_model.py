#!/usr/bin/python3
"""test_model.py - the fused bf16 model against the plain F32 one: loss, and every gradient.

bf16 keeps 8 bits, so gradients may differ by several hundredths; near ties between experts change
some choices, so that the parts behind a router may differ by more.  A wrong derivative differs by
about 1.
"""
import sys

import torch

import reference
from model import Model, Shape


def main():
    torch.set_num_threads(2)
    shape = Shape(n_vocab=512, n_layer=4, attention=(1, 3))
    m = Model(shape)
    for name, p in m.p.items():
        if name.endswith("norm"):
            p.data.add_(torch.randn_like(p) * 0.1)
        if name.endswith("router"):
            p.data.mul_(10)
    m.w("token_embd").data.mul_(3)
    for i in (2, 3):
        getattr(m, f"bias{i}").normal_(0, 0.1)
    x, y = torch.randint(0, 512, (2, 160)), torch.randint(0, 512, (2, 160))
    loss = m.loss(x[:, :150].contiguous(), y[:, :150].contiguous())
    loss.backward()
    got = {n: p.grad.clone() for n, p in m.p.items()}
    m.zero_grad()
    want = torch.nn.functional.cross_entropy(
        reference.logits(m, x[:, :150]).reshape(-1, 512), y[:, :150].reshape(-1))
    want.backward()
    print(f"loss {loss.item():.4f}, plain F32 {want.item():.4f}")
    failed = abs(loss.item() - want.item()) > 0.01
    for name, p in m.p.items():
        off = float((got[name] - p.grad).norm() / p.grad.norm())
        layer = name.split("/")[0]
        limit = 0.4 if layer in ("2", "3") else 0.1
        if not off < limit:
            print(f"{name}: gradient off by {off:.3f}")
            failed = True
    print("FAILED" if failed else "ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
