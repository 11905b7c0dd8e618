"""reference.py - the model's forward pass in plain F32 PyTorch, as short as it can be.

No kernels, no bf16, no sorting of tokens by expert: for sampling, and to test model.py against.
"""
import torch
import torch.nn.functional as F


def rms(x, w, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * w


def rope(x, sincos):
    """x [b][t][head][d]; sincos [t][d]: cosines, then sines."""
    c, s = (a[None, :, None] for a in sincos.chunk(2, 1))
    u, v = x.chunk(2, -1)
    return torch.cat([u * c - v * s, v * c + u * s], -1)


def attention(m, i, x):
    s, w = m.shape, m.w
    b, t, _ = x.shape
    sincos, group = m.sincos[:t], s.n_head // s.n_head_kv
    q = (x @ w(f"{i}.attn_q").t()).view(b, t, s.n_head, s.d_head)
    k, v = ((x @ w(f"{i}.{n}").t()).view(b, t, s.n_head_kv, s.d_head) for n in ("attn_k", "attn_v"))
    q = rope(rms(q, w(f"{i}.attn_q_norm"), s.eps), sincos)
    k = rope(rms(k, w(f"{i}.attn_k_norm"), s.eps), sincos)
    k, v = k.repeat_interleave(group, 2), v.repeat_interleave(group, 2)
    score = torch.einsum("bthd,bshd->bhts", q, k) * s.d_head ** -0.5
    future = torch.triu(torch.ones(t, t, dtype=torch.bool), 1)
    p = score.masked_fill(future, float("-inf")).softmax(-1)
    return torch.einsum("bhts,bshd->bthd", p, v).reshape(b, t, -1) @ w(f"{i}.attn_output").t()


def short_conv(m, i, x):
    gate_in, gate_out, x = (x @ m.w(f"{i}.in_proj").t()).chunk(3, -1)
    bx, k = gate_in * x, m.w(f"{i}.conv")
    back1, back2 = F.pad(bx, (0, 0, 1, 0))[:, :-1], F.pad(bx, (0, 0, 2, 0))[:, :-2]
    return (gate_out * (k[2] * bx + k[1] * back1 + k[0] * back2)) @ m.w(f"{i}.out_proj").t()


def feed_forward(m, i, x):
    s = m.shape
    if i < s.n_dense:
        gate, up = (x @ m.w(f"{i}.gate_up").t()).chunk(2, -1)
        return (F.silu(gate) * up) @ m.w(f"{i}.down").t()
    score = torch.sigmoid(x @ m.w(f"{i}.router").t())
    chosen = (score + getattr(m, f"bias{i}")).topk(s.n_used, -1)[1]
    w = score.gather(-1, chosen)
    w = torch.zeros_like(score).scatter(-1, chosen, w / w.sum(-1, keepdim=True))
    gate, up = torch.einsum("btd,efd->btef", x, m.w(f"{i}.gate_up")).chunk(2, -1)
    return torch.einsum("btef,edf,bte->btd", F.silu(gate) * up, m.w(f"{i}.down"), w)


def logits(m, tokens):
    """F32 logits [b][t][n_vocab] of tokens [b][t] for a Model `m`."""
    h = m.w("token_embd")[tokens]
    for i in range(m.shape.n_layer):
        x = rms(h, m.w(f"{i}.attn_norm"), m.shape.eps)
        h = h + (attention(m, i, x) if i in m.shape.attention else short_conv(m, i, x))
        h = h + feed_forward(m, i, rms(h, m.w(f"{i}.ffn_norm"), m.shape.eps))
    return rms(h, m.w("token_embd_norm"), m.shape.eps) @ m.w("token_embd").t()
