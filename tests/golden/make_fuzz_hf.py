#!/usr/bin/env python3
"""make_fuzz_hf.py - a stored input of tests/fuzz/fuzz_hf.c for each kind of family and vocabulary:  python3 make_fuzz_hf.py

config.json and tokenizer.json of hf/, each on a line, and a safetensors file with the header of NAME.delta whose data is
zero, cut down to the tensors outside of the layers and those of the first layer. And a Unigram vocabulary alone: its first
tokens, and a charsmap of no rules. Needs nothing but Python.
"""
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
NAMES = ["deepseek2-lite", "falcon-40b", "gemma2", "gpt2", "gpt-oss", "phi3-long"]


def main():
    out = HERE.parent / "fuzz" / "corpus" / "hf"
    out.mkdir(exist_ok=True)
    for name in NAMES:
        config = json.loads((HERE / "hf" / f"{name}.json").read_text())
        for key in ("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
            if key in config:
                config[key] = 1
        delta = (HERE / "hf" / f"{name}.delta").read_bytes()
        header = json.JSONDecoder().raw_decode(delta[delta.find(b'{"'):].decode("latin1"))[0]
        header.pop("__metadata__", None)
        kept, at = {}, 0
        for key, entry in header.items():
            if any(f".{i}." in key.split("experts")[0] for i in range(1, 9)):
                continue
            begin, end = entry["data_offsets"]
            kept[key] = {**entry, "data_offsets": [at, at + end - begin]}
            at += end - begin
        text = json.dumps(kept, separators=(",", ":")).encode()
        tokenizer = json.loads((HERE / "hf" / ("tokenizer-spm.json" if name.startswith("gemma") else "tokenizer-bytes.json")).read_text())
        lines = [json.dumps(x, separators=(",", ":")).encode() for x in (config, tokenizer)]
        (out / name).write_bytes(b"\n".join(lines) + b"\n" + struct.pack("<Q", len(text)) + text + bytes(at))
    tokenizer = json.loads((HERE / "hf" / "tokenizer-unigram-nfkc.json").read_text())
    tokenizer["model"]["vocab"] = tokenizer["model"]["vocab"][:20]
    tokenizer["normalizer"]["normalizers"][0]["precompiled_charsmap"] = "AAAAAA=="
    (out / "unigram").write_bytes(b"\n" + json.dumps(tokenizer, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main()
