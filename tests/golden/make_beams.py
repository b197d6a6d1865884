#!/usr/bin/env python3
"""Golden beam searches, by generate() of transformers in float32:   python tests/golden/make_beams.py

Writes beams/qwen2-tied.json: for each case a prompt of random ids (seed 5), settings, and the best beams with their
scores. Cases in which two candidates are closer than float32 can tell would make a golden of rounding; the script stops
if the scores of neighbouring beams are closer than 1e-5.  Needs: pip install torch transformers accelerate gguf numpy
"""
import json
import os
import random

import torch

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
# The model's own end token is 256; tokens that it likes to say make searches that end by themselves.
LIKED = [67, 105, 142, 145, 239]
CASES = [  # end tokens, beam_width, n, length_penalty, early_stopping, min_tokens, max_tokens
    ([256], 2, 2, 1.0, False, 0, 12),
    ([256], 8, 4, 2.0, False, 0, 24),
    ([256], 16, 4, 0.5, True, 0, 20),
    (LIKED, 4, 3, 1.0, True, 0, 40),
    (LIKED, 4, 4, 0.0, False, 0, 40),
    (LIKED[:1], 3, 1, -1.0, False, 0, 30),
    (LIKED[:2], 5, 5, 1.0, True, 6, 30),
    (LIKED[:3], 8, 2, 1.5, False, 3, 40),
]


def main():
    rng, cases = random.Random(5), []
    model = oracle.load_model(os.path.join(HERE, "tiny", "qwen2-tied.gguf"))
    for ends, width, n, penalty, early, shortest, longest in CASES:
        ids = [rng.randrange(3, 256) for _ in range(rng.randrange(3, 30))]
        with torch.no_grad():
            out = model.generate(torch.tensor([ids]), num_beams=width, num_return_sequences=n, do_sample=False,
                                 length_penalty=penalty, early_stopping=early, min_new_tokens=shortest or None,
                                 max_new_tokens=longest, eos_token_id=ends, pad_token_id=0, output_scores=True,
                                 return_dict_in_generate=True)
        scores = out.sequences_scores.tolist()
        assert all(a - b > 1e-5 for a, b in zip(scores, scores[1:])), scores
        beams = []
        for sequence, score in zip(out.sequences.tolist(), scores):
            answer = sequence[len(ids):]
            end = next((i for i, token in enumerate(answer) if token in ends and i >= shortest), len(answer) - 1)
            answer = answer[:end + 1]
            beams.append({"ids": answer, "score": round(score, 6)})
        cases.append({"prompt": ids, "end_ids": ends, "beam_width": width, "n": n, "length_penalty": penalty, "early_stopping": early,
                      "min_tokens": shortest, "max_tokens": longest, "beams": beams})
    with open(os.path.join(HERE, "beams", "qwen2-tied.json"), "w") as f:
        json.dump({"versions": oracle.versions(), "cases": cases}, f)
        f.write("\n")
    print(f"{len(cases)} cases, {sum(b['ids'][-1] in c['end_ids'] for c in cases for b in c['beams'])} beams end by themselves")


main()
