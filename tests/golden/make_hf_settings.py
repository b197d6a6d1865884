#!/usr/bin/env python3
"""make_hf_settings.py - what transformers makes of tiny models whose config.json says something else:  python3 make_hf_settings.py

hf_settings/NAME.bin, in the form of tiny/NAME.bin (make_tiny.py), has the logits of a model of hf/ with the settings below
changed; test_hf_settings.c makes the same change. hf_defaults.json has, of each configuration class whose models sumi reads,
what to_dict() gives for its defaults: test_hf_defaults.c. Needs: pip install torch transformers gguf numpy safetensors
"""
import json
import os
import struct
import tempfile

import gguf
import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
N_IDS = 24
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 32}

# name: (tiny model, settings that are changed, whether the folder has an output matrix beside tied embeddings)
CASES = {
    "activation": ("mistral", {"hidden_act": "gelu"}, False),
    "yarn-truncate": ("llama-yarn", {"rope_parameters": {**YARN, "truncate": False}}, False),
    "yarn-mscale": ("llama-yarn", {"rope_parameters": {**YARN, "mscale": 0.7, "mscale_all_dim": 1.2}}, False),
    "yarn-size": ("llama-yarn", {"rope_parameters": {**YARN, "attention_factor": 0.8}}, False),
    "no-caps": ("gemma2", {"attn_logit_softcapping": None, "final_logit_softcapping": None}, False),
    "tied-with-head": ("qwen2-tied", {}, True),
    "ntk-alpha": ("hunyuan-moe", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 10000.0, "alpha": 50.0, "factor": 1.0}}, False),
}

CLASSES = """Arcee Bert Bloom Cohere Cohere2 DeepseekV2 DeepseekV3 Ernie4_5_Moe Exaone4 Falcon Gemma Gemma2 Gemma3Text GPT2 GPTNeoX Glm4Moe
GptOss GraniteMoe GraniteMoeShared Granite HunYuanMoEV1 Llama Mistral Llama4Text Mixtral Mpt Nemotron NomicBert Olmo Olmo2 Olmo3 Olmoe
Phi Phi3 Qwen2 Qwen2Moe Qwen3Moe Qwen3 SmolLM3 StableLm GPTBigCode Starcoder2""".split()


def apply_delta(name):
    """The bytes of model.safetensors: hf_folder.py describes the operations."""
    with open(f"{HERE}/hf/{name}.delta", "rb") as f:
        delta = f.read()
    with open(f"{HERE}/tiny/{name}.gguf", "rb") as f:
        source = f.read()
    out, p = b"", 12
    while p < len(delta):
        op, a = struct.unpack_from("<BI", delta, p)
        p += 5
        if op == 0:
            out, p = out + delta[p:p + a], p + a
        elif op == 1:
            out, p = out + source[a:a + struct.unpack_from("<I", delta, p)[0]], p + 4
        elif op == 2:
            stride, count, size = struct.unpack_from("<IIB", delta, p)
            out, p = out + b"".join(source[a + i * stride:a + i * stride + size] for i in range(count)), p + 9
        else:
            n, kind = struct.unpack_from("<IB", delta, p)
            block, size = gguf.GGML_QUANT_SIZES[kind]
            raw = np.frombuffer(source[a:a + n // block * size], np.uint8)
            out, p = out + gguf.quants.dequantize(raw, gguf.GGMLQuantizationType(kind)).astype("<f4").tobytes(), p + 5
    return out


def make(name, base, changes, own_head):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{HERE}/hf/{base}.json") as f:
            config = {**json.load(f), **changes}
        if own_head:
            config["tie_word_embeddings"] = False
        with open(f"{folder}/config.json", "w") as f:
            json.dump(config, f)
        with open(f"{folder}/model.safetensors", "wb") as f:
            f.write(apply_delta(base))
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    if own_head:    # the embeddings, twice as large and the other way round
        with torch.no_grad():
            model.lm_head.weight.copy_(2 * model.model.embed_tokens.weight.flip(0))
    n_vocab = model.config.vocab_size
    ids = np.random.default_rng(1).integers(0, n_vocab, N_IDS)
    with torch.no_grad():
        logits = model(torch.tensor(ids[None])).logits[0].numpy()
    with open(f"{HERE}/hf_settings/{name}.bin", "wb") as f:
        f.write(b"SUMITINY" + np.array([N_IDS, n_vocab], "<u4").tobytes() + ids.astype("<i4").tobytes()
                + logits.astype("<f4").tobytes())
    print(name, logits.std())


def defaults():
    out = {}
    for name in CLASSES:
        config = getattr(transformers, name + "Config")().to_dict()
        for key in ("transformers_version", "architectures"):
            config.pop(key, None)
        if config.get("num_experts_per_tok", 1) is None:    # DeepSeek V2's default cannot be computed
            config["num_experts_per_tok"] = 6
        out[name] = config
    with open(f"{HERE}/hf_defaults.json", "w") as f:
        f.write("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in out.items()) + "\n}\n")


if __name__ == "__main__":
    os.makedirs(f"{HERE}/hf_settings", exist_ok=True)
    defaults()
    for case, settings in CASES.items():
        make(case, *settings)
    with open(f"{HERE}/hf_settings/versions.json", "w") as f:
        json.dump({"torch": torch.__version__, "transformers": transformers.__version__, "gguf": gguf.__version__ if hasattr(gguf, "__version__") else ""}, f)
        f.write("\n")
