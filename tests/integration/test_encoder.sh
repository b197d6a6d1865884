#!/usr/bin/env bash
# test_encoder.sh - `sumi` and `sumi serve` on an encoder: vectors as the model says, and one line where text is asked for.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
tiny=tests/golden/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { echo "FAILED: $*"; failed=1; }
embed() { "$sumi" embed "$tiny/$1.gguf" -t 2 "${@:2}"; }

printf 'the house\nUnable things, 7!\na\n' >"$work/lines"
embed bert "$work/lines" >"$work/usual" || fail "bert"
embed bert "$work/lines" --pooling mean | cmp -s - "$work/usual" || fail "bert's file says mean"
embed bert "$work/lines" --pooling cls >"$work/cls" && cmp -s "$work/cls" "$work/usual" && fail "cls is mean"
embed nomic-bert "$work/lines" >"$work/nomic" || fail "nomic-bert"
embed nomic-bert "$work/lines" --pooling cls | cmp -s - "$work/nomic" || fail "nomic-bert's file says cls"
sed -n 2p "$work/lines" | embed bert | cut -d' ' -f3- | cmp -s - <(sed -n 2p "$work/usual" | cut -d' ' -f3-) ||
    fail "a line alone is the same"

long=$(printf 'a %.0s' $(seq 600))
echo "$long" | embed bert 2>"$work/error" && fail "a line that is too long"
grep -q 'line 1: the prompt has 602 tokens, but the context holds 530' "$work/error" || fail "$(cat "$work/error")"
echo "$long" | embed bert --truncate | grep -q '"tokens": 530' || fail "--truncate"

refused() {
    "$sumi" "$@" >"$work/out" 2>"$work/error"
    [ $? = 1 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/error")" = 1 ] &&
        grep -q "bert.gguf is an encoder: it makes embeddings and no text; use sumi embed" "$work/error" ||
        fail "$1: $(cat "$work/error")"
}
refused run "$tiny/bert.gguf" -p "the house"
refused logits "$tiny/bert.gguf" --ids "1 2" --out "$work/no.npy"
refused eval perplexity "$tiny/bert.gguf" -f "$work/lines"
refused bench "$tiny/bert.gguf"
refused bench serve "$tiny/bert.gguf"
echo a | embed bert --pooling max 2>"$work/error"
[ $? = 2 ] || fail "a pooling that is none"
"$sumi" embed "$tiny/qwen2-tied.gguf" --pooling cls "$work/lines" 2>"$work/error" && fail "cls of a decoder"
grep -q 'pooling cls needs an encoder' "$work/error" || fail "$(cat "$work/error")"

python3 tests/integration/encoder_checks.py "$sumi" "$tiny/bert.gguf" "$work" || failed=1
exit $failed
