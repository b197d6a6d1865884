#!/usr/bin/env python3
"""make_embeddings.py - golden embeddings by real models:  python3 make_embeddings.py MODELS_FOLDER

Writes embeddings/NAME.bin for each model, and embeddings/versions.json. All little-endian:

    char magic[8] "SUMIEMBD"   u32 n_texts   u32 n_embd
    for each text:
        u32 n_ids   i32 ids[n_ids]
        f32 mean[n_embd]        mean of the final hidden states, brought to length 1
        f32 last[n_embd]        the last of them, the same

The texts are those of make_logits.py. Hidden states are transformers' last_hidden_state, behind the final norm, in
float32; pooled in float64. How the model is read is told in oracle.py.
"""
import json
import os
import struct
import sys

import numpy as np
import torch

import make_logits
import oracle

HERE = os.path.dirname(os.path.abspath(__file__))


def unit(x):
    return (x / np.linalg.norm(x)).astype("<f4").tobytes()


@torch.no_grad()
def hidden_states(model, ids):
    return model.model(torch.tensor([ids])).last_hidden_state[0].double().numpy()


def main():
    for name in make_logits.MODELS:
        path = os.path.join(sys.argv[1], f"{name}.gguf")
        meta, model = oracle.read_metadata(path), oracle.load_model(path)
        out, n_texts, n_embd = b"", 0, model.config.hidden_size
        for title, ids, _ in make_logits.prompts(name, meta):
            hidden = hidden_states(model, ids)
            out += struct.pack("<I", len(ids)) + np.array(ids, "<i4").tobytes() + unit(hidden.mean(0)) + unit(hidden[-1])
            n_texts += 1
            print(f"{name} {title}: {len(ids)} tokens")
        with open(os.path.join(HERE, "embeddings", f"{name}.bin"), "wb") as f:
            f.write(struct.pack("<8sII", b"SUMIEMBD", n_texts, n_embd) + out)
    with open(os.path.join(HERE, "embeddings", "versions.json"), "w") as f:
        json.dump(oracle.versions(), f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
