#!/usr/bin/env bash
# test_clients.sh - the official `openai` and `anthropic` packages of PyPI against `sumi serve` on a real model, and
# the examples that use them.
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
python=$(scripts/test-python) || exit 1
failed=0
for checks in openai_checks anthropic_checks examples_checks; do
    "$python" "tests/integration/$checks.py" "$sumi" "$model" || { echo "FAILED: $checks"; failed=1; }
done
exit $failed
