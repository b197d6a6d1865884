"""make_sentencepiece.py - ids of difficult texts by `sentencepiece`, for small Unigram and BPE models of its own training.

    pip install sentencepiece==0.2.3 protobuf==7.36.2 tokenizers==0.23.3
    python3 tests/golden/make_sentencepiece.py

Writes tests/golden/sentencepiece/NAME.json for each model below:
  model, tokens, scores, types, flags   what a GGUF file of it says
  charsmap   its normalization (tokenizer.ggml.precompiled_charsmap), base64
  hashes     for each text of tokenizer_texts.py four characters of base64: the low 24 bits, highest byte first, of the
             FNV-1a hash over its ids as little-endian 32-bit numbers

BPE ids are sentencepiece's. Unigram ids are those that the Unigram model of `tokenizers` gives for the text as
sentencepiece normalizes it: sentencepiece itself adds scores in single precision, so that it takes one or the other of
two ways to write "aaaaaa" that are equally good. The script checks that it finds no other way than an equally good one.
For one model it also says for how many texts all of `tokenizers`, with its own Precompiled, gives other ids: that looks
at grapheme clusters where sentencepiece looks at bytes.
"""
import base64
import io
import json
import pathlib
import re
import struct
import unicodedata

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

from tokenizer_texts import TEXTS

OUT = pathlib.Path(__file__).parent / "sentencepiece"
USER_DEFINED = ["<sep>", "<h1>", "\u00e9\u00e9"]


def rules():
    """A normalization in the way of nmt_nfkc, but small: what NFKC does to the characters of the texts, and to letters
    with a mark; white space becomes spaces; what has no width disappears."""
    chars = sorted(set("".join(TEXTS)))
    pairs = {c: unicodedata.normalize("NFKC", c) for c in chars}
    for base in "aeoAEn":
        for mark in "\u0301\u0300\u0308":
            pairs[base + mark] = unicodedata.normalize("NFC", base + mark)
            pairs[base + mark + "\u0323"] = unicodedata.normalize("NFC", base + mark + "\u0323")
    pairs |= {c: " " for c in "\t\n\r\x0b\x85\xa0\u3000\u2028"}
    pairs |= {c: "" for c in "\u200b\ufeff\x7f\x1b"}
    pairs |= {"\u2026": "...", "\u00b4": " \u0301", "\r\n": " "}
    to_hex = lambda text: " ".join(f"{ord(c):X}" for c in text)
    return "".join(f"{to_hex(a)}\t{to_hex(b)}\n" for a, b in sorted(pairs.items()) if a != b and "\x00" not in a)


MODELS = {  # trainer's options beside vocab_size
    "unigram-nfkc": dict(model_type="unigram", rules=True),
    "unigram-bytes": dict(model_type="unigram", normalization_rule_name="identity", byte_fallback=True,
                          user_defined_symbols=USER_DEFINED, add_dummy_prefix=False, remove_extra_whitespaces=False),
    "unigram-spaces": dict(model_type="unigram", rules=True, add_dummy_prefix=True, remove_extra_whitespaces=False,
                           split_by_whitespace=False),
    "bpe-bytes": dict(model_type="bpe", normalization_rule_name="identity", byte_fallback=True, split_digits=True,
                      add_dummy_prefix=True, remove_extra_whitespaces=False),
    "bpe-symbols": dict(model_type="bpe", normalization_rule_name="identity", byte_fallback=True,
                        user_defined_symbols=USER_DEFINED, add_dummy_prefix=False, remove_extra_whitespaces=False,
                        allow_whitespace_only_pieces=True),
    "bpe-squeezed": dict(model_type="bpe", normalization_rule_name="identity", add_dummy_prefix=True,
                         remove_extra_whitespaces=True, control_symbols=["<ctl>"]),
}


