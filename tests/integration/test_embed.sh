#!/usr/bin/env bash
# test_embed.sh - `sumi embed` on a real model: JSON lines and numpy files, from files and pipes, and what it refuses.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }
embed() { "$sumi" embed "$model" -t 2 --ctx 256 "$@"; }

for i in $(seq 150); do echo "Line $i is about $((i * i % 17)) things"; done >"$work/lines"
embed "$work/lines" >"$work/file.json" || fail "a file"
embed <"$work/lines" >"$work/pipe.json" || fail "standard input"
cmp -s "$work/file.json" "$work/pipe.json" || fail "a file and standard input differ"
sed 's/$/\r/' "$work/lines" | embed - | cmp -s - "$work/file.json" || fail "ends of line as Windows has them"
embed "$work/lines" --npy "$work/all.npy" | grep -q . && fail "--npy prints nothing"
embed "$work/lines" --no-normalize --npy "$work/raw.npy" || fail "--no-normalize"
embed "$work/lines" --pooling last --npy "$work/last.npy" -t 1 || fail "--pooling last"
sed -n 120p "$work/lines" | embed >"$work/one.json" || fail "one line"
printf 'no end of line' | embed >"$work/end.json" || fail "no end of line"

python3 - "$work" <<'PYTHON' || failed=1
import json, math, struct, sys

def check(what, ok, seen=""):
    if not ok:
        sys.exit(f"FAILED: {what} {seen}")

def load(name):
    data = open(f"{sys.argv[1]}/{name}.npy", "rb").read()
    check("numpy's magic and alignment", data[:8] == b"\x93NUMPY\x01\x00" and struct.unpack("<H", data[8:10])[0] == 118)
    head = eval(data[10:128])
    check("float32 in rows", head["descr"] == "<f4" and not head["fortran_order"], head)
    rows, cols = head["shape"]
    x = struct.unpack(f"<{rows * cols}f", data[128:])
    return [list(x[i * cols:(i + 1) * cols]) for i in range(rows)]

def lines(name):
    return [json.loads(line) for line in open(f"{sys.argv[1]}/{name}.json")]

def length(v):
    return math.sqrt(sum(x * x for x in v))

def f32(v):
    return [struct.unpack("<f", struct.pack("<f", x))[0] for x in v]

told, all, raw, last = lines("file"), load("all"), load("raw"), load("last")
check("each line in its place", [t["index"] for t in told] == list(range(150)))
check("tokens are counted", all and {t["tokens"] for t in told} <= set(range(6, 14)), told[0]["tokens"])
check("numpy's file has the same floats", [f32(t["embedding"]) for t in told] == all and len(all[0]) == 576)
check("vectors of length 1", max(abs(length(v) - 1) for v in all) < 1e-5)
check("but not if it is said", min(abs(length(v) - 1) for v in raw) > 1e-2, length(raw[0]))
check("in the same direction", max(abs(a / length(raw[0]) - b) for a, b in zip(raw[0], all[0])) < 1e-6)
check("the last token's is another one", all[0] != last[0] and abs(length(last[0]) - 1) < 1e-5)
check("a line alone is the same", lines("one")[0]["embedding"] == told[119]["embedding"])
check("a last line without an end", lines("end")[0]["tokens"] > 2)
PYTHON

# A line of a pipe is answered before the next one comes.
mkfifo "$work/in" "$work/out"
embed <"$work/in" >"$work/out" &
exec 3>"$work/in" 4<"$work/out"
for i in 1 2; do
    echo "question $i" >&3
    read -r -t 60 line <&4 && [[ $line == "{\"index\": $((i - 1)), "* ]] || fail "question $i is not answered: $line"
done
exec 3>&- 4<&-
wait $! || fail "the end of a pipe"

[ -z "$(embed </dev/null)" ] || fail "nothing gives nothing"
long=$(printf 'word %.0s' $(seq 400))
echo "$long" | embed 2>"$work/error" && fail "a line that is too long"
grep -q 'standard input: line 1: the prompt has 40[0-9] tokens, but the context holds 256' "$work/error" || fail "$(cat "$work/error")"
echo "$long" | embed --truncate | grep -q '"tokens": 256' || fail "--truncate"
printf 'a\n\nb\n' | embed 2>"$work/error" >/dev/null && fail "an empty line"
grep -q 'standard input: line 2: .*no tokens' "$work/error" || fail "$(cat "$work/error")"
echo a | embed --npy "$work/no/folder" 2>"$work/error" && fail "no such folder"
grep -q 'folder: No such file' "$work/error" || fail "$(cat "$work/error")"
exit $failed
