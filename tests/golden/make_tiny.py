#!/usr/bin/env python3
"""make_tiny.py - tiny models of random weights, and what transformers makes of them:  python3 make_tiny.py

Writes tiny/NAME.gguf, tiny/NAME.bin and tiny/NAME.hidden for each model below, and tiny/versions.json. Each model has one thing that
the real models of the golden tests do not have. The weights are drawn by numpy with a seed for each model, wide enough
that logits differ by several units; they are rounded to the types of the GGUF file first, so that transformers
computes with exactly what the file holds. NAME.bin, little-endian:

    char magic[8] "SUMITINY"   u32 n_ids   u32 n_vocab   i32 ids[n_ids]   f32 logits[n_ids][n_vocab]

NAME.hidden has what the final norm gave for the same ids:

    char magic[8] "SUMIHIDE"   u32 n_ids   u32 n_embd   f32 hidden[n_ids][n_embd]

The GGUF files follow llama.cpp's convert_hf_to_gguf.py: names of keys and tensors, llama's Q and K permuted so that a
rotary pair lies side by side (qwen2 and gemma3 keep halves), 1 added to Gemma's norm weights, llama-3's RoPE scaling
as the tensor rope_freqs.weight. The other families are in tiny_families.py; NAME.bin has fewer ids there, and there is
no NAME.hidden. A name as argument makes that model only.  Needs: pip install torch transformers gguf numpy
"""
import json
import math
import os
import sys
import zlib
from importlib.metadata import version

import gguf
import hf_folder
import numpy as np
import torch
import tiny_families
from gguf import GGMLQuantizationType as Type
from transformers import (AutoModelForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM, Qwen2Config,
                          Qwen2ForCausalLM)

HERE = os.path.dirname(os.path.abspath(__file__))
N_VOCAB = 288
SPECIAL = ["<|end|>", "<|begin|>", "<|pad|>"]
PAIRS = [a + b for a in "etaoins" for b in "etaoins"][:N_VOCAB - 259]
NO_CLASS = ("exaone", "internlm2", "minicpm")   # their folders have code of their own: transformers computes them by Llama's
N_FAMILY_IDS = 40
N_IDS = 72      # more than four blocks of 16 and than all windows and original contexts below

COMMON = dict(vocab_size=N_VOCAB, max_position_embeddings=256, bos_token_id=257, eos_token_id=256)
LLAMA3 = dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=64)
LINEAR = dict(rope_type="linear", rope_theta=10000.0, factor=4.0)
PLAIN = dict(rope_type="default", rope_theta=1000000.0)
SMALL = dict(hidden_size=64, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2)
GEMMA = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=7, num_attention_heads=2, num_key_value_heads=1,
             head_dim=32, query_pre_attn_scalar=32, sliding_window=8, hidden_activation="gelu_pytorch_tanh",
             layer_types=["full_attention" if i == 5 else "sliding_attention" for i in range(7)])
LOCAL = dict(rope_type="default", rope_theta=10000.0)

# name: (architecture, what it is there for, config, types of its matrices, in turn)
MODELS = {
    "qwen2-tied": ("qwen2", "biases of Q, K and V; tied embeddings; all F32",
                   Qwen2Config(**COMMON, **SMALL, tie_word_embeddings=True, rope_parameters=PLAIN), [Type.F32]),
    "qwen2-untied": ("qwen2", "an output matrix of its own; F16, BF16 and Q8_0",
                     Qwen2Config(**COMMON, **SMALL, tie_word_embeddings=False, rope_parameters=PLAIN),
                     [Type.F16, Type.BF16, Type.Q8_0]),
    "llama-rope3": ("llama", "llama-3 scaling of RoPE; F32 and F16",
                    LlamaConfig(**COMMON, **SMALL, tie_word_embeddings=False, rope_parameters=LLAMA3),
                    [Type.F32, Type.F16]),
    "llama-linear": ("llama", "linear scaling of RoPE; heads wider than n_embd / n_heads; Q8_0 and F16",
                     LlamaConfig(**COMMON, **SMALL, head_dim=32, tie_word_embeddings=True, rope_parameters=LINEAR),
                     [Type.Q8_0, Type.F16]),
    "gemma3": ("gemma3", "a window of 8; one layer of seven looks at everything; one KV head; F16",
               Gemma3TextConfig(**COMMON, **GEMMA, pad_token_id=258,
                                rope_parameters={"full_attention": PLAIN, "sliding_attention": LOCAL}), [Type.F16]),
    "gemma3-linear": ("gemma3", "linear scaling in the layers without window only, as Gemma 3 4B has it; BF16 and F16",
                      Gemma3TextConfig(**COMMON, **GEMMA, pad_token_id=258,
                                       rope_parameters={"full_attention": {**LINEAR, "rope_theta": 1000000.0},
                                                        "sliding_attention": LOCAL}), [Type.BF16, Type.F16]),
}
CLASSES = {"qwen2": Qwen2ForCausalLM, "llama": LlamaForCausalLM, "gemma3": Gemma3ForCausalLM}