def train(options):
    options = dict(options)
    if options.pop("rules", False):
        path = OUT / "rules.tsv"
        path.write_text(rules())
        options["normalization_rule_tsv"] = str(path)
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(t.replace("\x00", "") for t in TEXTS * 2), model_writer=out, num_threads=1,
        vocab_size=1000, character_coverage=0.98, max_sentencepiece_length=16,
        hard_vocab_limit=False, minloglevel=2, **options)
    (OUT / "rules.tsv").unlink(missing_ok=True)
    return out.getvalue()


def fnv1a(numbers):
    value = 2166136261
    for byte in b"".join(struct.pack("<I", n) for n in numbers):
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return (value & 0xFFFFFF).to_bytes(3, "big")


def unigram(proto):
    """With other names for control and unknown tokens, which text cannot become."""
    unknown = [i for i, p in enumerate(proto.pieces) if p.type == 2][0]
    pieces = [("\ue000" + p.piece if p.type in (2, 3) else p.piece, p.score) for p in proto.pieces]
    return models.Unigram(pieces, unknown, proto.trainer_spec.byte_fallback)


def unigram_ids(processor, proto, text):
    """tokenizers' ways through what sentencepiece makes of the text, between user-defined symbols. It would take a
    byte's token for its name in a text."""
    if proto.trainer_spec.byte_fallback and "<0x" in text:
        return processor.encode(text)
    model = unigram(proto)
    symbols = [p.piece for p in proto.pieces if p.type == 4]
    parts = re.split("(" + "|".join(map(re.escape, symbols)) + ")", processor.normalize(text)) if symbols else [processor.normalize(text)]
    ids = []
    for part in parts:
        ids += [processor.piece_to_id(part)] if part in symbols else [t.id for t in model.tokenize(part)]
    return ids


def check_equally_good(processor, proto, text, ids):
    worst = min(p.score for p in proto.pieces if p.type == 1)
    good = lambda way: sum(worst - 10 if proto.pieces[i].type in (2, 6) else proto.pieces[i].score for i in way)
    other = processor.encode(text)
    assert abs(good(ids) - good(other)) < 1e-4 * max(1, -good(ids)), (text, ids, other)
    return other != ids


def in_tokenizers(proto):
    """The same Unigram model as transformers puts it together for T5 and XLM-R."""
    spec = proto.normalizer_spec
    tokenizer = Tokenizer(unigram(proto))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Precompiled(spec.precompiled_charsmap),
                                                 normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always", split=True)
    return tokenizer


def write(name, options):
    model = train(options)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    spec = proto.normalizer_spec
    is_unigram = options["model_type"] == "unigram"
    ids = [unigram_ids(processor, proto, t) if is_unigram else processor.encode(t) for t in TEXTS]
    value = {
        "model": "t5" if is_unigram else "llama",
        "tokens": [p.piece for p in proto.pieces],
        "scores": [p.score for p in proto.pieces],
        "types": [p.type for p in proto.pieces],
        "add_space_prefix": spec.add_dummy_prefix,
        "remove_extra_whitespaces": spec.remove_extra_whitespaces,
        "charsmap": base64.b64encode(spec.precompiled_charsmap).decode(),
        "hashes": base64.b64encode(b"".join(map(fnv1a, ids))).decode(),
    }
    print(name, len(value["tokens"]), "tokens, charsmap of", len(spec.precompiled_charsmap), "bytes")
    if is_unigram:
        print("  sentencepiece takes another way that is as good for",
              sum(check_equally_good(processor, proto, t, i) for t, i in zip(TEXTS, ids)), "texts")
    if name == "unigram-nfkc":
        other = in_tokenizers(proto)
        different = [t for t, i in zip(TEXTS, ids) if other.encode(t, add_special_tokens=False).ids != i]
        print("  tokenizers differs for", len(different), "of", len(TEXTS), "texts")
    (OUT / f"{name}.json").write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace('","', '",\n"') + "\n")


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    for name, options in MODELS.items():
        write(name, options)
