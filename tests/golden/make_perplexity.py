#!/usr/bin/env python3
"""make_perplexity.py - how well transformers predicts a text:  python3 make_perplexity.py MODELS_FOLDER [NAME...]

Writes perplexity/NAME.json. The definition, which `sumi eval perplexity` shares but for the last stretch, which it uses
too however short it is:

  - The text becomes ids as a whole; special tokens that it spells are plain text, and no BOS is added.
  - The ids are cut into consecutive stretches that do not overlap. Each is evaluated on its own, after a BOS if the
    file asks for one; stretch and BOS together are a window of ctx tokens. What is left at the end, too short for a
    window, is not used.
  - Every token of a window but its first is scored with -log P(token | those before it in the window).
  - Perplexity is exp(mean of all scores).

The text is chapters I to VI of Lewis Carroll's "Alice's Adventures in Wonderland" (1865, public domain), as in
alice29.txt of the Canterbury corpus, with Unix line ends. What this needs is told in oracle.py.
"""
import json
import math
import os
import sys

import torch

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = ["smollm2", "gemma3-270m"]
CTX = 512


@torch.no_grad()
def score_window(model, window):
    logits, score = model(torch.tensor([window])).logits[0], 0.0
    for i in range(len(window) - 1):
        row = logits[i].double()
        score += float(torch.logsumexp(row, 0) - row[window[i + 1]])
    return score


def main():
    with open(os.path.join(HERE, "perplexity", "alice.txt"), encoding="utf-8") as f:
        text = f.read()
    for name in sys.argv[2:] or MODELS:
        path = os.path.join(sys.argv[1], f"{name}.gguf")
        meta, model = oracle.read_metadata(path), oracle.load_model(path)
        bos, ids = oracle.bos_ids(meta), oracle.make_encoder(meta)(text)
        step = CTX - len(bos)
        windows = [bos + ids[i:i + step] for i in range(0, len(ids) - step + 1, step)]
        scores = [score_window(model, window) for window in windows]
        result = {
            "ctx": CTX, "n_bos": len(bos), "n_ids": len(ids), "n_windows": len(windows), "scored_per_window": CTX - 1,
            "perplexity": math.exp(sum(scores) / len(scores) / (CTX - 1)),
            "window_scores": [round(s, 4) for s in scores],     # sum of -log P over a window
            "versions": oracle.versions(),
        }
        with open(os.path.join(HERE, "perplexity", f"{name}.json"), "w") as f:
            json.dump(result, f, indent=1)
            f.write("\n")
        print(f"{name}: {len(windows)} windows, perplexity {result['perplexity']:.4f}")


if __name__ == "__main__":
    main()
