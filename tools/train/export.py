#!/usr/bin/python3
"""export.py - write a trained model as a GGUF file of the `lfm2moe` architecture.

    export.py DIR/state.pt merges.txt out.gguf [--type F32|F16|Q8_0|Q4_0]

Norms, convolution taps, routers and the experts' biases are F32 in every file, as the family has
them.  Q4_0 follows the family's recipe: the (tied) table is Q6_K, every other matrix Q4_0.
The quantisers are the reference ones of ggml, bit for bit (checked by test_export.py).
"""
import argparse
import os
import struct

import numpy as np

import bpe

MAGIC, VERSION, ALIGN = b"GGUF", 3, 32
# ggml type ids, and general.file_type of a file made of them
TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "Q6_K": 14}
FILE_TYPE = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 7}
# types of metadata values
U32, I32, F32, BOOL, STR, ARR = 4, 5, 6, 7, 8, 9

# The text that tools/mkmodel writes too; the newlines inside the quotes are real ones.
CHAT_TEMPLATE = (
    "{{- bos_token -}}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}")


def quantize_q4_0(x):
    """Blocks of 32: F16 scale, then 16 bytes; byte j holds weight j (low half) and j + 16
    (high)."""
    x = x.reshape(-1, 32).astype(np.float32)
    top = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1)
    d = top / np.float32(-8)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d != 0)
    q = np.minimum(15, (x * inverse + np.float32(8.5)).astype(np.int8)).astype(np.uint8)
    return np.concatenate([d.astype(np.float16).view(np.uint8), q[:, :16] | q[:, 16:] << 4], 1)


def quantize_q8_0(x):
    """Blocks of 32: F16 scale, then 32 signed bytes."""
    x = x.reshape(-1, 32).astype(np.float32)
    d = np.abs(x).max(1, keepdims=True) / np.float32(127)
    inverse = np.divide(np.float32(1), d, out=np.zeros_like(d), where=d != 0)
    v = x * inverse
    q = (np.sign(v) * np.floor(np.abs(v) + np.float32(0.5))).astype(np.int8)
    return np.concatenate([d.astype(np.float16).view(np.uint8), q.view(np.uint8)], 1)


def fit_q6(x):
    """The scale of each row of 16 with the least error (weighted by x^2), levels -32..31, over 19
    candidates around -32 / (the value of largest magnitude).  Sums go in order, in F32."""
    f = np.float32
    top = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1)[:, 0]
    dead = np.abs(top) < f(1e-15)
    top = np.where(dead, f(1), top)
    weight = x * x

    def attempt(k):
        level = np.clip(np.rint((-k / top)[:, None] * x), -32, 31).astype(f)
        lx, l2 = np.zeros(len(x), f), np.zeros(len(x), f)
        for j in range(x.shape[1]):
            lx += weight[:, j] * x[:, j] * level[:, j]
            l2 += weight[:, j] * level[:, j] * level[:, j]
        return lx, l2

    lx, l2 = attempt(f(32))
    scale = np.divide(lx, l2, out=np.zeros_like(lx), where=l2 != 0)
    best = scale * lx
    for step in range(-9, 10):
        if step == 0:
            continue
        lx, l2 = attempt(f(32) + f(0.1) * f(step))
        better = (l2 > 0) & (lx * lx > best * l2)
        scale = np.where(better, np.divide(lx, l2, out=np.zeros_like(lx), where=l2 != 0), scale)
        best = np.where(better, scale * lx, best)
    return np.where(dead, f(0), scale)


def quantize_q6_k(x):
    """Blocks of 256: 128 bytes of low halves, 64 of high pairs of bits, 16 scales, F16 scale."""
    f = np.float32
    x = x.reshape(-1, 256).astype(f)
    n = len(x)
    scale = fit_q6(x.reshape(-1, 16)).reshape(n, 16)
    top = np.take_along_axis(scale, np.abs(scale).argmax(1)[:, None], 1)
    dead = np.abs(top) < f(1e-15)
    inverse = f(-128) / np.where(dead, f(1), top)
    d = np.where(dead, f(0), f(1) / inverse).astype(np.float16)
    s = np.where(dead, 0, np.minimum(127, np.rint(inverse * scale))).astype(np.int8)
    step = d.astype(f) * s.astype(f)
    y = x.reshape(n, 16, 16)
    level = np.divide(y, step[:, :, None], out=np.zeros_like(y), where=step[:, :, None] != 0)
    q = (np.clip(np.rint(level), -32, 31) + 32).astype(np.uint8).reshape(n, 2, 4, 32)
    q[dead[:, 0]] = 0
    # each half of 128: weights j, j+32, j+64, j+96 share byte j of the high bits
    low = np.concatenate([(q[:, :, 0] & 15) | (q[:, :, 2] & 15) << 4,
                          (q[:, :, 1] & 15) | (q[:, :, 3] & 15) << 4], 2)
    high = sum((q[:, :, k] >> 4) << (2 * k) for k in range(4)).astype(np.uint8)
    return np.concatenate([low.reshape(n, 128), high.reshape(n, 64), s.view(np.uint8),
                           d.view(np.uint8)], 1)


