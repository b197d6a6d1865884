#!/usr/bin/env bash
# test_eval.sh - `sumi eval perplexity` measures what transformers measures (tests/golden/make_perplexity.py).
set -euo pipefail
model=${SUMI_MODELS:-models}/smollm2.gguf
golden=tests/golden/perplexity/smollm2.json
text=tests/golden/perplexity/alice.txt
windows=3
fail() { echo "$*"; exit 1; }

[ -z "${SUMI_TEST_SHORT:-}" ] || windows=1
[ -e "$model" ] || fail "$model is missing: run scripts/fetch-model smollm2"
last=$("$SUMI_PROGRAM" eval perplexity "$model" -f "$text" --ctx 512 --windows $windows | tail -n 1)
jq -e . >/dev/null <<<"$last" || fail "the last line should be JSON: $last"
jq -n -e --argjson got "$last" --argjson n $windows --slurpfile golden $golden '
    ($golden[0].window_scores[:$n] | add / ($n * 511) | exp) as $want
    | ($got.perplexity / $want - 1 | fabs) < 0.01 and $got.tokens == $n * 511' >/dev/null ||
    fail "perplexity of $windows windows is not that of transformers within 1 %: $last"
[ "$("$SUMI_PROGRAM" eval perplexity tests/golden/tiny/qwen2-tied.gguf -f "$text" --windows 1 --ctx 64 --json | wc -l)" = 1 ] ||
    fail "--json prints more than the object"
echo "$last"
