"""make_digest.py - the digests of src/base/digest.h in Python's own integers, for test_digest.c: prints its table.

usage: tests/unit/base/make_digest.py"""
M = (1 << 64) - 1
K = [0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89]
L = [0x452821E638D01377, 0xBE5466CF34E90C6C, 0xC0AC29B7C97C50DD, 0x3F84D5B5B5470917]
P = 0x9216D5D98979FB1B


def siphash(key, data):  # SipHash-1-3 of Aumasson and Bernstein (2012)
    v = [key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D, key[0] ^ 0x6C7967656E657261, key[1] ^ 0x7465646279746573]

    def rounds(n):
        rot = lambda x, b: (x << b | x >> (64 - b)) & M
        for _ in range(n):
            v[0] = (v[0] + v[1]) & M; v[1] = rot(v[1], 13) ^ v[0]; v[0] = rot(v[0], 32)
            v[2] = (v[2] + v[3]) & M; v[3] = rot(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & M; v[3] = rot(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & M; v[1] = rot(v[1], 17) ^ v[2]; v[2] = rot(v[2], 32)
    tail = data[len(data) // 8 * 8:]
    words = [data[i:i + 8] for i in range(0, len(data) // 8 * 8, 8)] + [tail + bytes(7 - len(tail)) + bytes([len(data) & 255])]
    for w in words:
        m = int.from_bytes(w, "little")
        v[3] ^= m
        rounds(1)
        v[0] ^= m
    v[2] ^= 255
    rounds(3)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def digest(place, in_place, data):
    s = [0] * 4
    whole = data + bytes(-len(data) % 64)
    for at in range(0, len(whole), 64):
        for i in range(4):
            a, b = (int.from_bytes(whole[at + 16 * i + 8 * j:][:8], "little") for j in (0, 1))
            product = (a ^ K[i]) * (b ^ L[i])
            s[i] = (s[i] * P + (product >> 64 ^ product & M)) & M
    text = b"".join(x.to_bytes(8, "little") for x in s + [len(data), place, in_place])
    return [siphash((i, 0), text) for i in (0, 1)]


bytes_ = bytes((i * i * 7 + i // 3) & 255 for i in range(1000))
for n in (0, 1, 63, 64, 65, 128, 1000):
    print("        { %d, { 0x%016X, 0x%016X } }," % (n, *digest(5, 0, bytes_[:n])))
