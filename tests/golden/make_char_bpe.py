"""make_char_bpe.py - vocabularies whose merges are of characters, by `tokenizers`: those of Gemma 4 and its kin, in which
U+2581 stands for a space, and those that drop white space.

    pip install tokenizers==0.23.3
    python3 tests/golden/make_char_bpe.py

Writes tests/golden/char_bpe.json: for each kind the values of tokenizer.ggml.model and .pre that mean it, tokens and merges
learnt from the texts of tokenizer_texts.py, and for each of these texts four characters of base64: the low 24 bits of a hash
over its ids, the highest byte first (FNV-1a, 32 bits, over little-endian 32-bit numbers). Characters that are rare in
the texts have no token: they become the tokens of their bytes, or nothing where white space is dropped.
"""
import base64
import json
import pathlib

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from make_pretok import fnv1a
from tokenizer_texts import TEXTS

OUT = pathlib.Path(__file__).parent / "char_bpe.json"
BYTES = [f"<0x{i:02X}>" for i in range(256)]


def learn(normalizer, pre_tokenizer, first):
    """tokens, merges"""
    t = Tokenizer(models.BPE())
    t.normalizer, t.pre_tokenizer = normalizer, pre_tokenizer
    t.train_from_iterator([x.replace("\0", "") for x in TEXTS], trainers.BpeTrainer(vocab_size=900, limit_alphabet=250, special_tokens=first, show_progress=False))
    model = json.loads(t.to_str())["model"]
    return sorted(model["vocab"], key=model["vocab"].get), [tuple(m) for m in model["merges"]]


def main():
    spaces = normalizers.Replace(" ", "▁")
    lines = pre_tokenizers.Split(Regex("[^\n]+|[\n]+"), "isolated")
    kinds = [
        ([["gemma4", None], ["gpt2", "gemma4"], ["gpt2", "granite-embed-multi-311m"], ["gpt2", "sarvam-moe"]], spaces, lines, True),
        ([["whitespace", None], ["gpt2", "whitespace"]], None, pre_tokenizers.WhitespaceSplit(), False),
    ]
    cases = []
    for names, normalizer, pre_tokenizer, fallback in kinds:
        tokens, merges = learn(normalizer, pre_tokenizer, ["<unk>", "<s>"] + (BYTES if fallback else []))
        t = Tokenizer(models.BPE(vocab={x: i for i, x in enumerate(tokens)}, merges=merges, byte_fallback=fallback))
        t.normalizer, t.pre_tokenizer = normalizer, pre_tokenizer
        hashes = [fnv1a(t.encode(x, add_special_tokens=False).ids) for x in TEXTS]
        cases.append({"names": names, "tokens": tokens, "merges": [" ".join(m) for m in merges],
                      "hashes": base64.b64encode(b"".join(hashes)).decode()})
    OUT.write_text("[" + ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")).replace('","', '",\n"') for c in cases)
                   + "]\n")


if __name__ == "__main__":
    main()
