"""model.py - LFM2-MoE in PyTorch, for training on a CPU.

The mathematics is that of the family: h += op(norm(h)); h += ffn(norm(h)), where op is a gated
short convolution or grouped-query attention, and ffn is a SwiGLU, dense in the first layers and
32 experts of which 4 work, chosen by sigmoid scores plus a bias, afterwards.

Matrices are multiplied in bf16 (AMX where the CPU has it); the residual stream, the norms, the
router and the weights that the optimiser sees are F32.  The steps between the products are in
kernels.c.
"""
import ctypes
import os
import subprocess
import tempfile
from dataclasses import dataclass, field

import torch

BF = torch.bfloat16
N_PART = 16         # partial sums of small gradients: fixed, so that threads do not matter


@dataclass
class Shape:
    n_vocab: int = 4096
    n_embd: int = 256
    n_layer: int = 8
    attention: tuple = (2, 6)
    n_head: int = 4
    n_head_kv: int = 2
    n_ff: int = 1024
    n_dense: int = 2
    n_expert: int = 32
    n_used: int = 4
    n_ff_exp: int = 32
    n_conv: int = 3
    eps: float = 1e-5
    rope_theta: float = 1e6
    n_ctx: int = 1024

    @property
    def d_head(self):
        return self.n_embd // self.n_head


def load_kernels():
    """Compile kernels.c for this CPU and load it."""
    here = os.path.dirname(os.path.abspath(__file__))
    so = os.path.join(tempfile.mkdtemp(), "kernels.so")
    subprocess.check_call([
        os.environ.get("CC", "gcc"), "-std=gnu11", "-Ofast", "-march=native",
        "-mprefer-vector-width=512", "-fopenmp", "-shared", "-fPIC",
        os.path.join(here, "kernels.c"), "-o", so, "-lm"])
    return ctypes.CDLL(so)


LIB = load_kernels()


def call(name, *args):
    """Call a kernel: tensors become pointers, ints long, floats float; None is NULL."""
    out = []
    for a in args:
        if isinstance(a, torch.Tensor):
            assert a.is_contiguous()
            out.append(ctypes.c_void_p(a.data_ptr()))
        elif isinstance(a, float):
            out.append(ctypes.c_float(a))
        elif a is None:
            out.append(ctypes.c_void_p(None))
        else:
            out.append(ctypes.c_long(a))
    getattr(LIB, name)(*out)


class Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w, eps):
        n, d = x.shape
        y, inv = torch.empty(n, d, dtype=BF), torch.empty(n)
        call("norm_f32", x, w, y, inv, n, d, eps)
        ctx.save_for_backward(x, w, inv)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, w, inv = ctx.saved_tensors
        n, d = x.shape
        dx, part = torch.empty(n, d), torch.empty(N_PART, d)
        call("norm_f32_back", dy.contiguous(), x, w, inv, dx, part, n, d, N_PART)
        return dx, part.sum(0), None


class NormRope(torch.autograd.Function):
    """x [n_tok][n_head][d]: norm over d, then rope."""
    @staticmethod
    def forward(ctx, x, w, sincos, eps):
        n, h, d = x.shape
        x = x.contiguous()
        y, inv = torch.empty_like(x), torch.empty(n * h)
        call("norm_rope", x, w, sincos, y, inv, n, h, d, sincos.shape[0], eps)
        ctx.save_for_backward(x, w, sincos, inv)
        return y

    @staticmethod
    def backward(ctx, dy):
        x, w, sincos, inv = ctx.saved_tensors
        n, h, d = x.shape
        dx, part = torch.empty_like(x), torch.empty(N_PART, d)
        call("norm_rope_back", dy.contiguous(), x, w, sincos, inv, dx, part, n, h, d,
             sincos.shape[0], N_PART)
        return dx, part.sum(0), None, None


class Linear(torch.autograd.Function):
    """y = x W^T with W [out][in] in F32, rounded to bf16 here."""
    @staticmethod
    def forward(ctx, x, w):
        wb = w.to(BF)
        ctx.save_for_backward(x, wb)
        return x @ wb.t()

    @staticmethod
    def backward(ctx, dy):
        x, wb = ctx.saved_tensors
        dy = dy.contiguous()
        return dy @ wb, (dy.t() @ x).float()


