"""make_quant.py - golden files for the number formats, from the Python package gguf (the reference of the format).

    pip install gguf==0.19.0 numpy==2.4.6
    python3 tests/golden/make_quant.py          # writes tests/golden/quant/*.bin; the same bytes on every run

NAME.decode.bin   u32 n_blocks, u32 block_bytes, u32 block_elems, the blocks, then what they decode to in f32
NAME.encode.bin   the same head, f32 inputs, then the blocks that gguf.quants.quantize makes of them
types.txt         number, name, elements and bytes of a block for every type that the package knows

Blocks are random bytes; their half-precision scales run through a list of difficult values (zeros of both signs,
subnormals, the largest half, infinities, NaN) as well as ordinary ones.
"""
import itertools
import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf import quants

OUT = pathlib.Path(__file__).parent / "quant"

# Where the halves stand in a block, and how many blocks to make. MXFP4 has an exponent byte instead.
SCALES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0], T.Q2_K: [80, 82], T.Q3_K: [108],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.IQ4_NL: [0], T.IQ4_XS: [0], T.TQ1_0: [52], T.TQ2_0: [64],
    T.MXFP4: [],
}
HARD = [0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00]
PLAIN = [0x3C00, 0xBC00, 0x2E66, 0xA123, 0x1234, 0x4321]
ENCODERS = [T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, T.TQ1_0, T.TQ2_0, T.MXFP4]


def scale_values(n_scales: int, n_blocks: int, rng) -> np.ndarray:
    """[n_blocks, n_scales] halves: three ordinary rows, then every difficult value in every place."""
    rows = [rng.choice(PLAIN, n_scales) for _ in range(3)]
    rows += [[HARD[(k * (1 + 4 * s) + 3 * s) % len(HARD)] for s in range(n_scales)] for k in range(len(HARD))]
    return np.array(list(itertools.islice(itertools.cycle(rows), n_blocks)), dtype=np.uint16)


def random_blocks(t: T, rng) -> np.ndarray:
    elems, size = GGML_QUANT_SIZES[t]
    n = 14 if elems == 256 else 28
    blocks = rng.integers(0, 256, (n, size), dtype=np.uint8)
    halves = scale_values(len(SCALES[t]), n, rng) if SCALES[t] else None
    for k, at in enumerate(SCALES[t]):
        blocks[:, at:at + 2] = halves[:, k:k + 1].copy().view(np.uint8)
    if t == T.MXFP4:
        blocks[:10, 0] = [0, 1, 2, 3, 126, 127, 128, 252, 254, 255]
    return blocks


def write(name: str, t: T, first: np.ndarray, second: np.ndarray, n: int):
    elems, size = GGML_QUANT_SIZES[t]
    head = np.array([n, size, elems], dtype="<u4")
    (OUT / name).write_bytes(head.tobytes() + first.tobytes() + second.tobytes())


def make_decode(t: T, rng):
    blocks = random_blocks(t, rng)
    with np.errstate(all="ignore"):
        values = quants.dequantize(blocks, t)
    assert values.dtype == np.float32
    write(f"{t.name}.decode.bin", t, blocks, values, len(blocks))


def make_float_decode(rng):
    h = rng.integers(0, 65536, 256, dtype=np.uint16)
    h[: len(HARD)] = HARD
    write("F16.decode.bin", T.F16, h, quants.dequantize(h, T.F16), 256)
    write("BF16.decode.bin", T.BF16, h, quants.dequantize(h.reshape(-1, 1).view(np.uint8), T.BF16), 256)
    f = rng.standard_normal(256) * 10.0 ** rng.integers(-60, 60, 256)
    f[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45]
    with np.errstate(all="ignore"):
        write("F64.decode.bin", T.F64, f, f.astype(np.float32), 256)
        write("F32.decode.bin", T.F32, f.astype(np.float32), f.astype(np.float32), 256)


def encode_inputs(elems: int, rng) -> np.ndarray:
    """Rows of one block: normal weights of several sizes, zeros, one outlier, a constant, exact ties between levels."""
    rows = [rng.standard_normal(elems) * s for s in (1.0, 0.02, 1e-4, 300.0)]
    rows += [np.zeros(elems), np.full(elems, 0.7), np.full(elems, -0.7), np.arange(elems) / 8.0]
    rows += [np.where(np.arange(elems) == 5, -9.0, rng.standard_normal(elems) * 0.01)]
    rows += [rng.integers(-8, 8, elems).astype(float) / 2, np.abs(rng.standard_normal(elems)), -np.arange(elems) / 3.0 - 1]
    # The step of Q8_0 is 1 here, and all values but the first lie half-way between an even level and an odd one.
    rows += [np.where(np.arange(elems) == 0, 127.0, np.arange(elems) - elems // 2 + 0.5)]
    return np.array(rows, dtype=np.float32)


def make_encode(t: T, rng):
    x = encode_inputs(GGML_QUANT_SIZES[t][0] if t != T.BF16 else 32, rng)
    blocks = quants.quantize(x, t)
    write(f"{t.name}.encode.bin", t, x, blocks, blocks.size // GGML_QUANT_SIZES[t][1])


def main():
    OUT.mkdir(exist_ok=True)
    for t in SCALES:
        make_decode(t, np.random.default_rng(1000 + t))
    make_float_decode(np.random.default_rng(7))
    for t in ENCODERS:
        make_encode(t, np.random.default_rng(2000 + t))
    rng = np.random.default_rng(9)
    x = np.concatenate([encode_inputs(32, rng).ravel(), np.float32([65504, 65519.9, 65520, 1e6, -1e6, 3e-8, -2e-8, 6e-8])])
    with np.errstate(all="ignore"):
        write("F16.encode.bin", T.F16, x, quants.quantize(x, T.F16), x.size)
    lines = [f"{int(t)} {t.name} {e} {b}\n" for t, (e, b) in sorted(GGML_QUANT_SIZES.items())]
    (OUT / "types.txt").write_text("".join(lines))


if __name__ == "__main__":
    main()
