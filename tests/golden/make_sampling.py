#!/usr/bin/env python3
"""Golden distributions for the sampler, from the LogitsProcessor classes of transformers.

    python tests/golden/make_sampling.py > tests/golden/sampling/shapes.json

Made with Python 3.11, transformers 5.23.0, torch 2.15.0, numpy 2.x, seed 20. Each case is a row of logits, a list of
seen tokens and settings; the classes are applied in sumi's order (src/sample/sampler.h), in float32 on float32 logits
as transformers does. The result is the set of ids that may be drawn and their probabilities.
"""
import json
import sys

import numpy as np
import torch
from transformers.generation import logits_process as lp

rng = np.random.default_rng(20)


def frequency_and_presence(seen, scores, frequency, presence):
    """OpenAI's formula; transformers has no class for it."""
    counts = torch.bincount(torch.tensor(seen, dtype=torch.long), minlength=scores.shape[-1]).float()
    return scores - counts * frequency - (counts > 0).float() * presence


def shape(logits, seen, s):
    ids = torch.tensor([seen], dtype=torch.long)
    x = torch.tensor([logits], dtype=torch.float32)
    if s.get("repeat_penalty", 1) != 1:
        x = lp.RepetitionPenaltyLogitsProcessor(s["repeat_penalty"])(ids, x)
    if s.get("frequency_penalty", 0) or s.get("presence_penalty", 0):
        x = frequency_and_presence(seen, x, s.get("frequency_penalty", 0), s.get("presence_penalty", 0))
    if s.get("temperature", 1) != 1:
        x = lp.TemperatureLogitsWarper(s["temperature"])(ids, x)
    if s.get("top_k", 0):
        x = lp.TopKLogitsWarper(s["top_k"])(ids, x)
    if s.get("typical_p", 1) < 1:
        x = lp.TypicalLogitsWarper(s["typical_p"])(ids, x)
    if s.get("top_p", 1) < 1:
        x = lp.TopPLogitsWarper(s["top_p"])(ids, x)
    if s.get("min_p", 0):
        x = lp.MinPLogitsWarper(s["min_p"])(ids, x)
    p = torch.softmax(x.double(), dim=-1)[0]
    kept = torch.nonzero(x[0] > -torch.inf)[:, 0].tolist()
    return kept, [float(f"{p[i]:.7g}") for i in kept]


def row(n, spread):
    return [float(f"{v:.5g}") for v in rng.normal(0, spread, n)]


SETTINGS = [
    {},
    {"temperature": 0.7},
    {"temperature": 2.5},
    {"top_k": 1},
    {"top_k": 7},
    {"top_p": 0.1},
    {"top_p": 0.5},
    {"top_p": 0.95},
    {"min_p": 0.05},
    {"min_p": 0.5},
    {"typical_p": 0.2},
    {"typical_p": 0.9},
    {"temperature": 1.5, "typical_p": 0.5, "top_p": 0.8},
    {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05},
    {"temperature": 1.3, "top_k": 30, "typical_p": 0.7, "top_p": 0.9, "min_p": 0.02},
    {"repeat_penalty": 1.3},
    {"repeat_penalty": 0.8, "top_p": 0.9},
    {"frequency_penalty": 0.7, "presence_penalty": 0.4, "top_k": 20},
    {"repeat_penalty": 1.1, "frequency_penalty": 0.2, "presence_penalty": -0.3, "temperature": 0.9, "top_p": 0.7},
]

cases = []
for n_vocab, spread in ((37, 1.0), (150, 3.0)):
    for settings in SETTINGS:
        logits = row(n_vocab, spread)
        seen = [int(v) for v in rng.integers(0, n_vocab, 25)]
        kept, probs = shape(logits, seen, settings)
        cases.append({"settings": settings, "logits": logits, "seen": seen, "kept": kept, "probs": probs})
json.dump({"cases": cases}, sys.stdout, separators=(",", ":"))
print()
