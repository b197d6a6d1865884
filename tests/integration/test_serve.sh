#!/usr/bin/env bash
# test_serve.sh - `sumi serve` on a real model: answers, streams, refuses, notices who leaves, ends in order
# (serve_checks.py); the same answers through the other APIs (api_checks.py).
set -u
sumi=${SUMI_PROGRAM:-build/release/sumi}
model=${SUMI_MODELS:-models}/smollm2.gguf
[ -r "$model" ] || { echo "$model is missing: run scripts/fetch-model smollm2"; exit 1; }
failed=0
for checks in serve_checks api_checks; do
    python3 "tests/integration/$checks.py" "$sumi" "$model" || { echo "FAILED: $checks"; failed=1; }
done
exit $failed
