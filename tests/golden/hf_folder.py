"""hf_folder.py - the Hugging Face folder of a tiny model, stored as what it differs by from its GGUF file.

Both files hold the same numbers, so the safetensors file is stored as hf/NAME.delta: how to put it together from bytes of
tiny/NAME.gguf and a few of its own. It is found by looking for the bytes, not by knowing what stands where: what test_hf.c
builds is the file that transformers wrote, but for the element types, which are those of the GGUF file.

hf/NAME.delta, little-endian: "SUMIDELT", u32 size of the result, then operations until it is complete:

    u8 0   u32 n, n bytes                                  these bytes
    u8 1   u32 offset, u32 n                               n bytes of the GGUF file
    u8 2   u32 offset, u32 stride, u32 count, u8 size      count elements of size bytes of it, stride bytes apart
    u8 3   u32 offset, u32 n, u8 type                      n elements of blocks of that type in it (GGUF's number), as float32

hf/NAME.json is config.json. Needs: pip install torch transformers safetensors tokenizers gguf numpy
"""
import json
import os
import struct
import tempfile

import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize
from safetensors.torch import load_file, save
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

HERE = os.path.dirname(os.path.abspath(__file__))
CL100K = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
          r"\s+(?!\S)|\s+")


def raw(x):
    return x.contiguous().view(torch.uint8).numpy().tobytes()


def as_stored(x, gguf):
    """x in the smallest type in which it is the same and its bytes are in the GGUF file; vectors stay."""
    for dtype in (torch.float16, torch.bfloat16):
        y = x.to(dtype)
        if x.ndim > 1 and torch.equal(y.to(torch.float32), x):
            parts = [y[(0,) * (y.ndim - 1)], y[(0,) * (y.ndim - 2)][:, 0]]
            if any(raw(p) in gguf for p in parts):
                return y
    return x


def blocks_of(x, gguf):
    """Where the row x is in the GGUF file as blocks of which its values are."""
    for kind in (Type.Q8_0, Type.Q4_0):
        if x.dtype == torch.float32 and len(x) % 32 == 0:
            data = quantize(x.numpy(), kind)
            at = gguf.find(data.tobytes())
            if at >= 0 and np.array_equal(dequantize(data, kind), x.numpy()):
                return [3, at, len(x), int(kind)]
    return None


class Delta:
    def __init__(self, gguf):
        self.gguf, self.out, self.last, self.size = gguf, [], None, 0

    def put(self, data, strided=None, blocks=None):
        """data, a row of a tensor; strided: where in the GGUF file its elements stand apart; blocks: where blocks of it do."""
        self.size += len(data)
        if self.last and self.last[0] == 1 and self.gguf.startswith(data, self.last[1] + self.last[2]):
            self.last[2] += len(data)
            return
        at = self.gguf.find(data) if len(data) >= 16 else -1
        if at >= 0:
            self.start([1, at, len(data)])
        elif strided:
            self.start([2, *strided])
        elif blocks:
            self.start(blocks)
        elif self.last and self.last[0] == 0:
            self.last[1] += data
        else:
            self.start([0, data])

    def start(self, op):
        self.last = op
        self.out.append(op)

    def bytes(self):
        parts = [b"SUMIDELT", struct.pack("<I", self.size)]
        for op in self.out:
            if op[0] == 0:
                parts.append(struct.pack("<BI", 0, len(op[1])) + op[1])
            elif op[0] == 1:
                parts.append(struct.pack("<BII", *op))
            elif op[0] == 2:
                parts.append(struct.pack("<BIIIB", *op))
            else:
                parts.append(struct.pack("<BIIB", *op))
        return b"".join(parts)


def put_tensor(delta, x):
    """Row by row; a transposed matrix is in the GGUF file column by column."""
    if x.ndim > 2:
        for part in x:
            put_tensor(delta, part)
        return
    if x.ndim != 2:
        delta.put(raw(x))
        return
    at = delta.gguf.find(raw(x.T)) if x.shape[0] > 1 else -1
    size, rows = x.element_size(), x.shape[0]
    for i in range(rows):
        row = raw(x[i])
        strided = (at + i * size, rows * size, x.shape[1], size) if at >= 0 else None
        delta.put(row, strided, blocks_of(x[i], delta.gguf))


