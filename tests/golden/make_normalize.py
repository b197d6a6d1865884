"""make_normalize.py - normal forms, lower case and letters without accents, by Python and `tokenizers`.

    pip install tokenizers==0.23.3
    python3 tests/golden/make_normalize.py

Writes tests/golden/normalize/golden.json. For each of nfd, nfc, nfkd, nfkc, lower and strip:
  texts    what becomes of the texts of tokenizer_texts.py that change, by index: as `tokenizers` does it; nfc to nfkd
           are those of Python too
  blocks   for each 4,096 code points from U+0000 on the FNV-1a hash (32 bits) of what becomes of each of them alone, in
           UTF-8, one after the other, as far as they are assigned: by Python's unicodedata and str.lower()
and "assigned", the ranges of code points, first and last, that this Python knows: a newer utf8proc may know more.
"""
import json
import pathlib
import unicodedata

from tokenizers import normalizers

from tokenizer_texts import TEXTS

OUT = pathlib.Path(__file__).parent / "normalize"
FORMS = ("NFD", "NFC", "NFKD", "NFKC")


def strip(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if unicodedata.category(c) != "Mn")


def fnv1a(data):
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value


def is_assigned(code_point):
    return unicodedata.category(chr(code_point)) not in ("Cn", "Cs")


def assigned():
    known = [c for c in range(0x110000) if is_assigned(c)]
    firsts = [c for c in known if c == 0 or not is_assigned(c - 1)]
    lasts = [c for c in known if c == 0x10FFFF or not is_assigned(c + 1)]
    return list(zip(firsts, lasts))


def blocks(function):
    chars = lambda first: (chr(c) for c in range(first, first + 4096) if is_assigned(c))
    return [fnv1a("".join(map(function, chars(first))).encode()) for first in range(0, 0x110000, 4096)]


def changed(function):
    results = [function(t) for t in TEXTS]
    return {str(i): r for i, (t, r) in enumerate(zip(TEXTS, results)) if t != r}


def main():
    golden = {"assigned": assigned()}
    for form in FORMS:
        by_python = changed(lambda t: unicodedata.normalize(form, t))
        by_tokenizers = changed(getattr(normalizers, form)().normalize_str)
        assert by_python == by_tokenizers
        golden[form.lower()] = {"texts": by_python, "blocks": blocks(lambda c: unicodedata.normalize(form, c))}
    bert = normalizers.BertNormalizer(clean_text=False, handle_chinese_chars=False, strip_accents=True, lowercase=False)
    golden["lower"] = {"texts": changed(normalizers.Lowercase().normalize_str), "blocks": blocks(str.lower)}
    golden["strip"] = {"texts": changed(bert.normalize_str), "blocks": blocks(strip)}
    OUT.mkdir(exist_ok=True)
    (OUT / "golden.json").write_text(json.dumps(golden, ensure_ascii=False, separators=(",", ":")).replace('","', '",\n"') + "\n")


if __name__ == "__main__":
    main()
