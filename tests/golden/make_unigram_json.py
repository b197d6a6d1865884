"""make_unigram_json.py - tokenizer.json of the Unigram models of make_sentencepiece.py, by `tokenizers`.

    pip install tokenizers==0.23.3
    python3 tests/golden/make_unigram_json.py

Reads tests/golden/sentencepiece/unigram-*.json and writes tests/golden/hf/tokenizer-unigram-*.json: the same tokens and
scores, and the switches as steps of a normalizer and a pre-tokenizer, each model in another of the ways that are in use.
"""
import base64
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

HERE = pathlib.Path(__file__).parent
NORMAL, UNKNOWN, CONTROL, USER_DEFINED = 1, 2, 3, 4
SPACE = "\u2581"


def steps(name, charsmap):
    """The normalizer and the pre-tokenizer."""
    if name == "unigram-nfkc":  # as transformers converts T5 and XLM-R
        return normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Strip(left=False, right=True),
                                     normalizers.Replace(Regex(" {2,}"), SPACE)]), \
               pre_tokenizers.Metaspace(SPACE, "always", split=True)
    if name == "unigram-spaces":
        return normalizers.Sequence([normalizers.Precompiled(charsmap), normalizers.Prepend(SPACE),
                                     normalizers.Replace(" ", SPACE)]), None
    return normalizers.Replace(" ", SPACE), None


def write(name):
    model = json.loads((HERE / "sentencepiece" / f"{name}.json").read_text())
    types = model["types"]
    t = Tokenizer(models.Unigram(list(zip(model["tokens"], model["scores"])), types.index(UNKNOWN), 6 in types))
    t.normalizer, pre = steps(name, base64.b64decode(model["charsmap"]))
    if pre:
        t.pre_tokenizer = pre
    for token, kind in zip(model["tokens"], types):
        if kind in (UNKNOWN, CONTROL):
            t.add_special_tokens([AddedToken(token, special=True)])
        elif kind == USER_DEFINED:
            t.add_tokens([AddedToken(token, normalized=False)])
    text = json.dumps(json.loads(t.to_str()), ensure_ascii=False, separators=(",", ":"))
    (HERE / "hf" / f"tokenizer-{name}.json").write_text(text.replace("],[", "],\n[") + "\n")


if __name__ == "__main__":
    for name in ("unigram-nfkc", "unigram-spaces", "unigram-bytes"):
        write(name)