def half(b):
    return np.ascontiguousarray(b).view(np.float16).astype(np.float32)


def dequantize_q4_0(b):
    b = b.reshape(-1, 18)
    q = np.concatenate([b[:, 2:] & 15, b[:, 2:] >> 4], 1).astype(np.float32) - 8
    return q * half(b[:, :2])


def dequantize_q8_0(b):
    b = b.reshape(-1, 34)
    return b[:, 2:].view(np.int8).astype(np.float32) * half(b[:, :2])


def dequantize_q6_k(b):
    b = b.reshape(-1, 210)
    n = len(b)
    low, high = b[:, :128].reshape(n, 2, 2, 32), b[:, 128:192].reshape(n, 2, 1, 32)
    low = np.concatenate([low & 15, low >> 4], 2)           # [n][half][group of 32][32]
    high = np.concatenate([high >> 2 * k & 3 for k in range(4)], 2)
    q = (low | high << 4).astype(np.float32).reshape(n, 16, 16) - 32
    step = half(b[:, 208:]) * np.ascontiguousarray(b[:, 192:208]).view(np.int8).astype(np.float32)
    return (step[:, :, None] * q).reshape(n, 256)


ENCODE = {
    "F32": lambda x: x.astype(np.float32),
    "F16": lambda x: x.astype(np.float16),
    "Q4_0": quantize_q4_0,
    "Q8_0": quantize_q8_0,
    "Q6_K": quantize_q6_k,
}


DECODE = {"Q4_0": dequantize_q4_0, "Q8_0": dequantize_q8_0, "Q6_K": dequantize_q6_k,
          "F16": lambda b: b.astype(np.float32), "F32": lambda b: b}


def type_of(name, matrix, file_type):
    """The type of a tensor in a file of `file_type`."""
    if not matrix:
        return "F32"
    return "Q6_K" if file_type == "Q4_0" and name == "token_embd.weight" else file_type


def tensors(shape, state):
    """(GGUF name, F32 array with the row length last, may be quantised), in layer order."""
    def get(name):
        return state[name].float().numpy()

    def par(name):
        return get("p." + name.replace(".", "/"))

    yield "token_embd.weight", par("token_embd"), True
    yield "token_embd_norm.weight", par("token_embd_norm"), False
    for i in range(shape.n_layer):
        b = f"blk.{i}."
        yield b + "attn_norm.weight", par(f"{i}.attn_norm"), False
        if i in shape.attention:
            for k in ("attn_q", "attn_k", "attn_v", "attn_output"):
                yield f"{b}{k}.weight", par(f"{i}.{k}"), True
            for k in ("attn_q_norm", "attn_k_norm"):
                yield f"{b}{k}.weight", par(f"{i}.{k}"), False
        else:
            yield b + "shortconv.in_proj.weight", par(f"{i}.in_proj"), True
            yield b + "shortconv.conv.weight", par(f"{i}.conv").T.copy(), False
            yield b + "shortconv.out_proj.weight", par(f"{i}.out_proj"), True
        yield b + "ffn_norm.weight", par(f"{i}.ffn_norm"), False
        end = ".weight" if i < shape.n_dense else "_exps.weight"
        if i >= shape.n_dense:
            yield b + "ffn_gate_inp.weight", par(f"{i}.router"), False
            yield b + "exp_probs_b.bias", get(f"bias{i}"), False
        gate, up = np.split(par(f"{i}.gate_up"), 2, axis=-2)
        yield b + "ffn_gate" + end, gate, True
        yield b + "ffn_up" + end, up, True
        yield b + "ffn_down" + end, par(f"{i}.down"), True


def text(s):
    s = s.encode("utf-8")
    return struct.pack("<Q", len(s)) + s


def value(kind, v):
    if kind == STR:
        return text(v)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], v)


def pair(key, kind, v):
    return text(key) + struct.pack("<I", kind) + value(kind, v)


def array(key, kind, items):
    return (text(key) + struct.pack("<IIQ", ARR, kind, len(items))
            + b"".join(value(kind, v) for v in items))


def size_label(shape, state):
    """Experts x (everything else and one expert of each layer), as in "32x959M"."""
    n = {k: v.numel() for k, v in state.items() if k.startswith("p.")}
    experts = sum(c for k, c in n.items() if state[k].dim() == 3)
    each = sum(n.values()) - experts + experts // shape.n_expert
    return f"{shape.n_expert}x{each / 1e6:.1f}M"


