#!/usr/bin/env python3
"""make_wordpiece.py - WordPiece vocabularies and their ids of difficult texts, by `tokenizers`:  python3 make_wordpiece.py

Two vocabularies are trained by `tokenizers` on a novel and on the texts themselves: one that lowers and strips accents, and
one that keeps both. Writes tokenizer/wordpiece-uncased.gguf and wordpiece-cased.gguf, without tensors, as llama.cpp's
converter writes BERT's; the first tells in its keys that it lowers, the second leaves it to be found out. And
tokenizer/wordpiece.json: the texts, and for each vocabulary the ids of each, with [CLS], [SEP] and special tokens.

The texts: a part of tokenizer_texts.py, and what only BERT's normalizer treats in a way of its own. Characters that are
younger than Unicode 8, which the tables of `tokenizers` do not know, are left out. Training breaks ties in no fixed order: each run
makes other vocabularies.  Needs: pip install tokenizers gguf
"""
import json
import pathlib

import gguf
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece
from tokenizers.trainers import WordPieceTrainer

from tokenizer_texts import TEXTS

HERE = pathlib.Path(__file__).parent
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
N_VOCAB = 1400
MAX_CHARS, STEP = 120, 2    # of texts that are taken over, and of which every so many

OWN = [
    "", " ", "\n", "a", "A", "ABC", "Stra\u00dfe STRASSE", "don't", "U.S.A.", "(a)[b]{c}", "a_b-c", "$5+5=10^1|~`<>", "##ing", "un##able",
    "[CLS]", "[SEP] [SEP]", "x[MASK]y", "[mask]", "[UNK]", "[PAD]a", "[CLS", "CLS]", "[unused1]",
    "caf\u00e9 cafe\u0301 CAF\u00c9", "\u1e69 s\u0323\u0307 s\u0307\u0323", "\u0130stanbul I\u0307", "\u00c5ngstr\u00f6m \u212b", "\ufb01n \ufb03", "\u01c5 \u01c4",
    "\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2 \u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3", "\u0439 \u0438\u0306", "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd", "\u0627\u0644\u0633\u0651\u0644\u0627\u0645\u064f", "\u0e01\u0e33\u0e19\u0e31\u0e25",
    "\u4f60\u597d\u4e16\u754c", "a\u4e2db\u6587c", "\u3042\u30a2\u4e9c", "\uf900\uf901", "\U00020000\U0002a6df\U0002b820\U0002b920", "\ud55c\uad6d\uc5b4 \u1112\u1161\u11ab", "\u3400\u4dbf\u4dc0", "\u3000\u5168\u89d2\u3000",
    "a\x00b", "a\x01b\x7fc", "a\u00adb", "a\u200bb\u200dc\ufeffd", "a\ufffdb", "a\ue000b", "a\tb\rc\nd", "a\x0bb\x0cc", "a\u0085b", "a\u00a0b\u2003c\u2028d\u3000e",
    "\u2581", "a\u2581b", "\u2581the", "the\u2581", "\u00bfqu\u00e9? \u00a1s\u00ed!", "\u201cq\u201d \u2018r\u2019 \u00abs\u00bb", "\u2014\u2013\u2026\u2022", "\u20ac100 \u00a3 \u00a5", "\u00a7 \u00b6 \u00a9 \u2122", "\u0964\u0965", "\u3001\u3002\uff01\uff1f",
    "a" * 99, "a" * 100, "a" * 101, "\u00e9" * 100, "\u00e9" * 101, "e\u0301" * 100, "e\u0301" * 101, "." * 120, "\u4e2d" * 101,
    "b" * 300 + " c", "the" * 33, "the" * 34, "un" * 50, "un" * 51, "\U0001f600", "\U0001f468\u200d\U0001f469", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3", "\u2460\u00bd\u00b2\u2167",
]


def add_wordpieces(w, vocab):
    """vocab.txt with the begins of words marked instead of what goes on with them."""
    w.add_token_type_count(2)
    w.add_tokenizer_model("bert")
    w.add_tokenizer_pre("jina-v2-en")
    w.add_token_list([t if t in SPECIAL else t[2:] if t.startswith("##") else "\u2581" + t for t in vocab])
    w.add_token_types([3 if t in SPECIAL else 1 for t in vocab])
    for key, name in (("unknown", "[UNK]"), ("seperator", "[SEP]"), ("padding", "[PAD]"), ("cls", "[CLS]"), ("mask", "[MASK]")):
        w.add_uint32(f"tokenizer.ggml.{key}_token_id", vocab.index(name))


def train(lower, corpus):
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = WordPieceTrainer(vocab_size=N_VOCAB, special_tokens=SPECIAL, limit_alphabet=500, show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")])
    return tokenizer


def write_vocabulary(path, tokenizer, lower):
    w = gguf.GGUFWriter(path, "bert")
    w.add_name("a vocabulary for tests")
    add_wordpieces(w, [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())])
    if lower:
        w.add_bool("tokenizer.ggml.normalizer.lowercase", True)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    texts = OWN + [t for t in TEXTS if len(t) <= MAX_CHARS][::STEP]
    novel = (HERE / "perplexity" / "alice.txt").read_text(encoding="utf-8").splitlines()
    golden = {"texts": texts}
    for name, lower in (("uncased", True), ("cased", False)):
        tokenizer = train(lower, novel + texts)
        write_vocabulary(HERE / "tokenizer" / f"wordpiece-{name}.gguf", tokenizer, lower)
        golden[name] = [tokenizer.encode(t).ids for t in texts]
        n_unknown = sum(1 in ids for ids in golden[name])
        print(f"{name}: {tokenizer.get_vocab_size()} tokens, {len(texts)} texts, {n_unknown} of them with unknown words")
    text = json.dumps(golden, ensure_ascii=True, separators=(",", ":"))
    (HERE / "tokenizer" / "wordpiece.json").write_text(text.replace("],[", "],\n[").replace('","', '",\n"') + "\n")


if __name__ == "__main__":
    main()
