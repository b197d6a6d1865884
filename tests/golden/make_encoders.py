#!/usr/bin/env python3
"""make_encoders.py - encoders: tiny ones of random weights, and all-MiniLM-L6-v2, with what transformers makes of them.

    python3 make_encoders.py                    the tiny ones
    python3 make_encoders.py MODELS_FOLDER      all-MiniLM-L6-v2, which scripts/fetch-model put there as minilm/

A tiny model is written to tiny/NAME.gguf as llama.cpp's converter (conversion/bert.py) would write it: matrices in F16, the
rest in F32, weights drawn by numpy from the CRC-32 of the name. (For jina-bert-v2 transformers has no class: jina_states() stands
in for it.) tiny/NAME.states, little-endian, has every hidden state of
some texts of random ids, one of them longer than the chunks in which attention is summed, by transformers in float32:

    char magic[8] "SUMIENCO"   u32 n_texts   u32 n_embd
    for each text:  u32 n_ids   i32 ids[n_ids]   f32 states[n_ids][n_embd]

Of nomic-bert comes its Hugging Face folder, too (hf_folder.py), with hf/tokenizer-wordpiece.json.

Of MiniLM come MODELS_FOLDER/minilm.gguf, in F32, and embeddings/minilm.bin: the sentences of minilm_sentences.txt with
their ids by `tokenizers` and their embeddings, mean of the last hidden states and of length 1:

    char magic[8] "SUMISENT"   u32 n_texts   u32 n_embd
    for each line:  u32 n_ids   i32 ids[n_ids]   f32 embedding[n_embd]

Needs: pip install torch transformers tokenizers gguf numpy
"""
import json
import math
import os
import struct
import sys
import zlib
from importlib.metadata import version

import gguf
import numpy as np
import torch
from gguf import GGMLQuantizationType as Type
from gguf import PoolingType
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers
from transformers import AutoModel, BertConfig, EuroBertConfig, ModernBertConfig, NomicBertConfig

import hf_folder
import make_tiny
from make_wordpiece import add_wordpieces

HERE = os.path.dirname(os.path.abspath(__file__))
SMALL = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
TEXTS = [1, 2, 16, 17, 45, 70]      # ids in each text of a tiny model
LONG = 530                          # more than ATTN_CHUNK positions
PAD, UNK, CLS, SEP, MASK = range(5)
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?"
PIECES = ["the", "un", "##able", "##ing", "##s", "house", "##\u00df", "\u00e6"]
WORDPIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS, *("##" + c for c in LETTERS[:36]), *PIECES]
PLAIN = dict(rope_type="default", rope_theta=10000.0)
BERT = dict(vocab_size=len(WORDPIECES), type_vocab_size=2, **SMALL, pad_token_id=PAD)

# name: (architecture, what it is there for, config, pooling, ids of its longest text)
MODELS = {
    "bert": ("bert", "learned positions, norms on the residual stream, biases, exact GELU",
             BertConfig(**BERT, max_position_embeddings=LONG, hidden_act="gelu"), PoolingType.MEAN, LONG),
    "nomic-bert": ("nomic-bert", "rotations, SwiGLU, fused Q, K and V, no biases but those of norms",
                   NomicBertConfig(**BERT, max_position_embeddings=128,
                                   rope_parameters=dict(rope_type="default", rope_theta=1000.0)), PoolingType.CLS, 0),
    "eurobert": ("eurobert", "Llama that looks both ways",
                 EuroBertConfig(**SMALL, num_key_value_heads=2, vocab_size=make_tiny.N_VOCAB, max_position_embeddings=128,
                                rope_parameters=PLAIN, bos_token_id=257, eos_token_id=256, pad_token_id=258),
                 PoolingType.LAST, 0),
    "jina-bert-v2": ("jina-bert-v2", "linear biases of attention instead of positions, gated GELU without biases",
                     BertConfig(**BERT, max_position_embeddings=128), PoolingType.MEAN, 0),
    "modern-bert": ("modern-bert", "windows both ways in two of three layers, with a RoPE base of their own; no first norm",
                    ModernBertConfig(**{**SMALL, "num_hidden_layers": 5}, vocab_size=make_tiny.N_VOCAB,
                                     max_position_embeddings=128, local_attention=8, global_attn_every_n_layers=3,
                                     bos_token_id=257, eos_token_id=256, cls_token_id=257, sep_token_id=256,
                                     pad_token_id=258), PoolingType.CLS, 0),
}

TOP = {"embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
       "embeddings.position_embeddings": "position_embd", "embeddings.LayerNorm": "token_embd_norm",
       "embed_tokens": "token_embd", "norm": "output_norm",
       "embeddings.tok_embeddings": "token_embd", "embeddings.norm": "token_embd_norm", "final_norm": "output_norm"}
