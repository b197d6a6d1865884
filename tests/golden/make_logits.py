#!/usr/bin/env python3
"""make_logits.py - golden next-token distributions of real models:  python3 make_logits.py MODELS_FOLDER

Writes logits/NAME.bin for each model, and logits/versions.json. All little-endian:

    char magic[8] "SUMIGOLD"   u32 n_prompts   u32 n_vocab   u32 k
    for each prompt:
        char name[32]   u32 n_ids   u32 n_rows   i32 ids[n_ids]
        for each row:
            u32 position        the distribution after ids[0..position]
            f32 rest            log of the probability of all tokens that are not among the k
            i32 top[k]          the k most probable tokens, best first
            f32 logprob[k]      their log-probabilities

Long prompts keep the rows of three stretches only: the start, both sides of position 512, where Gemma's window begins
to slide, and the end. How the distributions are made is told in oracle.py.
"""
import json
import os
import struct
import sys

import numpy as np

import oracle

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = ["smollm2", "gemma3-270m"]
K = 64
LONG_TOKENS = 680

ENGLISH = """The lighthouse keeper climbed the spiral stairs every evening, counting them without meaning to. There were \
two hundred and seventeen. On the night of the storm he reached the top and found the lamp already burning, although \
he had not lit it. He sat down on the iron step and waited for whoever had come before him to speak."""

CODE = """#include <stdio.h>

/* Returns the greatest common divisor of a and b. */
static unsigned gcd(unsigned a, unsigned b)
{
    while (b != 0) {
        unsigned t = a % b;
        a = b;
        b = t;
    }
    return a;
}

def quicksort(xs):
    if len(xs) <= 1:
        return xs
    pivot = xs[0]
    return quicksort([x for x in xs[1:] if x < pivot]) + [pivot] + quicksort("""

UNICODE = """Der Fluß überquert die Straße. El niño comió piñas. Любовь к чтению — это дар. 東京は日本の首都です。\
مرحبا بالعالم. שלום עולם. 🚀👩‍🔬🇫🇷 e\u0301 ≠ é, ∑ᵢ xᵢ² ≤ ∞. ภาษาไทย 한국어"""

DIGITS = """12345 + 67890 = 80235. 3.14159265358979 is pi; 2.71828182845904 is e. 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, \
144, 233, 377. Call +44 20 7946 0958 before 2031-12-24T18:30:00Z. 7 * 8 ="""

MARKUP = """{"name": "sumi", "tags": ["a", "b", "c"], "nested": {"x": [1, 2.5, -3e10, null, true]}}

| id | name  | price |
|---:|-------|-------|
|  1 | apple |  0.50 |
|  2 | pear  |  0.75 |
|  3 |"""

SYSTEM, QUESTION, ANSWER, FOLLOW = ("You are a patient teacher.", "Why is the sky blue?",
                                   "Because air scatters blue light more than red light.", "And at sunset?")
CHAT = {
    "smollm2": f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\n{QUESTION}<|im_end|>\n"
               f"<|im_start|>assistant\n{ANSWER}<|im_end|>\n<|im_start|>user\n{FOLLOW}<|im_end|>\n"
               f"<|im_start|>assistant\n",
    "gemma3-270m": f"<start_of_turn>user\n{SYSTEM}\n\n{QUESTION}<end_of_turn>\n<start_of_turn>model\n{ANSWER}"
                   f"<end_of_turn>\n<start_of_turn>user\n{FOLLOW}<end_of_turn>\n<start_of_turn>model\n",
}


def prompts(name, meta):
    """(name, ids, positions whose distributions are kept) of each prompt."""
    encode, bos = oracle.make_encoder(meta), oracle.bos_ids(meta)
    for title, text in [("english", ENGLISH), ("chat", CHAT[name]), ("code", CODE), ("unicode", UNICODE),
                        ("digits", DIGITS), ("markup", MARKUP)]:
        ids = bos + encode(text)
        yield title, ids, range(len(ids))
    with open(os.path.join(HERE, "perplexity", "alice.txt"), encoding="utf-8") as f:
        ids = (bos + encode(f.read(8000)))[:LONG_TOKENS]
    yield "long", ids, [*range(16), *range(496, 544), *range(LONG_TOKENS - 64, LONG_TOKENS)]


def rows(log_probs, positions):
    for position in positions:
        row = log_probs[position]
        order = np.argsort(-row, kind="stable")
        rest = np.logaddexp.reduce(row[order[K:]])
        yield (struct.pack("<If", position, rest) + order[:K].astype("<i4").tobytes()
               + row[order[:K]].astype("<f4").tobytes())


def main():
    for name in MODELS:
        path = os.path.join(sys.argv[1], f"{name}.gguf")
        meta, model = oracle.read_metadata(path), oracle.load_model(path)
        out = b""
        all_prompts = list(prompts(name, meta))
        for title, ids, positions in all_prompts:
            out += struct.pack("<32sII", title.encode(), len(ids), len(positions)) + np.array(ids, "<i4").tobytes()
            out += b"".join(rows(oracle.log_probs(model, ids), positions))
            print(f"{name} {title}: {len(ids)} tokens, {len(positions)} rows")
        header = struct.pack("<8sIII", b"SUMIGOLD", len(all_prompts), len(meta["tokenizer.ggml.tokens"]), K)
        with open(os.path.join(HERE, "logits", f"{name}.bin"), "wb") as f:
            f.write(header + out)
    with open(os.path.join(HERE, "logits", "versions.json"), "w") as f:
        json.dump(oracle.versions(), f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
