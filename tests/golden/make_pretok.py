"""make_pretok.py - how every pre-tokenizer cuts difficult texts, and the ids that follow, by `tokenizers`.

    pip install tokenizers==0.23.3
    python3 tests/golden/make_pretok.py

Writes tests/golden/pretok/:
  vocab.json    one byte-level vocabulary for all: merges learnt from the texts without any cuts, so that a cut in the
                wrong place lets other tokens merge; and some tokens that no merge makes, for ignore_merges
  golden.json   for each chain below the names (tokenizer.ggml.pre) that mean it and, for each text of
                tokenizer_texts.py, four characters of base64: the low 24 bits of a hash, the highest byte first, over
                the lengths in bytes of the pieces and the ids. FNV-1a, 32 bits, over little-endian 32-bit numbers.

  tokenizers.json   for each chain what tokenizer.json has of it: normalizer, pre_tokenizer, and model without its vocabulary

The chains are written as the models' tokenizer.json have them; sources are in docs/text.md. Where a file says
Split(Removed, invert) it is written Isolated, which is the same for a pattern that matches everything.
"""
import base64
import json
import pathlib

from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers, trainers
from tokenizers.models import BPE

from tokenizer_texts import TEXTS

OUT = pathlib.Path(__file__).parent / "pretok"

BYTES = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
GPT2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
DIGITS = pre_tokenizers.Digits(individual_digits=True)
NFC, NFKC = normalizers.NFC(), normalizers.NFKC()


def chain(*steps):
    """Strings are Split(Isolated); ByteLevel comes last unless the chain has it."""
    steps = [pre_tokenizers.Split(Regex(s), "isolated") if isinstance(s, str) else s for s in steps]
    if not any(isinstance(s, pre_tokenizers.ByteLevel) for s in steps):
        steps.append(BYTES)
    return pre_tokenizers.Sequence(steps)


CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
TAIL = r"\s*[\r\n]+|\s+(?!\S)|\s+"
CL100K = CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+%s"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*%s"
         r"|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + TAIL)
KIMI = (r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+"
        r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL)
# The class as code points: the file has the characters, of which some turn into others in normal forms.
CASED = "A-Za-z" + "".join("-".join(chr(int(c, 16)) for c in r.split("-")) for r in (
         "B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A 38C 38E-3A1 3A3-3F5 "
         "3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A "
         "1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE "
         "1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D "
         "2124 2126 2128 212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE "
         "2CF2 2CF3 A640-A66D A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A "
         "FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943").split(" "))
DEEPSEEK_CJK = "[一-龥ࠀ-一가-퟿]+"
KANA_HAN = "[一-龥\u3040-ゟ゠-ヿ]+"
DEEPSEEK3 = r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"
BLOOM = r" ?[^(\s|[.,!?…。，、।۔،])]+"
YOUTU = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" + KANA_HAN

AFMOE_SCRIPTS = ("[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-\u309f\u30a0-\u30ff\uff65-\uff9f\u2f00-\u2fdf\u0e40-\u0e7f\u0e80-\u0eff"
                 "\u1780-\u17ff\u1000-\u109f\uaa60-\uaa7f\ua9e0-\ua9ff\uac00-\ud7af\u1100-\u11ff]+")
JAIS2 = (CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s{512}(?!\S)|\s{256}(?!\S)"
         r"|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S)|\s{1,2}(?!\S)|\s{1}")

