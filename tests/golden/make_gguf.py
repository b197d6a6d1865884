"""make_gguf.py - small GGUF files written by the Python package gguf, the reference implementation of the format.

    pip install gguf==0.19.0 numpy==2.4.6
    python3 tests/golden/make_gguf.py           # writes tests/golden/gguf/ and tests/fuzz/corpus/gguf/

golden/gguf/every_type.gguf    every value type, arrays of each, and a tensor of each type that has a block format
golden/gguf/vocab_only.gguf    a vocabulary and no tensors
golden/gguf/aligned_256.gguf   general.alignment of 256
golden/gguf/big_endian.gguf    must be refused by name
golden/gguf/split-0000?-of-00003.gguf    a model in three files, five small tensors

The fuzzing corpus holds the same files and a few cut and doctored ones.
"""
import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T, GGUFEndian, GGUFValueType as V, GGUFWriter

HERE = pathlib.Path(__file__).parent
OUT = HERE / "gguf"
CORPUS = HERE.parent / "fuzz" / "corpus" / "gguf"


def write(w: GGUFWriter):
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def every_type():
    w = GGUFWriter(OUT / "every_type.gguf", "llama")
    for value, t in [(200, V.UINT8), (-100, V.INT8), (60000, V.UINT16), (-30000, V.INT16), (4000000000, V.UINT32),
                     (-2000000000, V.INT32), (0.1, V.FLOAT32), (True, V.BOOL), ("naïve ☃", V.STRING),
                     (2**63, V.UINT64), (-(2**63), V.INT64), (1e-300, V.FLOAT64)]:
        w.add_key_value(f"value.{t.name.lower()}", value, t)
    for values, t in [([1, 2, 255], V.UINT8), ([-1, 0, 127], V.INT8), ([1, 65535], V.UINT16), ([-5, 7], V.INT16),
                      ([0, 2**32 - 1], V.UINT32), ([-1, 2**31 - 1], V.INT32), ([0.5, -0.25], V.FLOAT32),
                      ([True, False, True], V.BOOL), (["", "a", "ünï", "\n"], V.STRING), ([2**64 - 1], V.UINT64),
                      ([-(2**40)], V.INT64), ([1e300], V.FLOAT64)]:
        w.add_key_value(f"array.{t.name.lower()}", values, V.ARRAY, t)
    rng = np.random.default_rng(5)
    w.add_tensor("t.F32", np.arange(6, dtype=np.float32).reshape(2, 3))  # numpy's rows are GGUF's dims[1]
    w.add_tensor("t.F16", np.arange(4, dtype=np.float16))
    w.add_tensor("t.F64", np.arange(3, dtype=np.float64))
    for t in (T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.Q2_K, T.Q3_K, T.Q4_K, T.Q5_K, T.Q6_K, T.IQ4_NL,
              T.IQ4_XS, T.TQ1_0, T.TQ2_0, T.MXFP4):
        raw = rng.integers(0, 256, (2, GGML_QUANT_SIZES[t][1]), dtype=np.uint8)  # two rows of one block
        w.add_tensor(f"t.{t.name}", raw, raw_dtype=t)
    write(w)


def vocab_only():
    w = GGUFWriter(OUT / "vocab_only.gguf", "qwen2")
    w.add_name("words")
    w.add_tokenizer_model("gpt2")
    w.add_token_list(["<|end|>", "a", "b", "Ġ", "ab"])
    w.add_token_merges(["a b"])
    w.add_token_types([3, 1, 1, 1, 1])
    w.add_chat_template("{{ messages[0].content }}")
    write(w)


def aligned():
    w = GGUFWriter(OUT / "aligned_256.gguf", "llama")
    w.add_custom_alignment(256)
    w.add_tensor("a", np.ones(5, dtype=np.float32))
    w.add_tensor("b", np.full(7, 2, dtype=np.float32))
    write(w)


def split():
    w = GGUFWriter(OUT / "split.gguf", "llama", split_max_tensors=2)
    w.add_name("in three files")
    for i in range(5):
        w.add_tensor(f"t{i}", np.full((i + 1, 8), i, dtype=np.float32))
    write(w)


def big_endian():
    w = GGUFWriter(OUT / "big_endian.gguf", "llama", endianess=GGUFEndian.BIG)
    w.add_context_length(77)
    write(w)


def corpus():
    for f in sorted(OUT.glob("*.gguf")):
        (CORPUS / f.name).write_bytes(f.read_bytes())
    whole = (OUT / "every_type.gguf").read_bytes()
    (CORPUS / "cut_in_metadata.gguf").write_bytes(whole[:300])
    (CORPUS / "cut_in_data.gguf").write_bytes(whole[:-40])
    (CORPUS / "version_2.gguf").write_bytes(whole[:4] + b"\2" + whole[5:])
    (CORPUS / "many_tensors.gguf").write_bytes(whole[:8] + b"\xff\xff\1" + whole[11:])
    nested = b"GGUF\3\0\0\0" + bytes(8) + b"\1" + bytes(7) + b"\1" + bytes(7) + b"k" + b"\x09\0\0\0"
    (CORPUS / "nested.gguf").write_bytes(nested + (b"\x09\0\0\0\2" + bytes(7)) * 3 + b"\4\0\0\0\1" + bytes(100))


def main():
    OUT.mkdir(exist_ok=True)
    CORPUS.mkdir(parents=True, exist_ok=True)
    every_type(), vocab_only(), aligned(), big_endian(), split()
    corpus()


if __name__ == "__main__":
    main()
