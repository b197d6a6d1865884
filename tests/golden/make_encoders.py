#!/usr/bin/env python3
"""make_encoders.py - encoders: tiny ones of random weights, and all-MiniLM-L6-v2, with what transformers makes of them.

    python3 make_encoders.py                    the tiny ones
    python3 make_encoders.py MODELS_FOLDER      all-MiniLM-L6-v2, which scripts/fetch-model put there as minilm/

A tiny model is written to tiny/NAME.gguf as llama.cpp's converter (conversion/bert.py) would write it: matrices in F16, the
rest in F32, weights drawn by numpy from the CRC-32 of the name. tiny/NAME.states, little-endian, has every hidden state of
some texts of random ids, one of them longer than the chunks in which attention is summed, by transformers in float32:

    char magic[8] "SUMIENCO"   u32 n_texts   u32 n_embd
    for each text:  u32 n_ids   i32 ids[n_ids]   f32 states[n_ids][n_embd]

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
from tokenizers import Tokenizer
from transformers import AutoModel, BertConfig, EuroBertConfig, NomicBertConfig

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
}

TOP = {"embeddings.word_embeddings": "token_embd", "embeddings.token_type_embeddings": "token_types",
       "embeddings.position_embeddings": "position_embd", "embeddings.LayerNorm": "token_embd_norm",
       "embed_tokens": "token_embd", "norm": "output_norm"}
IN_BLOCK = {
    "bert": {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
             "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
             "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"},
    "nomic-bert": {"self_attn.qkv": "attn_qkv", "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate",
                   "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "post_attention_layernorm": "attn_output_norm",
                   "post_mlp_layernorm": "layer_output_norm"},
    "eurobert": make_tiny.NAMES,
}


def gguf_name(arch, key):
    module, kind = key.rsplit(".", 1)
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
        w.add_layer_norm_eps(config.layer_norm_eps)
    if getattr(config, "rope_parameters", None):
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
        return 1 + 0.2 * noise if key.endswith("norm.weight") or key.endswith("LayerNorm.weight") else 0.3 * noise
    gain = 0.5 * math.sqrt(x.shape[1]) if "embed" in key else 3.0 if "query" in key or "q_proj" in key else 1.2
    return (noise * gain / math.sqrt(x.shape[1])).to(torch.float16).to(torch.float32)


@torch.no_grad()
def make(name, arch, config, pooling, longest):
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    config._attn_implementation = "eager"
    model = AutoModel.from_config(config).to(torch.float32).eval()
    state = {key: draw(rng, key, x) for key, x in model.named_parameters() if "pooler" not in key}
    vocab = None if arch == "eurobert" else WORDPIECES
    write_gguf(os.path.join(HERE, "tiny", f"{name}.gguf"), "random weights for tests", arch, config, pooling, vocab,
               state, Type.F16)
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("pooler" in key or "position_ids" in key for key in missing), (missing, unexpected)
    lengths = TEXTS + [longest] * (longest > 0)
    with open(os.path.join(HERE, "tiny", f"{name}.states"), "wb") as f:
        f.write(struct.pack("<8sII", b"SUMIENCO", len(lengths), config.hidden_size))
        for n in lengths:
            ids = rng.integers(0, config.vocab_size, n)
            states = model(torch.tensor(ids[None])).last_hidden_state[0].numpy()
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