IN_BLOCK = {
    "bert": {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
             "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
             "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"},
    "nomic-bert": {"self_attn.qkv": "attn_qkv", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
                   "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "post_attention_layernorm": "attn_output_norm",
                   "post_mlp_layernorm": "layer_output_norm"},
    "eurobert": make_tiny.NAMES,
    "modern-bert": {"attn_norm": "attn_norm", "attn.Wqkv": "attn_qkv", "attn.Wo": "attn_output", "mlp_norm": "ffn_norm",
                    "mlp.Wi": "ffn_up", "mlp.Wo": "ffn_down"},
}


def gguf_name(arch, key):
    module, kind = key.rsplit(".", 1)
    if arch == "jina-bert-v2":
        return key
    if module in TOP:
        return f"{TOP[module]}.{kind}"
    _, layer, rest = module.removeprefix("encoder.").split(".", 2)
    return f"blk.{layer}.{IN_BLOCK[arch][rest]}.{kind}"


def add_metadata(w, arch, config, pooling):
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_feed_forward_length(config.intermediate_size)
    w.add_block_count(config.num_hidden_layers)
    w.add_head_count(config.num_attention_heads)
    w.add_causal_attention(False)
    w.add_pooling_type(pooling)
    if hasattr(config, "rms_norm_eps"):
        w.add_layer_norm_rms_eps(config.rms_norm_eps)
        w.add_head_count_kv(config.num_key_value_heads)
    else:
        w.add_layer_norm_eps(config.norm_eps if arch == "modern-bert" else config.layer_norm_eps)
    if arch == "modern-bert":
        w.add_sliding_window(config.local_attention)
        w.add_sliding_window_pattern(config.global_attn_every_n_layers)
        w.add_string("modern-bert.hidden_activation", config.hidden_activation)
        w.add_rope_freq_base(config.rope_parameters["full_attention"]["rope_theta"])
    elif getattr(config, "rope_parameters", None):
        w.add_rope_freq_base(config.rope_parameters["rope_theta"])


def fused(state):
    """Q, K and V below each other, where the family's own files have them so."""
    for key, x in state.items():
        if ".q_proj." in key:
            yield key.replace("q_proj", "qkv"), torch.cat([state[key.replace("q_proj", p)]
                                                            for p in ("q_proj", "k_proj", "v_proj")])
        elif ".k_proj." not in key and ".v_proj." not in key:
            yield key, x


def write_gguf(path, name, arch, config, pooling, vocab, state, matrices):
    w = gguf.GGUFWriter(path, arch)
    w.add_name(name)
    add_metadata(w, arch, config, pooling)
    if vocab:
        add_wordpieces(w, vocab)
    else:
        make_tiny.add_vocabulary(w, arch)
    for key, x in fused(state) if arch == "nomic-bert" else state.items():
        kind = matrices if x.ndim == 2 else Type.F32
        w.add_tensor(gguf_name(arch, key), gguf.quants.quantize(x.numpy(), kind), raw_dtype=kind)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def draw(rng, key, x):
    noise = torch.from_numpy(rng.standard_normal(tuple(x.shape))).to(torch.float32)
    if x.ndim == 1:
        return 1 + 0.2 * noise if key.endswith(("norm.weight", "LayerNorm.weight")) else 0.3 * noise
    if "embed" in key or "token_" in key:
        return (0.5 * noise).to(torch.float16).to(torch.float32)
    gain = 3.0 if any(part in key for part in ("query", "q_proj", "attn_q.")) else 2.0 if "Wqkv" in key else 1.2
    return (noise * gain / math.sqrt(x.shape[1])).to(torch.float16).to(torch.float32)


def jina_shapes(c):
    """Tensors of jina-bert-v2 by their GGUF names. transformers has no class for it."""
    shapes = {"token_embd.weight": (c.vocab_size, c.hidden_size), "token_types.weight": (2, c.hidden_size)}
    norms = ["token_embd_norm"]
    for b in (f"blk.{i}" for i in range(c.num_hidden_layers)):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes |= {f"{b}.{name}.weight": (c.hidden_size, c.hidden_size), f"{b}.{name}.bias": (c.hidden_size,)}
        shapes |= {f"{b}.ffn_up.weight": (2 * c.intermediate_size, c.hidden_size), f"{b}.ffn_down.bias": (c.hidden_size,),
                   f"{b}.ffn_down.weight": (c.hidden_size, c.intermediate_size)}
        norms += [f"{b}.attn_output_norm", f"{b}.layer_output_norm"]
    return shapes | {f"{n}.{kind}": (c.hidden_size,) for n in norms for kind in ("weight", "bias")}