class Attend(torch.autograd.Function):
    """Causal attention: q [b][kv][g*t][d], k, v [b][kv][t][d], where g query heads share a kv
    head."""
    @staticmethod
    def forward(ctx, q, k, v):
        b, kv, gt, d = q.shape
        t = k.shape[2]
        q, k, v = (a.reshape(b * kv, -1, d).contiguous() for a in (q, k, v))
        p = torch.bmm(q, k.transpose(1, 2))
        call("softmax", p, b * kv * (gt // t), t, d ** -0.5)
        ctx.save_for_backward(q, k, v, p)
        ctx.shape = (b, kv)
        return torch.bmm(p, v).view(b, kv, gt, d)

    @staticmethod
    def backward(ctx, dy):
        q, k, v, p = ctx.saved_tensors
        b, kv = ctx.shape
        m, gt, d = q.shape
        t = k.shape[1]
        dy = dy.reshape(m, gt, d).contiguous()
        dv = torch.bmm(p.transpose(1, 2), dy)
        g = torch.bmm(dy, v.transpose(1, 2))
        call("softmax_back", g, p, m * (gt // t), t, d ** -0.5)
        dq, dk = torch.bmm(g, k), torch.bmm(g.transpose(1, 2), q)
        return dq.view(b, kv, gt, d), dk.view(b, kv, t, d), dv.view(b, kv, t, d)


class Conv(torch.autograd.Function):
    """bcx [n][3d] over sequences of t tokens; taps [3][d]."""
    @staticmethod
    def forward(ctx, bcx, k3, t):
        n, d = bcx.shape[0], k3.shape[1]
        y = torch.empty(n, d, dtype=BF)
        call("conv", bcx, k3, y, n, d, t)
        ctx.save_for_backward(bcx, k3)
        ctx.t = t
        return y

    @staticmethod
    def backward(ctx, dy):
        bcx, k3 = ctx.saved_tensors
        n, d = bcx.shape[0], k3.shape[1]
        dbcx, part = torch.empty_like(bcx), torch.empty(N_PART, 3, d)
        call("conv_back", dy.contiguous(), bcx, k3, dbcx, part, n, d, ctx.t, N_PART)
        return dbcx, part.sum(0), None


class Swiglu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, gu):
        n, f = gu.shape[0], gu.shape[1] // 2
        y = torch.empty(n, f, dtype=BF)
        call("swiglu", gu, y, n, f)
        ctx.save_for_backward(gu)
        return y

    @staticmethod
    def backward(ctx, dy):
        gu, = ctx.saved_tensors
        n, f = gu.shape[0], gu.shape[1] // 2
        dgu = torch.empty_like(gu)
        call("swiglu_back", dy.contiguous(), gu, dgu, n, f)
        return dgu


class AddDrop(torch.autograd.Function):
    """h + dropout(o)."""
    @staticmethod
    def forward(ctx, h, o, seed, p):
        out = torch.empty_like(h)
        ctx.args = (h.numel(), seed, int(p * 2 ** 32), 1.0 / (1.0 - p))
        call("add_drop", h, o.contiguous(), out, *ctx.args)
        return out

    @staticmethod
    def backward(ctx, g):
        g = g.contiguous()
        do = torch.empty(g.shape, dtype=BF)
        call("add_drop_back", g, do, *ctx.args)
        return g, do, None, None


class Experts(torch.autograd.Function):
    """sum over the chosen experts of w * down(silu(gate x) * up x).

    Tokens are sorted into one room of slots per expert (as large as the fullest needs), so that
    every product is one batched product over the experts and no token is dropped.
    w [n][top] F32, choice [n][top] int32, gate_up [e][2f][d], down [e][d][f]."""
    @staticmethod
    def forward(ctx, x, w, choice, room, gate_up, down):
        n, d = x.shape
        e, top = gate_up.shape[0], choice.shape[1]
        f = down.shape[2]
        gub, db = gate_up.to(BF), down.to(BF)
        slot = torch.empty(n * top, dtype=torch.int32)
        src = torch.empty(e * room, dtype=torch.int32)
        call("moe_place", choice, slot, src, n * top, e, room)
        xs = torch.empty(e, room, d, dtype=BF)
        call("moe_gather", x, src, xs, e * room, d, top)
        gu = torch.bmm(xs, gub.transpose(1, 2))
        a = torch.empty(e, room, f, dtype=BF)
        call("swiglu", gu, a, e * room, f)
        ys = torch.bmm(a, db.transpose(1, 2))
        w = w.contiguous()
        y = torch.empty(n, d, dtype=BF)
        call("moe_combine", ys, slot, w, y, n, d, top)
        ctx.save_for_backward(xs, gu, a, ys, w, slot, src, gub, db)
        return y

    @staticmethod
    def backward(ctx, dy):
        xs, gu, a, ys, w, slot, src, gub, db = ctx.saved_tensors
        n, top = w.shape
        e, room, d = xs.shape
        f = a.shape[2]
        dys, dw = torch.empty_like(ys), torch.empty_like(w)
        call("moe_combine_back", dy.contiguous(), ys, src, w, dys, dw, e * room, d, top)
        d_down = torch.bmm(dys.transpose(1, 2), a).float()
        da = torch.bmm(dys, db)
        dgu = torch.empty_like(gu)
        call("swiglu_back", da, gu, dgu, e * room, f)
        d_gate_up = torch.bmm(dgu.transpose(1, 2), xs).float()
        dxs = torch.bmm(dgu, gub)
        dx = torch.empty(n, d, dtype=BF)
        call("moe_combine", dxs, slot, None, dx, n, d, top)
        return dx, dw, None, None, d_gate_up, d_down


class Head(torch.autograd.Function):
    """Mean loss of the tied head over the targets that count; its gradient is made on the way."""
    @staticmethod
    def forward(ctx, x, emb, target, chunk=2048):
        eb = emb.to(BF)
        n, v = x.shape[0], emb.shape[0]
        n_target = max(1, int((target >= 0).sum()))
        loss, dx, de = torch.empty(n), torch.empty_like(x), torch.zeros_like(emb)
        grad = ctx.needs_input_grad[0]
        for i in range(0, n, chunk):
            xc, tc = x[i:i + chunk], target[i:i + chunk].contiguous()
            logits = xc @ eb.t()
            call("cross_entropy", logits, tc, loss[i:i + chunk], xc.shape[0], v, 1.0 / n_target)
            if grad:
                dx[i:i + chunk] = logits @ eb
                de += logits.t() @ xc
        ctx.save_for_backward(dx, de)
        ctx.loss = loss
        return loss.sum() / n_target

    @staticmethod
    def backward(ctx, g):
        dx, de = ctx.saved_tensors
        return dx * g.to(BF), de * g, None, None


def rope_table(n_pos, d, theta):
    angle = torch.arange(n_pos).double()[:, None] * theta ** (-torch.arange(0, d, 2).double() / d)
    return torch.cat([angle.cos(), angle.sin()], 1).float().contiguous()


class Model(torch.nn.Module):
    """Parameters are named as in the GGUF file, without the layer's `.weight`; see export.py."""

    def __init__(self, shape, seed=1):
        super().__init__()
        torch.manual_seed(seed)
        s = self.shape = shape
        self.p = torch.nn.ParameterDict()
        out_std = 0.5 / (s.n_embd * 2 * s.n_layer) ** 0.5   # what a layer adds starts small
        self.add("token_embd", torch.randn(s.n_vocab, s.n_embd) * 0.02)
        self.add("token_embd_norm", torch.ones(s.n_embd))
        d, std = s.n_embd, s.n_embd ** -0.5
        for i in range(s.n_layer):
            self.add(f"{i}.attn_norm", torch.ones(d))
            self.add(f"{i}.ffn_norm", torch.ones(d))
            if i in s.attention:
                self.add(f"{i}.attn_q", torch.randn(s.n_head * s.d_head, d) * std)
                self.add(f"{i}.attn_k", torch.randn(s.n_head_kv * s.d_head, d) * std)
                self.add(f"{i}.attn_v", torch.randn(s.n_head_kv * s.d_head, d) * std)
                self.add(f"{i}.attn_output", torch.randn(d, d) * out_std)
                self.add(f"{i}.attn_q_norm", torch.ones(s.d_head))
                self.add(f"{i}.attn_k_norm", torch.ones(s.d_head))
            else:
                self.add(f"{i}.in_proj", torch.randn(3 * d, d) * std)
                self.add(f"{i}.conv", torch.randn(3, d) * 0.3 + torch.tensor([[0.], [0.], [1.]]))
                self.add(f"{i}.out_proj", torch.randn(d, d) * out_std)
            if i < s.n_dense:
                self.add(f"{i}.gate_up", torch.randn(2 * s.n_ff, d) * std)
                self.add(f"{i}.down", torch.randn(d, s.n_ff) * out_std * (d / s.n_ff) ** 0.5)
            else:
                self.add(f"{i}.router", torch.randn(s.n_expert, d) * 0.02)
                self.add(f"{i}.gate_up", torch.randn(s.n_expert, 2 * s.n_ff_exp, d) * std)
                self.add(f"{i}.down", torch.randn(s.n_expert, d, s.n_ff_exp) * out_std)
                self.register_buffer(f"bias{i}", torch.zeros(s.n_expert))
                self.register_buffer(f"load{i}", torch.zeros(s.n_expert, dtype=torch.int64))
        self.sincos = rope_table(s.n_ctx, s.d_head, s.rope_theta)
        self.seed = 0

    def add(self, name, value):
        self.p[name.replace(".", "/")] = torch.nn.Parameter(value)

    def w(self, name):
        return self.p[name.replace(".", "/")]

    def attention(self, i, x, b, t):
        s = self.shape
        kv, g, d = s.n_head_kv, s.n_head // s.n_head_kv, s.d_head
        q = Linear.apply(x, self.w(f"{i}.attn_q")).view(-1, s.n_head, d)
        k = Linear.apply(x, self.w(f"{i}.attn_k")).view(-1, kv, d)
        v = Linear.apply(x, self.w(f"{i}.attn_v")).view(b, t, kv, d)
        sincos = self.sincos[:t]
        q = NormRope.apply(q, self.w(f"{i}.attn_q_norm"), sincos, s.eps)
        k = NormRope.apply(k, self.w(f"{i}.attn_k_norm"), sincos, s.eps)
        q = q.view(b, t, kv, g, d).permute(0, 2, 3, 1, 4).reshape(b, kv, g * t, d)
        y = Attend.apply(q, k.view(b, t, kv, d).transpose(1, 2), v.transpose(1, 2))
        y = y.view(b, kv, g, t, d).permute(0, 3, 1, 2, 4).reshape(b * t, s.n_head * d)
        return Linear.apply(y, self.w(f"{i}.attn_output"))

    def short_conv(self, i, x, t):
        bcx = Linear.apply(x, self.w(f"{i}.in_proj"))
        return Linear.apply(Conv.apply(bcx, self.w(f"{i}.conv"), t), self.w(f"{i}.out_proj"))

    def experts(self, i, x):
        s, n = self.shape, x.shape[0]
        score = torch.sigmoid(x.float() @ self.w(f"{i}.router").t())
        choice = torch.empty(n, s.n_used, dtype=torch.int32)
        load = torch.zeros(s.n_expert, dtype=torch.int64)
        call("moe_choose", score.detach(), getattr(self, f"bias{i}"), choice, load, n, s.n_expert,
             s.n_used)
        getattr(self, f"load{i}").add_(load)
        room = -(-int(load.max()) // 128) * 128     # few different sizes: each is a new AMX kernel
        w = score.gather(1, choice.long())
        w = w / w.sum(1, keepdim=True)
        return Experts.apply(x, w, choice, room, self.w(f"{i}.gate_up"), self.w(f"{i}.down"))

    def hidden(self, tokens, dropout=0.0):
        """The normalised last hidden state [b * t][n_embd] (bf16) of tokens [b][t]."""
        s = self.shape
        b, t = tokens.shape
        h = torch.nn.functional.embedding(tokens.reshape(-1), self.w("token_embd"))
        for i in range(s.n_layer):
            x = Norm.apply(h, self.w(f"{i}.attn_norm"), s.eps)
            o = self.attention(i, x, b, t) if i in s.attention else self.short_conv(i, x, t)
            h = self.add_to(h, o, dropout)
            x = Norm.apply(h, self.w(f"{i}.ffn_norm"), s.eps)
            if i < s.n_dense:
                y = Swiglu.apply(Linear.apply(x, self.w(f"{i}.gate_up")))
                o = Linear.apply(y, self.w(f"{i}.down"))
            else:
                o = self.experts(i, x)
            h = self.add_to(h, o, dropout)
        return Norm.apply(h, self.w("token_embd_norm"), s.eps)

    def add_to(self, h, o, dropout):
        self.seed = (self.seed * 1664525 + 1013904223) % 2 ** 32
        return AddDrop.apply(h, o, self.seed, dropout)

    def loss(self, tokens, target, dropout=0.0):
        return Head.apply(self.hidden(tokens, dropout), self.w("token_embd"), target.reshape(-1))

    def nudge(self, rate):
        """Move each expert's bias towards an even load, by at most `rate`, and count anew."""
        for i in range(self.shape.n_dense, self.shape.n_layer):
            bias, load = getattr(self, f"bias{i}"), getattr(self, f"load{i}")
            even = load.float().mean()
            bias += rate * ((even - load.float()) / even).clamp(-1, 1)
            bias -= bias.mean()
            load.zero_()
