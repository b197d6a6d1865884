#!/usr/bin/env bash
# test_convert.sh - `sumi convert` on a real Hugging Face folder: the file by an independent reader, and what it answers.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/minilm
[ -d "$model" ] || { echo "$model is missing: run scripts/fetch-model minilm"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }

"$sumi" convert "$model" "$work/same.gguf" >"$work/told" 2>"$work/err" || fail "$(cat "$work/err")"
[ ! -s "$work/err" ] || fail "something on stderr: $(cat "$work/err")"
grep -qE '^.*/same.gguf: F32, [0-9.]+ MiB, 32.00 bits per weight; it was F32, ' "$work/told" || fail "it does not say what it wrote: $(cat "$work/told")"
"$sumi" convert "$model" "$work/q2.gguf" --type Q2_K --json >"$work/q2.json" 2>"$work/err" || fail "--json: $(cat "$work/err")"
[ ! -s "$work/err" ] || fail "--json: something on stderr: $(cat "$work/err")"
"$sumi" convert "$work/q2.gguf" "$work/twice.gguf" --type Q8_0 2>&1 >/dev/null | grep -q 'quantised already' || fail "no warning for a quantised source"
"$sumi" convert "$model" "$work/q8.gguf" --type q8_0 -t 2 || fail "--type in lower case"
"$sumi" convert "$work/same.gguf" "$work/again.gguf" || fail "from GGUF to GGUF"
cmp -s "$work/same.gguf" "$work/again.gguf" || fail "a file is not the same again"
"$sumi" convert "$model" "$work/q8.gguf" 2>/dev/null && fail "overwritten without --force"
"$sumi" convert "$model/model.safetensors" "$work/q8.gguf" --force --type Q8_0 || fail "--force, a safetensors file for its folder"
[ "$(ls "$work" | grep -c partial)" = 0 ] || fail "a part is left behind"

echo "A sentence about nothing." >"$work/text"
"$sumi" embed "$model" "$work/text" --activations f32 >"$work/a.json" || fail "the folder"
"$sumi" embed "$work/same.gguf" "$work/text" --activations f32 >"$work/b.json" || fail "the file"
"$sumi" embed "$work/q8.gguf" "$work/text" >"$work/c.json" || fail "the file in Q8_0"

# A reader of GGUF of its own, after the specification.
python3 - "$work" <<'PYTHON' || failed=1
import json, math, struct, sys

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
BLOCKS = {0: (1, 4), 1: (1, 2), 8: (32, 34)}

def check(what, ok, seen=""):
    if not ok:
        sys.exit(f"FAILED: {what} {seen}")

class Reader:
    def __init__(self, path):
        self.data, self.at = open(path, "rb").read(), 4
        check("magic and version", self.data[:4] == b"GGUF" and self.number("<I") == 3)
        n_tensors, n_keys = self.number("<Q"), self.number("<Q")
        self.keys = {self.text(): self.value(self.number("<I")) for _ in range(n_keys)}
        self.tensors = {}
        for _ in range(n_tensors):
            name = self.text()
            dims = [self.number("<Q") for _ in range(self.number("<I"))]
            self.tensors[name] = (dims, self.number("<I"), self.number("<Q"))
        check("keys and tensors are there once", len(self.keys) == n_keys and len(self.tensors) == n_tensors)
        self.begin = (self.at + 31) // 32 * 32

    def number(self, kind):
        value, = struct.unpack_from(kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def text(self):
        n = self.number("<Q")
        self.at += n
        return self.data[self.at - n:self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.text()
        if kind == 9:
            kind, n = self.number("<I"), self.number("<Q")
            return [self.value(kind) for _ in range(n)]
        return self.number("<" + {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}[kind])

    def check_places(self):
        end = 0
        for name, (dims, kind, offset) in sorted(self.tensors.items(), key=lambda t: t[1][2]):
            elements, size = BLOCKS[kind]
            check(f"{name} is aligned and behind the one before it", offset % 32 == 0 and end <= offset < end + 32, offset)
            end = offset + math.prod(dims) // elements * size
        check("the file ends with its last tensor", self.begin + end <= len(self.data) < self.begin + end + 32)

for name, kind, file_type in (("same", 0, 0), ("q8", 8, 7)):
    r = Reader(f"{sys.argv[1]}/{name}.gguf")
    r.check_places()
    check("file type", r.keys["general.file_type"] == file_type and r.keys["general.architecture"] == "bert")
    check("vocabulary", len(r.keys["tokenizer.ggml.tokens"]) == r.tensors["token_embd.weight"][0][1] == 30522)
    check("matrices", r.tensors["blk.0.ffn_up.weight"] [:2] == ([384, 1536], kind), r.tensors["blk.0.ffn_up.weight"])
    check("norms", r.tensors["blk.0.attn_output_norm.weight"][:2] == ([384], 0))

# What --json tells, from the file itself: rows that are no multiple of 256 have no block of Q2_K.
told, r = json.load(open(f"{sys.argv[1]}/q2.json")), Reader(f"{sys.argv[1]}/q2.gguf")
fallback = [kind for dims, kind, _ in r.tensors.values() if kind > 1 and dims[0] % 256]
check("tensors that fell back", told["fallback_tensors"] == len(fallback) > 0 and told["fallback_types"] == {"IQ4_NL": fallback.count(20),
      **({"Q8_0": fallback.count(8)} if 8 in fallback else {})}, told)
check("type and size", told["type"] == "Q2_K" and told["bytes"] == len(r.data) and told["tensors"] == len(r.tensors), told)
check("bits per weight", abs(told["bits_per_weight"] - 8 * (len(r.data) - r.begin) / sum(math.prod(d) for d, _, _ in r.tensors.values())) < 0.01, told)
check("source", told["source"]["type"] == "F32" and not told["source"]["quantised_again"], told)

def vector(name):
    line = json.loads(open(f"{sys.argv[1]}/{name}.json").readline())
    return next(v for v in line.values() if isinstance(v, list))

a, b, c = vector("a"), vector("b"), vector("c")
check("folder and file answer the same", a == b)
check("Q8_0 is close", sum(x * y for x, y in zip(a, c)) > 0.999, sum(x * y for x, y in zip(a, c)))
PYTHON
exit $failed