def jina_states(w, c, ids):
    """As Guenther et al. 2023 (arXiv 2310.19923) and the model's code have it: BERT with linear biases by distance, and a
    gated feed-forward block whose gate is the first half."""
    F, n, heads = torch.nn.functional, len(ids), c.num_attention_heads
    norm = lambda x, name: F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], c.layer_norm_eps)
    linear = lambda x, name: F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))
    split = lambda x: x.reshape(n, heads, -1).transpose(0, 1)
    distance = (torch.arange(n)[:, None] - torch.arange(n)).abs()
    slopes = torch.tensor([2.0 ** (-8 * (h + 1) / heads) for h in range(heads)])
    x = norm(w["token_embd.weight"][ids] + w["token_types.weight"][0], "token_embd_norm")
    for b in (f"blk.{i}" for i in range(c.num_hidden_layers)):
        q, k, v = (split(linear(x, f"{b}.attn_{p}")) for p in "qkv")
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) - slopes[:, None, None] * distance
        seen = (scores.softmax(-1) @ v).transpose(0, 1).reshape(n, -1)
        x = norm(x + linear(seen, f"{b}.attn_output"), f"{b}.attn_output_norm")
        gate, up = linear(x, f"{b}.ffn_up").chunk(2, -1)
        x = norm(x + linear(F.gelu(gate) * up, f"{b}.ffn_down"), f"{b}.layer_output_norm")
    return x


def states_by_transformers(state, config):
    config._attn_implementation = "eager"
    model = AutoModel.from_config(config).to(torch.float32).eval()
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("pooler" in key or "position_ids" in key for key in missing), (missing, unexpected)
    return lambda ids: model(torch.tensor(ids[None])).last_hidden_state[0]


def write_folder(name, config, state):
    model = AutoModel.from_config(config)
    model.load_state_dict(state, strict=False)
    hf_folder.write(name, model)
    t = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(WORDPIECES)}, unk_token="[UNK]"))
    t.normalizer = normalizers.BertNormalizer()
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.add_special_tokens([AddedToken(s, special=True) for s in WORDPIECES[:5]])
    with open(os.path.join(HERE, "hf", "tokenizer-wordpiece.json"), "w") as f:
        f.write(json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n")


def shapes_of(arch, config):
    if arch == "jina-bert-v2":
        return jina_shapes(config)
    return {key: x.shape for key, x in AutoModel.from_config(config).named_parameters() if "pooler" not in key}


@torch.no_grad()
def make(name, arch, config, pooling, longest):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    state = {key: draw(rng, key, torch.empty(shape)) for key, shape in shapes_of(arch, config).items()}
    vocab = None if arch in ("eurobert", "modern-bert") else WORDPIECES
    write_gguf(os.path.join(HERE, "tiny", f"{name}.gguf"), "random weights for tests", arch, config, pooling, vocab,
               state, Type.F16)
    if arch == "nomic-bert":
        write_folder(name, config, state)
    if arch == "jina-bert-v2":
        run = lambda ids: jina_states(state, config, ids)
    else:
        run = states_by_transformers(state, config)
    lengths = TEXTS + [longest] * (longest > 0)
    with open(os.path.join(HERE, "tiny", f"{name}.states"), "wb") as f:
        f.write(struct.pack("<8sII", b"SUMIENCO", len(lengths), config.hidden_size))
        for n in lengths:
            ids = rng.integers(0, config.vocab_size, n)
            states = run(ids).numpy()
            f.write(struct.pack("<I", n) + ids.astype("<i4").tobytes() + states.astype("<f4").tobytes())
    print(f"{name}: {os.path.getsize(os.path.join(HERE, 'tiny', f'{name}.gguf'))} bytes, states of size {states.std():.2f}")


@torch.no_grad()
def make_minilm(models):
    folder = os.path.join(models, "minilm")
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    vocab = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    state = {key: x for key, x in model.state_dict().items() if "pooler" not in key and "position_ids" not in key}
    write_gguf(os.path.join(models, "minilm.gguf"), "all-MiniLM-L6-v2", "bert", model.config, PoolingType.MEAN, vocab,
               state, Type.F32)
    with open(os.path.join(HERE, "minilm_sentences.txt"), encoding="utf-8") as f:
        sentences = f.read().splitlines()
    with open(os.path.join(HERE, "embeddings", "minilm.bin"), "wb") as f:
        f.write(struct.pack("<8sII", b"SUMISENT", len(sentences), model.config.hidden_size))
        for text in sentences:
            ids = tokenizer.encode(text).ids
            mean = model(torch.tensor([ids])).last_hidden_state[0].double().mean(0).numpy()
            f.write(struct.pack("<I", len(ids)) + np.array(ids, "<i4").tobytes()
                    + (mean / np.linalg.norm(mean)).astype("<f4").tobytes())
    print(f"minilm: {len(sentences)} sentences")


def main():
    torch.set_num_threads(1)
    where = "embeddings" if len(sys.argv) > 1 else "tiny"
    if len(sys.argv) > 1:
        make_minilm(sys.argv[1])
    else:
        for name, (arch, _, config, pooling, longest) in MODELS.items():
            make(name, arch, config, pooling, longest)
    with open(os.path.join(HERE, where, "encoder_versions.json"), "w") as f:
        json.dump({p: version(p) for p in ("torch", "transformers", "tokenizers", "gguf", "numpy")}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
