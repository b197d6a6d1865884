"""make_added_tokens.py - special tokens in text, by `tokenizers`: lstrip, rstrip, single_word, normalized.

    pip install tokenizers==0.23.3
    python3 tests/golden/make_added_tokens.py

Writes tests/golden/added_tokens.json: for each kind of vocabulary a tokenizer.json with tokens of every combination of flags,
texts of random pieces (their spellings, white space of all kinds, letters, marks), and the ids of each text.
"""
import itertools
import json
import pathlib
import random

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers

OUT = pathlib.Path(__file__).parent / "added_tokens.json"
SPACES = [" ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u3000", "\u0085", "\u2028", "\u200b", "\u180e"]
LETTERS = ["a", "b", "ab", "A", "1", "_", "-", ".", "é", "e\u0301", "É", "ﬁ", "fi", "Ⓐ", "\u200d", "²", "中", "文", "😀", "ا", "\u0301"]
FLAGS = ["lstrip", "rstrip", "single_word", "normalized"]


def added(with_user):
    """A token for each set of flags, and some that begin with others."""
    tokens = []
    for on in itertools.product([False, True], repeat=4):
        flags = dict(zip(FLAGS, on))
        name = "".join(f[0] for f, v in flags.items() if v) or "0"
        tokens.append(AddedToken(f"<{name}>", special=True, **flags))
        if with_user:
            tokens.append(AddedToken(f"x{name}", special=False, **flags))
    return tokens + [AddedToken("<l>x", special=True, normalized=False), AddedToken("\n", special=False, normalized=False),
                     AddedToken("é", special=False, normalized=True), AddedToken("ﬁB", special=False, normalized=False),
                     AddedToken("É a", special=False, normalized=True, lstrip=True),
                     AddedToken("文", special=False, normalized=True, single_word=True)]


def byte_level(normalizer):
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {c: i for i, c in enumerate(alphabet)}
    merges = [("a", "b"), ("Ġ", "a"), ("Ã", "©"), ("x", "l"), ("<", "l")]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    t = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    t.normalizer = normalizer
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return t


def sentencepiece(normalizer, pre_tokenizer):
    pieces = ["<unk>"] + [f"<0x{i:02X}>" for i in range(256)] + list("▁abAxlrsn01<>_-.éÉ中") + ["▁a", "ab", "▁ab", "▁<", "▁x"]
    merges = [("▁", "a"), ("a", "b"), ("▁", "ab"), ("▁a", "b"), ("▁", "<"), ("▁", "x")]
    t = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=merges, unk_token="<unk>", fuse_unk=True,
                             byte_fallback=True))
    t.normalizer, t.pre_tokenizer = normalizer, pre_tokenizer
    t.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return t


def wordpiece(lower):
    pieces = ["[UNK]", "a", "b", "ab", "##a", "##b", "A", "É", "e", "é", "1", "_", "-", ".", "<", ">", "l", "x", "##l", "##x", "0",
              "中", "fi", "##1"]
    t = Tokenizer(models.WordPiece(vocab={p: i for i, p in enumerate(pieces)}, unk_token="[UNK]"))
    t.add_special_tokens(["[UNK]"])
    t.normalizer = normalizers.BertNormalizer(lowercase=lower)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return t


def texts(tokens, seed):
    rng = random.Random(seed)
    spelled = [t.content for t in tokens]
    spelled += [s.upper() for s in spelled] + [s.replace("é", "e\u0301") for s in spelled if "é" in s]
    made = ["", " ", "<lrsn>"] + [f"a {s}  b" for s in spelled[:len(tokens)]]
    for _ in range(250):
        made.append("".join(rng.choice([rng.choice(spelled), rng.choice(SPACES), rng.choice(LETTERS)])
                            for _ in range(rng.randint(1, 12))))
    return made


def main():
    replace = normalizers.Replace(" ", "▁")
    kinds = {
        "byte-level": (byte_level(None), True),
        "byte-level-nfc": (byte_level(normalizers.NFC()), True),
        "sentencepiece-prepend": (sentencepiece(normalizers.Sequence([normalizers.Prepend("▁"), replace]), None), True),
        "sentencepiece-replace": (sentencepiece(replace, None), True),
        "sentencepiece-metaspace": (sentencepiece(None, pre_tokenizers.Metaspace(prepend_scheme="never", split=False)), True),
        "wordpiece-lower": (wordpiece(True), True),
        "wordpiece-cased": (wordpiece(False), True),
    }
    cases = []
    for seed, (name, (t, with_user)) in enumerate(kinds.items()):
        tokens = added(with_user)
        for token in tokens:
            (t.add_special_tokens if token.special else t.add_tokens)([token])
        all_texts = texts(tokens, seed)
        cases.append({"name": name, "tokenizer": json.loads(t.to_str()),
                      "texts": [[x, t.encode(x, add_special_tokens=False).ids] for x in all_texts]})
    OUT.write_text("[" + ",\n".join(json.dumps(c, separators=(",", ":")).replace("],[", "],\n[") for c in cases) + "]\n")


if __name__ == "__main__":
    main()
