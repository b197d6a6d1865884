#!/usr/bin/env python3
"""random_model.py - a model of random weights, as large as one likes:  bench/random_model.py VOCAB.gguf OUT.gguf

For measuring what does not depend on the values: loading, and reading weights that fit no cache. The shape is that of
Llama 3.2 1B (2048 wide, 32 heads of 64, 8 of them with keys; --layers, 16) with the vocabulary of another GGUF file. The
random bytes of a block are its numbers; its 16-bit scales are constants, so that sums stay finite.
Needs: pip install gguf numpy"""
import argparse, gguf, numpy

N_EMBD, N_FF, N_HEADS, N_KV_HEADS, HEAD_DIM = 2048, 8192, 32, 8, 64
KEYS = {"embedding_length": N_EMBD, "feed_forward_length": N_FF, "attention.head_count": N_HEADS,
        "attention.head_count_kv": N_KV_HEADS, "rope.dimension_count": HEAD_DIM, "context_length": 8192}
# type: the scales of a block, (offset in bytes, value)
SCALES = {"Q4_0": [(0, 2e-3)], "Q4_1": [(0, 2e-3), (2, -15e-3)], "Q8_0": [(0, 2e-4)],
          "Q4_K": [(0, 2e-4), (2, 1e-4)], "Q6_K": [(208, 2e-5)]}


def copy_vocabulary(path, writer):
    """Returns its size."""
    reader = gguf.GGUFReader(path)
    for field in reader.fields.values():
        if field.name.startswith("tokenizer."):
            kinds = field.types
            writer.add_key_value(field.name, field.contents(), kinds[0], kinds[1] if len(kinds) > 1 else None)
    return len(reader.fields["tokenizer.ggml.tokens"].data)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vocab")
    parser.add_argument("out")
    parser.add_argument("--type", choices=SCALES, default="Q4_0")
    parser.add_argument("--layers", type=int, default=16)
    args = parser.parse_args()
    kind = gguf.GGMLQuantizationType[args.type]
    block_length, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    rng = numpy.random.default_rng(1)
    writer = gguf.GGUFWriter(args.out, "llama")
    n_vocab = copy_vocabulary(args.vocab, writer)
    for key, value in (KEYS | {"block_count": args.layers}).items():
        writer.add_uint32("llama." + key, value)
    writer.add_float32("llama.attention.layer_norm_rms_epsilon", 1e-5)

    def matrix(name, n_rows, n_cols):
        blocks = rng.integers(0, 256, (n_rows * n_cols // block_length, block_bytes), numpy.uint8)
        for offset, scale in SCALES[args.type]:
            blocks[:, offset:offset + 2] = numpy.frombuffer(numpy.float16(scale).tobytes(), numpy.uint8)
        writer.add_tensor(name + ".weight", blocks.reshape(n_rows, -1), raw_dtype=kind)

    def norm(name):
        writer.add_tensor(name + ".weight", numpy.ones(N_EMBD, numpy.float32))

    matrix("token_embd", n_vocab, N_EMBD)
    norm("output_norm")
    for block in (f"blk.{i}." for i in range(args.layers)):
        norm(block + "attn_norm")
        matrix(block + "attn_q", N_HEADS * HEAD_DIM, N_EMBD)
        matrix(block + "attn_k", N_KV_HEADS * HEAD_DIM, N_EMBD)
        matrix(block + "attn_v", N_KV_HEADS * HEAD_DIM, N_EMBD)
        matrix(block + "attn_output", N_EMBD, N_HEADS * HEAD_DIM)
        norm(block + "ffn_norm")
        matrix(block + "ffn_gate", N_FF, N_EMBD)
        matrix(block + "ffn_up", N_FF, N_EMBD)
        matrix(block + "ffn_down", N_EMBD, N_FF)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