NAMES = {   # Hugging Face name of a module in a layer -> GGUF name
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
NAMES_GEMMA3 = {**NAMES, "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
                "post_feedforward_layernorm": "post_ffw_norm"}
TOP_NAMES = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
             "lm_head.weight": "output.weight"}


def gguf_name(arch, name):
    if name in TOP_NAMES:
        return TOP_NAMES[name]
    _, _, layer, rest = name.split(".", 3)
    module, kind = rest.rsplit(".", 1)
    return f"blk.{layer}.{(NAMES_GEMMA3 if arch == 'gemma3' else NAMES)[module]}.{kind}"


def draw(rng, name, shape):
    """Random values of a tensor: matrices keep the variance of their input, or exceed it so that heads attend sharply."""
    x = rng.standard_normal(shape)
    if len(shape) == 2:
        gain = 0.5 if "embed_tokens" in name else 3.0 if "q_proj" in name or "lm_head" in name else 1.2
        return x * gain / (1 if "embed_tokens" in name else math.sqrt(shape[1]))
    if "norm" in name:
        return 1 + 0.2 * x
    return 0.5 * x      # a bias


def permute(w, n_heads):
    """Rows of a head from halves (x0 x1 ... y0 y1 ...) to adjacent pairs (x0 y0 x1 y1 ...)."""
    return w.reshape(n_heads, 2, w.shape[0] // n_heads // 2, -1).swapaxes(1, 2).reshape(w.shape)


def rope_freqs(config):
    """Divisors of the frequencies: none for short wavelengths, factor for long ones, a slope between (Llama 3.1)."""
    p, dim = config.rope_parameters, config.head_dim
    for i in range(0, dim, 2):
        wavelength = 2 * math.pi * p["rope_theta"] ** (i / dim)
        turns = p["original_max_position_embeddings"] / wavelength
        smooth = (turns - p["low_freq_factor"]) / (p["high_freq_factor"] - p["low_freq_factor"])
        smooth = min(max(smooth, 0), 1)
        yield 1 / ((1 - smooth) / p["factor"] + smooth)


def byte_characters():
    """GPT-2's printable stand-ins for the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(others)) for b in range(256)]


def add_vocabulary(w, arch):
    """256 bytes, 3 special tokens and some merged pieces: enough for any engine to load the file."""
    special, pairs = SPECIAL, PAIRS
    types = [1] * 256 + [3] * 3 + [1] * len(pairs)
    if arch == "gemma3":
        tokens = [f"<0x{b:02X}>" for b in range(256)] + special + pairs
        types[:256] = [6] * 256
        w.add_tokenizer_model("llama")
        w.add_token_scores([0.0] * 259 + [-float(i + 1) for i in range(len(pairs))])
        w.add_add_bos_token(True)
        w.add_add_space_prefix(False)
    else:
        tokens = byte_characters() + special + pairs
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre("qwen2" if arch == "qwen2" else "llama-bpe")
        w.add_token_merges([" ".join(p) for p in pairs])
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_eos_token_id(256)
    w.add_bos_token_id(257)


def add_metadata(w, arch, config):
    w.add_name("random weights for tests")
    w.add_context_length(config.max_position_embeddings)
    w.add_embedding_length(config.hidden_size)
    w.add_block_count(config.num_hidden_layers)
    w.add_feed_forward_length(config.intermediate_size)
    w.add_head_count(config.num_attention_heads)
    w.add_head_count_kv(config.num_key_value_heads)
    w.add_layer_norm_rms_eps(config.rms_norm_eps)
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    if head_dim * config.num_attention_heads != config.hidden_size or arch == "gemma3":
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
    if arch == "llama":
        w.add_vocab_size(config.vocab_size)
        w.add_rope_dimension_count(head_dim)
    rope = config.rope_parameters.get("full_attention", config.rope_parameters)
    w.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(rope["factor"])
    if arch == "gemma3":
        w.add_sliding_window(config.sliding_window)


def make(name, arch, config, types, seed):
    rng = np.random.default_rng(seed)
    config._attn_implementation = "eager"
    model = CLASSES[arch](config).to(torch.float32).eval()
    w = gguf.GGUFWriter(os.path.join(HERE, "tiny", f"{name}.gguf"), arch)
    add_metadata(w, arch, config)
    add_vocabulary(w, arch)
    state, matrices = {}, 0
    for key, old in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        x = draw(rng, key, tuple(old.shape)).astype(np.float32)
        kind = Type.F32
        if x.ndim == 2:
            kind = types[matrices % len(types)]
            matrices += 1
            x = gguf.quants.dequantize(gguf.quants.quantize(x, kind), kind).astype(np.float32)
        # Gemma's files hold 1 + weight: what transformers gets is the exact rest of what the file will hold.
        state[key] = torch.from_numpy(x - 1 if arch == "gemma3" and "norm" in key else x)
        if arch == "llama" and "q_proj" in key:
            x = permute(x, config.num_attention_heads)
        if arch == "llama" and "k_proj" in key:
            x = permute(x, config.num_key_value_heads)
        w.add_tensor(gguf_name(arch, key), gguf.quants.quantize(x, kind), raw_dtype=kind)
    if arch == "llama" and config.rope_parameters["rope_type"] == "llama3":
        w.add_tensor("rope_freqs.weight", np.array(list(rope_freqs(config)), np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()

    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    if set(types) <= {Type.F32, Type.F16, Type.BF16}:
        hf_folder.write(name, model)
    ids = rng.integers(0, N_VOCAB, N_IDS)
    with torch.no_grad():
        logits = model(torch.tensor(ids[None])).logits[0].numpy()
        hidden = model.model(torch.tensor(ids[None])).last_hidden_state[0].numpy()
    with open(os.path.join(HERE, "tiny", f"{name}.bin"), "wb") as f:
        f.write(b"SUMITINY" + np.array([N_IDS, N_VOCAB], "<u4").tobytes() + ids.astype("<i4").tobytes()
                + logits.astype("<f4").tobytes())
    with open(os.path.join(HERE, "tiny", f"{name}.hidden"), "wb") as f:
        f.write(b"SUMIHIDE" + np.array(hidden.shape, "<u4").tobytes() + hidden.astype("<f4").tobytes())
    size = os.path.getsize(os.path.join(HERE, "tiny", f"{name}.gguf"))
    print(f"{name}: {size} bytes, standard deviation of a row of logits {logits.std(axis=1).mean():.2f}")


def draw_family(rng, arch, key, x, is_norm):
    """Random values of a tensor of the other families, whose matrices have their outputs in front, but for GPT-2's."""
    noise = torch.from_numpy(rng.standard_normal(tuple(x.shape))).to(torch.float32)
    if is_norm or x.ndim == 1 or key.endswith("correction_bias"):
        return 1 + 0.2 * noise if is_norm and key.endswith("weight") else 0.3 * noise
    if any(part in key for part in ("embed_tokens", "embed_in", "word_embeddings", "wte", "wpe")):
        return 0.5 * noise
    gain = 3.0 if any(part in key for part in ("q_proj", "q_b_proj", "lm_head", "embed_out", *tiny_families.ROUTERS)) else \
        2.0 if any(part in key for part in ("qkv_proj", "c_attn", "query_key_value", "Wqkv", "kv_b_proj", "experts")) else 1.2
    inputs = 0 if "c_" in key and "GPT2" in key else -2 if tiny_families.is_transposed(arch, key) else -1
    return noise * gain / math.sqrt(x.shape[inputs])


def rounded(x, kind):
    """What the file's type leaves of values."""
    return torch.from_numpy(gguf.quants.dequantize(gguf.quants.quantize(x.numpy(), kind), kind).astype(np.float32))


def make_family(name, arch, config):
    """The matrices are F16, experts of a type of their own, all else F32."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    config._attn_implementation = "eager"
    model = AutoModelForCausalLM.from_config(config).to(torch.float32).eval()
    names = gguf.get_tensor_name_map({v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch], config.num_hidden_layers)
    w = gguf.GGUFWriter(os.path.join(HERE, "tiny", f"{name}.gguf"), arch)
    w.add_name("random weights for tests")
    tiny_families.add_metadata(w, arch, config)
    add_vocabulary(w, "gemma3" if arch.startswith("gemma") else arch)
    tied = config.tie_word_embeddings
    state = {}
    bias_of_choice = [(key, x) for key, x in model.named_buffers() if key.endswith("e_score_correction_bias")]
    for key, x in [*model.named_parameters(), *bias_of_choice]:
        is_norm = "norm" in key or ".ln_" in key
        x = draw_family(rng, arch, key, x, is_norm)
        if arch in ("gemma", "gemma2", "nemotron") and key.endswith("norm.weight"):
            x = x - 1
        turn = tiny_families.is_transposed(arch, key)
        x = x.transpose(1, 2).contiguous() if turn else x
        x = x if is_norm else rounded(x, tiny_families.type_of(name, key, x))
        state[key] = x.transpose(1, 2) if turn else x
    for key, x in tiny_families.merged(arch, state, config).items():
        if tied and key in ("lm_head.weight", "embed_out.weight"):
            continue
        x = tiny_families.to_file(arch, key, x, config).numpy()
        kind = Type.F32 if "norm" in key else tiny_families.type_of(name, key, x)
        file_name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        assert file_name, key
        w.add_tensor(file_name, gguf.quants.quantize(x, kind), raw_dtype=kind)
    for key, x in tiny_families.extra_tensors(arch, config):
        w.add_tensor(key, x.numpy())
    if getattr(config, "rope_parameters", None) and config.rope_parameters.get("rope_type") == "llama3":
        w.add_tensor("rope_freqs.weight", np.array(list(rope_freqs(config)), np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()

    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all(key in dict(model.named_buffers()) or tied for key in missing), (missing, unexpected)
    model.tie_weights()
    if arch not in NO_CLASS:
        hf_folder.write(name, model)
    ids = rng.integers(0, N_VOCAB, N_FAMILY_IDS)
    with torch.no_grad():
        logits = model(torch.tensor(ids[None])).logits[0].numpy()
    with open(os.path.join(HERE, "tiny", f"{name}.bin"), "wb") as f:
        f.write(b"SUMITINY" + np.array([N_FAMILY_IDS, N_VOCAB], "<u4").tobytes() + ids.astype("<i4").tobytes()
                + logits.astype("<f4").tobytes())
    size = os.path.getsize(os.path.join(HERE, "tiny", f"{name}.gguf"))
    print(f"{name}: {size} bytes, standard deviation of a row of logits {logits.std(axis=1).mean():.2f}")


def main():
    only = sys.argv[1:]
    if not only:
        hf_folder.write_tokenizers(byte_characters(), SPECIAL, PAIRS)
    for seed, (name, (arch, _, config, types)) in enumerate(MODELS.items()):
        if not only or name in only:
            make(name, arch, config, types, seed)
    for name, (arch, _, config) in tiny_families.FAMILIES.items():
        if not only or name in only:
            make_family(name, arch, config)
    with open(os.path.join(HERE, "tiny", "versions.json"), "w") as f:
        json.dump({p: version(p) for p in ("torch", "transformers", "gguf", "numpy")}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