def as_published(name, config, state):
    """gpt-oss: experts as blocks of MXFP4, pairs of neighbours in a byte (GGUF: element i and i + 16), and their scales."""
    if name != "gpt-oss":
        return config, state
    out = {}
    for key, x in state.items():
        if not key.endswith(("gate_up_proj", "down_proj")):
            out[key] = x
            continue
        x = quantize(x.to(torch.float32).transpose(1, 2).contiguous().numpy(), Type.MXFP4)
        x = x.reshape(*x.shape[:2], -1, 17)
        values = np.concatenate([x[..., 1:] & 15, x[..., 1:] >> 4], axis=-1)
        out[key + "_blocks"] = torch.from_numpy(values[..., ::2] | values[..., 1::2] << 4)
        out[key + "_scales"] = torch.from_numpy(x[..., 0].copy())
    return {**config, "quantization_config": {"quant_method": "mxfp4"}}, out


def write(name, model):
    """hf/NAME.json and hf/NAME.delta from a model of transformers whose tiny/NAME.gguf is written."""
    os.makedirs(os.path.join(HERE, "hf"), exist_ok=True)
    with open(os.path.join(HERE, "tiny", f"{name}.gguf"), "rb") as f:
        gguf = f.read()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        with open(os.path.join(folder, "config.json")) as f:
            config = json.load(f)
        state = load_file(os.path.join(folder, "model.safetensors"))
    config, state = as_published(name, config, state)
    write_files(name, config, {k: as_stored(v, gguf) if v.dtype == torch.float32 else v for k, v in state.items()}, gguf)


def write_files(name, config, state, gguf):
    file = save(state, metadata={"format": "pt"})
    n_header = struct.unpack("<Q", file[:8])[0]
    places = {k: v["data_offsets"] for k, v in json.loads(file[8:8 + n_header]).items() if k != "__metadata__"}
    delta = Delta(gguf)
    delta.put(file[:8 + n_header])
    for key, _ in sorted(places.items(), key=lambda item: item[1]):
        put_tensor(delta, state[key])
    assert delta.size == len(file)
    with open(os.path.join(HERE, "hf", f"{name}.delta"), "wb") as f:
        f.write(delta.bytes())
    with open(os.path.join(HERE, "hf", f"{name}.json"), "w") as f:
        json.dump(config, f, indent=1)
        f.write("\n")
    print(f"{name}: delta of {len(delta.bytes())} bytes for a file of {len(file)}")


def write_tokenizers(characters, special, pairs):
    """The vocabularies of make_tiny.py: bytes in GPT-2's alphabet, and characters with a fallback to bytes."""
    for name, tokens in (("bytes", characters), ("spm", [f"<0x{b:02X}>" for b in range(256)])):
        vocab = {t: i for i, t in enumerate(tokens + special + pairs)}
        singles = [] if name == "bytes" else sorted({c for p in pairs for c in p})
        vocab.update({c: len(vocab) + i for i, c in enumerate(singles)})
        model = models.BPE(vocab, [tuple(p) for p in pairs], byte_fallback=name == "spm")
        t = Tokenizer(model)
        if name == "bytes":
            t.pre_tokenizer = pre_tokenizers.Sequence([
                pre_tokenizers.Split(Regex(CL100K), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
            t.decoder = decoders.ByteLevel()
        else:
            t.normalizer = normalizers.Replace(" ", "\u2581")
        t.add_special_tokens([AddedToken(s, special=True) for s in special])
        data = json.loads(t.to_str())
        data["model"]["ignore_merges"] = name == "bytes"
        with open(os.path.join(HERE, "hf", f"tokenizer-{name}.json"), "w") as f:
            json.dump(data, f, ensure_ascii=False, separators=(",", ":"))
            f.write("\n")