# names of tokenizer.ggml.pre: (normalizer, chain, ignore_merges)
CHAINS = {
    "gpt-2 phi-2 jais gigachat roberta-bpe jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code exaone4 trillion "
    "granite-docling a.x-4.0 mellum": (None, chain(GPT2), False),
    "mpt olmo modern-bert": (NFC, chain(GPT2), False),
    "smollm starcoder refact codeshell minerva-7b mellum2": (None, chain(DIGITS, GPT2), False),
    "command-r": (NFC, chain(DIGITS, GPT2), False),
    "exaone": (NFKC, chain(DIGITS, GPT2), False),
    "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano chatglm-bpe glm4 glm5":
        (None, chain(CL100K % "{1,3}"), True),
    "dbrx smaug-bpe": (None, chain(CL100K % "{1,3}"), False),
    "minicpm5": (None, chain(r"\p{N}{1,3}", CL100K % "+"), True),
    "qwen2 deepseek-r1-qwen megrez kormo f2llmv2": (NFC, chain(CL100K % ""), False),
    "stablelm2 hunyuan solar-open grok-2": (None, chain(CL100K % ""), False),
    "qwen35": (NFC, chain(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|" + TAIL), False),
    "ufakzeka": (None, chain(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|" + TAIL), False),
    "bailingmoe bailingmoe2 llada-moe": (None, chain(
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"), False),
    "seed-coder": (None, chain(CONTRACTION + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|" + TAIL), False),
    "exaone-moe": (None, chain(
        CONTRACTION + r"|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]"
        r"|\s+(?!\S)|\s+"), False),
    "gpt-4o llama4 minimax-m2 kanana2 talkie granite-embed-multi-97m":
        (None, chain(O200K % (CONTRACTION + "?", CONTRACTION + "?", "{1,3}")), True),
    "tekken": (None, chain(O200K % ("", "", "")), True),
    "tiny_aya cohere2moe":
        (NFC, chain(r"\d{1,3}(?=(?:\d{3})*\b)", O200K % (CONTRACTION + "?", CONTRACTION + "?", "{1,3}")), False),
    "kimi-k2": (None, chain(KIMI), False),
    "youtu": (None, chain(YOUTU, O200K % (CONTRACTION + "?", CONTRACTION + "?", "")), True),
    "deepseek-llm": (None, chain("[\r\n]", r"\s?[" + CASED + "]+", r"\s?[!-/:-~！-／：-～‘-‟　-。]+", r"\s+$", DEEPSEEK_CJK,
                                 DIGITS), False),
    "deepseek-coder": (None, chain("[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", DEEPSEEK_CJK, DIGITS), False),
    "deepseek-v3 hunyuan-dense joyai-llm hy_v4":
        (None, chain(r"\p{N}{1,3}", KANA_HAN, DEEPSEEK3 + r"[\r\n]*|" + TAIL), False),
    "spark2_5": (None, chain(r"\p{N}{1,3}", KANA_HAN, DEEPSEEK3 + r"|[\r\n]|\s+(?!\S)|\s+", DIGITS), False),
    "afmoe": (None, chain(r"\p{N}+", r"(?=(\d{3})+(?!\d))", AFMOE_SCRIPTS, DEEPSEEK3 + r"[\r\n]*|" + TAIL), False),
    "jais-2": (None, chain(JAIS2), False),
    "laguna": (None, chain(r"[^\n]+|[\n]+", CL100K % ""), False),
    "bloom poro-chat gpt3-finnish": (None, chain(BLOOM), False),
    "viking": (None, chain(BLOOM, DIGITS), False),
    "falcon": (None, chain(pre_tokenizers.Punctuation("contiguous"), GPT2, pre_tokenizers.Digits(individual_digits=False),
                           "[0-9][0-9][0-9]"), False),
    "chameleon": (None, chain("<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )", DIGITS,
                              pre_tokenizers.Punctuation("isolated"), GPT2), False),
    "superbpe": (None, chain(r"\p{N}+", r"(?=(\d{3})+(?!\d))"), False),
}


def train():
    """The shared vocabulary: (tokens, merges)."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = BYTES
    trainer = trainers.BpeTrainer(vocab_size=1100, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False, max_token_length=16)
    tokenizer.train_from_iterator(TEXTS, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    spelled = [piece for text in TEXTS for piece, _ in CHAINS_BY_NAME["llama-bpe"][1].pre_tokenize_str(text)]
    whole = [p for p in dict.fromkeys(spelled) if 3 <= len(p) <= 12 and p not in model["vocab"]]
    return tokens + whole[::25], model["merges"]


def fnv1a(numbers):
    value = 2166136261
    for byte in b"".join(n.to_bytes(4, "little") for n in numbers):
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return (value & 0xFFFFFF).to_bytes(3, "big")


CHAINS_BY_NAME = {name: value for names, value in CHAINS.items() for name in names.split()}


def main():
    tokens, merges = train()
    vocab = {t: i for i, t in enumerate(tokens)}
    golden, files = [], []
    for names, (normalizer, pre_tokenizer, ignore_merges) in CHAINS.items():
        tokenizer = Tokenizer(BPE(vocab=vocab, merges=[tuple(m) for m in merges], ignore_merges=ignore_merges))
        tokenizer.pre_tokenizer = pre_tokenizer
        if normalizer:
            tokenizer.normalizer = normalizer
        hashes = []
        for text in TEXTS:
            normal = normalizer.normalize_str(text) if normalizer else text
            pieces = [len(piece) for piece, _ in pre_tokenizer.pre_tokenize_str(normal)]
            assert sum(pieces) == len(normal.encode())
            hashes.append(fnv1a(pieces + tokenizer.encode(text, add_special_tokens=False).ids))
        golden.append({"names": names.split(), "hashes": base64.b64encode(b"".join(hashes)).decode()})
        file = json.loads(tokenizer.to_str())
        files.append({"names": names.split(), "tokenizer": {
            "normalizer": file["normalizer"], "pre_tokenizer": file["pre_tokenizer"],
            "model": {"type": file["model"]["type"], "ignore_merges": file["model"]["ignore_merges"]}}})
    OUT.mkdir(exist_ok=True)
    (OUT / "vocab.json").write_text(json.dumps({"tokens": tokens, "merges": [" ".join(m) for m in merges]},
                                               separators=(",", ":")).replace('","', '",\n"') + "\n")
    (OUT / "tokenizers.json").write_text("[" + ",\n".join(json.dumps(f, ensure_ascii=False) for f in files) + "]\n")
    (OUT / "golden.json").write_text(json.dumps(golden, separators=(",", ":")).replace("},{", "},\n{") + "\n")


if __name__ == "__main__":
    main()
