#!/usr/bin/env bash
# test_hello.sh - the example program answers on a real model, the same twice, and fails in one line on a wrong file.
set -eu
hello=$(dirname "$SUMI_PROGRAM")/example.hello
model=${SUMI_MODELS:-models}/smollm2.gguf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$*"; exit 1; }

[ -e "$model" ] || fail "$model is missing: run scripts/fetch-model smollm2"
for run in 1 2; do
    "$hello" "$model" "Name three colours." >"$work/out$run" || fail "hello failed"
    sed '$d' "$work/out$run" >"$work/answer$run"    # the last line holds the time
done
cmp -s "$work/answer1" "$work/answer2" || fail "two greedy answers differ"
grep -qiE "red|blue|green" "$work/answer1" || { cat "$work/out1"; fail "SmolLM2 knows names of colours"; }
tail -n 1 "$work/out1" | grep -Eq '^\([0-9]+ tokens in [0-9]+ ms\)$' || fail "the last line should tell tokens and time"

status=0
"$hello" examples/hello.c "Hi" 2>"$work/err" || status=$?
[ "$status" = 1 ] && [ "$(wc -l <"$work/err")" = 1 ] && grep -q hello.c "$work/err" || {
    cat "$work/err"
    fail "a file that is no model should give one line that names it"
}
cat "$work/out1"