def metadata(shape, state, vocab, file_type, name):
    a = "lfm2moe."
    kinds = [3] * 14 + [1] * (len(vocab.tokens) - 14)    # CONTROL; reserved ones NORMAL, as in 65K
    kv = [0 if i not in shape.attention else shape.n_head_kv for i in range(shape.n_layer)]
    return [
        pair("general.architecture", STR, "lfm2moe"),
        pair("general.type", STR, "model"),
        pair("general.name", STR, name),
        pair("general.description", STR,
             "a small LFM2-MoE trained on public-domain children's stories"),
        pair("general.size_label", STR, size_label(shape, state)),
        pair("general.license", STR, "cc0-1.0"),
        array("general.tags", STR, ["text-generation"]),
        array("general.languages", STR, ["en"]),
        pair(a + "block_count", U32, shape.n_layer),
        pair(a + "context_length", U32, shape.n_ctx),
        pair(a + "embedding_length", U32, shape.n_embd),
        pair(a + "feed_forward_length", U32, shape.n_ff),
        pair(a + "attention.head_count", U32, shape.n_head),
        array(a + "attention.head_count_kv", I32, kv),
        pair(a + "rope.freq_base", F32, shape.rope_theta),
        pair(a + "attention.layer_norm_rms_epsilon", F32, shape.eps),
        pair(a + "expert_count", U32, shape.n_expert),
        pair(a + "expert_used_count", U32, shape.n_used),
        pair(a + "expert_feed_forward_length", U32, shape.n_ff_exp),
        pair(a + "leading_dense_block_count", U32, shape.n_dense),
        pair(a + "expert_gating_func", U32, 2),     # sigmoid
        pair(a + "vocab_size", U32, len(vocab.tokens)),
        pair(a + "shortconv.l_cache", U32, shape.n_conv),
        pair("tokenizer.ggml.model", STR, "gpt2"),
        pair("tokenizer.ggml.pre", STR, "lfm2"),
        array("tokenizer.ggml.tokens", STR, vocab.tokens),
        array("tokenizer.ggml.token_type", I32, kinds),
        array("tokenizer.ggml.merges", STR, [f"{x} {y}" for x, y in vocab.merges]),
        pair("tokenizer.ggml.bos_token_id", U32, bpe.BOS),
        pair("tokenizer.ggml.eos_token_id", U32, bpe.IM_END),
        pair("tokenizer.ggml.padding_token_id", U32, bpe.PAD),
        pair("tokenizer.ggml.add_bos_token", BOOL, True),
        pair("tokenizer.ggml.add_sep_token", BOOL, False),
        pair("tokenizer.ggml.add_eos_token", BOOL, False),
        pair("tokenizer.chat_template", STR, CHAT_TEMPLATE),
        pair("general.quantization_version", U32, 2),
        pair("general.file_type", U32, FILE_TYPE[file_type]),
    ]


def write_model(path, shape, state, vocab, file_type, name="lfm-stories"):
    """Write the file; returns its size in bytes."""
    meta = metadata(shape, state, vocab, file_type, name)
    infos, blobs, offset = [], [], 0
    for tensor_name, x, matrix in tensors(shape, state):
        kind = type_of(tensor_name, matrix, file_type)
        data = ENCODE[kind](x).tobytes()
        dims = x.shape[::-1]
        infos.append(text(tensor_name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims,
                                                     TYPES[kind], offset))
        data += b"\0" * (-len(data) % ALIGN)
        blobs.append(data)
        offset += len(data)
    head = MAGIC + struct.pack("<IQQ", VERSION, len(infos), len(meta))
    head += b"".join(meta) + b"".join(infos)
    head += b"\0" * (-len(head) % ALIGN)
    with open(path + ".part", "wb") as f:
        f.write(head)
        f.writelines(blobs)

    os.replace(path + ".part", path)
    return len(head) + offset


def rounded(shape, state, file_type):
    """A copy of `state` whose matrices went through the quantisers of a file of `file_type`."""
    import torch
    out = dict(state)
    for name, x in state.items():
        kind = name.split("/")[-1].replace("p.", "")
        if x.dim() < 2 or kind in ("router", "conv"):
            continue
        gguf = "token_embd.weight" if kind == "token_embd" else kind
        t = type_of(gguf, True, file_type)
        y = DECODE[t](ENCODE[t](x.float().numpy()))
        out[name] = torch.from_numpy(y.reshape(x.shape))
    return out


def main():
    import torch
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    a.add_argument("state")
    a.add_argument("merges")
    a.add_argument("out")
    a.add_argument("--type", default="F32", choices=sorted(FILE_TYPE))
    a.add_argument("--name", default="lfm-stories")
    a = a.parse_args()
    st = torch.load(a.state, map_location="cpu")
    size = write_model(a.out, st["shape"], st["model"], bpe.Bpe.load(a.merges), a.type, a.name)
    print(f"{a.out}: {size} bytes")


if __name__ == "__main__":
    main()
