"""make_tokenizer.py - token ids of difficult texts, by the Hugging Face library `tokenizers`.

    pip install tokenizers==0.23.3 gguf==0.19.0
    python3 tests/golden/make_tokenizer.py models/       # the folder of smollm2.gguf and gemma3-270m.gguf

Writes tests/golden/tokenizer/:
  texts.json          the texts, and the texts that are not UTF-8 in hex
  smollm2.json        ids of each text: with special tokens parsed, and without where that differs
  gemma3-270m.json

The tokenizers are put together from the vocabulary of the model file and what the family's own tokenizer.json says:
  smollm2   Digits(individual_digits) and ByteLevel, BPE
  gemma     Replace(" ", U+2581), BPE with byte_fallback and fuse_unk; its merges are the pairs of tokens that make a
            token, in the order of the ids of what they make. Control tokens are special, user-defined ones are not.

Bytes that are not UTF-8 cannot be given to `tokenizers`, so what sumi defines is composed of what it can do: stretches
of valid UTF-8 are encoded as usual, and a run of invalid bytes becomes one piece of byte-level BPE (smollm2), or one
byte token for each (gemma). Valid text is encoded with its neighbours cut away, which is exact where an invalid byte
also ends a word or a piece; gemma has no such cuts in general, but the texts here have none that matter.
"""
import json
import pathlib
import re
import sys

import gguf
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers
from tokenizers.models import BPE

from tokenizer_texts import INVALID, TEXTS

OUT = pathlib.Path(__file__).parent / "tokenizer"
CONTROL, USER_DEFINED = 3, 4

def read_vocab(path):
    reader = gguf.GGUFReader(path)
    get = lambda key: reader.fields[f"tokenizer.ggml.{key}"].contents() if f"tokenizer.ggml.{key}" in reader.fields else None
    return get("tokens"), get("token_type"), get("merges")


def add_specials(tokenizer, tokens, types, skip=()):
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True)
                                  for t, kind in zip(tokens, types) if kind == CONTROL])
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False)
                          for t, kind in zip(tokens, types) if kind == USER_DEFINED and t not in skip])


def smollm2(path):
    tokens, types, merges = read_vocab(path)
    model = BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[tuple(m.split(" ")) for m in merges])
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                       pre_tokenizers.ByteLevel(add_prefix_space=False)])
    add_specials(tokenizer, tokens, types)
    return tokenizer


def gemma_merges(vocab):
    merges = []
    for token in vocab:
        pairs = [(token[:i], token[i:]) for i in range(1, len(token)) if token[:i] in vocab and token[i:] in vocab]
        merges += sorted(pairs, key=lambda p: -len(p[0]))
    return merges


def gemma(path):
    tokens, types, _ = read_vocab(path)
    spaces = {t for t in tokens if t and not t.strip(" ")}  # the converter wrote runs of U+2581 as real spaces
    vocab = {t.replace(" ", "\u2581") if t in spaces else t: i for i, t in enumerate(tokens)}
    tokenizer = Tokenizer(BPE(vocab=vocab, merges=gemma_merges(vocab), unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    add_specials(tokenizer, tokens, types, skip=spaces)
    return tokenizer


def encode(tokenizer, text, special=True):
    tokenizer.encode_special_tokens = not special
    return tokenizer.encode(text, add_special_tokens=False).ids


def split_invalid(data):
    """(is_valid, bytes) of the maximal stretches."""
    text = data.decode("utf-8", "surrogateescape")  # an invalid byte b becomes U+DC00 + b
    for part in re.findall("[\udc80-\udcff]+|[^\udc80-\udcff]+", text):
        yield not "\udc80" <= part[0] <= "\udcff", part.encode("utf-8", "surrogateescape")


def encode_bytes(tokenizer, data, byte_level):
    ids = []
    for valid, part in split_invalid(data):
        if valid:
            ids += encode(tokenizer, part.decode())
        elif byte_level:
            spelling = bytes_to_unicode()
            ids += [t.id for t in tokenizer.model.tokenize("".join(spelling[b] for b in part))]
        else:
            ids += [tokenizer.token_to_id(f"<0x{b:02X}>") for b in part]
    return ids


def bytes_to_unicode():
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [b for b in range(256) if b not in printable]
    return {b: chr(b) for b in printable} | {b: chr(256 + i) for i, b in enumerate(rest)}


def write(name, value):
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    (OUT / name).write_text(text.replace("],[", "],\n[").replace("\",\"", "\",\n\"") + "\n")


def main():
    models = pathlib.Path(sys.argv[1])
    OUT.mkdir(exist_ok=True)
    write("texts.json", {"texts": TEXTS, "invalid": [b.hex() for b in INVALID]})
    for name, make in (("smollm2", smollm2), ("gemma3-270m", gemma)):
        tokenizer = make(models / f"{name}.gguf")
        special = [encode(tokenizer, t) for t in TEXTS]
        plain = {i: encode(tokenizer, t, special=False) for i, t in enumerate(TEXTS)}
        write(f"{name}.json", {
            "special": special,
            "plain": {str(i): ids for i, ids in plain.items() if ids != special[i]},
            "invalid": [encode_bytes(tokenizer, b, name == "smollm2") for b in INVALID],
        })


if __name__ == "__main__":
    main()
